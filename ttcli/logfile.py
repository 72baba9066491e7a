"""One log file."""

from __future__ import annotations

import contextlib
import logging
import os
import sys


class File(logging.FileHandler):
    """A log file, opened anew when logrotate has moved it away; a full disk stops no run.

    As logging.handlers.WatchedFileHandler, whose module imports all that sends logs elsewhere.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a line; what FileHandler.handleError does not guard is looking at the file."""
        with contextlib.suppress(OSError):
            stream = self.stream
            if stream is not None and self._is_moved(stream.fileno()):
                self.stream = None  # FileHandler opens it anew
                stream.close()
            super().emit(record)

    def _is_moved(self, descriptor: int) -> bool:
        """Whether another file, or none, stands where the open one was."""
        try:
            there = os.stat(self.baseFilename)  # noqa: PTH116 - as FileHandler names it
        except FileNotFoundError:
            return True
        return not os.path.samestat(there, os.fstat(descriptor))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Keeps still about a disk: the line stands on stderr, and so does what is full."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        """Closes the file, though what it still held may not be written."""
        with contextlib.suppress(OSError):
            super().close()
