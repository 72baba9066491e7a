"""What happened to a key, and past loads."""

from __future__ import annotations

from typing import Any, List, Mapping

from ttcli.views.rows import rejects
from ttcli.views.words import count, moment, value


def explained(found: Mapping[str, Any]) -> str:
    """Each item that brought the key, what it changed, and the row as it is now."""
    key = ", ".join(f"{name} {value}" for name, value in found["key"].items())
    lines = [f"{key}: {count(len(found['items']), 'item')}"]
    for entry in found["items"]:
        lines += ["", *_entry(entry)]
    return "\n".join([*lines, "", *_now(found), *_unsure(found)])


def _entry(entry: Mapping[str, Any]) -> List[str]:
    came = f"{entry['item']}  {entry['name']}"
    came += f" from {entry['sender']}" if entry.get("sender") else ""
    where = f", {entry['row']}" if entry.get("row") else ""
    when = f"  {moment(entry['at'])}" if entry.get("at") else ""
    again = ", replayed" if entry.get("replay") else ""
    lines = [came, f"  {entry['effect']}{where}{again}{when}"]
    lines += [f"    {entry['reason']}"] if entry["reason"] else []
    lines += [f"    {_change(change)}" for change in entry["changes"]]
    for each in entry["refused"]:
        kept = f"{value(each['stored'])} kept, {value(each['refused'])} refused"
        lines.append(f"    {each['column']}: {kept} by policy {each['policy']!r}")
    shown = [r for r in entry["rejects"] if r["reason"] != entry["reason"]]
    return lines + [f"  {line}" for line in rejects(shown, len(shown))]


def _change(change: Mapping[str, Any]) -> str:
    old = value(change["old"]) if "old" in change else "(not known)"
    return f"{change['column']}: {old} → {value(change['new'])}"


def _now(found: Mapping[str, Any]) -> List[str]:
    database = found["database"]
    if not database["reachable"]:
        return [f"the table was not asked: {database['trouble']}"]
    if not database["row"]:
        return ["the table has no such row"]
    lines = ["the row now:"]
    lines += [f"    {name}: {value(stored)}" for name, stored in database["row"].items()]
    for each in database["other"]:
        said = f"the kept items left {value(each['expected'])}"
        lines.append(f"  {each['column']} was changed by other means: {said}")
    return lines


def _unsure(found: Mapping[str, Any]) -> List[str]:
    lines: List[str] = []
    if found["unread"]:
        some = ", ".join(found["unread"][:5]) + (" …" if len(found["unread"]) > 5 else "")
        lines.append(f"not read, and may have brought it: {some}")
    pruned = found["database"]["pruned"]
    if pruned:
        lines.append(f"{count(pruned, 'older load')} left the spool and cannot be looked into")
    return lines


def loads(found: Mapping[str, Any]) -> str:
    """One line a load, newest first."""
    lines = [f"the ledger was not asked: {found['trouble']}"] if found["trouble"] else []
    lines += ["  this is what the spool has kept"] if found["trouble"] else []
    for load in found["loads"]:
        lines.append(f"{moment(load['at'])}  {load['item']}  {_came(load)}")
        lines.append(f"    {_figures(load)}")
    return "\n".join(lines if found["loads"] else [*lines, "no such load"])


def _came(load: Mapping[str, Any]) -> str:
    return f"{load['name']} from {load['sender']}" if load["sender"] else str(load["name"])


def _figures(load: Mapping[str, Any]) -> str:
    if load["result"] == "failed":
        return f"failed: {load['reason']}"
    if load["result"] == "duplicate":
        return f"duplicate: the same as {load['duplicate_of']}"
    names = ("inserted", "updated", "unchanged", "stale", "rejected")
    figures = ", ".join(f"{load[name] or 0} {name}" for name in names)
    return f"{'replayed' if load['replay'] else 'loaded'}: {figures}"
