"""Which columns of the target table a workbook may fill, and by which rule each."""

from __future__ import annotations

import datetime
from typing import AbstractSet, FrozenSet, Iterable, List, Sequence

from ttcli.cells import Workbook
from ttcli.errors import ConfigError
from ttcli.rows.header.headings import normal
from ttcli.rows.header.synonyms import FIELD_OF
from ttcli.rows.mapping import ColumnSettings, Mapping
from ttcli.rows.scalars.kinds import converter
from ttcli.rows.scalars.rule import Rule
from ttcli.table import TableColumn, TargetTable

_TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name"})


def closed_columns(
    table: TargetTable, mapping: Mapping, reserved: AbstractSet[str]
) -> FrozenSet[str]:
    """The columns that no heading may fill: ttcli's own, generated ones, those set to `ignore`."""
    closed = {column.name for column in table.columns if not column.writable}
    closed |= {column.name for column in table.columns if mapping.settings(column.name).ignore}
    return frozenset(closed | reserved)


def mapping_mistakes(
    mapping: Mapping, table: TargetTable, reserved: AbstractSet[str] = frozenset()
) -> List[str]:
    """Where a mapping and the target table do not fit, one sentence each; for `ttcli check` too."""
    profile = mapping.profile
    named = list(dict.fromkeys([*profile.headings, *profile.columns]))
    mistakes = [f"{name}: the table has no such column" for name in named if not table.column(name)]
    closed = closed_columns(table, mapping, reserved)
    mistakes += [f"{name}: the key cannot be left out" for name in table.key if name in closed]
    keys = [table.column(name) for name in table.key]
    mistakes += [
        f"{name}: the key is not in the table" for name in table.key if not table.column(name)
    ]
    mistakes += unsupported([column for column in keys if column])
    return mistakes


def unsupported(columns: Iterable[TableColumn]) -> List[str]:
    """The columns whose type no cell can be converted to."""
    return [
        f"{column.name}: column type {column.declared} is not supported"
        for column in columns
        if converter(column) is None
    ]


def refuse(mistakes: Sequence[str], table: TargetTable) -> None:
    """Raises ConfigError if there are mistakes."""
    if mistakes:
        raise ConfigError(
            f"mapping.toml and the table {table.name} do not fit:",
            "correct mapping.toml, or leave a column out with `ignore = true` under [columns.NAME]",
            mistakes,
        )


def form_of(column: TableColumn, settings: ColumnSettings, key: bool) -> str:
    """How texts of a column are brought into canonical form: declared, or known by its name."""
    if column.type not in _TEXTS:
        return "text"
    if settings.form:
        return settings.form
    field = FIELD_OF.get(normal(column.name), "")
    return field if field in ("hawb", "mawb") else "hawb" if key else "text"


def rule_for(
    column: TableColumn,
    table: TargetTable,
    mapping: Mapping,
    workbook: Workbook,
    today: datetime.date,
) -> Rule:
    """The rule by which a workbook's cells fill a column."""
    settings = mapping.settings(column.name)
    key = column.name in table.key
    return Rule(
        column=column,
        settings=settings,
        today=today,
        key=key,
        form=form_of(column, settings, key),
        date_1904=workbook.date_1904,
        plain_text=workbook.kind == "csv",
    )
