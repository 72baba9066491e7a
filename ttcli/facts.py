"""What `ttcli check` finds out, one fact a line."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Iterable, Iterator, NamedTuple

SKEW = 60.0
"""Seconds by which a server's clock may differ from ours."""


class Fact(NamedTuple):
    """One thing that was tested.

    Attributes:
        name: What was tested, a few words.
        ok: Whether it is as it must be.
        text: What was found.
        fix: What to do where it is not; with `ok`, what could be better.
        seconds: How long the test took.
        exit_code: What the finding means for the command, 0 where it is fine.
    """

    name: str
    ok: bool
    text: str
    fix: str = ""
    seconds: float = 0.0
    exit_code: int = 0


def timed(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Each fact with the time that finding it took."""
    began = time.monotonic()
    for fact in facts:
        yield fact._replace(seconds=fact.seconds or round(time.monotonic() - began, 4))
        began = time.monotonic()


def clock(name: str, theirs: datetime, ours: datetime) -> Fact:
    """Whether a server's clock and this machine's agree."""
    ahead = (theirs - ours).total_seconds()
    if abs(ahead) <= SKEW:
        return Fact(name, True, f"differs by {abs(ahead):.1f} s")
    word = "ahead of" if ahead > 0 else "behind"
    fix = "set both by NTP: as-of times and deadlines go by these clocks"
    return Fact(name, False, f"{abs(ahead):.0f} s {word} this machine's", fix)
