"""The whole world of a run: a mailbox on a real Dovecot, a table on a real PostgreSQL, a spool."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import pytest

from tests.mails import report_mail

NOON = datetime(2026, 8, 22, 12, 0, tzinfo=timezone.utc)
HEADINGS = ("HAWB", "MAWB", "Pieces", "Weight", "ETA", "Status")
TABLE = """
CREATE TABLE tracking_data (
    hawb varchar(50) PRIMARY KEY, mawb text, pieces integer, weight numeric(10,2),
    eta timestamp, status text, source_at timestamptz,
    processed_at timestamp DEFAULT current_timestamp, file_source varchar(255))
"""


def shipment(number: int, **changes: Any) -> List[Any]:
    """A row of a report, by HEADINGS; the same number gives the same row."""
    row = {
        "HAWB": f"H{number:08d}",
        "MAWB": f"020-{number * 7:08d}",
        "Pieces": number % 40 + 1,
        "Weight": number % 900 + 0.5,
        "ETA": datetime(2026, 9, 1) + timedelta(minutes=number),
        "Status": ("BKD", "DEP", "ARR", "DLV")[number % 4],
        **changes,
    }
    return [row[heading] for heading in HEADINGS]


def workbook(rows: Sequence[Sequence[Any]], headings: Sequence[str] = HEADINGS) -> bytes:
    """An .xlsx as openpyxl writes it."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in (headings, *rows):
        book.active.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


class World:
    """Mailbox, table and spool, and the `ttcli` command between them."""

    def __init__(self, mailbox: Any, database: Any, home: Path) -> None:
        self.mailbox = mailbox
        self.database = database
        self.base = home / "spool"
        (home / "config.env").touch()
        self.environ = {
            **{
                k: v for k, v in os.environ.items() if k.split("_")[0] not in ("EMAIL", "DB", "APP")
            },
            **mailbox.environ(),
            **database.environ(),
            "TTCLI_CONFIG": str(home / "config.env"),
            "APP_BASE_DIR": str(self.base),
            "LOG_DIR": str(home / "logs"),
        }

    def command(self, *arguments: str) -> List[str]:
        """The command line of `ttcli` in this interpreter."""
        return [sys.executable, "-m", "ttcli", *arguments]

    def ttcli(
        self, *arguments: str, code: Optional[int] = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs the command and looks at its exit code; None: any."""
        done = subprocess.run(
            self.command(*arguments),
            env={**self.environ, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def status(self) -> Dict[str, Any]:
        """`ttcli status --json`."""
        return dict(json.loads(self.ttcli("status", "--json").stdout))

    def counts(self) -> Dict[str, int]:
        """How many items are in each state."""
        states = self.status()["states"]
        return {state: figures["count"] for state, figures in states.items() if figures["count"]}

    def counts_on_disk(self, state: str) -> int:
        """The same of one state, by looking into its directory, while a run is going on."""
        return len(list((self.base / state).glob("*Z-*")))

    def send(self, content: bytes, at: datetime = NOON, **mail: Any) -> None:
        """A report arrives; `at` is its Date, and it arrived the moment after."""
        raw = report_mail(content, date=at, **mail)
        self.mailbox.append(raw, internaldate=at + timedelta(seconds=1))

    def sql(self, statement: str, *arguments: Any) -> List[Any]:
        """Rows of a query, or nothing."""
        connection = self.database.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(statement, arguments or None)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def table(self) -> List[Any]:
        """What the rows say, without when they were written."""
        columns = "hawb, mawb, pieces, weight, eta, status, source_at, file_source"
        return self.sql(f"SELECT {columns} FROM tracking_data ORDER BY hawb")


@pytest.fixture
def world(mailbox: Any, database: Any, tmp_path: Path) -> World:
    """An empty mailbox, an empty table, no spool yet."""
    world = World(mailbox, database, tmp_path)
    world.sql(TABLE)
    return world
