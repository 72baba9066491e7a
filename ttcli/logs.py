"""Logging: the journal or the terminal on stderr, and files that logrotate may take away.

An item's id stands first in every line about it. Files, each with its part of the whole:
trackandtrace.log (all), email_processing.log, file_processing.log, database_processing.log (a
room and its stage), errors.log (warnings and worse).
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import weakref
from pathlib import Path
from typing import Callable, Iterable, List, Optional, Sequence, TextIO, Tuple

from ttcli.config import Config

_FILES: Tuple[Tuple[str, Tuple[str, ...], int], ...] = (
    ("trackandtrace.log", ("ttcli",), logging.DEBUG),
    (
        "email_processing.log",
        ("ttcli.mail", "ttcli.stages.fetch", "ttcli.stages.mailbox.refused"),
        logging.DEBUG,
    ),
    (
        "file_processing.log",
        ("ttcli.workbook", "ttcli.rows", "ttcli.stages.process"),
        logging.DEBUG,
    ),
    ("database_processing.log", ("ttcli.database", "ttcli.stages.load"), logging.DEBUG),
    ("errors.log", ("ttcli",), logging.WARNING),
)
_ITEM = re.compile(r"(\d{8}T\d{6}Z-[0-9a-f]{16}) ?")
_LAYOUT = "%(asctime)s %(levelname)-7s %(message)s"
# sd-daemon(3): a journal line may begin with its syslog level.
_JOURNAL_LEVEL = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


class _Formatter(logging.Formatter):
    """Text lines; a secret that strayed into one is struck out."""

    def __init__(self, layout: str, secrets: Sequence[str]) -> None:
        super().__init__(layout, "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._secrets = secrets
        self._last: Tuple[Callable[[], Optional[logging.LogRecord]], str] = (lambda: None, "")

    def format(self, record: logging.LogRecord) -> str:
        of, text = self._last
        if of() is not record:  # the next handler asks for the same
            text = self.strike(self.said(record))
            # weakly: a record of an error holds all that was open where it was raised
            self._last = weakref.ref(record), text
        return text

    def said(self, record: logging.LogRecord) -> str:
        """The text, with what secrets there are."""
        return super().format(record)

    def strike(self, line: str) -> str:
        """Replaces each known secret in a line."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


class _JournalFormatter(_Formatter):
    """No time, the journal has its own; each line of a message with its level."""

    def said(self, record: logging.LogRecord) -> str:
        level = _JOURNAL_LEVEL.get(record.levelname, 6)
        lines = self.strike(super().said(record)).splitlines()  # a secret may have several
        return "\n".join(f"<{level}>{line}" for line in lines)


class _JsonFormatter(_Formatter):
    """One JSON object a line: time, level, logger, item, message; members are only ever added."""

    def said(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        item = _ITEM.match(message)
        entry = {
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "logger": record.name,
            "item": item[1] if item else None,
            "message": message[item.end() :] if item else message,
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class _Of(logging.Filter):
    """Lets through what the loggers of these names say."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self._names = tuple(names)

    def filter(self, record: logging.LogRecord) -> bool:
        return any(
            record.name == name or record.name.startswith(name + ".") for name in self._names
        )


def set_up(config: Config, files: bool = True) -> None:
    """Sends what ttcli logs to stderr and to the files, as the settings say.

    Args:
        files: Not for what only looks: it shall start fast, and may be anybody's.
    """
    level = logging.DEBUG if config.debug else getattr(logging, config.log_level)
    secrets = _secrets(config)
    root = logging.getLogger("ttcli")
    shut_down()
    root.setLevel(level)
    root.propagate = False
    formatter = (_JsonFormatter if config.log_format == "json" else _Formatter)(_LAYOUT, secrets)
    root.addHandler(_stderr(config, formatter, secrets, level))
    for handler in _files(config, formatter) if files else ():
        root.addHandler(handler)


def shut_down() -> None:
    """Closes what `set_up` opened."""
    root = logging.getLogger("ttcli")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.propagate = True


def _secrets(config: Config) -> List[str]:
    revealed = [secret.reveal() for secret in config.secrets]
    return [secret for secret in revealed if len(secret) >= 4]  # shorter ones stand in any word


def _stderr(
    config: Config, formatter: logging.Formatter, secrets: Sequence[str], level: int
) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    if config.log_format != "json" and _is_journal(sys.stderr):
        handler.setFormatter(_JournalFormatter("%(message)s", secrets))
    if sys.stderr.isatty():
        # A person at a terminal reads the command's own answer; warnings interrupt it.
        handler.setLevel(max(level, logging.WARNING) if not config.debug else level)
    return handler


def _is_journal(stream: TextIO) -> bool:
    """Whether a stream is the one that systemd connected: JOURNAL_STREAM is its device:inode.

    A child whose stderr goes elsewhere inherits the variable all the same.
    """
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _files(config: Config, formatter: logging.Formatter) -> List[logging.Handler]:
    directory = _directory(config)
    if directory is None:
        return []
    handlers: List[logging.Handler] = []
    from ttcli.logfile import File

    for name, loggers, level in _FILES:
        handler = File(directory / name, encoding="utf-8", delay=True)
        handler.setLevel(level)
        handler.addFilter(_Of(loggers))
        handler.setFormatter(formatter)
        handlers.append(handler)
    return handlers


def _directory(config: Config) -> Optional[Path]:
    """LOG_DIR, else logs/ in the spool, else none: a full or read-only disk stops no run."""
    for directory in (config.log_dir, config.app_base_dir / "logs"):
        try:
            # mkdir gives its mode to the last folder only, and the first may become the spool
            directory.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            directory.mkdir(mode=0o750, exist_ok=True)
        except OSError:
            continue
        if os.access(directory, os.W_OK | os.X_OK):
            return Path(directory)
    return None
