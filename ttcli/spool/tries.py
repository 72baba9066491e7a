"""Which items are being tried: on disk before their tries begin, so that a death is charged.

One line names a whole window of items, for making a line durable takes as long as reading a small
workbook. What a killed process left here, the next one charges to the items that are still where
they were. An item that was charged so is tried alone from then on: whichever of a window took the
process down, the others pay for it once.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Dict, Iterator, List

from ttcli.errors import OutsideFault, SpoolFault
from ttcli.spool import durable
from ttcli.spool.item import Item
from ttcli.spool.store import Spool

_TOGETHER = 32


class Tries:
    """The tries of a stage that takes items from `source`; a dry run's are charged to nobody."""

    def __init__(self, spool: Spool, stage: str, source: str, dry_run: bool) -> None:
        self._spool = spool
        self._source = source
        self._dry_run = dry_run
        self._charged = False
        self._path = spool.base / "state" / f"tries-{stage}.jsonl"

    def charge(self) -> None:
        """Charges what a killed process had begun: once, however often this one is killed."""
        if self._dry_run:
            return
        for identity, attempts in self._left().items():
            with contextlib.suppress(SpoolFault):  # a damaged record stops the stage in its turn
                item = self._spool.get(identity, self._source)
                if item and item.attempts == attempts:
                    item.record["attempts"] = attempts + 1
                    self._spool.save(item)
        self._charged = True
        self.end()

    def windows(self, items: Iterator[Item]) -> Iterator[List[Item]]:
        """The items in their order, to be tried together; alone what has been charged before.

        That their tries begin is durable. What stops the reading ahead is raised when those
        before it have had their turn.
        """
        window: List[Item] = []
        try:
            for item in items:
                if window and (item.attempts or window[-1].attempts or len(window) == _TOGETHER):
                    yield self._begun(window)
                    window = []
                window.append(item)
        except (OutsideFault, OSError):
            yield self._begun(window)
            raise
        yield self._begun(window)

    def _begun(self, window: List[Item]) -> List[Item]:
        if window and not self._dry_run:
            line = json.dumps({item.id: item.attempts for item in window})
            durable.append_line(self._path, line.encode())
        return window

    def end(self) -> None:
        """All have ended. A power cut may undo this, which charges those that stayed once more.

        Where a full disk kept those of a killed process from being charged, they stay noted.
        """
        if self._charged:
            with contextlib.suppress(OSError):
                os.truncate(self._path, 0)

    def _left(self) -> Dict[str, int]:
        """Item id → its attempts before the try."""
        begun: Dict[str, int] = {}
        for line in self._lines():
            with contextlib.suppress(ValueError, TypeError):  # a half-written line began nothing
                begun.update(json.loads(line))
        return begun

    def _lines(self) -> List[bytes]:
        try:
            return self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
