"""Who writes what became of items: here at once; behind.py and together.py do it otherwise."""

from __future__ import annotations

from types import TracebackType
from typing import Callable, Optional, Type, TypeVar

from ttcli.spool.item import Item
from ttcli.spool.store import Spool

Self = TypeVar("Self", bound="Writer")


class Writer:
    """Writes at once; for use in a `with` statement."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        pass

    def do(self, work: Callable[[], None], size: int = 0) -> None:  # noqa: ARG002 - see Behind
        """Does it after all that was asked for before."""
        work()

    def move(self, spool: Spool, item: Item, state: str) -> None:
        """Gives the item its next state; `Spool.settle` makes that durable."""
        spool.move(item, state, settled=False)

    def then(self, say: Callable[[], None]) -> None:
        """What is to be said once all is so that was moved before."""
        say()

    def rest(self, ready: Callable[[float], bool]) -> None:
        """Whoever asks is about to wait for that."""

    def soon(self, left: int) -> None:
        """No other try begins, and so many run."""

    def wait(self) -> None:
        """Returns once everything is done."""
