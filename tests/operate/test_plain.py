"""The stages that timers start: without Typer, and just as with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

from tests.fix_world import World
from ttcli.commands import glance, plain, untyped


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["status"], (glance.status, (None,), {})),
        (["-c", "/x", "status", "--json"], (glance.status, (Path("/x"),), {"form": "json"})),
        (["status", "--check"], (glance.status, (None,), {"form": "check"})),
        (
            ["--config", "/x", "status", "--prometheus"],
            (glance.status, (Path("/x"),), {"form": "prometheus"}),
        ),
        (["process"], (plain.stage, ("process", None), {})),
        (["-c", "/x", "load", "--dry-run"], (plain.stage, ("load", Path("/x")), {"dry_run": True})),
        (
            ["--config", "/x", "fetch", "-n"],
            (plain.stage, ("fetch", Path("/x")), {"dry_run": True}),
        ),
    ],
)
def test_plain_ways_to_ask_need_no_typer(arguments: List[str], expected: Any) -> None:
    """The table says what answers, for which configuration and with which choice."""
    answer: Any = untyped.asked(arguments)

    assert (answer.func, answer.args, answer.keywords) == expected


@pytest.mark.parametrize(
    "words",
    [
        *("status --help", "status --json --check", "-c status", "status --dry-run", "run", ""),
        *("process --help", "fetch --limit 3", "load -n -n", "-c load", "load --json", "prune x"),
    ],
)
def test_anything_else_is_typers(words: str) -> None:
    """Help, mistakes and all that takes a value."""
    assert untyped.asked(words.split()) is None


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
