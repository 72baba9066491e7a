"""The `ttcli` command, and `python -m ttcli`."""

from __future__ import annotations

import sys
from typing import NoReturn

from ttcli import console
from ttcli.commands import untyped


def main() -> NoReturn:
    """Runs the command line; what monitors and timers ask for without Typer."""
    answer = untyped.asked(sys.argv[1:])
    if answer is not None:
        console.run(answer)
    from ttcli import cli

    cli.main()


if __name__ == "__main__":
    main()
