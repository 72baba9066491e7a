"""The command by which a person lets ttcli into a mailbox."""

from __future__ import annotations

from typing import Optional

import typer

from ttcli import console, errors, options
from ttcli.commands.begin import configured, spool_of


def login(context: typer.Context, mailbox: Optional[str] = options.MAILBOX) -> None:
    """Microsoft 365 as a user: shows a code to type in a browser, and keeps what that grants."""
    from ttcli.stages.login import login as stage
    from ttcli.views.reports import facts as shown

    config = configured(context, ["EMAIL"])
    facts = stage(spool_of(config), config.mailboxes, mailbox, console.remark)
    console.say(shown(facts))
    console.leave(errors.worst([errors.OK, *(fact.exit_code for fact in facts)]))
