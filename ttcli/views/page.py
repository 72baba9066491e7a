"""The report as one HTML page: no script, nothing from elsewhere, everything escaped.

File names, subjects and reasons are what strangers wrote. The page's policy (CSP) lets a browser
use its one style sheet, by its hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from ttcli.views import charts

_SHOWN = ("inserted", "updated", "unchanged")
_MOST_FAILED = 100
_LATE_HOURS = 48


def page(found: Mapping[str, Any]) -> str:
    """The whole page."""
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
    sections = "".join(_section(*each) for each in _sections(found))
    links = "".join(
        f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in _sections(found)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>ttcli: {_plain(_verdict(found)[1])}</title>\n<style>{style}</style>\n"
        "</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the figures</a>\n'
        f"<header><h1>Track and trace</h1>{_when(found)}"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n'
        f'<main id="main" tabindex="-1">{_banner(found)}{_tiles(found)}{sections}</main>\n'
        f"<footer>{_footer(found)}</footer>\n</body>\n</html>\n"
    )


def _sections(found: Mapping[str, Any]) -> List[Tuple[str, str, str]]:
    needs = [("needs", "Needs a person", _needs(found["problems"]))] if found["problems"] else []
    return [
        *needs,
        ("failed", "Failed items", _failed(found["failed"])),
        ("senders", "Senders", _senders(found)),
        ("volumes", "Rows by day", _volumes(found["days"])),
        ("rejects", "Rejects by reason", _rejects(found["rejects"], found["links"])),
        ("latency", "From mail to row", _latency(found["latency"])),
    ]


def _section(name: str, title: str, body: str) -> str:
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{title}</h2>{body}</section>\n'
    )


def _plain(text: Any) -> str:
    return escape(str(text), quote=True)


def _foreign(text: Any) -> str:
    """What a stranger wrote: it may be written from right to left, and stays in its place."""
    return f"<bdi>{_plain(text)}</bdi>"


def _time(time: datetime) -> str:
    return f'<time datetime="{time:%Y-%m-%dT%H:%M:%SZ}">{time:%Y-%m-%d %H:%M}</time>'


def _when(found: Mapping[str, Any]) -> str:
    return f'<p class="soft">As of {_time(found["generated"])} UTC</p>'


def _verdict(found: Mapping[str, Any]) -> Tuple[str, str]:
    failed, waiting = len(found["failed"]), _waiting(found)
    if failed:
        return "bad", f"{_some(failed, 'item')} failed and {'needs' if failed == 1 else 'need'} you"
    if found["problems"]:
        return "bad", str(found["problems"][0]["text"])
    if waiting:
        return "warn", f"{_some(waiting, 'item')} waiting for the next run"
    return "good", "All that arrived is loaded"


def _needs(problems: Sequence[Mapping[str, Any]]) -> str:
    lines = "".join(
        f'<li><p class="why">{_foreign(each["text"])}</p><p>{_foreign(each["fix"])}</p></li>'
        for each in problems
    )
    return f'<ul class="failed">{lines}</ul>'


def _waiting(found: Mapping[str, Any]) -> int:
    return int(found["states"]["pending"] + found["states"]["processed"])


def _some(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _banner(found: Mapping[str, Any]) -> str:
    kind, text = _verdict(found)
    since = found["waiting_since"]
    more = f", the oldest since {_time(since)}" if kind == "warn" and since else ""
    return f'<p class="verdict {kind}">{_plain(text)}{more}</p>'


def _tiles(found: Mapping[str, Any]) -> str:
    days = found["days"]
    today = days[max(days)] if days else {}
    tiles = (
        ("failed", f"{len(found['failed']):,}"),
        ("waiting", f"{_waiting(found):,}"),
        ("reports today", f"{today.get('reports', 0):,}"),
        ("rows written today", f"{today.get('inserted', 0) + today.get('updated', 0):,}"),
        ("rejected today", f"{today.get('rejected', 0):,}"),
        ("mail to row, median", _lasted(found["latency"]["median"])),
    )
    inner = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    return f'<dl class="tiles">{inner}</dl>'


def _lasted(seconds: Optional[float]) -> str:
    if seconds is None:
        return "–"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _failed(items: Sequence[Mapping[str, Any]]) -> str:
    if not items:
        return "<p>None.</p>"
    lines = [_failed_item(item) for item in items[::-1][:_MOST_FAILED]]
    more = len(items) - len(lines)
    rest = f"<p>… and {more:,} more: <code>ttcli status</code></p>" if more else ""
    return f'<ul class="failed">{"".join(lines)}</ul>{rest}'


def _failed_item(item: Mapping[str, Any]) -> str:
    sender = f" from {_foreign(item['sender'])}" if item["sender"] else ""
    hint = f"<p>{_foreign(item['hint'])}</p>" if item["hint"] else ""
    link = f' · <a href="{_href(item["link"])}">its rejects</a>' if item["link"] else ""
    when = "Sent again" if " drop " in item["repair"] else "Repaired"
    return (
        f"<li><h3>{_foreign(item['name'] or 'a mail that cannot be read')}</h3>"
        f'<p class="soft">{_plain(item["item"])}{sender}</p>'
        f'<p class="why">{_foreign(item["message"])}</p>{hint}'
        f"<p>{when}? <code>{_plain(item['repair'])}</code>{link}</p></li>"
    )


def _href(path: str) -> str:
    """A path as a link: relative to the page, or a file's own address."""
    return _plain(("file://" if path.startswith("/") else "") + quote(path))


