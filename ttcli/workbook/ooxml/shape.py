"""The row as one regular expression, made of the spellings of a sheet's cells.

A writer spells the cells of a column in few ways. Each one that was met often enough is an arm of
the expression, taken literally; so a match proves that every byte of a row was understood.
"""

from __future__ import annotations

import re
from typing import Dict, Hashable, Iterable, List, NamedTuple, Optional, Pattern, Set, Tuple

from ttcli.workbook.ooxml.spelling import (
    FORMULA,
    INLINE,
    POSSESSIVE,
    ROW,
    UNCALCULATED,
    Meaning,
    Notation,
    Spelling,
)

_VALUES: Dict[str, bytes] = {
    "n": rb"(-?%[0-9]+%(?:\.[0-9]+%)?%(?:[eE][-+]?%[0-9]+%)?%)",
    "s": rb"([0-9]{1,9}%)",
    "str": rb"([^<]*%)",
    "b": rb"([01])",
    "e": rb"(#[A-Z0-9/!?_]+%)",
}
# Without possessive matches a row that doesn't match costs the square of its cells.
_MOST_SPELLINGS = 3000 if POSSESSIVE else 600
# More than that are slower to try than to learn anew.
_MOST_KEPT_SPELLINGS = 300
_MOST_KEPT = 16


class Capture(NamedTuple):
    """What one group of the row's expression holds."""

    column: int
    meaning: Meaning


class Shape:
    """The spellings known so far, and the expression made of them.

    Attributes:
        pattern: Its groups are all of the row, the attributes before its number, the number, the
            attributes behind it, and then what `captures` says. None as long as nothing is known.
    """

    def __init__(self, notation: Notation) -> None:
        self.captures: List[Capture] = []
        self.pattern: Optional[Pattern[bytes]] = None
        self._known: Set[Spelling] = set()
        self._notation = notation

    def __contains__(self, spelling: Spelling) -> bool:
        return spelling in self._known

    def __len__(self) -> int:
        return len(self._known)

    def adopt(self, spellings: Iterable[Spelling]) -> bool:
        """Takes spellings into the expression, unless there are too many to be a writer's."""
        known = self._known.union(spellings)
        if known == self._known or len(known) > _MOST_SPELLINGS:
            return False
        self._known = known
        self._compile()
        return True

    def copy(self) -> Shape:
        """Another one that knows the same; what it adopts it keeps for itself."""
        twin = self.fresh()
        twin._known, twin.captures, twin.pattern = self._known, self.captures, self.pattern
        return twin

    def fresh(self) -> Shape:
        """Another one for the same sheet that knows nothing yet."""
        return Shape(self._notation)

    def _compile(self) -> None:
        self.captures = []
        by_column: Dict[int, List[Spelling]] = {}
        for spelling in sorted(self._known, key=_order):
            by_column.setdefault(spelling.column, []).append(spelling)
        cells = b"".join(map(self._column, by_column.values()))
        start = self._notation.expand(rb"(" + ROW + rb"(?:(?<=/>)|")
        end = self._notation.expand(rb"{g}</{p}row>))")
        self.pattern = re.compile(start + cells + end)

    def _column(self, spellings: List[Spelling]) -> bytes:
        by_before: Dict[bytes, List[Spelling]] = {}
        for spelling in spellings:
            by_before.setdefault(spelling.before, []).append(spelling)
        arms = [re.escape(before) + rb"\3" + self._arms(same) for before, same in by_before.items()]
        return self._notation.expand(rb"(?:{g}") + _either(arms) + self._notation.expand(rb")?%")

    def _arms(self, spellings: List[Spelling]) -> bytes:
        """The endings of cells that begin alike, those of one meaning in one group."""
        by_meaning: Dict[Optional[Meaning], List[Spelling]] = {}
        for spelling in spellings:
            by_meaning.setdefault(spelling.meaning, []).append(spelling)
        return _either(self._ending(meaning, same) for meaning, same in by_meaning.items())

    def _ending(self, meaning: Optional[Meaning], spellings: List[Spelling]) -> bytes:
        tags = _either(sorted({re.escape(spelling.after) for spelling in spellings}))
        if meaning is None:
            return tags
        self.captures.append(Capture(spellings[0].column, meaning))
        formula = any(spelling.formula for spelling in spellings)
        return tags + self._notation.expand(_body(meaning.type, formula) + rb"</{p}c>")


class Shapes:
    """The shapes of earlier sheets: a sender's next workbook is mostly spelt like the last one.

    A shape found here is proven on every row as one just learnt is. What decides what a spelling
    means is part of its key, so it means the same in both sheets.
    """

    def __init__(self) -> None:
        self._kept: Dict[Hashable, Shape] = {}

    def keep(self, key: Hashable, shape: Shape) -> None:
        """Remembers a shape, unless it has grown out of being one writer's."""
        self._kept.pop(key, None)
        if 0 < len(shape) <= _MOST_KEPT_SPELLINGS:
            if len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = shape

    def find(self, key: Hashable) -> Optional[Shape]:
        """One that may be taught more; None if no such sheet was read lately."""
        shape = self._kept.get(key)
        return shape.copy() if shape else None


def _body(type_: str, formula: bool) -> bytes:
    if type_ == "inlineStr":
        return INLINE
    if type_ == "f":
        return UNCALCULATED
    before = b"(?:" + FORMULA + b")?%" if formula else b""
    return before + rb"<{p}v>" + _VALUES[type_] + rb"</{p}v>"


def _either(arms: Iterable[bytes]) -> bytes:
    alternatives = list(arms)
    return alternatives[0] if len(alternatives) == 1 else b"(?:" + b"|".join(alternatives) + b")"


def _order(spelling: Spelling) -> Tuple[int, bool, bytes, bytes]:
    return spelling.column, spelling.meaning is None, spelling.before, spelling.after
