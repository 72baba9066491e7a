"""The commands that only look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional

import typer

from ttcli import console, errors, options
from ttcli.commands import glance
from ttcli.commands.begin import configured, spool_of
from ttcli.errors import BadItem


def status(
    context: typer.Context,
    as_json: bool = options.AS_JSON,
    prometheus: bool = options.PROMETHEUS,
    check: bool = options.CHECK,
) -> None:
    """What is in the spool, how the last runs went, what failed and how to repair it."""
    chosen = {"json": as_json, "prometheus": prometheus, "check": check}
    forms = [form for form, wanted in chosen.items() if wanted] or ["text"]
    if len(forms) > 1:
        raise typer.BadParameter("choose one of --json, --prometheus and --check")
    glance.status(context.obj, forms[0])


def check(context: typer.Context, as_json: bool = options.AS_JSON) -> None:
    """Tests configuration, spool, mailbox and database for real, each with its fix."""
    from ttcli.stages.check import check as test
    from ttcli.views.reports import facts as shown

    config = configured(context, ["EMAIL", "DB"])
    facts = test(config, spool_of(config))
    code = errors.worst([errors.OK, *(fact.exit_code for fact in facts)])
    found = {"ok": not code, "facts": [fact._asdict() for fact in facts]}
    console.say(console.as_json(found) if as_json else shown(facts))
    console.leave(code)


def show(
    context: typer.Context,
    item: str = options.ITEM,
    rejects: Optional[Path] = options.REJECTS,
    as_json: bool = options.AS_JSON,
) -> None:
    """One item's whole life: mail, sheets, counts, rejects, attempts, load."""
    from ttcli.stages import show as stage
    from ttcli.views.item import item as shown

    config = configured(context, [])
    found = stage.show(spool_of(config), item)
    console.say(console.as_json(found) if as_json else shown(found))
    if rejects:
        count = stage.write_rejects(spool_of(config), item, rejects, config)
        rows = "1 row" if count == 1 else f"{count} rows"
        console.remark(f"{rows} with rejects written to {rejects}")


def inspect(
    context: typer.Context,
    file: Path = options.FILE,
    cells: bool = options.CELLS,
    as_json: bool = options.AS_JSON,
) -> None:
    """What ttcli sees in a workbook or a mail. Needs no server and no spool."""
    from ttcli.stages import inspect as stage
    from ttcli.views.inspected import inspected as shown

    config = configured(context, [])
    try:
        if cells:
            pieces = stage.cells(file, config.limits, config.passwords)
            all(console.say(piece, newline=False) for piece in pieces)  # until nobody reads
            return
        found = stage.inspect(file, config)
    except BadItem as error:
        if not (cells or as_json):
            raise
        console.say(json.dumps(stage.refused(error), ensure_ascii=False))
        console.leave(error.exit_code)
    console.say(console.as_json(found) if as_json else shown(found))
    console.leave(errors.BAD_ITEM if found.get("refused") else errors.OK)
