"""The spool at a glance."""

from __future__ import annotations

from itertools import dropwhile
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ttcli.spool.item import STATES
from ttcli.views.words import count, moment

_SHOWN = 20  # failed items
_SENDERS = 10
_BAR = 40


def status(found: Mapping[str, Any]) -> str:
    """What needs a person, states, last runs, what waits, what failed, figures, last loads."""
    there = "" if found["exists"] else " (not made yet: the first run makes it)"
    lines = [f"ttcli {found['version']}, spool {found['base_dir']}{there}"]
    if found["locked_by"]:
        lines.append(f"at work: {found['locked_by']}")
    lines += _problem_lines(found["problems"])
    lines += ["", *(_state_line(state, found["states"][state]) for state in STATES)]
    lines += ["", *(_run_line(stage, result) for stage, result in found["stages"].items())]
    lines += _next_run(found["next_run"])
    for title, entries, line, most in (
        ("waiting for a retry", found["waiting"], _waiting_lines, _SHOWN),
        ("failed", found["failed"], _failed_lines, _SHOWN),
        ("senders", found["senders"], _sender_lines, _SENDERS),
        ("loaded last", found["last_loads"], _loaded_lines, len(found["last_loads"])),
    ):
        shown = [text for entry in entries[:most] for text in line(entry)]
        shown += [f"  … and {len(entries) - most} more"] if len(entries) > most else []
        lines += ["", f"{title}:", *shown] if shown else []
    return "\n".join([*lines, *_day_lines(found["days"]), *_rate_lines(found["rates"])])


def one_line(found: Mapping[str, Any]) -> str:
    """The verdict of `--check`: fine, or why not."""
    if found["ok"]:
        counts = ", ".join(f"{found['states'][state]['count']} {state}" for state in STATES)
        return f"ok: {counts}"
    texts = (" ".join(problem["text"].split()) for problem in found["problems"])
    return f"{found['exit_code']}: {'; '.join(texts)}"


def _problem_lines(problems: Sequence[Mapping[str, Any]]) -> List[str]:
    lines = ["", "needs a person:"] if problems else []
    for problem in problems:
        lines += [f"  {problem['text']}", f"    → {problem['fix']}"]
    return lines


def _state_line(state: str, figures: Mapping[str, Any]) -> str:
    if not figures["count"]:
        return f"{state:<10}{0:>7}"
    age = f"oldest as of {moment(figures['oldest'])}, {_span(figures['oldest_seconds'])} ago"
    waits = figures.get("waiting_seconds")
    here = "" if waits is None else f"; waiting for {_span(waits)}"
    return f"{state:<10}{figures['count']:>7}  {age}{here}"


def _span(seconds: Optional[float]) -> str:
    """A time in its largest unit: 45 s, 12 min, 3 h, 5 d."""
    left = seconds or 0
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if left >= 2 * size:
            return f"{left / size:.0f} {unit}"
    return f"{left:.0f} s"


def _run_line(stage: str, result: Any) -> str:
    if not result:
        return f"{stage:<12}never ran"
    verdict = "ok" if not result["exit_code"] else f"exit {result['exit_code']}"
    fault = f"  {result['fault']}" if result["fault"] else ""
    since = (
        f"  (last went well {moment(result['last_ok'])})" if fault and result.get("last_ok") else ""
    )
    when = moment(result["finished"])
    return f"{stage:<12}{when}  {verdict:<8} {result['seconds']:.1f} s{fault}{since}"


def _next_run(due: Optional[Mapping[str, Any]]) -> List[str]:
    reckoned = "" if not due or due["from"] == "timer" else " (last run + SCHEDULE_INTERVAL_HOURS)"
    return [f"next run    {moment(due['at'])}{reckoned}"] if due else []


def _waiting_lines(entry: Mapping[str, Any]) -> List[str]:
    when = moment(entry["next_attempt_at"]) or "the next run"
    return [f"  {entry['id']}  {entry['name']}: try {entry['attempts'] + 1} at {when}"]


def _failed_lines(entry: Mapping[str, Any]) -> List[str]:
    sender = f" from {entry['sender']}" if entry["sender"] else ""
    lines = [f"  {entry['id']}  {entry['name']}{sender}", f"    {entry['message']}"]
    lines += [f"    → {entry['hint']}"] if entry["hint"] else []
    when = "once it came again" if " drop " in entry["repair"] else "then"
    return [*lines, f"    → {when}: {entry['repair']}"]


def _loaded_lines(entry: Mapping[str, Any]) -> List[str]:
    names = ("inserted", "updated", "unchanged", "stale", "rejected")
    figures = ", ".join(f"{entry.get(name) or 0} {name}" for name in names)
    cells = f", {entry['cells_rejected']} rejected in cells" if entry.get("cells_rejected") else ""
    same = f" (the same as {entry['duplicate_of']})" if entry.get("duplicate_of") else ""
    return [f"  {entry['id']}  {entry['name']}: {figures}{cells}{same}"]


def _sender_lines(entry: Mapping[str, Any]) -> List[str]:
    usual = "" if entry["usual_rows"] is None else f" (usual {entry['usual_rows']})"
    rows = "" if entry["rows"] is None else f", {entry['rows']} rows{usual}"
    expected = f"; expected {entry['expect']}" if entry.get("expect") else ""
    wrong = [word for word in ("missing", "odd") if entry.get(word)]
    marks = f"  {', '.join(wrong).upper()}" if wrong else ""
    return [
        f"  {entry['sender']}: {moment(entry['last_report']) or 'never'}{rows}{expected}{marks}"
    ]


def _day_lines(days: Sequence[Mapping[str, Any]]) -> List[str]:
    """A bar a day: the rows that were read, from the first day that had any."""
    most = max(day["read"] for day in days)
    shown = dropwhile(lambda day: not day["loads"], days)
    return ["", "rows per day:", *(_day_line(day, most) for day in shown)] if most else []


def _day_line(day: Mapping[str, Any], most: int) -> str:
    bar = "█" * max(bool(day["read"]), round(_BAR * day["read"] / most))
    changed = day["inserted"] + day["updated"]
    rejected = f", {day['rejected']} rejected" if day["rejected"] else ""
    said = f"{count(day['loads'], 'load')}, {changed} changed{rejected}" if day["loads"] else ""
    return f"  {day['day']} {day['read']:>9} {bar:<{_BAR}} {said}".rstrip()


def _rate_lines(rates: Dict[str, Any]) -> List[str]:
    if rates["latency_median_seconds"] is None:
        return []
    speed = f", {rates['rows_per_second']:.0f} rows/s" if rates["rows_per_second"] else ""
    loads, rows = count(rates["loads_last_day"], "load"), count(rates["rows_last_day"], "row")
    day = f"last 24 h: {loads}, {rows}{speed}"
    half, most = (_span(rates[f"latency_{name}_seconds"]) for name in ("median", "p95"))
    return ["", day, f"mail → row, last 7 days: {half} median, {most} for 95 %"]
