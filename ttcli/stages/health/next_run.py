"""When the next run is due: the systemd timer knows, else the last run and the interval say."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, Optional

from ttcli.config import Config
from ttcli.spool.item import read_time, time_text
from ttcli.spool.store import Spool

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_SHOW = ("systemctl", "show", "trackandtrace.timer", "--timestamp=unix")
_LONGEST_ANSWER = 5  # seconds


def next_run(spool: Spool, config: Optional[Config]) -> Optional[Dict[str, Any]]:
    """`at`, and `from`: `timer`, or `schedule` where it is reckoned; None where nobody knows."""
    at = _of_timer()
    if at:
        return {"at": time_text(at), "from": "timer"}
    last = (spool.read_state("run-fetch") or {}).get("started")
    if not last or config is None:
        return None
    due = read_time(last) + timedelta(hours=config.schedule_interval_hours)
    return {"at": time_text(due), "from": "schedule"}


def _of_timer() -> Optional[datetime]:
    if not _BOOTED.is_dir():
        return None
    import subprocess

    answer = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(
            [*_SHOW, "--property=NextElapseUSecRealtime"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=_LONGEST_ANSWER,
            check=False,
        ).stdout.decode("ascii", "replace")
    seconds = re.search(r"=@(\d+)", answer)  # empty for a timer that counts from the last run
    return datetime.fromtimestamp(int(seconds[1]), timezone.utc) if seconds else None
