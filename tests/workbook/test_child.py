"""A workbook's child: every way of dying is put into words, and only the child dies."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, List

import pytest

from tests.open_files import open_files
from ttcli.config import Limits
from ttcli.errors import AccessDenied, BadItem, ConfigError, SpoolFault, Temporary
from ttcli.workbook.limited.child import BugInChild, start

LIMITS = Limits(memory_mb=100, cpu_seconds=1, wall_seconds=2)


def run(function: Callable[..., Any], *arguments: Any, limits: Limits = LIMITS) -> Any:
    return start(function, *arguments, limits=limits).result()


def throw(error: BaseException) -> None:
    raise error


def die_of(number: int) -> None:
    os.kill(os.getpid(), number)


def fill_memory() -> int:
    kept = []
    while True:
        kept.append(f"{len(kept):100}")


def loop() -> None:
    while True:
        pass


def test_result_comes_back_whole() -> None:
    """What the function returns arrives as JSON gives it back, longer than a pipe holds too."""
    long = "ä" * 1_000_000
    assert run(lambda: {"rows": [1, None, long]}) == {"rows": [1, None, long]}


@pytest.mark.parametrize(
    ("function", "argument", "kind", "words"),
    [
        (bytearray, 200 << 20, "limit", "more than 100 MB of memory"),
        (time.sleep, 60, "limit", "longer than 2 s"),
        (die_of, signal.SIGABRT, "crashed", "SIGABRT"),
        (die_of, signal.SIGSEGV, "crashed", "SIGSEGV"),
        (die_of, signal.SIGKILL, "crashed", "was killed"),
        (os._exit, 3, "crashed", "exit code 3"),
        (os._exit, 0, "crashed", "exit code 0"),
    ],
)
def test_every_way_of_dying_has_its_words(
    function: Callable[..., Any], argument: Any, kind: str, words: str
) -> None:
    """However the child ends without a result, the error says so in words and by kind."""
    with pytest.raises(BadItem) as caught:
        run(function, argument)
    assert (caught.value.kind, words in caught.value.message) == (kind, True)
    assert caught.value.hint


def test_small_allocations_hit_the_memory_limit_too() -> None:
    """A child whose memory is full to the last byte can still say that it is."""
    with pytest.raises(BadItem, match="more than 100 MB of memory"):
        run(fill_memory)


def test_endless_loop_hits_the_cpu_limit() -> None:
    """A loop ends at the processor limit, long before the wall limit."""
    with pytest.raises(BadItem, match="1 s of processor time"):
        run(loop, limits=Limits(cpu_seconds=1, wall_seconds=60))


def test_rust_allocation_failure_is_a_memory_limit() -> None:
    """calamine aborts with one line on stderr when memory runs out: that is a limit, no crash."""

    def abort() -> None:
        backtrace = b"stack backtrace:\n" + b"  88: _start\n" * 1000
        os.write(2, b"memory allocation of 137438953472 bytes failed\n" + backtrace)
        os.abort()

    with pytest.raises(BadItem, match="of memory") as caught:
        run(abort)
    assert caught.value.kind == "limit"


def test_last_words_are_in_the_reason() -> None:
    """What a library says before it aborts helps whoever looks into it; its backtrace does not."""

    def abort() -> None:
        os.write(2, b"thread panicked: index out of bounds\nstack backtrace:\n  88: _start\n")
        os.abort()

    with pytest.raises(BadItem) as caught:
        run(abort)
    assert caught.value.message.endswith("(SIGABRT): thread panicked: index out of bounds")


@pytest.mark.parametrize("kind", [Temporary, AccessDenied, SpoolFault, ConfigError])
def test_outside_faults_keep_their_class(kind: Any) -> None:
    """A fault of the world in the child is one in the parent, with its message and hint."""
    with pytest.raises(kind) as caught:
        run(throw, kind("the disk is full", "make room"))
    assert (type(caught.value), caught.value.message, caught.value.hint) == (
        kind,
        "the disk is full",
        "make room",
    )


def test_full_disk_is_temporary() -> None:
    """An OSError nobody caught is judged by its errno, as everywhere."""
    with pytest.raises(Temporary, match="make room"):
        run(throw, OSError(28, "No space left on device", "/spool/rows.tsv"))


def test_bad_item_comes_back_as_it_was() -> None:
    """Message, hint, kind and findings survive the way to the parent."""
    with pytest.raises(BadItem) as caught:
        run(throw, BadItem("no header row", "see", kind="no-header-row", findings={"best": [1, 2]}))
    error = caught.value
    assert (error.message, error.hint, error.kind) == ("no header row", "see", "no-header-row")
    assert error.findings == {"best": [1, 2]}


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), SystemExit(0), KeyboardInterrupt()])
def test_bugs_carry_their_traceback(error: BaseException) -> None:
    """What nobody meant to raise is a bug with the child's traceback, whatever its base class."""
    with pytest.raises(BugInChild, match="in throw"):
        run(throw, error)


