"""How a writer spells rows and cells: what stays the same from row to row, taken apart.

`<c r="B7" s="3" t="s"><v>12</v></c>` differs from the cells above and below it in nothing but the
row's number and the value; the rest is its spelling, attributes in whatever order included.
"""

from __future__ import annotations

import re
import sys
from typing import Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple

from ttcli.cells import GENERAL, Format, Kind
from ttcli.workbook.ooxml.cell import reference
from ttcli.workbook.ooxml.styles import Styles

# A possessive match forgets how it came about: a third faster, and Python 3.11 or later.
POSSESSIVE = b"+" if sys.version_info >= (3, 11) else b""
_ATTRIBUTE = re.compile(rb' ([A-Za-z][A-Za-z0-9]*(?::[A-Za-z][A-Za-z0-9]*)?)="[ !#-%\'-;=?-~]*"')
_CELL_ATTRIBUTES = frozenset([b"s", b"t", b"cm", b"vm", b"ph"])
_VALUE_OF = re.compile(rb' ([a-z]+)="([^"]*)"')
_CHARACTERS = rb"[^<&\x00-\x08\x0b\x0c\x0e-\x1f]*%"
_FLAG = rb'="(?:[01]|false|true)"'
_FORMULA_TAG = (
    rb'<{p}f(?: t="(?:shared|array)")?%(?: aca' + _FLAG + rb')?%(?: ref="[A-Z0-9:$]+")?%'
    rb"(?: ca" + _FLAG + rb')?%(?: si="[0-9]+")?%'
)
FORMULA = (
    _FORMULA_TAG + rb"(?:/>|>" + _CHARACTERS + rb"(?:&(?:amp|lt|gt|quot|apos);" + _CHARACTERS
) + rb")*%</{p}f>)"
# Without a value; one without text is left to the exact reader.
UNCALCULATED = _FORMULA_TAG + rb">([^<]+%)</{p}f>(?:<{p}v ?/>|<{p}v></{p}v>)?%"
INLINE = rb'<{p}is><{p}t(?: xml:space="preserve")?%>([^<]*%)</{p}t></{p}is>'
ROW = rb'{g}<{p}row([^>]*?) r="([1-9][0-9]{0,7})"([^>]*%)>'
_CELL = (
    rb'{g}<{p}c((?: [a-z]+="[^"<>&]*")*) r="([A-Z]{1,3})([0-9]+)"((?: [a-z]+="[^"<>&]*")*)'
    rb"( ?/>| ?>)(?:(?<=/>)|(" + FORMULA + rb")?(?:(<{p}v ?/>|<{p}v></{p}v>)|(<{p}v>)[^<]+</{p}v>|"
    rb'(<{p}is>)<{p}t(?: xml:space="preserve")?>[^<]*</{p}t></{p}is>)?</{p}c>)'
)
_KINDS = {"s": Kind.TEXT, "str": Kind.TEXT, "inlineStr": Kind.TEXT, "b": Kind.BOOL, "e": Kind.ERROR}
_MOST_TAGS = 1000


class Meaning(NamedTuple):
    """What the value of a cell is.

    Attributes:
        type: The `t=` that says how the value is written; `f` for a formula without one.
    """

    type: str
    kind: Kind
    format: Format


class Spelling(NamedTuple):
    """How a cell is written, but for the row's number and the value.

    Attributes:
        before: From `<c` to the column's letters.
        after: From behind the row's number to the tag's end; to the cell's end if it is empty.
        meaning: None if the cell is empty.
        formula: A formula stands before the value.
    """

    column: int
    before: bytes
    after: bytes
    meaning: Optional[Meaning]
    formula: bool = False


class _Parts(NamedTuple):
    """A cell taken apart, without its row's number and value.

    Attributes:
        first: The attributes before `r=`; `rest` are those behind it.
        end: The start tag's end.
        worded: The formula has a text of its own.
        empty: A value that is none; `value` and `inline` are the start tags of what is one.
    """

    first: bytes
    letters: bytes
    rest: bytes
    end: bytes
    formula: bool
    worded: bool
    empty: bytes
    value: bytes
    inline: bytes


class Notation(NamedTuple):
    """What all elements of a sheet have in common.

    Attributes:
        prefix: What stands before their names, `x:` or nothing.
        gaps: There are blanks or line ends between rows or cells.
        prefixes: The namespace prefixes declared around the rows.
    """

    prefix: bytes = b""
    gaps: bool = False
    prefixes: FrozenSet[bytes] = frozenset()

    def expand(self, pattern: bytes) -> bytes:
        """Fills in prefix and gaps, and the possessive sign where Python knows it."""
        gap = rb"[ \t\r\n]*%" if self.gaps else b""
        pattern = pattern.replace(b"{p}", re.escape(self.prefix)).replace(b"{g}", gap)
        return pattern.replace(b"%", POSSESSIVE)


