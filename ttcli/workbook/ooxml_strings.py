"""The shared strings of a workbook: the only part of reading that grows with it.

Each string is kept as COPY text, escaped once however many cells show it. The first ones are in a
plain list: writers number strings by first use, so these are the ones that repeat. What comes after
is mostly unique and would cost more as Python objects than as text: it is packed, sixteen strings
to a piece, between newlines (COPY text has none inside).
"""

from __future__ import annotations

from typing import Dict, Iterable, List, Optional, Sequence

from ttcli.cells import from_copy, to_copy
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.ooxml_package import Package
from ttcli.workbook.ooxml_text import TextPieces, clean
from ttcli.workbook.ooxml_xml import parse_part

_PLAIN = 1 << 17
_PLAIN_BYTES = 1 << 23
_PACK_BITS = 4
_PACK = 1 << _PACK_BITS
_CHILDREN = {"": ("sst",), "sst": ("si",), "si": ("t", "r"), "r": ("t",)}


class SharedStrings:
    """Strings by index, as COPY text.

    Args:
        limits: Half of `memory_mb` is what the strings may take.
    """

    def __init__(self, limits: Limits) -> None:
        self._plain: List[bytes] = []
        self._packed: List[bytes] = []
        self._loose: List[bytes] = []
        self._bytes = 0
        self._limit_mb = limits.memory_mb // 2

    def __len__(self) -> int:
        return len(self._plain) + len(self._packed) * _PACK + len(self._loose)

    def extend(self, texts: Sequence[bytes]) -> None:
        """Appends strings.

        Raises:
            BadItem: They take more memory than a workbook may.
        """
        self._bytes += sum(map(len, texts)) + 2 * len(texts)
        if self._bytes > self._limit_mb << 20:
            raise BadItem(
                f"the shared strings of the workbook take more than {self._limit_mb} MB",
                "raise LIMIT_MEMORY_MB if the file is honest",
                "limit",
            )
        if len(self._plain) < _PLAIN and self._bytes < _PLAIN_BYTES and not self._packed:
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
        beyond = index - len(self._plain)
        if beyond < 0:
            return self._plain[index]
        pack = beyond >> _PACK_BITS
        if pack < len(self._packed):
            return self._packed[pack].split(b"\n")[beyond & _PACK - 1]
        return self._loose[beyond - len(self._packed) * _PACK]

    def text(self, index: int) -> str:
        """The string itself; IndexError if there is no such string."""
        return from_copy(self[index])

    def take(self, indices: Iterable[bytes]) -> List[bytes]:
        """The strings of a whole column, whose indices are decimal; `b""` where one is `b""`.

        Raises:
            IndexError: There is no such string.
        """
        plain = self._plain
        if len(self) == len(plain):
            return [plain[int(index)] if index else b"" for index in indices]
        return [self[int(index)] if index else b"" for index in indices]


class _Reading:
    """Collects strings, leaving out phonetic runs (`rPh`)."""

    def __init__(self, strings: SharedStrings) -> None:
        self.texts: List[bytes] = []
        self._strings = strings
        self._path = [""]
        self._text = TextPieces()

    def start(self, name: str, _attributes: Dict[str, str]) -> None:
        known = name in _CHILDREN.get(self._path[-1], ())
        self._path.append(name if known else "-")

    def text(self, piece: str) -> None:
        if self._path[-1] == "t":
            self._text.append(piece)

    def end(self, _name: str) -> None:
        if self._path.pop() == "si":
            self.texts.append(to_copy(clean(self._text.take())))
            if len(self.texts) >= 1024:
                self.flush()

    def flush(self) -> None:
        self._strings.extend(self.texts)
        self.texts.clear()


def read_strings(package: Package, part: Optional[str], limits: Limits) -> SharedStrings:
    """Reads sharedStrings.xml, if the workbook has one.

    Raises:
        BadItem: The part is damaged or takes too much memory.
    """
    strings = SharedStrings(limits)
    if part is not None:
        reading = _Reading(strings)
        parse_part(package.chunks(part), part, reading.start, reading.end, reading.text)
        reading.flush()
    return strings
