"""The commands that look back."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import List, Optional

import typer

from ttcli import console, options
from ttcli.commands.begin import configured, spool_of
from ttcli.config import Config
from ttcli.errors import TtcliError

log = logging.getLogger(__name__)


def explain(
    context: typer.Context,
    key: List[str] = options.KEY,
    as_json: bool = options.AS_JSON,
) -> None:
    """Every item that brought a key (a HAWB), what each changed, and the row as it is now."""
    from ttcli.stages.explain import explain as tell
    from ttcli.views.past import explained as shown

    config = configured(context, [])
    found = tell(spool_of(config), config, key)
    console.say(console.as_json(found) if as_json else shown(found))


def report(context: typer.Context, file: Optional[Path] = options.PAGE) -> None:
    """One HTML page on all there is to know; needs no server. Without FILE it is printed."""
    config = configured(context, [])
    if file is None:
        console.say(_page(config, None).encode("utf-8", "replace"), newline=False)
        return
    from ttcli.stages.report import write

    write(file, _page(config, file.parent))
    console.remark(f"written to {file}")


def publish(config: Config) -> None:
    """Writes REPORT_FILE, if it is set; no run fails because a page cannot be written."""
    file: Optional[Path] = config.report_file
    if file is None:
        return
    from ttcli.stages.report import write

    try:
        write(file, _page(config, file.parent))
    except TtcliError as error:
        log.warning("REPORT_FILE was not written: %s", error)


def _page(config: Config, folder: Optional[Path]) -> str:
    from ttcli.stages.report import report as gather
    from ttcli.views.page import page

    return page(gather(spool_of(config), config, folder))


def history(
    context: typer.Context,
    sender: str = options.SENDER,
    since: Optional[datetime] = options.FROM_DAY,
    until: Optional[datetime] = options.UNTIL_DAY,
    result: str = options.RESULT,
    limit: int = options.MOST_LOADS,
    as_json: bool = options.AS_JSON,
) -> None:
    """Past loads from the ledger, and what failed, newest first."""
    from ttcli.stages import history as stage
    from ttcli.views.past import loads as shown

    if result and result not in stage.RESULTS:
        raise typer.BadParameter(f"--result is one of {', '.join(stage.RESULTS)}")
    config = configured(context, [])
    found = stage.history(spool_of(config), config, sender, since, until, result, limit)
    console.say(console.as_json(found) if as_json else shown(found))
