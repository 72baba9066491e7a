"""Progress bars on a terminal, plain lines elsewhere; the command line's own manners."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Optional

import pytest

import ttcli
from tests.fix_world import NOON, World, shipment, workbook


def on_a_terminal(world: World, *arguments: str, stop_at: Optional[str] = None) -> str:
    """What a person sees: stderr is a terminal of 100 columns.

    Args:
        stop_at: At sight of this, Ctrl-C.
    """
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
        if stop_at and stop_at.encode() in seen:
            process.send_signal(signal.SIGINT)
            stop_at = None
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


HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor, as long as there is a bar


def test_what_is_printed_goes_to_stdout_whatever_arrived_last(world: World) -> None:
    """Beyond the last report a mailbox may hold other mails; the bar of fetch goes all the same."""
    world.send(workbook([shipment(1)]))
    world.send(workbook([shipment(2)]), NOON + timedelta(minutes=1), subject="Lunch")

    seen = on_a_terminal(world, "fetch")

    assert HIDE in seen
    assert "1 mail" not in seen
    assert seen.rindex(HIDE) < seen.rindex(SHOW)


def test_who_is_stopped_gives_the_cursor_back(world: World) -> None:
    """Ctrl-C in the middle of a stage leaves the terminal as it was."""
    for number in range(100):
        world.send(workbook([shipment(number)]), NOON + timedelta(minutes=number))
    world.ttcli("fetch")

    seen = on_a_terminal(world, "process", stop_at=HIDE)

    assert seen.rindex(HIDE) < seen.rindex(SHOW)


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


def shell(world: World, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A bash script in which `$T` is the command."""
    environ = {**world.environ, "T": " ".join(world.command()), **variables}
    command = ["bash", "-c", script]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_a_reader_that_goes_away_changes_no_exit_code(world: World) -> None:
    """`ttcli run 2>&1 | head -1` says what the run says: here that the mailbox is away."""
    pipe = "$T run 2>&1 | true; exit ${PIPESTATUS[0]}"

    assert shell(world, pipe).returncode == 0
    assert shell(world, pipe, EMAIL_HOST="127.0.0.2").returncode == 75


def test_closed_streams_are_streams_that_nobody_reads(world: World) -> None:
    """A daemon may start us without stdout or stderr."""
    for redirected in (">&-", "2>&-", ">&- 2>&-"):
        assert shell(world, f"$T run {redirected}").returncode == 0, redirected


def test_a_stdout_that_takes_nothing_is_said_once(world: World) -> None:
    """A full disk under a redirected stdout: 75, and Python's own end does not fail again."""
    done = shell(world, "$T status >/dev/full")

    assert (done.returncode, done.stderr.count("No space left")) == (75, 1)


def test_a_narrow_character_set_is_no_bug(world: World) -> None:
    """What the terminal cannot show is written as an escape."""
    done = shell(world, "$T check", PYTHONIOENCODING="latin-1", EMAIL_HOST="127.0.0.2")

    assert done.returncode == 75
    assert "\\u2192 " in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_load_behind_a_lock_can_be_stopped(world: World, number: int) -> None:
    """Ctrl-C ends the wait at once, the item is uncharged, and the next run loads it."""
    world.send(workbook([shipment(1)]))
    world.ttcli("fetch")
    world.ttcli("process")
    other = world.database.connect()
    other.cursor().execute("BEGIN; LOCK TABLE tracking_data")
    load = subprocess.Popen(
        world.command("load"), env=world.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while not world.sql("SELECT 1 FROM pg_locks WHERE NOT granted"):
        assert load.poll() is None
    load.send_signal(number)

    said = load.communicate(timeout=60)[1].decode()  # the lock is still held
    other.close()
    world.ttcli("run")

    assert load.returncode == 75
    assert "stopped; nothing was lost" in said
    assert world.counts() == {"loaded": 1}


def test_a_second_signal_amid_the_last_words_changes_nothing() -> None:
    """Whoever presses Ctrl-C twice sees no traceback, and 75 as after the first."""
    code = (
        "import os, signal; from ttcli import console; "
        "again = lambda *_: os.kill(os.getpid(), signal.SIGINT); "
        "console._complain = again; console.run(again)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (75, "")
