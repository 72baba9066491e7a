"""The shared strings of a workbook: the only part of reading that grows with it.

Each string is kept as COPY text, escaped once however many cells show it. Where they are many, the
first ones alone are in a plain list: writers number strings by first use, so these are the ones
that repeat. What comes after is mostly unique and would cost more as Python objects than as text:
it is packed, some strings to a piece, with newlines between them (COPY text has none inside).
"""

from __future__ import annotations

import itertools
import re
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ttcli.cells import NO_BLANKS, from_copy, to_copy
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml.package import Package
from ttcli.workbook.ooxml.packs import PACK, PACK_BITS, Packs
from ttcli.workbook.ooxml.rawtext import (
    RawTexts,
    StringSpelling,
    Unproven,
    raw_strings,
    string_spelling,
)
from ttcli.workbook.ooxml.text import TextPieces, clean
from ttcli.workbook.ooxml.xml import LocalNames, Parser, check_depth

# A bytes object and its place in a list take that much more than its text.
_OBJECT_BYTES = 41
_PLAIN_BYTES = 20 << 20
_MOST_PLAIN = 1 << 17  # of more strings than fit there
_BLANK_BYTES = 250  # a short text and its place in a dictionary
_UNPACKED = 1024
_MOST_HOT = 1 << 14  # packed strings that were asked for one by one: they repeat
_MOST_NEAR = 4096
_EARLY = 64  # columns of blocks: a sheet of few rows is read before a table pays
_WIDEST_WINDOW = 8  # strings taken out of their packs for each one that is asked for
_CHILDREN = {"": ("sst",), "sst": ("si",), "si": ("t", "r"), "r": ("t",)}
_BEGIN = re.compile(rb"<((?:[A-Za-z][A-Za-z0-9]*:)?)sst(?: [^<>]*[^<>/])?>")
_LONGEST_HEAD = 1 << 16
_LONGEST_REST = 1 << 22


