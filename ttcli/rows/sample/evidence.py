"""What a column's cells are: the type that takes them all, and what mapping.toml could say of them.

Every type is tried by the very conversion that will load the cells, so a column that fits here
loads later. Nothing is guessed: where texts can be read in two ways, both are named.
"""

from __future__ import annotations

import datetime
import json
import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ttcli.cells import Cell, Kind
from ttcli.rows.mapping import ColumnSettings
from ttcli.rows.scalars.dates import milliseconds
from ttcli.rows.scalars.datetext import DAY_MS
from ttcli.rows.scalars.kinds import convert_cell, converter
from ttcli.rows.scalars.rule import Rejected, Rule
from ttcli.table import TableColumn

_LONGEST_KEY = 50
_SAFE_DIGITS = 15  # of more a spreadsheet has lost the last ones
_NO_VALUE = (Kind.ERROR, Kind.FORMULA)
_IDENTIFIER = re.compile(
    r"(no|nr|num|number|id|ref|reference|code|postcode|zip|phone|号|號)\.?$", re.I
)
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?")
_WIDER = {"integer": ("integer", "numeric"), "timestamp": ("timestamp", "timestamptz")}
_UNIT = re.compile(r"[0-9][0-9.,' ]*?\s*([^\W\d_][\w.]{0,7})")
_MOST_WORDS = 5


def column_of(name: str, type_: str, key: bool = False) -> TableColumn:
    """A column by its type as SQL has it, told as the catalog would."""
    base, _, rest = type_.partition("(")
    length = int(rest[:-1]) if base == "varchar" and rest else None
    return TableColumn(name, _SHORT.get(base, base), type_, length, required=key)


_SHORT = {"integer": "int4", "bigint": "int8", "boolean": "bool"}


class Column(NamedTuple):
    """A column of a sheet below its header row.

    Attributes:
        field: The target column, known or new.
        heading: As the workbook has it.
        place: The heading's address.
        cells: Those that are not blank, each with its address.
    """

    field: str
    heading: str
    place: str
    cells: List[Tuple[str, Cell]]


class Reading(NamedTuple):
    """How a workbook's cells are read: `ttcli.rows.scalars.rule.Rule`, without a column."""

    settings: ColumnSettings
    date_1904: bool
    plain_text: bool

    def rule(self, column: TableColumn, date_order: Optional[str] = None) -> Rule:
        """The rule by which such a column would read these cells."""
        settings = self.settings
        if date_order:
            settings = settings._replace(date_order=date_order)
        today = datetime.date.today()
        return Rule(column, settings, today, date_1904=self.date_1904, plain_text=self.plain_text)


class Misfit(NamedTuple):
    """A cell that a type does not take."""

    place: str
    cell: Cell
    why: Rejected


def misfits(cells: Sequence[Tuple[str, Cell]], rule: Rule) -> List[Misfit]:
    """The cells that a rule rejects; errors and formulas without a result are no type's fault."""
    tried = ((place, cell, convert_cell(cell, rule)) for place, cell in cells)
    found = (Misfit(place, cell, why) for place, cell, why in tried if isinstance(why, Rejected))
    return [misfit for misfit in found if misfit.cell.kind not in _NO_VALUE]


def key_type(column: Column) -> str:
    """Of a key: a text of the usual length, if none is longer."""
    longest = max((len(cell.text) for _, cell in column.cells), default=0)
    return f"varchar({_LONGEST_KEY})" if longest <= _LONGEST_KEY else "text"


def known_type(column: Column, usual: str, reading: Reading) -> str:
    """Of a field that everybody has: its usual type, or a wider one, unless most cells are others.

    Dates that can be read in two ways are dates all the same: the order alone is missing.
    """
    if usual == "text" or not column.cells:
        return usual
    tried = {
        type_: misfits(column.cells, reading.rule(column_of("", type_)))
        for type_ in _WIDER.get(usual, (usual,))
    }
    best = min(tried, key=lambda type_: len(tried[type_]))
    bad = [misfit for misfit in tried[best] if misfit.why.rule != "date-ambiguous"]
    return best if 2 * len(bad) <= len(column.cells) else "text"


def new_type(column: Column, reading: Reading) -> str:
    """Of a field that only this sender has: what all its cells are, else text."""
    cells = [(place, cell) for place, cell in column.cells if cell.kind not in _NO_VALUE]
    kinds = {cell.kind for _, cell in cells}
    if len(kinds) != 1:
        return "text"
    for type_ in _candidates(kinds.pop(), column.heading, cells, reading):
        if not misfits(cells, reading.rule(column_of("", type_))):
            return type_
    return "text"


