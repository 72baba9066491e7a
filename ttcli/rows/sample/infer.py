"""From a sample workbook to the columns of a table that takes it: for `ttcli init`."""

from __future__ import annotations

import unicodedata
from itertools import chain
from typing import Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Sequence, Tuple

from ttcli.cells import Cell, Workbook, address
from ttcli.errors import BadItem
from ttcli.rows.columns.converter import below, cells_of_column
from ttcli.rows.convert import search_workbook
from ttcli.rows.header.headings import normal
from ttcli.rows.header.search import Searched, refusal
from ttcli.rows.header.synonyms import FIELD_OF, TYPE_OF
from ttcli.rows.mapping import Mapping
from ttcli.rows.sample.evidence import (
    Column,
    Reading,
    column_of,
    key_type,
    known_type,
    new_type,
    shown,
    suggestions,
    toml,
    toml_key,
)
from ttcli.rows.sample.explained import FirstRows
from ttcli.table import TableColumn, TargetTable

SAMPLED_ROWS = 5_000
_LONGEST_NAME = 63  # bytes
_SYSTEM = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
# Known to mean different things to different senders: never the key by themselves.
_DOUBTFUL = frozenset({"awb", "awbno", "trackingno", "trackingnumber", "noresi", "pod"})


def usual_type(field: str) -> str:
    """The type, as SQL has it, of a field that everybody has."""
    return "integer" if TYPE_OF[field] == "int4" else TYPE_OF[field]


class Proposed(NamedTuple):
    """A column that the table needs; `heading` and `place` say which of the workbook's."""

    column: TableColumn
    heading: str
    place: str


class Draft(NamedTuple):
    """What a sample calls for: columns, and lines of mapping.toml, all of them comments."""

    columns: Tuple[Proposed, ...]
    mapping: Tuple[str, ...]


def named_columns(mapping: Mapping) -> List[str]:
    """The columns that mapping.toml names anywhere, without which it and the table do not fit."""
    profiles = [mapping.profile, *(sender.profile for sender in mapping.senders)]
    names = (name for one in profiles for name in (*one.headings, *one.columns))
    return list(dict.fromkeys(names))


def named_only(mapping: Mapping, there: Sequence[TableColumn]) -> List[TableColumn]:
    """Those of them that are not there."""
    known = {column.name for column in there}
    return [
        column_of(name, usual_type(name) if name in TYPE_OF else "text")
        for name in named_columns(mapping)
        if name not in known
    ]


def table_of_fields(
    table: TargetTable, mapping: Mapping, reserved: FrozenSet[str] = frozenset()
) -> TargetTable:
    """A table that also has its key, what ttcli fills, and the fields everybody has where none of
    its columns speaks for them; one that is yet to be made has nothing but the key's names."""
    names = [column.name for column in table.columns]
    spoken = {FIELD_OF.get(normal(name)) for name in (*names, *table.key)}
    named = [*table.key, *sorted(reserved), *named_columns(mapping)]
    usual = {field: usual_type(field) for field in TYPE_OF if field not in spoken}
    types = {**dict.fromkeys(named, "text"), **usual}
    more = [column_of(name, type_) for name, type_ in types.items() if name not in names]
    return table._replace(columns=(*table.columns, *more))


def draft(
    opened: Callable[[], Workbook], table: TargetTable, mapping: Mapping, reserved: FrozenSet[str]
) -> Draft:
    """The columns that the workbook's headings call for and the table has not.

    Args:
        opened: Opens it, once more where one look is not enough: a sheet can be read only once.

    Raises:
        BadItem: No sheet can be taken: the key is not found, or found twice.
        ConfigError: mapping.toml and the table do not fit.
    """
    workbook, searched = _searched(opened, table, mapping, reserved)
    lost: List[str] = []
    taken = _new_names([one for one in searched if one.header], lost)
    columns = _joined([column for one, names in taken for column in _columns(one, names)])
    reading = Reading(mapping.profile.defaults, workbook.date_1904, workbook.kind == "csv")
    proposed: List[Proposed] = []
    said: List[str] = []
    for column in columns:
        read = reading._replace(settings=mapping.settings(column.field))
        target = table.column(column.field) or _made(column, table, read)
        if not table.column(column.field):
            proposed.append(Proposed(target, column.heading, column.place))
        said += _said(column, target, read, column.field in table.key)
    there = [*table.columns, *(one.column for one in proposed)]
    proposed += [Proposed(one, "", "") for one in named_only(mapping, there)]
    proposed.sort(key=lambda one: one.column.name not in table.key)
    return Draft(tuple(proposed), (*_headings(lost), *said))


