"""What a load is given: one item, the table it goes to, and how their values become one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Mapping, NamedTuple, Optional, Tuple

from psycopg2 import sql

from ttcli.config import DatabaseSettings
from ttcli.table import Policy, TargetTable

REPLAY = "~"
"""Between an item's id and the mark of its replay, in the ledger's `item_id`: a column more would
have to be added by the owner of a ledger that ttcli may not change."""


class Load(NamedTuple):
    """One item, read and ready.

    Attributes:
        source_at: The as-of time, aware.
        rows_read, rejected: As the rows room counted them.
        columns: The columns of rows.tsv in its order, without the trailing origin.
        rows: rows.tsv: COPY text format, unique by key, with a trailing field
            `<sheet>:<row>[ <position>,…]`, where the positions (1-based, in `columns`) are
            cells whose stored values stay as they are.
        serials: Those columns that hold days since 30 December 1899, and their types.
        untouched: How many rows have such positions.
        replay: The mark of a replay (`Item.replay`), empty for an ordinary load.
    """

    item_id: str
    file_sha256: str
    rows_sha256: str
    file_name: str
    message_id: str
    sender: str
    subject: str
    source_at: datetime
    rows_read: int
    rejected: int
    columns: Tuple[str, ...]
    rows: Path
    serials: Mapping[str, str] = {}
    untouched: int = 0
    replay: str = ""

    @property
    def ledger_id(self) -> str:
        """What the ledger calls this load: an item's replays are loads of their own."""
        return f"{self.item_id}{REPLAY}{self.replay}" if self.replay else self.item_id


class Given(NamedTuple):
    """What a load is about.

    Attributes:
        sample: How many differences a dry run shows.
        stage: The session's own staging table, where the load may use it.
    """

    settings: DatabaseSettings
    table: TargetTable
    load: Load
    policies: Mapping[str, Policy]
    sample: int = 0
    stage: Optional[sql.Identifier] = None
