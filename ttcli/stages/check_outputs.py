"""check of what ttcli hands out: log files, metrics, the page, and answers to senders."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Iterable, Iterator, Optional

from ttcli.config import Config
from ttcli.facts import Fact


def places(config: Config) -> Iterable[Fact]:
    """Each folder that is written to beside the spool; a run goes on without, so this is advice."""
    yield _place("logs", config.log_dir, "log files go to logs/ in the spool instead")
    for name, variable, file in (
        ("metrics", "STATUS_PROMETHEUS_FILE", config.status_prometheus_file),
        ("report", "REPORT_FILE", config.report_file),
    ):
        if file:
            yield _place(name, file.parent, f"{variable} cannot be written")


def _place(name: str, folder: Path, otherwise: str) -> Fact:
    trouble = _trouble(folder)
    if trouble is None:
        return Fact(name, True, str(folder))
    fix = f"{otherwise}; make it, and let ttcli's user write to it"
    return Fact(name, True, f"{folder} cannot be written: {trouble}", fix)


def _trouble(folder: Path) -> Optional[str]:
    """Why nothing can be written here, by trying: access(2) knows no full disk and no sandbox."""
    probe = folder / f".ttcli-check-{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"ttcli check\n")
        probe.unlink()
    except OSError as error:
        return error.strerror
    return None


def answers(config: Config) -> Iterator[Fact]:
    """The way that answers go, up to the login; none is sent."""
    from ttcli.mail.senders.submit import reach
    from ttcli.stages.answer import route_of, wanted

    if wanted(config):
        listed = ", ".join(config.reply_to_senders)
        yield Fact("answers", True, f"{reach(route_of(config))}, to {listed}")
