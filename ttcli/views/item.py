"""One item's whole life."""

from __future__ import annotations

from typing import Any, List, Mapping

from ttcli.spool.item import FAILED
from ttcli.views.rows import rejects, sheets
from ttcli.views.words import moment


def item(found: Mapping[str, Any]) -> str:
    """One item's whole life."""
    record = found["item"]
    lines = [f"{record['id']}  {found['state']}", "", *_fields(record["payload"], "payload")]
    lines += _fields(record["source"], "source")
    if record.get("last_error") and found["state"] == FAILED:
        lines += _fields(record["last_error"], "error")
    lines += sheets(record.get("rows") or {})
    lines += _fields(record.get("load") or {}, "load")
    lines += ["history:"]
    lines += [f"  {moment(event['at'])}  {event['event']}" for event in record.get("history", [])]
    lines += rejects(found["rejects"], found["rejects_in_all"])
    return "\n".join(lines)


def _fields(values: Mapping[str, Any], title: str) -> List[str]:
    shown = [
        f"  {name}: {value}"
        for name, value in values.items()
        if value not in (None, "", []) and not isinstance(value, dict)
    ]
    return [f"{title}:", *shown] if shown else []
