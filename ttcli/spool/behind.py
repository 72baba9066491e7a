"""Work in the order given, in a thread of its own: disks and mail server are waited for at once.

What has failed ends it: nothing that was asked for later is begun, so that an order in which
things must become durable holds. Whoever asked hears of it at the next asking, or at the end.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Callable, Deque, Generic, List, Optional, Sequence, Tuple, Type, TypeVar

from ttcli.spool.writer import Writer

_MOST_BYTES = 8 << 20  # that may wait in memory
_TOGETHER_BYTES = 4 << 20  # that are gathered to be done together
_TOGETHER = 16  # things
_TOGETHER_SECONDS = 0.5  # on a slow line: what is not done yet is lost by a crash
Thing = TypeVar("Thing")


class Behind(Writer):
    """Work that is done meanwhile, for use in a `with` statement, whose end waits for all of it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "behind")
        self._asked: Deque[Tuple[Future[None], int]] = deque()
        self._bytes = 0
        self._failed = False

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._thread.shutdown(wait=True)
        if error is None:
            self.wait()

    def do(self, work: Callable[[], None], size: int = 0) -> None:
        """Has it done after all that was asked for before.

        Args:
            size: The bytes that are held until then; beside much of it this waits.

        Raises:
            BaseException: Earlier work has raised it.
        """
        self._bytes += size
        self._asked.append((self._thread.submit(self._one, work), size))
        while self._asked and (self._bytes > _MOST_BYTES or self._asked[0][0].done()):
            self._first()

    def wait(self) -> None:
        """Returns once everything is done; raises as `do`."""
        while self._asked:
            self._first()

    def _first(self) -> None:
        done, size = self._asked.popleft()
        self._bytes -= size
        done.result()

    def _one(self, work: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            work()
        except BaseException:
            self._failed = True
            raise


class Gathered(Generic[Thing]):
    """Things that come one by one and have the same done to them, several at a time.

    For use in a `with` statement inside that of the `Behind`; its end has the rest done, whatever
    broke off the coming.
    """

    def __init__(self, behind: Behind, work: Callable[[Sequence[Thing]], None]) -> None:
        self._behind, self._work = behind, work
        self._things: List[Thing] = []
        self._bytes = 0
        self._since = 0.0

    def __enter__(self) -> Gathered[Thing]:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if error is None:
            self.hand_over()
            return
        with contextlib.suppress(Exception):  # what broke off the coming is what is told
            self.hand_over()

    def add(self, thing: Thing, size: int) -> None:
        """One more; raises as `Behind.do`."""
        if not self._things:
            self._since = time.monotonic()
        self._things.append(thing)
        self._bytes += size
        enough = self._bytes >= _TOGETHER_BYTES or len(self._things) >= _TOGETHER
        if enough or time.monotonic() - self._since > _TOGETHER_SECONDS:
            self.hand_over()

    def hand_over(self) -> None:
        """Has it done to those that there are."""
        things, self._things = self._things, []
        size, self._bytes = self._bytes, 0
        if things:
            self._behind.do(partial(self._work, things), size)
