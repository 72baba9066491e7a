"""One log file."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import sys


class File(logging.handlers.WatchedFileHandler):
    """A log file, opened anew when logrotate has moved it away; a full disk stops no run."""

    def emit(self, record: logging.LogRecord) -> None:
        # WatchedFileHandler opens the file outside of what handleError guards
        with contextlib.suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Keeps still about a disk: the line stands on stderr, and so does what is full."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        """Closes the file, though what it still held may not be written."""
        with contextlib.suppress(OSError):
            super().close()
