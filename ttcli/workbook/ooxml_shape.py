"""The shapes in which a writer spells the cells of each column, as one regular expression a row.

A writer spells the cells of a column in few ways: `<c r="B7" s="3" t="s"><v>12</v></c>` differs
from row to row in nothing but the row's number and the value. Each spelling that was seen often
enough is an arm of the expression, taken literally; so a match proves that every byte of a row was
understood, attributes in any order included.
"""

from __future__ import annotations

import re
import sys
from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Pattern, Set, Tuple

from ttcli.cells import GENERAL, Format, Kind
from ttcli.workbook.ooxml_cell import reference
from ttcli.workbook.ooxml_styles import Styles

# A possessive match forgets how it came about: a third faster, and Python 3.11 or later.
_MORE = b"+" if sys.version_info >= (3, 11) else b""
_ATTRIBUTE = re.compile(rb' ([A-Za-z][A-Za-z0-9]*(?::[A-Za-z][A-Za-z0-9]*)?)="[ !#-%\'-;=?-~]*"')
_CELL_ATTRIBUTES = frozenset([b"s", b"t", b"cm", b"vm", b"ph"])
_VALUES: Dict[str, bytes] = {
    "n": rb"-?%[0-9]+%(?:\.[0-9]+%)?%(?:[eE][-+]?%[0-9]+%)?%",
    "s": rb"[0-9]{1,9}%",
    "str": rb"[^<]*%",
    "inlineStr": rb"[^<]*%",
    "b": rb"[01]",
    "e": rb"#[A-Z0-9/!?_]+%",
}
_CHARACTERS = rb"[^<&\x00-\x08\x0b\x0c\x0e-\x1f]*%"
_FORMULA = (
    rb'<{p}f(?: t="(?:shared|array)")?%(?: aca="[01]")?%(?: ref="[A-Z0-9:$]+")?%(?: ca="[01]")?%'
    rb'(?: si="[0-9]+")?%(?:/>|>' + _CHARACTERS + rb"(?:&(?:amp|lt|gt|quot|apos);" + _CHARACTERS
) + rb")*%</{p}f>)"
_MOST_SPELLINGS = 3000


class Meaning(NamedTuple):
    """What the value of a cell is: the `t=` that says how it is written, and what it holds."""

    type: str
    kind: Kind
    format: Format


class Spelling(NamedTuple):
    """How a cell is written, but for the row's number and the value.

    Attributes:
        before: From `<c` to the column's letters.
        after: From behind the row's number to the tag's end; all of the cell if it is empty.
        meaning: None if the cell is empty.
        formula: A formula stands before the value.
    """

    column: int
    before: bytes
    after: bytes
    meaning: Optional[Meaning]
    formula: bool


class Capture(NamedTuple):
    """What one group of the row's expression holds."""

    column: int
    meaning: Meaning


