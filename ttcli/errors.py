"""Every error ttcli raises on purpose, and the exit code that each means.

    TtcliError
    ├── BadItem          65  the item's own fault: it is set aside, the run goes on
    ├── UsageError        2  the command line names what is not there
    └── OutsideFault         the world's fault: the item is untouched, the stage stops
        ├── Temporary    75  a server is down, the disk is full, another run holds the lock
        ├── AccessDenied 77  a server refuses our password or right
        ├── SpoolFault   74  the spool cannot be read or written
        └── ConfigError  78  a setting, a table or a column is missing or wrong

Anything else that is raised is a bug (70). The codes are those of sysexits.h.
"""

from __future__ import annotations

import errno
from typing import Any, Iterable, Mapping, Optional, Sequence

OK, USAGE, BAD_ITEM, BUG, SPOOL_IO, TEMPORARY, DENIED, CONFIG = 0, 2, 65, 70, 74, 75, 77, 78

_WORST_FIRST = (BUG, CONFIG, DENIED, SPOOL_IO, TEMPORARY, BAD_ITEM, USAGE, OK)


class TtcliError(Exception):
    """What went wrong, and what to do next.

    Args:
        message: One sentence that names the thing (file, sheet, cell, server, variable).
        hint: The next step for a person, a command where there is one; may be empty.
    """

    exit_code = BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadItem(TtcliError):
    """The item itself is bad; trying again changes nothing until somebody changes something.

    Args:
        kind: A stable short word for counting and filtering: `not-a-workbook`, `encrypted`,
            `truncated`, `no-header-row`, `limit`, `crashed`, …
        findings: What was found out about the item before; item.json keeps it.
    """

    exit_code = BAD_ITEM

    def __init__(
        self,
        message: str,
        hint: str = "",
        kind: str = "bad",
        findings: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(message, hint)
        self.kind = kind
        self.findings = dict(findings or {})


class UsageError(TtcliError):
    """Whoever typed the command can correct it at once: nothing was done."""

    exit_code = USAGE


class OutsideFault(TtcliError):
    """The world's fault: the item at hand is neither charged nor moved, and the stage stops."""

    exit_code = TEMPORARY


class Temporary(OutsideFault):
    """Trying again later is the right thing to do.

    Args:
        wait: Seconds before which a server asked not to be tried again; 0 where it named none.
    """

    exit_code = TEMPORARY

    def __init__(self, message: str, hint: str = "", wait: float = 0.0) -> None:
        super().__init__(message, hint)
        self.wait = wait


class AccessDenied(OutsideFault):
    """A server knows us not, or allows us not."""

    exit_code = DENIED


class SpoolFault(OutsideFault):
    """The spool could not be read or written, and waiting will not cure it."""

    exit_code = SPOOL_IO


class ConfigError(OutsideFault):
    """Settings, mapping or target table do not fit; every mistake found is named at once."""

    exit_code = CONFIG

    def __init__(self, message: str, hint: str = "", mistakes: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([message, *mistakes]), hint)
        self.mistakes = list(mistakes)


# Waiting or making room cures these; any other errno wants a person (DESIGN: exit codes).
_TEMPORARY_ERRNO = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.EAGAIN,
}


_NOT_OURS = (
    "run ttcli as the user to whom the spool belongs, or set APP_BASE_DIR to a folder of your own"
)
_NO_FOLDER = "set APP_BASE_DIR to a folder"
_SPOOL_CURES = {
    errno.EACCES: _NOT_OURS,
    errno.EPERM: _NOT_OURS,
    errno.EROFS: "mount that file system writable, or set APP_BASE_DIR to a folder on another",
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EIO: "the disk fails: see the kernel's log, and move the spool to another",
}


def from_os_error(error: OSError) -> OutsideFault:
    """Says what an OSError of the spool's file system means for the run."""
    where = f"{error.filename}: " if error.filename else ""
    text = f"{where}{error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Temporary(
            text, "make room on that file system; nothing was lost, the next run goes on"
        )
    if error.errno in _TEMPORARY_ERRNO:
        return Temporary(text, "the next run tries again")
    return SpoolFault(text, _SPOOL_CURES.get(error.errno or 0, "look at that file system"))


def worst(codes: Iterable[int]) -> int:
    """The exit code of a command that did several things: the worst one wins."""
    seen = set(codes)
    for code in _WORST_FIRST:
        if code in seen:
            return code
    return BUG if seen else OK


def rank(code: int) -> int:
    """For sorting: the worst exit code first."""
    return _WORST_FIRST.index(code) if code in _WORST_FIRST else -1
