"""The stages that timers start: without Typer, and just as with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

from tests.fix_world import World
from ttcli.commands import plain


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["process"], plain.Asked("process")),
        (["-c", "/x", "load", "--dry-run"], plain.Asked("load", Path("/x"), True)),
        (["--config", "/x", "fetch", "-n"], plain.Asked("fetch", Path("/x"), True)),
        (["prune"], plain.Asked("prune")),
        (["process", "--help"], None),
        (["fetch", "--limit", "3"], None),
        (["load", "-n", "-n"], None),
        (["-c", "load"], None),
        (["run"], None),
        ([], None),
    ],
)
def test_plain_ways_to_ask_need_no_typer(arguments: List[str], expected: Any) -> None:
    """Anything else is Typer's."""
    assert plain.asked(arguments) == expected


@pytest.mark.parametrize("name", sorted(plain.NEEDS))
def test_both_ways_do_alike(world: World, name: str) -> None:
    """With Typer and without; and without means without."""
    program = "import sys; from ttcli import cli; cli.main()"
    ways = [
        [sys.executable, "-X", "importtime", *world.command()[1:], name],
        [sys.executable, "-c", program, name],
    ]
    plain_way, typed = (
        subprocess.run(way, env=world.environ, capture_output=True, text=True, check=False)
        for way in ways
    )
    assert plain_way.stdout == typed.stdout
    assert plain_way.returncode == typed.returncode == 0
    assert "typer" not in plain_way.stderr