def _candidates(
    kind: Kind, heading: str, cells: Sequence[Tuple[str, Cell]], reading: Reading
) -> Sequence[str]:
    """The narrowest first."""
    texts = [cell.text for _, cell in cells]
    if kind is Kind.DATE:
        has_time = any((milliseconds(text) or 0) % DAY_MS for text in texts)
        return ("timestamp",) if has_time else ("date",)
    simple = {Kind.TIME: ("time",), Kind.DURATION: ("interval",), Kind.BOOL: ("boolean",)}
    if kind in simple:
        return simple[kind]
    if kind is Kind.TEXT and not (reading.plain_text and all(map(_PLAIN_NUMBER.fullmatch, texts))):
        return ()
    return () if _is_identifier(heading, cells) else ("integer", "bigint", "numeric")


def _is_identifier(heading: str, cells: Sequence[Tuple[str, Cell]]) -> bool:
    """Numbers that nobody adds up: they keep their zeros, and the next one may have a letter."""
    return bool(_IDENTIFIER.search(heading.strip())) or any(
        cell.format.zeros or sum(map(str.isdigit, cell.text)) > _SAFE_DIGITS for _, cell in cells
    )


def suggestions(column: Column, target: TableColumn, reading: Reading) -> List[str]:
    """What mapping.toml could say of a column whose cells do not all fit: one setting a line."""
    if converter(target) is None:
        return [f"# column type {target.declared} is not supported:", "#ignore = true"]
    bad = misfits(column.cells, reading.rule(target))
    by_rule: Dict[str, List[Misfit]] = {}
    for misfit in bad:
        by_rule.setdefault(misfit.why.rule, []).append(misfit)
    lines: List[str] = []
    for rule, found in by_rule.items():
        first, count = found[0], f"{len(found)} of {len(column.cells)} cells"
        lines.append(f"# {count}, as {_quoted(first)}: {shown(first.why.reason, 200)}")
        lines += _setting(rule, found, column, target, reading)
    return lines


def _setting(
    rule: str, found: Sequence[Misfit], column: Column, target: TableColumn, reading: Reading
) -> Iterator[str]:
    if rule == "date-ambiguous":
        yield from _date_order(column, target, reading)
    elif rule == "number-ambiguous":
        yield '#decimal = "."'
        yield '#decimal = ","'
    elif rule in ("number-text", "date-text", "time-text"):
        yield from _words(found)


def _date_order(column: Column, target: TableColumn, reading: Reading) -> Iterator[str]:
    """Which order the texts contradict, cell by cell; nothing where none does."""
    texts = [(place, cell) for place, cell in column.cells if cell.kind is Kind.TEXT]
    against = {
        order: next(iter(misfits(texts, reading.rule(target, order))), None)
        for order in ("dmy", "mdy")
    }
    for order, other in (("dmy", "mdy"), ("mdy", "dmy")):
        misfit, others = against[order], against[other]
        if misfit is None:
            fits = f"{_quoted(others)} fits no other" if others else "nothing here tells which"
            yield f'#date_order = "{order}"  # {fits}'
    if all(against.values()):
        yield "# neither day nor month always comes first here: ask the sender"


def _words(found: Sequence[Misfit]) -> Iterator[str]:
    """Units behind numbers, and words that stand for no value."""
    texts = list(dict.fromkeys(" ".join(misfit.cell.text.split()) for misfit in found))
    matches = [match for match in map(_UNIT.fullmatch, texts) if match]
    units = list(dict.fromkeys(match[1] for match in matches))
    words = [text for text in texts if not any(map(str.isdigit, text))]
    if units and len(units) <= _MOST_WORDS and found[0].why.rule == "number-text":
        yield f"#unit = {toml(units)}"
    if words and len(words) <= _MOST_WORDS:
        yield f"#null_words = {toml(words)}"


def toml(value: object) -> str:
    """A text or a list of texts; JSON's strings are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def toml_key(name: str) -> str:
    """A column's name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)


def shown(text: str, most: int = 60) -> str:
    """A sender's text on one line of a comment, without anything that could end it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _quoted(misfit: Optional[Misfit]) -> str:
    return f"{shown(misfit.cell.text, 30)!r} in {misfit.place}" if misfit else ""
