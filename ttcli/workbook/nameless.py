"""Files without a name, which end with the process that holds them, however it ends."""

from __future__ import annotations

import os
from typing import IO


def nameless_file() -> IO[bytes]:
    """An empty file to write and read; in memory where the system can (Linux), else unlinked."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("ttcli"), "w+b", buffering=0)
    import tempfile  # slow to import, and seldom needed

    return tempfile.TemporaryFile(buffering=0)
