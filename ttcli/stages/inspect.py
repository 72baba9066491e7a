"""inspect: what ttcli sees in a workbook or a saved mail; needs no server and no spool."""

from __future__ import annotations

import json
import os
import select
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from ttcli.config import Config, Limits
from ttcli.errors import BadItem, TtcliError, from_os_error
from ttcli.rows.mapping import Mapping
from ttcli.spool.store import Spool
from ttcli.stages.target.mapping import current_mapping
from ttcli.stages.target.table import reserved_columns, table_if_known
from ttcli.table import TargetTable
from ttcli.workbook.limited import child

_PIECE = 1 << 16


def inspect(path: Path, config: Config) -> Dict[str, Any]:
    """A mail (its name ends in .eml: mails have no signature) or a workbook.

    Raises:
        BadItem: The file is refused; the message says why.
    """
    if path.suffix.lower() == ".eml":
        return mail(path)
    return _workbook(path, config)


def mail(path: Path) -> Dict[str, Any]:
    """What `fetch` would take from this mail, and why it would leave the rest."""
    from ttcli.mail.whole import read_mail

    found = read_mail(_content(path), internaldate=datetime.now(timezone.utc))
    return {
        "file": str(path),
        "kind": "mail",
        "subject": found.subject,
        "sender": found.sender,
        "date": found.date.isoformat() if found.date else None,
        "trouble": found.trouble or None,
        "workbooks": [
            {
                "name": attachment.name,
                "part": attachment.part,
                "path": attachment.path,
                "bytes": len(attachment.content),
                "sha256": attachment.content.sha256,
                "content_type": attachment.content_type,
            }
            for attachment in found.attachments
        ],
        "left_alone": [skipped._asdict() for skipped in found.skipped],
    }


def _workbook(path: Path, config: Config) -> Dict[str, Any]:
    """What the bytes are, sheets, header rows and why, mapping, sample rows, rejects."""
    readable(path)
    table = table_if_known(Spool(config.app_base_dir), config.database)
    looking = child.start(_look, path, config, current_mapping(config), table, limits=config.limits)
    return {"file": str(path), **looking.result()}


def _look(
    path: Path, config: Config, mapping: Mapping, table: Optional[TargetTable]
) -> Dict[str, Any]:
    """In the child; without a known table the fields of the built-in synonyms count."""
    from ttcli.rows.sample.explained import sample
    from ttcli.workbook.open import open_workbook

    book = open_workbook(path, config.limits, config.passwords)
    return {
        "kind": book.kind,
        "date_1904": book.date_1904,
        **sample(book, table, mapping, reserved_columns(config.database)),
    }


def cells(path: Path, limits: Limits, passwords: List[str]) -> Iterator[bytes]:
    """JSON lines of every cell, as the child reads them, in pieces of any length.

    Raises:
        BadItem: The file is refused, perhaps after some lines.
    """
    readable(path)
    with tempfile.TemporaryDirectory(prefix="ttcli-inspect-") as folder:
        # A child inherits no open file, so what it writes goes through a pipe with a name.
        pipe = Path(folder) / "cells"
        os.mkfifo(pipe, 0o600)
        descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        reading = child.start(_write_cells, path, limits, passwords, pipe, limits=limits)
        try:
            yield from _pieces(descriptor, reading)
            reading.result()
        finally:
            os.close(descriptor)
            reading.kill()


def _pieces(descriptor: int, reading: child.Child) -> Iterator[bytes]:
    """What comes through the pipe until the child has said its result."""
    done = False
    while True:
        ready = _ready(descriptor, reading.fileno(), 0 if done else None)
        piece = _read(descriptor)
        if piece:
            yield piece
        elif done:
            return
        elif reading.fileno() not in ready:
            # The writer has closed the pipe, which makes it readable for ever.
            _ready(reading.fileno(), reading.fileno(), 0.01)
        done = done or reading.fileno() in ready


def _ready(first: int, second: int, seconds: Optional[float]) -> List[int]:
    return select.select([first, second], [], [], seconds)[0]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _PIECE)
    except BlockingIOError:
        return b""


def _write_cells(path: Path, limits: Limits, passwords: List[str], pipe: Path) -> None:
    """In the child."""
    from ttcli.workbook.inspect import cells_json
    from ttcli.workbook.open import open_workbook

    book = open_workbook(path, limits, passwords)
    with pipe.open("w", encoding="utf-8", buffering=_PIECE) as out:
        for cell in cells_json(book):
            out.write(json.dumps(cell, ensure_ascii=False) + "\n")


def refused(error: BadItem) -> Dict[str, Any]:
    """A refusal as JSON."""
    return {"refused": error.message, "kind": error.kind, "hint": error.hint}


def readable(path: Path) -> None:
    """A name that was typed wrong is not a bad workbook."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise _not_readable(path, error) from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _not_readable(path, error) from error


def _not_readable(path: Path, error: OSError) -> TtcliError:
    if isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
        return BadItem(f"{path}: {error.strerror}", "name a file that can be read", "unreadable")
    return from_os_error(error)