class SharedStrings:
    """Strings by index, as COPY text.

    Args:
        limits: Half of `memory_mb` is what the strings may take.
        size: The bytes of their part: of many no more stay plain than will in the end.

    Attributes:
        blanks: The texts of blanks only, which are `b""` as COPY text, by index.
    """

    def __init__(self, limits: Limits, size: int = 0) -> None:
        self.blanks: Dict[int, str] = {}
        self._are_many = size > 2 * _PLAIN_BYTES
        self._plain: List[bytes] = []
        self._packs = Packs()
        self._loose: List[bytes] = []
        self._unpacked: Dict[int, List[bytes]] = {}
        self._hot: Dict[int, bytes] = {}
        self._near: Dict[bytes, bytes] = {}
        self._taken = 0
        self._bytes = 0
        self._limit_mb = limits.memory_mb // 2

    def __len__(self) -> int:
        return len(self._plain) + len(self._packs) * PACK + len(self._loose)

    def extend(self, texts: Sequence[bytes], blanks: Mapping[int, str] = NO_BLANKS) -> None:
        """Appends strings; `blanks` are those of blanks only, by their index in `texts`.

        Raises:
            BadItem: They take more memory than a workbook may.
        """
        first = len(self)
        self.blanks.update((first + index, text) for index, text in blanks.items())
        self._bytes += sum(map(len, texts)) + len(texts) + _BLANK_BYTES * len(blanks)
        if self._bytes > self._limit_mb << 20:
            raise BadItem(
                f"the shared strings of the workbook take more than {self._limit_mb} MB",
                "raise LIMIT_MEMORY_MB if the file is honest",
                "limit",
            )
        is_small = self._bytes + len(self) * _OBJECT_BYTES < _PLAIN_BYTES
        if is_small and not (self._are_many and len(self._plain) >= _MOST_PLAIN):
            self._plain.extend(texts)
            return
        self._pack(self._plain[_MOST_PLAIN:])
        del self._plain[_MOST_PLAIN:]
        self._pack(texts)

    def _pack(self, texts: Sequence[bytes]) -> None:
        self._loose.extend(texts)
        whole = len(self._loose) // PACK * PACK
        self._packs.extend(self._loose[:whole])
        del self._loose[:whole]

    def __getitem__(self, index: int) -> bytes:
        """The COPY text of a string; IndexError if there is no such string."""
        if index < 0:
            raise IndexError(index)
        return self._plain[index] if index < len(self._plain) else self._beyond(index)

    def _beyond(self, index: int) -> bytes:
        place = index - len(self._plain)
        pack = place >> PACK_BITS
        texts = self._unpacked.get(pack) or self._unpack(pack)
        if len(self._hot) >= _MOST_HOT:
            self._hot.clear()
        text = self._hot[index] = texts[place & PACK - 1]
        return text

    def _unpack(self, pack: int) -> List[bytes]:
        """A pack as a list; the last ones are kept, for neighbours are asked for together."""
        if pack >= len(self._packs):
            if pack > len(self._packs):
                raise IndexError(pack)
            return self._loose
        if len(self._unpacked) >= _UNPACKED:
            self._unpacked.clear()
        texts = self._unpacked[pack] = self._packs.texts(pack, pack)
        return texts

    def take(self, indices: Sequence[bytes]) -> Tuple[List[bytes], Mapping[int, str]]:
        """The strings of a whole column, and those of blanks only by their place in it.

        Args:
            indices: Decimal, or `b""` where there is no string.

        Raises:
            IndexError: There is no such string.
        """
        found = self._take_near(indices)
        if found is None:
            plain = self._plain
            if len(self) == len(plain):
                found = (
                    [plain[int(index)] if index else b"" for index in indices]
                    if b"" in indices
                    else [*map(plain.__getitem__, map(int, indices))]
                )
            else:
                found = self._take([int(index) if index else -1 for index in indices])
        return found, self._blanks_among(indices, found) if self.blanks else NO_BLANKS

    def _take_near(self, indices: Sequence[bytes]) -> Optional[List[bytes]]:
        """The strings of a column of a few that repeat, by their indices as they are spelt.

        A look-up takes a third of making a number of each index; None if any is of another kind.
        """
        self._taken += 1
        near = self._near
        if not near and self._taken > _EARLY:
            near.update((b"%d" % n, text) for n, text in enumerate(self._plain[:_MOST_NEAR]))
            near[b""] = b""
        if not near or indices[0] not in near or indices[-1] not in near:
            return None
        try:
            return [near[index] for index in indices]
        except KeyError:
            return None

    def _take(self, numbers: Sequence[int]) -> List[bytes]:
        plain, beyond, hot, first = self._plain, self._beyond, self._hot, len(self._plain)
        packed = [number for number in numbers if number >= first]
        low, high = (min(packed), max(packed)) if packed else (first, first - 1)
        if high >= len(self):
            raise IndexError(high)
        if high - low > _WIDEST_WINDOW * len(numbers):
            return [
                (plain[n] if n < first else hot.get(n) or beyond(n)) if n >= 0 else b""
                for n in numbers
            ]
        start = low - (low - first & PACK - 1)
        window = self._window(start - first, high - first)
        return [(plain[n] if n < first else window[n - start]) if n >= 0 else b"" for n in numbers]

    def _window(self, low: int, high: int) -> List[bytes]:
        """The strings from the pack of one to that of another, counted behind the plain ones."""
        last = high >> PACK_BITS
        window = self._packs.texts(low >> PACK_BITS, last)
        return window + self._loose if last >= len(self._packs) else window

    def _blanks_among(self, indices: Sequence[bytes], found: Sequence[bytes]) -> Dict[int, str]:
        empty = [place for place, index in enumerate(indices) if index and not found[place]]
        numbers = {place: int(indices[place]) for place in empty}
        blanks = self.blanks
        return {place: blanks[number] for place, number in numbers.items() if number in blanks}

    def text(self, index: int) -> str:
        """The string itself; IndexError if there is no such string."""
        return self.blanks.get(index) or from_copy(self[index])


