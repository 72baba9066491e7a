"""stdout and stderr, made fit to print on."""

from __future__ import annotations

import contextlib
import os
import sys


def prepare() -> None:
    """Any text can be printed, whatever the locale; a closed stream is one that nobody reads.

    A file of ours must not get the number of a closed stdout (`>&-`), where others may write.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        with contextlib.suppress(AttributeError):
            getattr(sys, name).reconfigure(errors="backslashreplace")
