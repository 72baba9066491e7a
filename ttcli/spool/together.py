"""What became of items is written for several at a time: the disk is waited for once for all.

An item waits for others only while the next try is about to end, and never for many.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Callable, List, Optional, Tuple, Type

from ttcli.spool.item import Item
from ttcli.spool.store import Spool
from ttcli.spool.writer import Writer

_MOST = 16  # items
_PATIENCE_SECONDS = 0.05  # with the next try, before what is gathered is written


class Together(Writer):
    """Gathers moves; an interruption has what was gathered written as well."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._moves: List[Tuple[Item, str]] = []
        self._then: List[Tuple[int, Callable[[], None]]] = []  # behind how many of the moves

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if error is None:
            self.wait()
            return
        with contextlib.suppress(OSError):  # what broke off is what is told
            self.wait()

    def do(self, work: Callable[[], None], size: int = 0) -> None:
        """Does it at once; when there is enough, what it moved is written."""
        super().do(work, size)
        if len(self._moves) >= _MOST:
            self.wait()

    def move(self, spool: Spool, item: Item, state: str) -> None:  # noqa: ARG002 - the same one
        """Gives the item its next state later."""
        self._moves.append((item, state))

    def then(self, say: Callable[[], None]) -> None:
        """Says it in its turn."""
        self._then.append((len(self._moves), say))
        if not self._moves:
            self.wait()

    def rest(self, ready: Callable[[float], bool]) -> None:
        """Writes what is there, where the wait is going to be a long one."""
        if self._moves and not ready(_PATIENCE_SECONDS):
            self.wait()

    def soon(self, left: int) -> None:
        """Writes while others are read what would make the last one wait."""
        if len(self._moves) > left:
            self.wait()

    def wait(self) -> None:
        """Writes what is there; of items that cannot be moved nothing is said."""
        moves, self._moves = self._moves, []
        then, self._then = self._then, []

        def told(moved: int) -> None:
            for behind, say in then:
                if behind <= moved:
                    say()

        self._spool.move_together(moves, told)
