"""init: what a first workbook calls for: target table, ledger, staging schema, mapping.toml.

Nothing that is there is altered, dropped or overwritten: what a table lacks is only said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ttcli.cells import Workbook
from ttcli.config import Config, DatabaseSettings
from ttcli.errors import AccessDenied, OutsideFault
from ttcli.rows.mapping import Mapping
from ttcli.spool import durable
from ttcli.stages.inspect import readable
from ttcli.stages.target.mapping import current_mapping, mapping_file
from ttcli.stages.target.table import reserved_columns
from ttcli.table import TableColumn, TargetTable
from ttcli.workbook.limited import child

# Without a workbook: the table that the README shows.
_STANDARD = (
    ("mawb", "text"),
    ("pieces", "integer"),
    ("weight", "numeric(10,2)"),
    ("eta", "timestamp"),
    ("status", "text"),
)
_ROLE = "ttcli_loader"
_AS_OWNER = "run what `ttcli init` prints without --apply with psql, as the database's owner"


class Asked(NamedTuple):
    """The database's answer, or why there is none."""

    there: Any
    unasked: str = ""


class Drawn(NamedTuple):
    """What the table needs and does not have; `sample` is what `inspect` would say then.

    Attributes:
        sources: Column → the heading it comes from, and where that stands.
    """

    columns: List[TableColumn]
    sources: Dict[str, Tuple[str, str]]
    mapping: List[str]
    sample: Optional[Dict[str, Any]] = None


def init(config: Config, workbook: Optional[Path] = None, apply: bool = False) -> Dict[str, Any]:
    """Proposes, and with `apply` creates, what is missing.

    Raises:
        BadItem: The workbook cannot be read, or has no heading for the key.
        OutsideFault: With `apply`, what keeps the database from it; nothing was created.
    """
    from ttcli.database.proposal import table_to_be

    settings = config.database
    if workbook:
        readable(workbook)
    asked = _ask(config, apply)
    table = asked.there.table
    base = table or table_to_be(settings)
    drawn = _drawn(config, base, workbook)
    found = _proposal(settings, asked, base, drawn, apply)
    if apply:
        _create(settings, found["create"])
    return {
        "file": str(workbook) if workbook else None,
        "applied": apply,
        "unasked": asked.unasked or None,
        **found,
        "mapping": _mapping(config, workbook, drawn.mapping, apply),
        "sample": drawn.sample,
    }


def _ask(config: Config, needed: bool) -> Asked:
    """What is there; a database that is not configured, or away, is asked only to apply."""
    from ttcli.database.connect import connect
    from ttcli.database.proposal import Standing, standing

    if not needed and not {"DB_NAME", "DB_USERNAME"} <= config.given:
        return Asked(Standing(), "DB_NAME and DB_USERNAME are not set")
    try:
        connection = connect(config.database, attempts=1)
    except OutsideFault as error:
        if needed:
            raise
        return Asked(Standing(), error.message)
    try:
        return Asked(standing(connection, config.database))
    finally:
        connection.close()


def _drawn(config: Config, base: TargetTable, workbook: Optional[Path]) -> Drawn:
    """The columns outside those that ttcli fills: of the workbook, or the usual ones."""
    if not workbook:
        from ttcli.rows.sample.infer import named_only

        usual = [] if base.columns else _standard(base)
        return Drawn(
            [*usual, *named_only(current_mapping(config), [*base.columns, *usual])], {}, []
        )
    looking = child.start(
        _look, workbook, config, current_mapping(config), base, limits=config.limits
    )
    found = looking.result()
    columns = [TableColumn(**{**one, "labels": ()}) for one in found["columns"]]
    sources = {name: (heading, place) for name, heading, place in found["sources"]}
    return Drawn(columns, sources, found["mapping"], found["sample"])


def _standard(base: TargetTable) -> List[TableColumn]:
    from ttcli.rows.sample.evidence import column_of

    columns = [column_of(name, "varchar(50)", key=True) for name in base.key]
    names = {name.lower() for name in base.key}
    return columns + [column_of(*one) for one in _STANDARD if one[0] not in names]


