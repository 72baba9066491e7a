"""The `ttcli` command, and `python -m ttcli`."""

from __future__ import annotations

import sys
from functools import partial
from typing import NoReturn

from ttcli import console
from ttcli.commands import glance


def main() -> NoReturn:
    """Runs the command line; what monitors ask every minute without Typer."""
    asked = glance.asked(sys.argv[1:])
    if asked is None:
        from ttcli import cli

        cli.main()
    console.run(partial(glance.status, asked))


if __name__ == "__main__":
    main()
