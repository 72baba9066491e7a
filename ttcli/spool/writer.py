"""Who writes what became of items: here at once, in behind.py while others are tried."""

from __future__ import annotations

from types import TracebackType
from typing import Callable, Optional, Type, TypeVar

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

    def wait(self) -> None:
        """Returns once everything is done."""
