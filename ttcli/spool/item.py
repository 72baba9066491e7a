"""An item: one attachment's life, one directory, one item.json."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Optional

from ttcli.errors import SpoolFault

SCHEMA = 1

PENDING, PROCESSED, LOADED, FAILED = "pending", "processed", "loaded", "failed"
STATES = (PENDING, PROCESSED, LOADED, FAILED)

RECORD, PAYLOAD, ROWS, REJECTS = "item.json", "payload", "rows.tsv", "rejects.csv"

REJECTS_HEAD = "sheet,cell,heading,raw text,reason,rule\n"
"""All of rejects.csv where nothing was rejected: its readers can do without, and no fsync is spent
on it."""

ITEM_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{16}\Z")

_text = json.JSONEncoder(ensure_ascii=False).encode
_name = lru_cache(maxsize=100)(_text)


def item_id(as_of: datetime, sha256: str) -> str:
    """The id of a payload as of a time: sorts oldest first, and is the same at every fetch.

    Args:
        as_of: An aware time.
        sha256: The payload's hash, in hex.
    """
    return f"{as_of.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{sha256[:16]}"


def now_text() -> str:
    """The time now, as item.json and the state files write it."""
    return time_text(datetime.now(timezone.utc))


def time_text(time: datetime) -> str:
    """A time in UTC, ISO 8601, to the millisecond."""
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """The reverse of `time_text`; raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Item:
    """One item as it stands on disk.

    Attributes:
        id: See `item_id`.
        state: The directory it stands in.
        path: Its own directory.
        record: The content of item.json; members that we do not know are kept.
    """

    def __init__(self, id: str, state: str, path: Path, record: Dict[str, Any]) -> None:
        self.id = id
        self.state = state
        self.path = path
        self.record = record

    @property
    def payload(self) -> Path:
        """The workbook's bytes."""
        return self.path / PAYLOAD

    @property
    def rows(self) -> Path:
        """The rows in PostgreSQL's COPY text format, with the origin as last field."""
        return self.path / ROWS

    @property
    def rejects(self) -> Path:
        """What was refused, and why."""
        return self.path / REJECTS

    @property
    def name(self) -> str:
        """The sender's file name: to be shown, never used as a path."""
        return str(self.record["payload"]["name"])

    @property
    def as_of(self) -> datetime:
        """The as-of time of all its rows."""
        day, _, clock = self.id.partition("T")
        # not strptime, whose first call imports what takes as long as loading a small item
        date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        return read_time(f"{date}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}Z")

    @property
    def attempts(self) -> int:
        """Tries of its present stage that ended in a bug or did not end."""
        return int(self.record.get("attempts", 0))

    @property
    def replay(self) -> str:
        """The mark of the replay that was asked for last: the ledger tells it from other loads."""
        return str(self.record.get("replay") or "")

    @property
    def error(self) -> Optional[Dict[str, Any]]:
        """The last error: class, message, hint, at."""
        return self.record.get("last_error")

    def note(self, event: str, **details: Any) -> None:
        """Adds an event to the history; durable with the next save."""
        self.record.setdefault("history", []).append({"at": now_text(), "event": event, **details})


def encode(record: Dict[str, Any]) -> bytes:
    """A record as the bytes of item.json, a member a line.

    json's own indent would be written by Python code, at ten times the cost.
    """
    members = (f" {_name(name)}: {_text(member)}" for name, member in record.items())
    return ("{\n" + ",\n".join(members) + "\n}\n").encode("utf-8", "replace")


def decode(content: bytes, path: str) -> Dict[str, Any]:
    """The record in the bytes of item.json.

    Raises:
        SpoolFault: It is damaged, or of a newer ttcli.
    """
    try:
        record = json.loads(content)
        schema = int(record["schema"])
    except (ValueError, TypeError, KeyError) as error:
        raise SpoolFault(
            f"{path}: damaged: {error}",
            "restore it from a backup, or take its directory out and `ttcli add` its payload",
        ) from error
    if schema > SCHEMA:
        raise SpoolFault(f"{path}: written by a newer ttcli (schema {schema})", "upgrade ttcli")
    return dict(record)
