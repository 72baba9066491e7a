"""`make demo` keeps its promises, and leaves nothing behind whatever end it comes to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, List, Set

import pytest

from tests.packaging.source import ROOT

pytest.importorskip("pymap", reason="the demo's servers are not installed: pip install '.[demo]'")

Demo = subprocess.Popen  # of bytes
LONGEST = 60


@pytest.fixture
def demo() -> Iterator[Demo]:  # type: ignore[type-arg]
    """The demo, started as `make demo` starts it, in a process group of its own."""
    with subprocess.Popen(
        [sys.executable, "-B", str(ROOT / "docs" / "demo" / "demo.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # A job in the background of a script ignores Ctrl-C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        env={**os.environ, "TMPDIR": "/tmp", "DB_NAME": "not the demo's"},
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def read_until(process: Demo, words: str) -> str:  # type: ignore[type-arg]
    """What the demo says until it says this; all of it if it never does."""
    assert process.stdout
    lines: List[str] = []
    while not lines or (lines[-1] and words not in lines[-1]):
        lines.append(process.stdout.readline().decode())
    return "".join(lines)


def folder_in(said: str) -> Path:
    """The temporary folder that the demo names."""
    words = said.replace(",", " ").replace(".\n", " ").split()
    return Path(next(word.rstrip(".") for word in words if word.startswith("/tmp/ttcli-demo-")))


def processes_of(folder: Path) -> Set[str]:
    """The process numbers whose command line names the folder."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.add(path.parent.name)
        except OSError:
            continue  # it has just ended
    return found


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits for a moment that must come."""
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_the_demo_shows_the_whole_way(demo: Demo) -> None:  # type: ignore[type-arg]
    """It ends with 0, having shown the table, the rejects and the way on, and leaves nothing."""
    said = read_until(demo, "\0")
    assert demo.wait(LONGEST) == 0, said
    for words in ("$ ttcli run", "NW100003", "Report!A8: ", "broken.xlsx: ", "EMAIL_HOST="):
        assert words in said
    folder = folder_in(said)
    assert not folder.exists()
    assert processes_of(folder) == set()


@pytest.mark.parametrize(
    ("number", "to_group"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGKILL, False)],
    ids=["ctrl-c", "terminated", "killed"],
)
def test_an_interrupted_demo_leaves_nothing(
    demo: Demo,  # type: ignore[type-arg]
    number: signal.Signals,
    to_group: bool,
) -> None:
    """Its servers and its folder go away after Ctrl-C, SIGTERM and even kill -9."""
    folder = folder_in(read_until(demo, "$ ttcli fetch"))
    assert len(processes_of(folder)) >= 1
    (os.killpg if to_group else os.kill)(demo.pid, number)
    assert demo.wait(LONGEST) != 0
    wait_until(lambda: not folder.exists() and not processes_of(folder))
