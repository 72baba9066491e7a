"""Who was answered: state/answers.jsonl, a line before each answer leaves and one after.

At most once: what stands there without an end counts as sent, whatever has become of it.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List

from ttcli.spool import durable
from ttcli.spool.item import now_text, read_time
from ttcli.spool.store import Spool

SENDING, SENT, UNSURE, LATER, REFUSED, LIMITED = (
    "sending", "sent", "unsure", "later", "refused", "limited",
)  # fmt: skip
_KEPT = timedelta(days=400)
_DAY = timedelta(days=1)
_COMPACT_AT = 1000  # lines


class Answered:
    """The answers that left, or may have left."""

    def __init__(self, spool: Spool) -> None:
        self._path = spool.base / "state" / "answers.jsonl"
        self._lines = self._read()

    def knows(self, item: str) -> bool:
        """Whether the item was dealt with; only what certainly was not sent is tried again."""
        said = [line["what"] for line in self._lines if line["item"] == item]
        return bool(said) and said[-1] != LATER

    def lately(self, to: str) -> int:
        """How many answers left to this address within a day."""
        limit = datetime.now(timezone.utc) - _DAY
        last = {line["item"]: line for line in self._lines if line["to"] == to}
        sent = (line for line in last.values() if line["what"] in (SENDING, SENT, UNSURE))
        return sum(read_time(line["at"]) >= limit for line in sent)

    def note(self, item: str, to: str, what: str) -> None:
        """Makes it durable what becomes of an answer."""
        line = {"at": now_text(), "item": item, "to": to, "what": what}
        durable.append_line(self._path, json.dumps(line).encode())
        self._lines.append(line)

    def compact(self) -> None:
        """Forgets what is older than any item that may come again."""
        limit = datetime.now(timezone.utc) - _KEPT
        kept = [line for line in self._lines if read_time(line["at"]) >= limit]
        if len(self._lines) - len(kept) >= _COMPACT_AT:
            text = "".join(json.dumps(line) + "\n" for line in kept)
            durable.replace_file(self._path, text.encode())
            self._lines = kept

    def _read(self) -> List[Dict[str, Any]]:
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [line for raw in lines for line in _parsed(raw)]


def _parsed(raw: bytes) -> List[Dict[str, Any]]:
    """The record in a line; none in what a crash left of one, whose answer had not left yet."""
    try:
        line = json.loads(raw)
        read_time(line["at"])
        return [line] if {"item", "to", "what"} <= set(line) else []
    except (ValueError, TypeError, KeyError):
        return []
