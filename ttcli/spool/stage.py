"""What the loop in drain.py asks of a stage, and what it is told of each try."""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Protocol

from ttcli.spool.item import Item


class Outcome(NamedTuple):
    """What a stage made of an item: its next state, what to record, one line for people."""

    state: str
    event: str
    line: str
    changes: Dict[str, Any]


def _at_once(seconds: float) -> bool:  # noqa: ARG001 - see Work
    return True


class Work(NamedTuple):
    """A try that has begun.

    Attributes:
        end: Waits for its end.
        ready: Waits for so many seconds at most; whether `end` would return at once then, or
            works itself.
    """

    end: Callable[[], Outcome]
    ready: Callable[[float], bool] = _at_once


class Stage(Protocol):
    """A verb that takes items from one state to the next.

    Attributes:
        jobs: How many tries run at a time, in children of this process.
        waits: Instead, a try runs while it is waited for, on a server; none may be forked then.
    """

    name: str
    source: str
    jobs: int
    waits: bool

    def begin(self, item: Item) -> Work:
        """Begins a try."""
