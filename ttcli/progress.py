"""How far a stage has come, for a person at a terminal."""

from __future__ import annotations

import sys

from ttcli.spool.drain import Watch, unwatched


def watch_for(stage: str) -> Watch:
    """A progress bar on a terminal, nothing elsewhere: logs and units want plain lines."""
    if not sys.stderr.isatty():
        return unwatched
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

    return watch
