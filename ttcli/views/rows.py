"""Sheets and rejects, as an item and an inspected workbook have them."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence


def sheets(rows: Mapping[str, Any]) -> List[str]:
    """Each sheet with its counts and what was noticed."""
    lines = ["sheets:"] if rows.get("sheets") else []
    names = ("read", "written", "rejected", "duplicates", "totals", "blank")
    for sheet in rows.get("sheets", []):
        figures = ", ".join(f"{sheet.get(name) or 0} {name}" for name in names)
        lines.append(f"  {sheet['name']}: {figures if sheet.get('taken') else sheet.get('reason')}")
        if sheet.get("taken") and sheet.get("reason"):
            lines.append(f"    {sheet['reason']}")
        if sheet.get("unknown"):
            lines.append(f"    headings not known: {', '.join(sheet['unknown'])}")
        for note, places in (sheet.get("notes") or {}).items():
            lines.append(f"    {note}: {places['count']} times, first in {places['first']}")
        for check in sheet.get("totals_check") or []:
            verdict = "agrees" if check["agrees"] else "DIFFERS"
            said = f"row {check['row']} says {check['field']} {check['said']}"
            lines.append(f"    {said}, read {check['sum']}: {verdict}")
    return lines


def rejects(found: Sequence[Mapping[str, str]], in_all: int) -> List[str]:
    """Each rejected cell or row with its address and reason."""
    if not found:
        return []
    lines = [f"rejects ({in_all}):"]
    for reject in found:
        where = f"{reject['sheet']}!{reject['cell']}"
        lines.append(f"  {where}  {reject['heading']} = {_raw(reject)!r}: {reject['reason']}")
    more = in_all - len(found)
    return [*lines, f"  … and {more} more in rejects.csv"] if more else lines


def _raw(reject: Mapping[str, str]) -> str:
    """What stands in the cell; a formula as Excel shows it, lest `A1` be taken for a text."""
    raw = reject["raw text"]
    if reject["rule"] != "formula-not-calculated" or raw.startswith(("=", "of:")):
        return raw
    return f"={raw}"
