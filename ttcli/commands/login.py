"""The command by which a person lets ttcli into a mailbox."""

from __future__ import annotations

import typer

from ttcli import console, errors
from ttcli.commands.begin import configured, spool_of


def login(context: typer.Context) -> None:
    """Microsoft 365 as a user: shows a code to type in a browser, and keeps what that grants."""
    from ttcli.stages.login import login as stage
    from ttcli.views.reports import facts as shown

    config = configured(context, ["EMAIL"])
    facts = stage(spool_of(config), config.mailbox, console.remark)
    console.say(shown(facts))
    console.leave(errors.worst([errors.OK, *(fact.exit_code for fact in facts)]))
