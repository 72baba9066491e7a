"""The command that a new installation begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from ttcli import console, errors, options
from ttcli.commands.begin import configured


def init(
    context: typer.Context,
    sample: Optional[Path] = options.SAMPLE,
    apply: bool = options.APPLY,
    as_json: bool = options.AS_JSON,
) -> None:
    """Writes the SQL of table, ledger and rights, and a mapping.toml, for a sample workbook."""
    from ttcli.stages.init import init as propose
    from ttcli.views.proposed import proposed as shown

    found = propose(configured(context, ["DB"] if apply else []), sample, apply)
    console.say(console.as_json(found) if as_json else shown(found))
    console.leave(errors.CONFIG if found["mapping"]["trouble"] else errors.OK)
