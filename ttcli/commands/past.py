"""The commands that look back."""

from __future__ import annotations

from datetime import datetime
from typing import List, Optional

import typer

from ttcli import console, options
from ttcli.commands.begin import configured, spool_of


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