def _table(caption: str, heads: Sequence[str], rows: Sequence[str], numbers: int = 1) -> str:
    """Columns from `numbers` on are figures."""
    cells = "".join(
        f'<th scope="col"{_class(n >= numbers and bool(head))}>{head}</th>'
        for n, head in enumerate(heads)
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}"><table>'
        f"<caption>{caption}</caption><thead><tr>{cells}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _class(is_number: bool) -> str:
    return ' class="n"' if is_number else ""


def _numbers(*values: int) -> str:
    return "".join(f'<td class="n">{value:,}</td>' for value in values)


def _senders(found: Mapping[str, Any]) -> str:
    if not found["senders"]:
        return "<p>Nobody has sent anything yet.</p>"
    rows = [_sender(each, found["generated"]) for each in found["senders"]]
    heads = ("Sender, last report", "Reports", "Rows", "Rejected", "Failed")
    return _table("Freshness by sender, the latest report first", heads, rows)


def _sender(each: Mapping[str, Any], now: datetime) -> str:
    age = (now - each["as_of"]).total_seconds()
    late = ' class="late"' if age > _LATE_HOURS * 3600 else ""
    rows = sum(each[name] for name in (*_SHOWN, "stale"))
    return (
        f'<tr><th scope="row">{_foreign(each["sender"] or "(added by hand)")}<span class="soft">'
        f"{_time(each['as_of'])}, <span{late}>{_lasted(age)} ago</span></span></th>"
        f"{_numbers(each['reports'], rows, each['rejected'], each['failed'])}</tr>\n"
    )


def _volumes(days: Mapping[str, Mapping[str, int]]) -> str:
    total = {name: sum(day[name] for day in days.values()) for name in _SHOWN}
    words = ", ".join(f"{total[name]:,} {name}" for name in _SHOWN)
    key = "".join(
        f'<li><svg viewBox="0 0 8 8" aria-hidden="true" focusable="false"><rect class="s{n}"'
        f' width="8" height="8"/></svg>{name}</li>'
        for n, name in enumerate(_SHOWN)
    )
    chart = charts.columns(f"Rows by day, {len(days)} days", words, days, _SHOWN)
    rows = [
        f'<tr><th scope="row">{day}</th>{_numbers(*(figures[n] for n in _COLUMNS))}</tr>'
        for day, figures in sorted(days.items(), reverse=True)
    ]
    heads = ("Day (UTC)", *(name.capitalize() for name in _COLUMNS))
    table = _table("The same in figures", heads, rows)
    return (
        f'<p class="soft">In {len(days)} days: {words}.</p><ul class="key">{key}</ul>{chart}'
        f"<details><summary>The figures as a table</summary>{table}</details>"
    )


_COLUMNS = ("reports", *_SHOWN, "stale", "rejected")


def _rejects(rejects: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]]) -> str:
    if not rejects:
        return "<p>None in the items that are kept.</p>"
    most = max(each["count"] for each in rejects)
    rows = [
        f'<tr><th scope="row">{_plain(each["rule"])}'
        f'<span class="soft">{_foreign(each["example"][:200])}</span></th>'
        f"{_numbers(each['count'])}<td>{charts.bar(each['count'] / most)}</td></tr>"
        for each in rejects
    ]
    linked = [
        f'<li><a href="{_href(each["link"])}">{_foreign(each["name"] or each["item"])}</a>'
        f' <span class="soft">{_foreign(each["sender"])}, {_some(each["rejected"], "row")},'
        f" {_some(each['cells'], 'cell')}</span></li>"
        for each in links
    ]
    files = f"<h3>The latest reject files</h3><ul>{''.join(linked)}</ul>" if linked else ""
    return (
        _table("Rejected cells and rows of the kept items", ("Reason", "Count", ""), rows) + files
    )


def _latency(latency: Mapping[str, Any]) -> str:
    if not latency["count"]:
        return "<p>No mail was loaded yet.</p>"
    most = max(count for _, count in latency["buckets"]) or 1
    rows = [
        f'<tr><th scope="row">{name}</th>{_numbers(count)}<td>{charts.bar(count / most)}</td></tr>'
        for name, count in latency["buckets"]
    ]
    said = (
        f"Half of the mails were loaded within {_lasted(latency['median'])}, 95 in 100 within"
        f" {_lasted(latency['p95'])}; the longest took {_lasted(latency['longest'])}."
    )
    table = _table("Time from the mail's arrival to its rows", ("Time", "Reports", ""), rows)
    return f'<p class="soft">{said}</p>{table}'


def _footer(found: Mapping[str, Any]) -> str:
    lines = [f"ttcli {_plain(found['version'])}, spool {_plain(found['base_dir'])}."]
    if found["ledger"]:
        why = _plain(found["ledger"])
        lines.append(f"The ledger was not asked ({why}): the figures are of the kept items only.")
    return "".join(f"<p>{line}</p>" for line in lines)
