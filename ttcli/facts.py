"""What `ttcli check` finds out, one fact a line."""

from __future__ import annotations

from typing import NamedTuple


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
