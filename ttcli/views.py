"""What the commands print, as text for people; JSON is made in cli.py from the same findings."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ttcli.errors import TtcliError
from ttcli.facts import Fact
from ttcli.spool.drain import Report
from ttcli.spool.item import FAILED, STATES


def error(fault: TtcliError) -> str:
    """What went wrong, and what to do."""
    return f"ttcli: {fault.message}" + (f"\n  → {fault.hint}" if fault.hint else "")


def bug(fault: Exception) -> str:
    """For what we did not foresee."""
    return (
        f"ttcli: a bug: {type(fault).__name__}: {fault}\n"
        "  → nothing was lost; please report it with the traceback in trackandtrace.log"
    )


def report(found: Report) -> str:
    """One headline a stage, one line an item, and the fault that stopped it."""
    figures = [_counted(count, name) for name, count in found.counts.items() if count]
    figures += [f"{found.postponed} waiting for a retry"] if found.postponed else []
    headline = f"{found.stage:<11} {', '.join(figures) or _figures_of_lines(found)}"
    lines = [headline + ("  (dry run: nothing was changed)" if found.dry_run else "")]
    lines += [f"  {identity}  {state:<9}  {line}" for identity, state, line in found.lines]
    if found.fault:
        lines += [f"  stopped: {found.fault.message}"]
        lines += [f"    → {found.fault.hint}"] if found.fault.hint else []
    return "\n".join(lines)


def _counted(count: int, name: str) -> str:
    """1 mail, 2 mails; 1 known, 2 known."""
    plural = name in ("mails", "attachments")
    return f"{count} {name[:-1] if plural and count == 1 else name}"


def _figures_of_lines(found: Report) -> str:
    states: Dict[str, int] = {}
    for _, state, _ in found.lines:
        states[state] = states.get(state, 0) + bool(state)
    figures = [f"{count} {state}" for state, count in states.items() if count]
    nothing = "nothing done" if found.exit_code else "nothing to do"
    return ", ".join(figures) or nothing


def facts(found: Sequence[Fact]) -> str:
    """One line a fact, and the fix of what is not right or could be better."""
    lines: List[str] = []
    for fact in found:
        lines.append(f"{'ok  ' if fact.ok else 'FAIL'}  {fact.name}: {fact.text}")
        if fact.fix:
            lines.append(f"        → {fact.fix}")
    return "\n".join(lines)


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


def item(found: Mapping[str, Any]) -> str:
    """One item's whole life."""
    record = found["item"]
    lines = [f"{record['id']}  {found['state']}", "", *_fields(record["payload"], "payload")]
    lines += _fields(record["source"], "source")
    if record.get("last_error") and found["state"] == FAILED:
        lines += _fields(record["last_error"], "error")
    lines += _sheets(record.get("rows") or {})
    lines += _fields(record.get("load") or {}, "load")
    lines += ["history:"]
    lines += [f"  {event['at']}  {event['event']}" for event in record.get("history", [])]
    lines += _rejects(found["rejects"], found["rejects_in_all"])
    return "\n".join(lines)


def _fields(values: Mapping[str, Any], title: str) -> List[str]:
    shown = [f"  {name}: {value}" for name, value in values.items() if value not in (None, "")]
    return [f"{title}:", *shown] if shown else []


def _sheets(rows: Mapping[str, Any]) -> List[str]:
    lines = ["sheets:"] if rows.get("sheets") else []
    names = ("read", "written", "rejected", "duplicates", "totals", "blank")
    for sheet in rows.get("sheets", []):
        figures = ", ".join(f"{sheet.get(name) or 0} {name}" for name in names)
        lines.append(f"  {sheet['name']}: {figures if sheet.get('taken') else sheet.get('reason')}")
        if sheet.get("unknown"):
            lines.append(f"    headings not known: {', '.join(sheet['unknown'])}")
        for note, places in (sheet.get("notes") or {}).items():
            lines.append(f"    {note}: {places['count']} times, first in {places['first']}")
        for check in sheet.get("totals_check") or []:
            verdict = "agrees" if check["agrees"] else "DIFFERS"
            said = f"row {check['row']} says {check['field']} {check['said']}"
            lines.append(f"    {said}, read {check['sum']}: {verdict}")
    return lines


def _rejects(rejects: Sequence[Mapping[str, str]], in_all: int) -> List[str]:
    if not rejects:
        return []
    lines = [f"rejects ({in_all}):"]
    for reject in rejects:
        where = f"{reject['sheet']}!{reject['cell']}"
        lines.append(f"  {where}  {reject['heading']} = {reject['raw text']!r}: {reject['reason']}")
    more = in_all - len(rejects)
    return [*lines, f"  … and {more} more in rejects.csv"] if more else lines


def inspected(found: Mapping[str, Any]) -> str:
    """What was seen in a mail or a workbook."""
    return _inspected_mail(found) if found["kind"] == "mail" else _inspected_workbook(found)


def _inspected_mail(found: Mapping[str, Any]) -> str:
    lines = [f"{found['file']}: a mail from {found['sender']}: {found['subject']}"]
    lines += [f"  trouble: {found['trouble']}"] if found["trouble"] else []
    for book in found["workbooks"]:
        name = "/".join(part for part in (book["path"] or book["name"],) if part)
        lines.append(
            f"  take   {name or 'without a name'}  part {book['part']}, {book['bytes']} bytes"
        )
    for part in found["left_alone"]:
        lines.append(f"  leave  {part['name'] or 'part ' + part['part']}: {part['reason']}")
    return "\n".join(lines)


def _inspected_workbook(found: Mapping[str, Any]) -> str:
    epoch = ", dates from 1904" if found["date_1904"] else ""
    lines = [f"{found['file']}: {found['kind']}{epoch}, for table {found['table'] or '(unknown)'}"]
    for sheet in found["sheets"]:
        lines += [
            "",
            f"sheet {sheet['name']!r}, {sheet['state']}: {sheet.get('why') or sheet['reason']}",
        ]
        lines += [
            f"  {h['cell']:<6} {h['heading']} → {h['field']} {h['type']}"
            for h in sheet.get("headings", [])
        ]
        lines += [f"  not known: {', '.join(sheet['unknown'])}"] if sheet.get("unknown") else []
    lines += _sheets(found)
    for row in found.get("rows", []):
        values = (f"{name}={value}" for name, value in row["fields"].items() if value is not None)
        lines.append(f"  {row['sheet']}!{row['row']}: {', '.join(values)}")
    lines += _rejects(found.get("rejects", []), len(found.get("rejects", [])))
    if found.get("refused"):
        lines += ["", f"refused: {found['refused']}", f"  → {found['hint']}"]
    return "\n".join(lines)
