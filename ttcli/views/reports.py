"""What a stage did, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Sequence

from ttcli.errors import TtcliError
from ttcli.facts import Fact

if TYPE_CHECKING:
    from ttcli.spool.drain import Report


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
        took = f"  [{fact.seconds * 1000:.0f} ms]" if fact.seconds >= 0.001 else ""
        lines.append(f"{'ok  ' if fact.ok else 'FAIL'}  {fact.name}: {fact.text}{took}")
        if fact.fix:
            lines.append(f"        → {fact.fix}")
    return "\n".join(lines)
