"""Logging: the files, their formats, and no secret in any of them."""

from __future__ import annotations

import importlib.util
import io
import json
import logging
import os
import sys
import weakref
from pathlib import Path
from typing import Iterator

import pytest

from tests.unit.test_config import loaded
from ttcli import logs

ITEM = "20260822T120000Z-9f2c41d07ab3c5e1"


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """No handler outlives its test."""
    yield
    logs.shut_down()


def test_each_file_has_its_part(tmp_path: Path) -> None:
    """A room's lines go to its file and to the whole; warnings to errors.log as well."""
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs")))

    logging.getLogger("ttcli.mail.session").info("mail line")
    logging.getLogger("ttcli.stages.load").warning("load line")
    logs.shut_down()

    def read(name: str) -> str:
        path = tmp_path / "logs" / name
        return path.read_text() if path.exists() else ""

    assert "mail line" in read("email_processing.log")
    assert "load line" in read("database_processing.log")
    assert read("file_processing.log") == ""
    assert "load line" in read("errors.log")
    assert "mail line" not in read("errors.log")
    assert "mail line" in read("trackandtrace.log")


def test_each_file_is_fed() -> None:
    """The loggers that a file takes are those of modules that are there."""
    fed_by = {name for _, loggers, _ in logs._FILES for name in loggers}
    assert {name for name in fed_by if importlib.util.find_spec(name) is None} == set()


def test_where_log_dir_cannot_be_written_the_spool_takes_the_files(tmp_path: Path) -> None:
    """A folder that cannot be made stops no run."""
    (tmp_path / "file").touch()
    base = tmp_path / "spool"
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "file" / "x"), APP_BASE_DIR=str(base)))

    logging.getLogger("ttcli.spool").error("line")

    assert "line" in (base / "logs" / "errors.log").read_text()


def test_json_lines_name_the_item(tmp_path: Path) -> None:
    """LOG_FORMAT=json: an object a line, the item id a member of its own."""
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs"), LOG_FORMAT="json"))

    logging.getLogger("ttcli.spool.drain").info("%s is loaded: 3 inserted", ITEM)

    entry = json.loads((tmp_path / "logs" / "trackandtrace.log").read_text())
    assert entry["item"] == ITEM
    assert entry["message"] == "is loaded: 3 inserted"
    assert entry["level"] == "INFO"


def test_the_level_is_the_least_that_is_logged(tmp_path: Path) -> None:
    """LOG_LEVEL=WARNING silences INFO, DEBUG=true lets everything through."""
    log = logging.getLogger("ttcli.spool")
    file = tmp_path / "logs" / "trackandtrace.log"

    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs"), LOG_LEVEL="WARNING"))
    log.info("quiet")
    log.warning("loud")
    assert "quiet" not in file.read_text()
    assert "loud" in file.read_text()

    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs"), DEBUG="true"))
    log.debug("chatter")
    assert "chatter" in file.read_text()


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_secret_that_strays_into_a_line_is_struck_out(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where a library puts it into an exception's text."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs"), LOG_FORMAT=kind))

    try:
        raise ValueError("BAD LOGIN u s3cret-mail")
    except ValueError:
        logging.getLogger("ttcli.mail").exception("failed")

    written = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert "BAD LOGIN u ***" in written
    assert "s3cret" not in written + stderr.getvalue()


def test_the_journal_gets_levels_and_no_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sd-daemon(3): a line begins with its level; the journal has its own clock."""
    with (tmp_path / "stderr").open("w+") as stderr:
        found = os.fstat(stderr.fileno())
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setitem(os.environ, "JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs")))

        logging.getLogger("ttcli.x").error("two\nlines")

    assert (tmp_path / "stderr").read_text() == "<3>two\n<3>lines\n"


def test_what_is_not_the_journal_gets_times_and_no_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child of a unit whose stderr goes to a file inherits JOURNAL_STREAM all the same."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setitem(os.environ, "JOURNAL_STREAM", "8:1")
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs")))

    logging.getLogger("ttcli.x").error("line")

    assert stderr.getvalue()[:2] == "20"
    assert stderr.getvalue().endswith("Z ERROR   line\n")


def test_files_that_logrotate_moved_are_opened_anew(tmp_path: Path) -> None:
    """A line after the move is in a new file of the old name."""
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs")))
    log, file = logging.getLogger("ttcli.x"), tmp_path / "logs" / "trackandtrace.log"

    log.info("before")
    file.rename(file.with_suffix(".log.1"))
    log.info("after")

    assert "after" in file.read_text()
    assert "before" not in file.read_text()


def test_a_full_disk_stops_no_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the log files cannot take is on stderr, without a traceback, and nothing is raised."""
    (tmp_path / "logs").mkdir()
    for name in ("trackandtrace.log", "errors.log"):
        (tmp_path / "logs" / name).symlink_to("/dev/full")  # each write is ENOSPC
    # opening fails for the room's own file, as it does where the disk has no inode left
    (tmp_path / "logs" / "email_processing.log").symlink_to(tmp_path / "no folder" / "file")
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs")))

    logging.getLogger("ttcli.mail.session").error("the line")
    logs.shut_down()

    said = capfd.readouterr().err
    assert "the line" in said
    assert "Traceback" not in said


def test_logs_in_the_spool_leave_it_closed_to_others(tmp_path: Path) -> None:
    """Whatever the umask: logs are set up before the spool is, and make its folder."""
    (tmp_path / "file").touch()
    base = tmp_path / "spool"
    before = os.umask(0)
    try:
        logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "file" / "x"), APP_BASE_DIR=str(base)))
    finally:
        os.umask(before)

    assert [path.stat().st_mode & 0o777 for path in (base, base / "logs")] == [0o750, 0o750]


def test_what_an_error_had_open_ends_with_it(tmp_path: Path) -> None:
    """A logged traceback keeps no file, connection or folder of the failed call alive."""
    logs.set_up(loaded(tmp_path, LOG_DIR=str(tmp_path / "logs")))
    seen = []

    def fail() -> None:
        opened = io.BytesIO()
        seen.append(weakref.ref(opened))
        raise RuntimeError

    try:
        fail()
    except RuntimeError:
        logging.getLogger("ttcli.spool").exception("a bug")

    assert [each() for each in seen] == [None]
