"""The `ttcli` command, and `python -m ttcli`."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

# Before all else is imported: what modules make stays, and looking for garbage in it, as often as
# Python does, took an eighth of a start. Blocks of rows are many objects, too, and never cycles.
gc.set_threshold(20_000)

from ttcli import console  # noqa: E402
from ttcli.commands import untyped  # noqa: E402


def main() -> NoReturn:
    """Runs the command line; what monitors and timers ask for without Typer."""
    answer = untyped.asked(sys.argv[1:])
    if answer is not None:
        console.run(answer)
    from ttcli import cli

    cli.main()


if __name__ == "__main__":
    main()
