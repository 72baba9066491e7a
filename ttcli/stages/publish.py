"""publish: a text for others to read, replaced as a whole; no run fails because of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Callable

from ttcli.errors import OutsideFault
from ttcli.spool import durable

log = logging.getLogger(__name__)

_FOR_ALL = 0o644  # the reader is another user, and the unit's umask would shut him out


def publish(path: Path, text: Callable[[], str]) -> None:
    """Makes the file say what `text` gives."""
    try:
        durable.replace_file(path, text().encode("utf-8", "replace"), _FOR_ALL)
    except (OSError, OutsideFault) as error:
        log.warning("%s could not be written: %s", path, error)
