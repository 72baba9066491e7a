"""Work in the order given, in a thread of its own: disks and mail server are waited for at once.

What has failed ends it: nothing that was asked for later is begun, so that an order in which
things must become durable holds. Whoever asked hears of it at the next asking, or at the end.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Callable, Deque, Optional, Tuple, Type

from ttcli.spool.writer import Writer

_MOST_BYTES = 8 << 20  # that may wait in memory


class Behind(Writer):
    """Work that is done meanwhile, for use in a `with` statement, whose end waits for all of it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "behind")
        self._asked: Deque[Tuple[Future[None], int]] = deque()
        self._bytes = 0
        self._failed = False

    def __enter__(self) -> Behind:
        return self

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