def _look(path: Path, config: Config, mapping: Mapping, base: TargetTable) -> Dict[str, Any]:
    """In the child: drafts the columns, then reads the workbook for the table with them."""
    from ttcli.database.proposal import filled_columns
    from ttcli.rows.sample.explained import sample
    from ttcli.rows.sample.infer import draft
    from ttcli.workbook.open import open_workbook

    reserved = reserved_columns(config.database)

    def opened() -> Workbook:
        return open_workbook(path, config.limits, config.passwords)

    drafted = draft(opened, base, mapping, reserved)
    columns = [one.column for one in drafted.columns]
    ours = [c for c in filled_columns(config.database) if not base.column(c.name)]
    table = base._replace(columns=(*base.columns, *columns, *ours))
    return {
        "columns": [column._asdict() for column in columns],
        "sources": [(one.column.name, one.heading, one.place) for one in drafted.columns],
        "mapping": drafted.mapping,
        "sample": sample(opened(), table, mapping, reserved),
    }


def _proposal(
    settings: DatabaseSettings, asked: Asked, base: TargetTable, drawn: Drawn, bare: bool
) -> Dict[str, Any]:
    """The statements, `bare` without comments, and the columns they are about."""
    from ttcli.database import proposal
    from ttcli.rows.sample.evidence import shown

    ours = proposal.filled_columns(settings)
    new = [*drawn.columns, *(column for column in ours if not base.column(column.name))]
    table = base if base.columns else base._replace(columns=tuple(new))
    sources = [drawn.sources.get(column.name, ("", "")) for column in new]
    comments = [f"{shown(heading)} ({place})" if place else "" for heading, place in sources]
    create = proposal.creating(settings, table, asked.there, [] if bare else comments)
    return {
        "table": ".".join(name for name in (table.schema, table.name) if name),
        "exists": bool(base.columns),
        "columns": [
            {"name": c.name, "type": c.declared, "heading": s[0], "cell": s[1]}
            for c, s in zip(new, sources)
        ],
        "create": create,
        "alter": proposal.adding(table, new),
        "role": settings.username or None,
        "grant": proposal.granting(settings, table, asked.there, settings.username or _ROLE),
    }


def _create(settings: DatabaseSettings, statements: List[str]) -> None:
    """Creates, and reads the table back as a load would."""
    from ttcli.database.connect import connect
    from ttcli.database.proposal import create
    from ttcli.database.target import read_table

    connection = connect(settings, attempts=1)
    try:
        create(connection, statements)
        read_table(connection, settings)
    except AccessDenied as error:
        raise AccessDenied(error.message, _AS_OWNER) from error
    finally:
        connection.close()


def _mapping(
    config: Config, workbook: Optional[Path], lines: List[str], apply: bool
) -> Dict[str, Any]:
    """mapping.toml as proposed; one that is there is left alone, whatever it says."""
    path = mapping_file(config)
    exists = path.exists()
    text = "\n".join([*_head(workbook), *lines, ""])
    trouble = None
    if apply and not exists:
        trouble = _written(path, text)
    return {"path": str(path), "exists": exists, "text": text, "trouble": trouble}


def _head(workbook: Optional[Path]) -> List[str]:
    from ttcli.rows.sample.evidence import shown

    of = f" --from {shown(workbook.name)}" if workbook else ""
    return [
        f"# Suggestions of `ttcli init{of}`; docs/mapping.md explains each setting.",
        "# Nothing here counts until you take the # away from what is true.",
    ]


def _written(path: Path, text: str) -> Optional[str]:
    """Writes it where it can be; what is in the way is said, for the tables are made already."""
    try:
        durable.write_file(path, text.encode())
        durable.sync_directory(path.parent)
    except FileExistsError:
        return None
    except OSError as error:
        return f"{path} could not be written: {error.strerror}"
    return None