class _Reading:
    """Collects strings, leaving out phonetic runs (`rPh`)."""

    def __init__(self, part: str, strings: SharedStrings) -> None:
        self._raw_texts = RawTexts()
        self._texts: List[bytes] = []
        self._blanks: Dict[int, str] = {}
        self._strings = strings
        self._path = [""]
        self._text = TextPieces()
        self._names = LocalNames()
        self._parser = Parser(part, self._start, self._end, self._piece)

    @property
    def between_strings(self) -> bool:
        """Whether a string in UTF-8 may begin at this place."""
        parser = self._parser
        return self._path[-1] == "sst" and parser.is_utf_8 and parser.is_settled

    def feed(self, xml: bytes) -> None:
        """Gives the parser some more; raises BadItem."""
        self._parser.feed(xml)
        self._hand_over()

    def add(self, raw: Sequence[bytes]) -> None:
        """Appends strings that were read otherwise; raises Unproven as `RawTexts.convert` does."""
        self._strings.extend(self._raw_texts.convert(raw), self._raw_texts.blanks(raw))

    def close(self) -> None:
        """Ends the part; raises BadItem."""
        self._parser.close()
        self._hand_over()

    def _hand_over(self) -> None:
        self._strings.extend(self._texts, self._blanks)
        self._texts.clear()
        self._blanks.clear()

    def _start(self, name: str, _attributes: Dict[str, str]) -> None:
        short = self._names[name]
        known = short in _CHILDREN.get(self._path[-1], ())
        self._path.append(short if known else "-")
        check_depth(len(self._path))

    def _piece(self, piece: str) -> None:
        if self._path[-1] == "t":
            self._text.append(piece)

    def _end(self, _name: str) -> None:
        if self._path.pop() == "si":
            text = clean(self._text.take())
            if text and not text.strip():
                self._blanks[len(self._texts)] = text
            self._texts.append(to_copy(text))


def read_strings(package: Package, part: Optional[str], limits: Limits) -> SharedStrings:
    """Reads sharedStrings.xml, if the workbook has one.

    A part that is announced and not there is an empty one: a cell that points into it will tell.

    Raises:
        BadItem: The part is damaged or takes too much memory.
    """
    strings = SharedStrings(limits, package.size(part) if part else 0)
    if part is not None and part in package:
        reading = _Reading(part, strings)
        chunks = package.chunks(part)
        rest = _read_plain(reading, chunks)
        for chunk in itertools.chain([rest], chunks):
            reading.feed(chunk)
        reading.close()
    return strings


def _read_plain(reading: _Reading, chunks: Iterator[bytes]) -> bytes:
    """Reads as long as strings are plain, or rich ones at least end where they should.

    As with rows, the parser gets the beginning of the part and every run of strings that can't be
    proven plain; what is returned is left for it.
    """
    rest = next(chunks, b"")
    begin = _BEGIN.search(rest, 0, _LONGEST_HEAD)
    if not begin:
        return rest
    reading.feed(rest[: begin.end()])
    rest = rest[begin.end() :]
    string, end_tag = string_spelling(begin[1]), b"</" + begin[1] + b"si>"
    for chunk in itertools.chain([b""], chunks) if reading.between_strings else ():
        rest += chunk
        end = rest.rfind(end_tag) + len(end_tag)
        if end >= len(end_tag):
            plain = _read_run(reading, rest[:end], string)
            rest = rest[end:]
            if not plain:
                break
        elif len(rest) > _LONGEST_REST:
            break
    return rest


def _read_run(reading: _Reading, xml: bytes, string: StringSpelling) -> bool:
    """Reads a run of strings; false if a comment may hide where they end."""
    try:
        reading.add(raw_strings(xml, string))
    except Unproven:
        reading.feed(xml)
        return b"<!" not in xml and b"<?" not in xml and reading.between_strings
    return True
