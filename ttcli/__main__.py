"""The `ttcli` command, and `python -m ttcli`."""

from __future__ import annotations

import sys
from functools import partial
from typing import NoReturn

from ttcli import console
from ttcli.commands import glance, plain


def main() -> NoReturn:
    """Runs the command line; what monitors and timers ask for without Typer."""
    seen = glance.asked(sys.argv[1:])
    if seen is not None:
        console.run(partial(glance.status, seen))
    stage = plain.asked(sys.argv[1:])
    if stage is not None:
        console.run(partial(plain.stage, stage))
    from ttcli import cli

    cli.main()


if __name__ == "__main__":
    main()
