"""What was seen in a mail or a workbook."""

from __future__ import annotations

from typing import Any, Mapping

from ttcli.views.rows import rejects, sheets


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
    lines += sheets(found)
    for row in found.get("rows", []):
        values = (f"{name}={value}" for name, value in row["fields"].items() if value is not None)
        lines.append(f"  {row['sheet']}!{row['row']}: {', '.join(values)}")
    lines += rejects(found.get("rejects", []), len(found.get("rejects", [])))
    if found.get("refused"):
        lines += ["", f"refused: {found['refused']}", f"  → {found['hint']}"]
    return "\n".join(lines)
