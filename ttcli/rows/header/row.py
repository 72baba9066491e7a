"""Finding the header row: among a sheet's first rows the one with most known headings."""

from __future__ import annotations

from typing import (
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from ttcli.cells import Cell, Kind, address
from ttcli.rows.header.headings import Found, Headings, match

SEARCHED_ROWS = 30


class Row:
    """A row of a sheet: its number, and its cells by sheet column.

    Args:
        cells: They, or what makes them: most rows are told to be no header row by their kinds.
        kinds: What makes the kinds of the cells, where `cells` makes those.
        possible: Sheet column → kind that its cell may have, one object for neighbours alike:
            most rows need not even be asked for their kinds.
    """

    def __init__(
        self,
        number: int,
        cells: Union[Dict[int, Cell], Callable[[], Dict[int, Cell]]],
        kinds: Optional[Callable[[], Dict[int, Kind]]] = None,
        possible: Optional[Dict[int, Kind]] = None,
    ) -> None:
        self.number = number
        self._cells = cells
        self._kinds = kinds
        self._known_kinds: Optional[Dict[int, Kind]] = None
        self._possible = possible

    @property
    def kinds(self) -> Dict[int, Kind]:
        """Sheet column → kind of the cell, for the cells that are not blank."""
        if self._known_kinds is None:
            made = self._kinds() if self._kinds else None
            self._known_kinds = made or {n: cell.kind for n, cell in self.cells.items()}
        return self._known_kinds

    @property
    def possible(self) -> Dict[int, Kind]:
        """Sheet column → kind, of what its cells may be without looking at them."""
        return self.kinds if self._possible is None else self._possible

    @property
    def cells(self) -> Dict[int, Cell]:
        """Sheet column → cell, for the cells that are not blank."""
        if not isinstance(self._cells, dict):
            self._cells = self._cells()
        return self._cells


class Header(NamedTuple):
    """A header row (or two rows that are one header), and what was understood of it."""

    first: int
    last: int
    found: Found

    @property
    def shown(self) -> str:
        """The row number or numbers, as Excel shows them."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class NoHeader(NamedTuple):
    """Why a sheet is not taken.

    Attributes:
        kind: `empty`, `no-header-row`, `no-key-column` or `heading-twice`.
        reason: A sentence for the sender.
        row: The best candidate, 0 if the sheet is empty.
        known: Its headings that are known.
        unknown: Its headings that are not.
    """

    kind: str
    reason: str
    row: int = 0
    known: Sequence[str] = ()
    unknown: Sequence[str] = ()


def find_header(
    rows: Sequence[Row], headings: Headings, key: Sequence[str]
) -> Union[Header, NoHeader]:
    """The header row of a sheet.

    Args:
        rows: The sheet's first rows that hold anything, `SEARCHED_ROWS` and one more at most.
        headings: What is known.
        key: The fields without which a row is no header row.
    """
    found: List[Header] = []
    best: Optional[Header] = None
    bar = _Bar(headings)
    for row, after in _neighbours(rows):
        if bar.may_be_passed(row, after):
            new = _readings(row, _second(row, after), headings, key)
            found += new
            best = _best([best, *new] if best else new, key)
            bar.raise_to(best)
    if best is None:
        return _nothing_found(found, key)
    if best.found.twice:
        return _heading_twice(best)
    return _with_second_language(best, rows, headings, key)


def candidates(rows: Sequence[Row], headings: Headings, key: Sequence[str]) -> List[Header]:
    """Each of the first rows as a header row, and each two that may be one together."""
    pairs = ((row, _second(row, after)) for row, after in _neighbours(rows))
    return [c for row, below in pairs for c in _readings(row, below, headings, key)]


class _Bar:
    """What the best header row so far is worth, and which rows need not be looked at for it.

    Most of the first rows are data, with fewer texts than the header has known headings.
    """

    def __init__(self, headings: Headings) -> None:
        self._headings = headings
        self._worth = (-1, False)
        self._hopeless: Set[Tuple[int, int]] = set()

    def raise_to(self, best: Optional[Header]) -> None:
        """Only a row that may be worth more than this one passes."""
        if best:
            self._worth = _worth_of(best)

    def may_be_passed(self, row: Row, after: Optional[Row]) -> bool:
        """Whether a row, alone or with the next one, may be worth more."""
        pair = id(row.possible), id(after.possible) if after else 0
        if pair in self._hopeless:
            return False
        if not self._is_passed(row.possible, after.possible if after else {}):
            self._hopeless.add(pair)
            return False
        below = _second(row, after)
        return self._is_passed(row.kinds, below.kinds if below else {})

    def _is_passed(self, kinds: Dict[int, Kind], below: Dict[int, Kind]) -> bool:
        return _worth(self._headings.most(kinds, below), True) > self._worth


def _neighbours(rows: Sequence[Row]) -> Iterator[Tuple[Row, Optional[Row]]]:
    """Each of the first rows, and the next of them."""
    first: Sequence[Optional[Row]] = rows[:SEARCHED_ROWS]
    return zip(rows, [*first[1:], None]) if first else iter(())


def _second(row: Row, after: Optional[Row]) -> Optional[Row]:
    """The next row where it may be the second one of a header."""
    return after if after and _may_be_second(after, row) else None


def _readings(
    row: Row, below: Optional[Row], headings: Headings, key: Sequence[str]
) -> List[Header]:
    texts = {column: [cell.text] for column, cell in row.cells.items()}
    found = [Header(row.number, row.number, match(texts, headings))]
    if below:
        both = match(_joined(row, below), headings)
        if _is_header_too(below, row, both, key):
            found.append(Header(row.number, below.number, both))
    return found


def _best(found: Sequence[Header], key: Sequence[str]) -> Optional[Header]:
    """The one with the key and most fields; of equals the first."""
    with_key = [c for c in found if set(key) <= set(c.found.fields) and _is_table(c.found)]
    return max(with_key, key=_worth_of, default=None)


def _worth_of(header: Header) -> Tuple[int, bool]:
    return _worth(len(header.found.fields), header.first == header.last)


def _worth(fields: int, single: bool) -> Tuple[int, bool]:
    """One row is better than two that say no more."""
    return fields, single


def _is_header_too(below: Row, above: Row, both: Found, key: Sequence[str]) -> bool:
    """Not so if the row below holds a key: a row of data may say ETA somewhere, too."""
    tops = {column: cell.text for column, cell in above.cells.items()}
    from_below = {c for c, (reading, _) in both.columns.items() if reading != tops.get(c)}
    keys = {c for c, (_, field) in both.columns.items() if field in key}
    return len(from_below) > 1 and all(c in from_below or c not in below.cells for c in keys)


def _is_table(found: Found) -> bool:
    """`HAWB: | 123` is a form with one known word, not a table with one column."""
    return len(found.fields) + len(found.ignored) > 1 or not found.unknown


def _may_be_second(below: Row, above: Row) -> bool:
    """Headings are texts, and the second row of a header follows at once."""
    return below.number == above.number + 1 and all(
        kind is Kind.TEXT for kind in below.kinds.values()
    )


def _joined(above: Row, below: Row) -> Dict[int, List[str]]:
    """The readings of a two-row header: a banner reaches to the right until the next one."""
    texts: Dict[int, List[str]] = {}
    banner = ""
    for column in sorted({*above.cells, *below.cells}):
        top = above.cells[column].text if column in above.cells else ""
        banner = top or banner
        bottom = below.cells[column].text if column in below.cells else ""
        both = [f"{banner} {bottom}", f"{bottom} {banner}", bottom] if banner and bottom else []
        texts[column] = both + [text for text in (top, bottom) if text]
    return texts


def _with_second_language(
    best: Header, rows: Sequence[Row], headings: Headings, key: Sequence[str]
) -> Header:
    """Takes in the row below if it repeats the headings in another language: it is no data."""
    below = next((row for row in rows if row.number == best.last + 1), None)
    if best.first != best.last or below is None:
        return best
    if not _may_be_second(below, Row(best.last, {})):
        return best
    again = [c for c, (_, field) in best.found.columns.items() if _says(below, c, field, headings)]
    keys = [c for c, (_, field) in best.found.columns.items() if field in key]
    is_header = len(again) >= 2 and set(keys) <= set(again)
    return best._replace(last=below.number) if is_header else best


def _says(row: Row, column: int, field: str, headings: Headings) -> bool:
    return column in row.cells and headings.field(row.cells[column].text) == field


def _heading_twice(header: Header) -> NoHeader:
    said = [
        f"{' and '.join(address(header.last, column) for column in columns)} both mean {field}"
        for field, columns in header.found.twice.items()
    ]
    return NoHeader(
        "heading-twice",
        f"headings {'; '.join(said)}: say in mapping.toml which one counts",
        header.first,
        [heading for heading, _ in header.found.columns.values()],
        list(header.found.unknown.values()),
    )


def _nothing_found(found: Sequence[Header], key: Sequence[str]) -> NoHeader:
    best = _most_hopeful(found)
    if best is None:
        return NoHeader("empty", "the sheet is empty")
    known = [heading for heading, _ in best.found.columns.values()]
    unknown = list(best.found.unknown.values())
    if len(best.found.fields) > 1:
        missing = ", ".join(field for field in key if field not in best.found.fields) or "one"
        reason = f"row {best.shown} has {len(known)} known headings, but no key column ({missing})"
        return NoHeader("no-key-column", reason, best.first, known, unknown)
    reason = f"nothing but {known[0]!r} is known" if known else "no heading is known"
    return NoHeader("no-header-row", reason, best.first, known, unknown)


def _most_hopeful(found: Sequence[Header]) -> Optional[Header]:
    """Most known headings, then most texts: what a person would have taken for the header row."""
    with_cells = [c for c in found if c.found.columns or c.found.unknown or c.found.ignored]
    return max(
        with_cells,
        key=lambda c: (len(c.found.fields), c.first == c.last, len(c.found.unknown)),
        default=None,
    )