class Shape:
    """The spellings known so far, and the expression made of them.

    Args:
        prefix: What stands before the names of elements, `x:` or nothing.
        prefixes: The namespace prefixes declared around the rows.
        columns: The last column that may hold something.
    """

    def __init__(
        self, prefix: bytes, prefixes: Iterable[bytes], styles: Styles, columns: int
    ) -> None:
        self.captures: List[Capture] = []
        self.pattern: Optional[Pattern[bytes]] = None
        self._known: Set[Spelling] = set()
        self._prefix = prefix
        self._styles = styles
        self._columns = columns
        self._prefixes = frozenset(prefixes)
        self._row_tags: Dict[Tuple[bytes, bytes], bool] = {}
        self._row = re.compile(_expand(_ROW, prefix))
        self._cell = re.compile(_expand(_CELL, prefix))

    def is_row_tag(self, before: bytes, after: bytes) -> bool:
        """Whether these are attributes that may stand around a row's number."""
        tag = (before, after)
        if tag not in self._row_tags:
            if len(self._row_tags) > _MOST_SPELLINGS:
                return False
            names = _names(before + after.rstrip(b"/").rstrip(b" "))
            self._row_tags[tag] = names is not None and all(map(self._may_stand, names))
        return self._row_tags[tag]

    def _may_stand(self, name: bytes) -> bool:
        prefix, colon, _ = name.partition(b":")
        return prefix in self._prefixes if colon else name not in (b"r", b"xmlns")

    def spellings(self, row: bytes) -> Optional[List[Spelling]]:
        """The spellings of a row's cells that are not known yet; None for a row unlike any."""
        start = self._row.match(row)
        while start and start[3].endswith(b"/"):
            start = self._row.match(row, start.end())
        if not start or not self.is_row_tag(start[1], start[3]):
            return None
        found: List[Spelling] = []
        place = start.end()
        while not row.startswith(b"</", place):
            cell = self._cell.match(row, place)
            spelling = self._spelling(cell.groups(b"")) if cell and cell[3] == start[2] else None
            if cell is None or spelling is None:
                return None
            found.append(spelling)
            place = cell.end()
        return [spelling for spelling in found if spelling not in self._known]

    def _spelling(self, groups: Tuple[bytes, ...]) -> Optional[Spelling]:
        first, letters, number, rest, end, empty, formula, value = groups
        place = reference((letters + number).decode())
        names = _names(first + rest)
        if place is None or names is None or not _CELL_ATTRIBUTES.issuperset(names):
            return None
        before = b"<" + self._prefix + b"c" + first + b' r="' + letters
        if not value:
            return Spelling(place[1], before, b'"' + rest + end + empty, None, False)
        meaning = self._meaning(dict(_VALUE_OF.findall(first + rest)), b"is><" in value[:12])
        if meaning is None or place[1] > self._columns:
            return None
        return Spelling(place[1], before, b'"' + rest + end, meaning, bool(formula))

    def _meaning(self, attributes: Dict[bytes, bytes], inline: bool) -> Optional[Meaning]:
        type_ = attributes.get(b"t", b"n").decode()
        if type_ not in _VALUES or inline != (type_ == "inlineStr"):
            return None
        if type_ == "n":
            style = attributes.get(b"s")
            return Meaning(type_, *self._styles[style.decode() if style else None])
        kind = {"b": Kind.BOOL, "e": Kind.ERROR}.get(type_, Kind.TEXT)
        return Meaning(type_, kind, GENERAL)

    def adopt(self, spellings: Iterable[Spelling]) -> None:
        """Takes spellings into the expression, unless there are too many to be a writer's."""
        known = self._known.union(spellings)
        if known != self._known and len(known) <= _MOST_SPELLINGS:
            self._known = known
            self._compile()

    def _compile(self) -> None:
        self.captures.clear()
        by_column: Dict[int, List[Spelling]] = {}
        for spelling in sorted(self._known, key=_order):
            by_column.setdefault(spelling.column, []).append(spelling)
        cells = b"".join(self._column(spellings) for spellings in by_column.values())
        row = rb'(<{p}row([^>]*?) r="([1-9][0-9]{0,7})"([^>]*%)>(?:(?<=/>)|'
        self.pattern = re.compile(
            _expand(row, self._prefix) + cells + _expand(rb"</{p}row>))", self._prefix)
        )

    def _column(self, spellings: List[Spelling]) -> bytes:
        by_before: Dict[bytes, List[Spelling]] = {}
        for spelling in spellings:
            by_before.setdefault(spelling.before, []).append(spelling)
        arms = [re.escape(before) + rb"\3" + self._arms(same) for before, same in by_before.items()]
        return b"(?:" + b"|".join(arms) + b")?" + _MORE

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
        value = b"(" + _VALUES[meaning.type] + b")"
        if meaning.type == "inlineStr":
            body = rb'<{p}is><{p}t(?: xml:space="preserve")?%>' + value + rb"</{p}t></{p}is></{p}c>"
        else:
            formula = any(spelling.formula for spelling in spellings)
            before = b"(?:" + _FORMULA + b")?%" if formula else b""
            body = before + rb"<{p}v>" + value + rb"</{p}v></{p}c>"
        return tags + _expand(body, self._prefix)


_ROW = rb'<{p}row([^>]*?) r="([1-9][0-9]{0,7})"([^>]*)>'
_CELL = (
    rb'<{p}c((?: [a-z]+="[^"<>&]*")*) r="([A-Z]{1,3})([0-9]+)"((?: [a-z]+="[^"<>&]*")*)'
    rb"( ?/>| ?>)(?:(?<=/>)|((?:<{p}v ?/>|<{p}v></{p}v>)?</{p}c>)|"
    rb"("
    + _FORMULA
    + rb')?(<{p}v>[^<]*</{p}v>|<{p}is><{p}t(?: xml:space="preserve")?>[^<]*</{p}t></{p}is>)</{p}c>)'
)
_VALUE_OF = re.compile(rb' ([a-z]+)="([^"]*)"')


def _expand(pattern: bytes, prefix: bytes) -> bytes:
    """Fills in the prefix of element names, and the possessive sign where Python knows it."""
    return pattern.replace(b"{p}", re.escape(prefix)).replace(b"%", _MORE)


def _either(arms: Iterable[bytes]) -> bytes:
    alternatives = list(arms)
    return alternatives[0] if len(alternatives) == 1 else b"(?:" + b"|".join(alternatives) + b")"


def _names(attributes: bytes) -> Optional[FrozenSet[bytes]]:
    """The names of attributes; None if they are not well-formed, or one stands there twice."""
    names: List[bytes] = _ATTRIBUTE.findall(attributes)
    local = {name.rpartition(b":")[2] for name in names}
    if _ATTRIBUTE.sub(b"", attributes) or len(local) != len(names):
        return None
    return frozenset(names)


def _order(spelling: Spelling) -> Tuple[int, bool, bytes, bytes]:
    return spelling.column, spelling.meaning is None, spelling.before, spelling.after