class Speller:
    """Takes rows apart.

    Args:
        columns: The last column that may hold something.
    """

    def __init__(self, notation: Notation, styles: Styles, columns: int) -> None:
        self._notation = notation
        self._styles = styles
        self._columns = columns
        self._row_tags: Dict[Tuple[bytes, bytes], bool] = {}
        self._row = re.compile(notation.expand(ROW))
        self._cell = re.compile(notation.expand(_CELL))
        self._row_end = re.compile(notation.expand(rb"{g}</{p}row>\Z"))
        self._spelt: Dict[_Parts, Optional[Spelling]] = {}
        self._wordless = (b"/>", b"></" + notation.prefix + b"f>")
        self._close = b"</" + notation.prefix + b"c>"

    def is_row_tag(self, before: bytes, after: bytes) -> bool:
        """Whether these are attributes that may stand around a row's number."""
        tag = (before, after)
        if tag not in self._row_tags:
            if len(self._row_tags) > _MOST_TAGS:
                return False
            names = _names(before + after.rstrip(b"/").rstrip(b" "))
            self._row_tags[tag] = names is not None and all(map(self._may_stand, names))
        return self._row_tags[tag]

    def row_number(self, xml: bytes) -> Optional[int]:
        """The number of the row that begins here; None if it does not say it plainly."""
        start = self._row.match(xml)
        return int(start[2]) if start and self.is_row_tag(start[1], start[3]) else None

    def _may_stand(self, name: bytes) -> bool:
        prefix, colon, _ = name.partition(b":")
        return prefix in self._notation.prefixes if colon else name not in (b"r", b"xmlns")

    def spellings(self, row: bytes) -> List[Spelling]:
        """The spellings of a row's cells; none if there is anything odd about it."""
        start = self._row.match(row)
        while start and start[3].endswith(b"/"):
            start = self._row.match(row, start.end())
        if not start or not self.is_row_tag(start[1], start[3]):
            return []
        found = list(self._cells(row, start.end(), start[2]))
        return [spelling for spelling in found if spelling] if None not in found else []

    def _cells(self, row: bytes, place: int, number: bytes) -> Iterator[Optional[Spelling]]:
        while not self._row_end.match(row, place):
            cell = self._cell.match(row, place)
            if cell is None or cell[3] != number:
                yield None
                return
            first, letters, _, rest, end, formula, *body = cell.groups(b"")
            worded = bool(formula) and not formula.endswith(self._wordless)
            parts = _Parts(first, letters, rest, end, bool(formula), worded, *body)
            if parts not in self._spelt:
                self._spelt[parts] = self._spelling(parts)
            yield self._spelt[parts]
            place = cell.end()

    def _spelling(self, parts: _Parts) -> Optional[Spelling]:
        place = reference(parts.letters.decode() + "1")
        names = _names(parts.first + parts.rest)
        if place is None or names is None or not _CELL_ATTRIBUTES.issuperset(names):
            return None
        before = b"<" + self._notation.prefix + b"c" + parts.first + b' r="' + parts.letters
        after = b'"' + parts.rest + parts.end
        if not (parts.formula or parts.value or parts.inline):
            close = b"" if after.endswith(b"/>") else self._close
            return Spelling(place[1], before, after + parts.empty + close, None)
        meaning = self._meaning(parts)
        if meaning is None or place[1] > self._columns:
            return None
        return Spelling(place[1], before, after, meaning, parts.formula and meaning.type != "f")

    def _meaning(self, parts: _Parts) -> Optional[Meaning]:
        """What the value is; None if the exact reader had better say."""
        attributes = dict(_VALUE_OF.findall(parts.first + parts.rest))
        type_ = attributes.get(b"t", b"n").decode()
        if not (parts.value or parts.inline or (parts.empty and type_ == "str")):
            return Meaning("f", Kind.FORMULA, GENERAL) if parts.worded and type_ == "n" else None
        if bool(parts.inline) != (type_ == "inlineStr") or (parts.inline and parts.formula):
            return None
        if type_ == "n":
            style = attributes.get(b"s")
            return Meaning(type_, *self._styles[style.decode() if style else None])
        return Meaning(type_, _KINDS[type_], GENERAL) if type_ in _KINDS else None


def _names(attributes: bytes) -> Optional[FrozenSet[bytes]]:
    """The names of attributes; None if they are not well-formed, or one stands there twice."""
    names: List[bytes] = _ATTRIBUTE.findall(attributes)
    local = {name.rpartition(b":")[2] for name in names}
    if _ATTRIBUTE.sub(b"", attributes) or len(local) != len(names):
        return None
    return frozenset(names)