def test_result_that_json_cannot_carry_is_a_bug() -> None:
    """A function that returns a set is wrong, and says so."""
    with pytest.raises(BugInChild, match="not JSON serializable"):
        run(lambda: {1, 2})


def test_operator_signals_are_the_parents_business() -> None:
    """SIGINT and SIGTERM go to the whole group: the child lets the parent decide."""

    def survive() -> str:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            die_of(number)
        return "alive"

    assert run(survive) == "alive"


def test_fileno_is_readable_when_the_result_is_there() -> None:
    """select() tells a finished child from a running one."""
    slow = start(time.sleep, 60, limits=LIMITS)
    quick = start(str, limits=LIMITS)
    try:
        readable, _, _ = select.select([slow, quick], [], [], 30)
        assert readable == [quick]
        assert quick.result() == ""
    finally:
        slow.kill()
        slow.kill()  # harmless


def test_nothing_is_left_behind() -> None:
    """After results, failures and kills there are no more open files and no zombies."""
    before = open_files(), _children()
    for _ in range(3):
        run(int)
        with pytest.raises(BadItem):
            run(os._exit, 1)
        start(time.sleep, 60, limits=LIMITS).kill()
    assert (open_files(), _children()) == before


def _children() -> List[str]:
    """Ids of this process's children, dead ones too; the fixtures' servers may be among them."""
    lists = Path("/proc/self/task").glob("*/children")
    return sorted(pid for each in lists for pid in each.read_text().split())


def test_locks_and_files_stay_the_parents(tmp_path: Path) -> None:
    """A lock that the parent lets go is free although a child from before still runs."""
    lock = (tmp_path / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    child = start(time.sleep, 60, limits=LIMITS)
    try:
        time.sleep(0.2)
        lock.close()
        with (tmp_path / "lock").open("w") as again:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        child.kill()


def test_buffers_are_flushed_once(tmp_path: Path) -> None:
    """What the parent has written but not flushed is not written again by the child's end."""
    target = tmp_path / "report"
    with target.open("w") as report:
        report.write("once")
        run(int)
        run(report.flush)
    assert target.read_text() == "once"


def test_exit_handlers_run_in_the_parent_only() -> None:
    """atexit handlers of the parent are not run by its children."""
    program = (
        "import atexit\nfrom ttcli.config import Limits\n"
        "from ttcli.workbook.limited.child import start\n"
        "atexit.register(print, 'bye')\nprint('hello')\nstart(int, limits=Limits()).result()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "hello\nbye\n"


def test_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    """kill -9 of ttcli leaves no child that goes on writing into the spool."""
    beat = tmp_path / "beat"
    program = f"""
import os, time
from ttcli.config import Limits
from ttcli.workbook.limited.child import start

def work():
    while True:
        with open({str(beat)!r}, "w") as file:
            file.write(str(os.getpid()))
        time.sleep(0.01)

start(work, limits=Limits()).result()
"""
    parent = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 30
    while not (beat.exists() and beat.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    child = int(beat.read_text())
    parent.kill()
    parent.wait()
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Whether the process is there and no zombie of whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_memory_limit_is_on_top_of_what_is_mapped() -> None:
    """A parent that is large already leaves its child the whole limit."""
    ballast = bytearray(150 << 20)
    assert run(lambda: len(bytearray(50 << 20))) == 50 << 20
    assert len(ballast) == 150 << 20


_STOPPED_AMID_A_FORK = """
import os, signal
from ttcli.config import Limits
from ttcli.workbook.limited.child import start

class Stopped(BaseException):
    pass

def stop(*_):
    raise Stopped

def amid():
    os.kill(os.getpid(), signal.SIGTERM)

signal.signal(signal.SIGTERM, stop)
os.register_at_fork(after_in_parent=amid)
try:
    start(int, limits=Limits()).result()
except Stopped:
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    print("stopped")
"""


def test_a_stop_amid_a_fork_is_not_forgotten() -> None:
    """It comes right after it, in the parent, and the next one comes at once again."""
    command = [sys.executable, "-c", _STOPPED_AMID_A_FORK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("stopped\n", "")
