"""The shared strings of a workbook: the only part of reading that grows with it.

Each string is kept as COPY text, escaped once however many cells show it. The first ones are in a
plain list: writers number strings by first use, so these are the ones that repeat. What comes after
is mostly unique and would cost more as Python objects than as text: it is packed, sixteen strings
to a piece, with newlines between them (COPY text has none inside).
"""

from __future__ import annotations

import itertools
import re
from typing import Dict, Iterable, Iterator, List, Optional, Pattern, Sequence

from ttcli.cells import from_copy, to_copy
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml_package import Package
from ttcli.workbook.ooxml_rawtext import RawTexts, Unproven, raw_strings, string_pattern
from ttcli.workbook.ooxml_text import TextPieces, clean
from ttcli.workbook.ooxml_xml import LocalNames, Parser, check_depth

# A bytes object and its place in a list take that much more than its text.
_OBJECT_BYTES = 41
_PLAIN_BYTES = 24 << 20
_PACK_BITS = 4
_PACK = 1 << _PACK_BITS
_UNPACKED = 1024
_CHILDREN = {"": ("sst",), "sst": ("si",), "si": ("t", "r"), "r": ("t",)}
_BEGIN = re.compile(rb"<((?:[A-Za-z][A-Za-z0-9]*:)?)sst(?: [^<>]*[^<>/])?>")
_LONGEST_HEAD = 1 << 16
_LONGEST_REST = 1 << 22


class SharedStrings:
    """Strings by index, as COPY text.

    Args:
        limits: Half of `memory_mb` is what the strings may take.
    """

    def __init__(self, limits: Limits) -> None:
        self._plain: List[bytes] = []
        self._packed: List[bytes] = []
        self._loose: List[bytes] = []
        self._unpacked: Dict[int, List[bytes]] = {}
        self._bytes = 0
        self._limit_mb = limits.memory_mb // 2

    def __len__(self) -> int:
        return len(self._plain) + len(self._packed) * _PACK + len(self._loose)

    def extend(self, texts: Sequence[bytes]) -> None:
        """Appends strings.

        Raises:
            BadItem: They take more memory than a workbook may.
        """
        self._bytes += sum(map(len, texts)) + len(texts)
        if self._bytes > self._limit_mb << 20:
            raise BadItem(
                f"the shared strings of the workbook take more than {self._limit_mb} MB",
                "raise LIMIT_MEMORY_MB if the file is honest",
                "limit",
            )
        if self._bytes + len(self) * _OBJECT_BYTES < _PLAIN_BYTES:
            self._plain.extend(texts)
        else:
            self._pack(texts)

    def _pack(self, texts: Sequence[bytes]) -> None:
        self._loose.extend(texts)
        whole = len(self._loose) // _PACK * _PACK
        for first in range(0, whole, _PACK):
            self._packed.append(b"\n".join(self._loose[first : first + _PACK]))
        del self._loose[:whole]

    def __getitem__(self, index: int) -> bytes:
        """The COPY text of a string; IndexError if there is no such string."""
        if index < 0:
            raise IndexError(index)
        return self._plain[index] if index < len(self._plain) else self._beyond(index)

    def _beyond(self, index: int) -> bytes:
        place = index - len(self._plain)
        pack = place >> _PACK_BITS
        texts = self._unpacked.get(pack) or self._unpack(pack)
        return texts[place & _PACK - 1]

    def _unpack(self, pack: int) -> List[bytes]:
        """A pack as a list; the last ones are kept, for neighbours are asked for together."""
        if pack >= len(self._packed):
            if pack > len(self._packed):
                raise IndexError(pack)
            return self._loose
        if len(self._unpacked) >= _UNPACKED:
            self._unpacked.clear()
        texts = self._unpacked[pack] = self._packed[pack].split(b"\n")
        return texts

    def take(self, indices: Iterable[bytes]) -> List[bytes]:
        """The strings of a whole column, whose indices are decimal; `b""` where one is `b""`.

        Raises:
            IndexError: There is no such string.
        """
        plain = self._plain
        if len(self) == len(plain):
            return [plain[int(index)] if index else b"" for index in indices]
        return [self[int(index)] if index else b"" for index in indices]

    def text(self, index: int) -> str:
        """The string itself; IndexError if there is no such string."""
        return from_copy(self[index])


class _Reading:
    """Collects strings, leaving out phonetic runs (`rPh`)."""

    def __init__(self, part: str, strings: SharedStrings) -> None:
        self.raw_texts = RawTexts()
        self._texts: List[bytes] = []
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
        self.add(self._texts)
        self._texts.clear()

    def add(self, texts: Sequence[bytes]) -> None:
        """Appends strings that were read otherwise."""
        self._strings.extend(texts)

    def close(self) -> None:
        """Ends the part; raises BadItem."""
        self._parser.close()
        self.add(self._texts)

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
            self._texts.append(to_copy(clean(self._text.take())))


def read_strings(package: Package, part: Optional[str], limits: Limits) -> SharedStrings:
    """Reads sharedStrings.xml, if the workbook has one.

    A part that is announced and not there is an empty one: a cell that points into it will tell.

    Raises:
        BadItem: The part is damaged or takes too much memory.
    """
    strings = SharedStrings(limits)
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
    string, end_tag = string_pattern(begin[1]), b"</" + begin[1] + b"si>"
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


def _read_run(reading: _Reading, xml: bytes, string: Pattern[bytes]) -> bool:
    """Reads a run of strings; false if a comment may hide where they end."""
    try:
        reading.add(raw_strings(xml, string, reading.raw_texts))
    except Unproven:
        reading.feed(xml)
        return b"<!" not in xml and b"<?" not in xml and reading.between_strings
    return True
