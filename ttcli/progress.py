"""How far a stage has come, for a person at a terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import Iterator

from ttcli.spool.drain import Watch, unwatched


@contextlib.contextmanager
def watch_for(stage: str) -> Iterator[Watch]:
    """A progress bar on a terminal, nothing elsewhere: logs and units want plain lines.

    However the stage ends, the bar goes: as long as it stands, the cursor is hidden, and what is
    printed goes to the terminal, wherever stdout leads.
    """
    if not sys.stderr.isatty():
        yield unwatched
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(stage, total=None)

    def watch(done: int, total: int) -> None:
        if done >= total:
            bar.stop()
        else:
            bar.start()
            bar.update(task, completed=done, total=total)

    try:
        yield watch
    finally:
        try:
            bar.stop()
        except Exception:  # Ctrl-C came while it started, and what stopped it is what is told
            bar.console.show_cursor()
