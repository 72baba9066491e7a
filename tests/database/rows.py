"""Small loads for the tests of this folder: a target table, rows.tsv, and an item around it."""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from tests.database import least_rights
from tests.fix_postgres import Database
from ttcli.database.connect import Connection, connect
from ttcli.database.given import Load
from ttcli.database.load import Loaded, load_item
from ttcli.database.target import read_table

NOON = datetime(2026, 8, 22, 12, tzinfo=timezone.utc)
SEED = """
CREATE TABLE tracking_data (
    hawb varchar(50) PRIMARY KEY, status text, pieces int, weight numeric(10,2),
    eta timestamp, processed_at timestamp DEFAULT CURRENT_TIMESTAMP,
    file_source varchar(255), source_at timestamptz)
"""
COLUMNS = ("hawb", "status", "pieces")
_numbers = itertools.count()


def hour(offset: float) -> datetime:
    """An as-of time, in hours from noon."""
    return NOON + timedelta(hours=offset)


def field(value: Any) -> str:
    """One field of COPY's text format."""
    if value is None:
        return "\\N"
    text = str(value)
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return text


def make_load(
    folder: Path,
    rows: Sequence[Sequence[Any]],
    columns: Tuple[str, ...] = COLUMNS,
    at: datetime = NOON,
    untouched: Optional[Dict[int, str]] = None,
    **changes: Any,
) -> Load:
    """An item of these rows; `untouched` gives the positions of a row, by its index."""
    number = next(_numbers)
    left = untouched or {}
    lines: List[str] = []
    for index, row in enumerate(rows):
        origin = f"1:{index + 2}" + (f" {left[index]}" if index in left else "")
        lines.append("\t".join([*map(field, row), origin]) + "\n")
    text = "".join(lines).encode()
    path = folder / f"rows-{number}.tsv"
    path.write_bytes(text)
    digest = hashlib.sha256(text).hexdigest()
    load = Load(
        item_id=f"{at:%Y%m%dT%H%M%SZ}-{number:016x}",
        file_sha256=f"file of {digest}",
        rows_sha256=digest,
        file_name=f"book {number}.xlsx",
        message_id="<m@example.org>",
        sender="Späti <a@example.org>",
        subject="Track and Trace",
        source_at=at,
        rows_read=len(rows),
        rejected=0,
        columns=columns,
        rows=path,
        untouched=len(left),
    )
    return load._replace(**changes)


class Target:
    """A target table in a fresh database, and one connection to load over."""

    def __init__(self, database: Database, folder: Path, ddl: str = SEED, **settings: Any) -> None:
        self.database = database
        self.folder = folder
        self.settings = database.settings(**settings)
        if ddl:
            database.run(ddl)
        if least_rights.WANTED:
            self.settings = least_rights.given(database, self.settings)
        self.connection: Connection = connect(self.settings, attempts=1)

    def load(self, load: Load, **options: Any) -> Loaded:
        """Loads an item made by `make_load`."""
        table = read_table(self.connection, self.settings)
        return load_item(self.connection, self.settings, table, load, **options)

    def rows(self, rows: Sequence[Sequence[Any]], **how: Any) -> Loaded:
        """Loads these rows as a new item."""
        options = {name: how.pop(name) for name in ("policies",) if name in how}
        return self.load(make_load(self.folder, rows, **how), **options)

    def all(self, columns: str = "hawb, status, pieces", table: str = "tracking_data") -> Any:
        """What the table holds, in the order of its first column."""
        return self.database.run(f"SELECT {columns} FROM {table} ORDER BY 1")

    def close(self) -> None:
        """Ends the connection."""
        self.connection.close()


def counts(loaded: Loaded) -> Tuple[int, int, int, int]:
    """inserted, updated, unchanged, stale."""
    return tuple(loaded[:4])  # type: ignore[return-value]
