"""Text of XML as bytes, turned into COPY text without a parser, a column at a time.

Nearly every text means itself. Only what holds an entity, an escape, a control or outer blanks is
looked at one by one, and what XML would refuse is left to the exact reader, which says why.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Match, NamedTuple, Pattern, Sequence

from ttcli.cells import NO_BLANKS, to_copy
from ttcli.workbook.ooxml.text import clean

_CONTROLS = bytes(range(32))
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# A text that begins like this may be nothing but blanks; which ones are, str.strip decides.
_BLANK_STARTS = (b"< ", b"<\xc2", b"<\xe1\x9a", b"<\xe2\x80", b"<\xe2\x81", b"<\xe3\x80")
_PLAIN = re.compile(rb"(?:[^&\\_\x00-\x20\xc2\xe1-\xe3][^&\\_\x00-\x1f]*)?\Z")
_ENTITY = re.compile("&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));|&")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
# `<` first, which may not stand between texts that are put together; `&` last, or it would make
# others: `&amp;lt;` is no `<`.
_NAMED = ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&quot;", b'"'), (b"&apos;", b"'"), (b"&amp;", b"&"))
_REMEMBERED = 10_000


class Unproven(Exception):
    """Bytes of which only the exact reader may say what they mean."""


def prove_characters(xml: bytes) -> None:
    """Raises Unproven for bytes that are no characters of XML 1.0 (§2.2) or may not stand there.

    Controls are not looked for: they are refused where text is converted.
    """
    # Looking for one byte is several times faster, and mostly enough.
    if b"]" in xml and b"]]>" in xml:
        raise Unproven
    if xml.isascii():
        return
    if b"\xef" in xml and (b"\xef\xbf\xbe" in xml or b"\xef\xbf\xbf" in xml):
        raise Unproven
    try:
        xml.decode()
    except UnicodeDecodeError:
        raise Unproven from None


class RawTexts:
    """Converts columns of raw text; what repeats is converted once."""

    def __init__(self) -> None:
        self._known: Dict[bytes, bytes] = {}
        self._blanks: Dict[bytes, str] = {}

    def convert(self, values: Sequence[bytes]) -> Sequence[bytes]:
        """Raw XML character data as COPY text.

        Raises:
            Unproven: XML would refuse one of them, or might.
        """
        joined = b"<" + b"<".join(values)  # which is in no text of XML
        if not _special(joined):
            return values
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
            self._blanks.clear()
        if not _special(joined.replace(b"&", b"")):
            return self._without_entities(values, joined)
        plain = _PLAIN.match
        return [value if plain(value) else self._look_up(value) for value in values]

    def _without_entities(self, values: Sequence[bytes], joined: bytes) -> Sequence[bytes]:
        """Mostly there is nothing else in texts, and few have any: the others are not looked at."""
        named = [joined.count(entity) for entity, _ in _NAMED]
        are_all_named = sum(named) == joined.count(b"&")
        if are_all_named and not named[0]:
            return _unescaped(joined).split(b"<")[1:]
        look_up = _unescaped if are_all_named else self._look_up
        converted = list(values)
        place = -1
        for piece in joined.split(b"&")[:-1]:
            place += piece.count(b"<")
            converted[place] = look_up(values[place])
        return converted

    def blanks(self, values: Sequence[bytes]) -> Mapping[int, str]:
        """Of values that were just converted, the texts of blanks only, by index."""
        known = self._blanks
        if not known:
            return NO_BLANKS
        return {index: known[value] for index, value in enumerate(values) if value in known}

    @staticmethod
    def formulas(values: Sequence[bytes]) -> List[bytes]:
        """The raw text of formulas, decoded; raises Unproven as `convert` does.

        A formula of nothing is no blank cell, and can't be told from one here.
        """
        found = [_text(value).encode() for value in values]
        if any(value and not text for value, text in zip(values, found)):
            raise Unproven
        return found

    def _look_up(self, value: bytes) -> bytes:
        text = self._known.get(value)
        if text is None:
            said = _text(value)
            text = self._known[value] = to_copy(said)
            if said and not text:
                self._blanks[value] = said
        return text


def _unescaped(text: bytes) -> bytes:
    """Texts in which every `&` begins one of the named entities, without them."""
    for entity, character in _NAMED:
        text = text.replace(entity, character)
    return text


def _special(joined: bytes) -> bool:
    """Whether any of the texts, each behind a `<`, may be anything else than itself."""
    if b"&" in joined or b"\\" in joined or b"_x" in joined:
        return True
    if any(start in joined for start in _BLANK_STARTS):
        return True
    return len(joined.translate(None, _CONTROLS)) != len(joined)


def _text(value: bytes) -> str:
    if _FORBIDDEN.search(value):
        raise Unproven
    # XML 1.0, §2.11: a line end is a newline however it is written.
    text = value.decode().replace("\r\n", "\n").replace("\r", "\n")
    return clean(_ENTITY.sub(_character, text))


def _character(match: Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return _ENTITIES[name]
    if not decimal and not hexadecimal:
        raise Unproven
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if not _is_character(code):
        raise Unproven
    return chr(code)


def _is_character(code: int) -> bool:
    """XML 1.0, §2.2."""
    if code < 32:
        return code in (9, 10, 13)
    return code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000


_STRING = (
    rb'(<{p}si><{p}t(?: xml:space="preserve")?>([^<]*)</{p}t>'
    rb'(?:<{p}phoneticPr fontId="[0-9]+"(?: type="[A-Za-z]+")?(?: alignment="[A-Za-z]+")?/>)?'
    rb"</{p}si>)"
)


class StringSpelling(NamedTuple):
    """How plain `<si>` elements are spelt with a prefix.

    Attributes:
        pattern: Matches one: all of it, and its text.
        begin, end: What stands around the text of nearly all of them.
    """

    pattern: Pattern[bytes]
    begin: bytes
    end: bytes


def string_spelling(prefix: bytes) -> StringSpelling:
    """The spelling of plain `<si>` elements with a prefix such as `x:`."""
    begin, end = (tag.replace(b"{p}", prefix) for tag in (b"<{p}si><{p}t>", b"</{p}t></{p}si>"))
    return StringSpelling(re.compile(_STRING.replace(b"{p}", re.escape(prefix))), begin, end)


def raw_strings(xml: bytes, spelling: StringSpelling) -> Sequence[bytes]:
    """The raw texts of a run of plain `<si>` elements.

    Raises:
        Unproven: There is anything else in it, rich text for one.
    """
    prove_characters(xml)
    pattern, begin, end = spelling
    if xml.startswith(begin) and xml.endswith(end):
        texts = xml[len(begin) : -len(end)].split(end + begin)
        if xml.count(b"<") == 4 * len(texts):  # so the texts hold none: all else is between them
            return texts
    found = pattern.findall(xml)
    if sum([len(whole) for whole, _ in found]) != len(xml):
        raise Unproven
    return [text for _, text in found]
