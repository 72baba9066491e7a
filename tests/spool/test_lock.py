"""The lock: one at a time, and the one turned away learns by whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ttcli.errors import Temporary
from ttcli.spool import lock

HOLD = """
import sys, time
from pathlib import Path
from ttcli.spool import lock
with lock.held(Path(sys.argv[1]), "run"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_second_is_turned_away_and_told_by_whom(tmp_path: Path) -> None:
    """75, with the command, pid and time of the holder; killed -9, the lock is free."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        turned_away = pytest.raises(Temporary, match=f"ttcli run, pid {holder.pid}, since")
        with turned_away, lock.held(tmp_path, "fetch"):
            pass
        assert f"pid {holder.pid}" in (lock.holder(tmp_path) or "")
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()

    assert lock.holder(tmp_path) is None
    with lock.held(tmp_path, "fetch"):
        assert f"pid {os.getpid()}" in (lock.holder(tmp_path) or "")


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    """Asking makes no file."""
    assert lock.holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
