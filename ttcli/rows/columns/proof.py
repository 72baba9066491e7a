"""Proving that all cells of a column have a form that needs no second look."""

from __future__ import annotations

import re
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from ttcli.rows.scalars.rule import NULL

Planned = Tuple[Sequence[bytes], Sequence[int], Dict[str, List[int]]]
"""Fields, indexes of doubtful cells (whose fields are worth nothing), notes → indexes."""


def blanks_as_null(raw: Sequence[bytes]) -> Sequence[bytes]:
    """The fields of cells that need no change."""
    return raw if all(raw) else [value or NULL for value in raw]


class Proof:
    """A pattern that every cell of a column matches as a whole, or is doubtful.

    Args:
        pattern: Must match a whole cell at its first try: it is not asked for a second one.
        longest: Longer cells are doubtful, in bytes.
    """

    def __init__(self, pattern: bytes, longest: Optional[int] = None) -> None:
        once, many = (b"?+", b"*+") if sys.version_info >= (3, 11) else (b"?", b"*")
        self._all = re.compile(b"(?:(?:" + pattern + b")" + once + b"\n)" + many)
        self._one = re.compile(b"(?:" + pattern + b")?\n")
        self._longest = longest

    def doubtful(self, raw: Sequence[bytes]) -> Sequence[int]:
        """The indexes of the cells that do not match; none for blank ones."""
        joined = b"\n".join(raw) + b"\n"
        whole = self._all.fullmatch(joined) and joined.count(b"\n") == len(raw)
        if whole and (self._longest is None or max(map(len, raw)) <= self._longest):
            return ()
        one, longest = self._one.fullmatch, self._longest
        return [
            index
            for index, value in enumerate(raw)
            if not one(value + b"\n") or (longest is not None and len(value) > longest)
        ]
