"""The spool at a glance."""

from __future__ import annotations

from typing import Any, List, Mapping

from ttcli.spool.item import STATES


def status(found: Mapping[str, Any]) -> str:
    """States, last runs, what waits, what failed, what was loaded last."""
    there = "" if found["exists"] else " (not made yet: the first run makes it)"
    lines = [f"ttcli {found['version']}, spool {found['base_dir']}{there}"]
    if found["locked_by"]:
        lines.append(f"at work: {found['locked_by']}")
    lines += ["", *(_state_line(state, found["states"][state]) for state in STATES)]
    lines += ["", *(_run_line(stage, result) for stage, result in found["stages"].items())]
    for title, items, line in (
        ("waiting for a retry", found["waiting"], _waiting_lines),
        ("failed", found["failed"], _failed_lines),
        ("loaded last", found["last_loads"], _loaded_lines),
    ):
        if items:
            lines += ["", f"{title}:", *(text for entry in items for text in line(entry))]
    return "\n".join(lines)


def _state_line(state: str, figures: Mapping[str, Any]) -> str:
    oldest = f"  oldest as of {figures['oldest']}" if figures["count"] else ""
    return f"{state:<10}{figures['count']:>7}{oldest}"


def _run_line(stage: str, result: Any) -> str:
    if not result:
        return f"{stage:<12}never ran"
    verdict = "ok" if not result["exit_code"] else f"exit {result['exit_code']}"
    fault = f"  {result['fault']}" if result["fault"] else ""
    return f"{stage:<12}{result['finished']}  {verdict:<8}{result['seconds']:.1f} s{fault}"


def _waiting_lines(entry: Mapping[str, Any]) -> List[str]:
    when = entry["next_attempt_at"] or "the next run"
    return [f"  {entry['id']}  {entry['name']}: try {entry['attempts'] + 1} at {when}"]


def _failed_lines(entry: Mapping[str, Any]) -> List[str]:
    sender = f" from {entry['sender']}" if entry["sender"] else ""
    lines = [f"  {entry['id']}  {entry['name']}{sender}", f"    {entry['message']}"]
    lines += [f"    → {entry['hint']}"] if entry["hint"] else []
    return [*lines, f"    → again: {entry['repair']}"]


def _loaded_lines(entry: Mapping[str, Any]) -> List[str]:
    names = ("inserted", "updated", "unchanged", "stale", "rejected")
    figures = ", ".join(f"{entry.get(name) or 0} {name}" for name in names)
    same = f" (the same as {entry['duplicate_of']})" if entry.get("duplicate_of") else ""
    return [f"  {entry['id']}  {entry['name']}: {figures}{same}"]