def _searched(
    opened: Callable[[], Workbook], table: TargetTable, mapping: Mapping, reserved: FrozenSet[str]
) -> Tuple[Workbook, List[Searched]]:
    """The workbook and its header rows; a key among nothing but strangers is one, too."""
    fields = table_of_fields(table, mapping, reserved)
    strangers: List[str] = []
    for _ in range(2):
        names = {_name(heading) for heading in strangers} - {c.name for c in fields.columns} - {""}
        more = [column_of(name, "text") for name in sorted(names)]
        wider = fields._replace(columns=(*fields.columns, *more))
        workbook = opened()
        searched = search_workbook(FirstRows(workbook, SAMPLED_ROWS), wider, mapping, reserved)
        if any(one.header for one in searched):
            return workbook, searched
        missing = [one.missing for one in searched if one.missing and one.missing.known]
        alone = [one for one in missing if one.kind == "no-header-row"]
        strangers = strangers or [heading for one in alone for heading in one.unknown]
        if not strangers:
            break
    raise _refusal(searched, table.key)


def _refusal(searched: Sequence[Searched], key: Sequence[str]) -> BadItem:
    """With the line of mapping.toml to write, where the key is all that was not found."""
    error = refusal(searched, key)
    unknown = [text for one in searched if one.missing for text in one.missing.unknown]
    likely = sorted(unknown, key=lambda text: normal(text) not in _DOUBTFUL)
    known = any(one.missing.known for one in searched if one.missing)
    if error.kind == "heading-twice" or not likely or (known and error.kind != "no-key-column"):
        return error
    line = f"[headings] {toml_key(key[0])} = {toml(likely[0])}"
    hint = f"say in mapping.toml which heading is the key, such as {line}; then run init again"
    return BadItem(error.message, hint, error.kind)


def _made(column: Column, table: TargetTable, reading: Reading) -> TableColumn:
    name = column.field
    if name in table.key:
        return column_of(name, key_type(column), key=True)
    if name in TYPE_OF:
        return column_of(name, known_type(column, usual_type(name), reading))
    return column_of(name, new_type(column, reading))


def _said(column: Column, target: TableColumn, reading: Reading, key: bool) -> List[str]:
    if key:
        return []
    lines = suggestions(column, target, reading)
    if normal(column.heading) in _DOUBTFUL:
        words = f"# {shown(column.heading)} ({column.place}) means different things to different"
        lines.append(f"{words} senders: it has a column of its own")
    title = f"#[columns.{toml_key(target.name)}]  # {shown(column.heading)}"
    return ["", title, *lines] if lines else []


def _headings(lost: Sequence[str]) -> List[str]:
    return ["", "#[headings]", *lost] if lost else []


Fields = Dict[int, Tuple[str, str]]


def _new_names(taken: Sequence[Searched], lost: List[str]) -> List[Tuple[Searched, Fields]]:
    """Each sheet with its columns' headings and fields; unknown headings get names of their own."""
    found: List[Tuple[Searched, Fields]] = []
    names: Dict[str, str] = {}
    for one in taken:
        assert one.header
        fields = dict(one.header.found.columns)
        places: Dict[str, List[int]] = {}
        for column, heading in sorted(one.header.found.unknown.items()):
            names.setdefault(normal(heading), _name(heading))
            places.setdefault(normal(heading), []).append(column)
        for form, columns in places.items():
            heading = one.header.found.unknown[columns[0]]
            if names[form] and len(columns) == 1:
                fields[columns[0]] = (heading, names[form])
            else:
                where = [address(one.header.last, column) for column in columns]
                lost += _not_a_column(heading, where)
        found.append((one, fields))
    return found


def _not_a_column(heading: str, places: Sequence[str]) -> Iterator[str]:
    """Of several equal headings each could be another column, so a person says which is which."""
    why = "stands more than once" if len(places) > 1 else "makes no name of a column"
    yield f"# {shown(heading)} ({', '.join(places)}) {why}; add a column, and say what fills it:"
    for nth, place in enumerate(places, 1):
        which = f", nth = {nth}" if len(places) > 1 else ""
        yield f"#column_{place.lower()} = {{ heading = {toml(heading)}{which} }}"


def _name(heading: str) -> str:
    """A column's name that the heading finds by itself, or nothing."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", heading).casefold())
    letters = [c if unicodedata.category(c)[0] in "LNM" else " " for c in text]
    name = "_".join("".join(letters).split())
    fits = any(map(str.isalpha, name)) and len(name.encode()) <= _LONGEST_NAME
    return name if fits and name not in _SYSTEM and normal(name) == normal(heading) else ""


def _columns(one: Searched, fields: Fields) -> Iterator[Column]:
    """The columns of a sheet, from left to right, with all their cells."""
    assert one.header
    last = one.header.last
    cells: Dict[int, List[Tuple[str, Cell]]] = {number: [] for number in fields}
    for whole in chain(one.seen, one.blocks):
        block = below(whole, last)
        for number in fields.keys() & block.columns.keys():
            column = cells_of_column(block.columns[number], slice(None))
            cells[number] += [
                (address(row, number), cell)
                for row, cell in zip(block.rows, column)
                if cell and cell.text.strip()
            ]
    for number, (heading, field) in sorted(fields.items()):
        yield Column(field, heading, address(last, number), cells[number])


def _joined(columns: Sequence[Column]) -> List[Column]:
    """One for each field: sheets of one workbook fill one table."""
    found: Dict[str, Column] = {}
    for column in columns:
        first = found.setdefault(column.field, column)
        if first is not column:
            first.cells.extend(column.cells)
    return list(found.values())
