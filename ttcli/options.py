"""The options and arguments of the commands."""

from __future__ import annotations

from datetime import datetime
from typing import Optional

import typer

from ttcli.settings import aware
from ttcli.sources import DEFAULT_FILE


def _aware(time: Optional[datetime]) -> Optional[datetime]:
    try:
        return aware(time) if time else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


DRY_RUN = typer.Option(False, "--dry-run", "-n", help="Say what would be done, and do nothing.")
AS_JSON = typer.Option(False, "--json", help="One JSON object for programs.")
PROMETHEUS = typer.Option(False, "--prometheus", help="Metrics in Prometheus's text format.")
CHECK = typer.Option(
    False, "--check", help="One line, and exit 0 unless something needs a person; for monitors."
)
LIMIT = typer.Option(None, "--limit", min=1, help="At most this many mails.")
SINCE = typer.Option(
    None,
    "--since",
    formats=["%Y-%m-%d"],
    callback=_aware,
    help="Look again at all that arrived since that day; what is known already drops out.",
)
MAILBOX = typer.Option(
    None, "--mailbox", metavar="NAME", help="Only this [[mailbox]] of mapping.toml."
)
FILE = typer.Argument(..., metavar="FILE", help="A workbook, or a mail saved as .eml.")
CELLS = typer.Option(False, "--cells", help="Every cell the reader sees, one JSON line each.")
REJECTS = typer.Option(
    None,
    "--rejects",
    metavar="FILE.xlsx",
    help="Write the rejected rows as a workbook to mail back: bad cells coloured, with reasons.",
)
FILES = typer.Argument(
    ..., metavar="FILE...", help="Workbooks, zip archives of them, or mails saved as .eml."
)
ITEM = typer.Argument(..., metavar="ITEM", help="Item id, as `ttcli status` shows it.")
ITEMS = typer.Argument(None, metavar="[ITEM...]", help="Item ids, as `ttcli status` shows them.")
KEY = typer.Argument(
    ..., metavar="KEY...", help="The key's value; of several columns one each, or with commas."
)
SENDER = typer.Option("", "--sender", help="Only of senders with this text in their address.")
FROM_DAY = typer.Option(
    None, "--since", formats=["%Y-%m-%d"], callback=_aware, help="From this day on."
)
UNTIL_DAY = typer.Option(
    None, "--until", formats=["%Y-%m-%d"], callback=_aware, help="Up to this day, included."
)
RESULT = typer.Option(
    "", "--result", help="Only loaded, duplicate, rejected, stale, replayed or failed ones."
)
MOST_LOADS = typer.Option(50, "--limit", min=1, help="At most this many.")
PAGE = typer.Argument(None, metavar="[FILE]", help="Where to write the page.")
KEPT = typer.Argument(
    ..., metavar="ITEM...", help="Ids of items in loaded/, failed/ or processed/."
)
ALL = typer.Option(False, "--all", help="Every failed item.")
SAMPLE = typer.Option(
    None,
    "--from",
    metavar="WORKBOOK",
    help="A typical workbook, whose headings become the columns; else those of the README.",
)
APPLY = typer.Option(
    False,
    "--apply",
    help="Create what is missing; without it nothing is done, and no database is needed.",
)
AS_OF = typer.Option(
    None,
    "--as-of",
    formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"],
    callback=_aware,
    help="The as-of time, local; by default the mail's own or the file's last change.",
)


CONFIG = typer.Option(
    None,
    "--config",
    "-c",
    metavar="FILE",
    help=f"Configuration file [$TTCLI_CONFIG, {DEFAULT_FILE}].",
)
