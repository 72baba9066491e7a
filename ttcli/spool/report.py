"""What one pass of a stage did: for people, for `status`, and for the exit code."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from ttcli import errors
from ttcli.errors import OutsideFault
from ttcli.spool.item import FAILED, now_text


class Report:
    """What one pass of a stage did.

    Attributes:
        lines: (item id, state it came to, one line), in order.
        fault: Why the stage stopped early, if it did.
        postponed: Items whose next try is not due yet.
        counts: Figures of the stage: mails, rows, …
        faults: Where a stage goes on after a fault: what it was, by where.
        details: More for state/run-STAGE.json.
    """

    def __init__(
        self,
        stage: str,
        fault: Optional[OutsideFault] = None,
        bugs: int = 0,
        dry_run: bool = False,
    ) -> None:
        self.stage = stage
        self.started = now_text()
        self.finished: Optional[str] = None
        self.seconds = 0.0
        self.lines: List[Tuple[str, str, str]] = []
        self.fault = fault
        self.bugs = bugs
        self.postponed = 0
        self.counts: Dict[str, int] = {}
        self.dry_run = dry_run
        self.faults: Dict[str, OutsideFault] = {}
        self.details: Dict[str, Any] = {}

    def add(self, **counts: int) -> None:
        """Adds to the figures."""
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    @property
    def exit_code(self) -> int:
        """The worst of what happened."""
        codes = [errors.BAD_ITEM for _, state, _ in self.lines if state == FAILED]
        codes += [errors.BUG] * bool(self.bugs)
        codes += [self.fault.exit_code] if self.fault else []
        return errors.worst([errors.OK, *codes])
