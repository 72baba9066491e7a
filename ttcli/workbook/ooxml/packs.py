"""Many texts in one piece of memory: what they take is their letters, and they are only read.

A text that is an object of its own takes twice its letters; and where a forked process looks at it,
its page is copied, for the references to it are counted there.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, count
from typing import List, Sequence

PACK_BITS = 5
PACK = 1 << PACK_BITS


class Packs:
    """Texts without newlines, by packs of 32; newlines stand between them."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("L", [0])

    def __len__(self) -> int:
        """How many packs they are."""
        return len(self._ends) - 1

    def extend(self, texts: Sequence[bytes]) -> None:
        """Appends texts, which make whole packs."""
        before = len(self._text)
        lengths = list(accumulate(map(len, texts)))[PACK - 1 :: PACK]
        self._ends.extend(before + end + gaps for end, gaps in zip(lengths, count(PACK, PACK)))
        self._text += b"".join([text + b"\n" for text in texts])

    def texts(self, first: int, last: int) -> List[bytes]:
        """Those of one pack up to those of another one; none if there are no such packs."""
        packs = range(first, min(last + 1, len(self)))
        if not packs:
            return []
        with memoryview(self._text) as text:
            piece = bytes(text[self._ends[packs[0]] : self._ends[packs[-1] + 1] - 1])
        return piece.split(b"\n")
