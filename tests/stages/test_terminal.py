"""Progress bars on a terminal, plain lines elsewhere; the command line's own manners."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import ttcli
from tests.fix_world import NOON, World, shipment, workbook


def on_a_terminal(world: World, *arguments: str) -> str:
    """What a person sees: stderr is a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    environ = {**world.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        world.command(*arguments), env=environ, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # EIO: the terminal's other end is closed
            break
        if not piece:
            break
        seen += piece
    process.wait()
    os.close(ours)
    return seen.decode()


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines(world: World) -> None:
    """The bar goes away when the stage is done; log lines do not disturb it."""
    for number in range(3):
        world.send(workbook([shipment(number)]), NOON + timedelta(minutes=number))
    world.ttcli("fetch")

    seen = on_a_terminal(world, "process", "--dry-run")
    piped = world.ttcli("process", "--dry-run")

    assert "process" in seen
    assert "\x1b[" in seen
    assert "INFO" not in seen
    assert "\x1b[" not in piped.stdout + piped.stderr


def test_a_reader_that_goes_away_early_is_no_error(world: World) -> None:
    """`ttcli status | head -1` ends with 0 and without a traceback."""
    shell = f"{' '.join(world.command('status'))} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", shell], env=world.environ, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_and_the_module_are_the_command(tmp_path: Path) -> None:
    """`python -m ttcli --version`."""
    done = subprocess.run(
        [sys.executable, "-m", "ttcli", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert done.stdout == f"ttcli {ttcli.__version__}\n"


def test_a_command_line_that_is_wrong_is_2(world: World) -> None:
    """click's own word for it, and nothing is made."""
    world.ttcli("fetch", "--nonsense", code=2)
    world.ttcli("nonsense", code=2)

    assert not world.base.exists()
