"""check: tests every part for real and says the fix of what is not right."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from typing import Any, Callable, Iterable, List

from ttcli import errors
from ttcli.config import Config, MailboxSettings
from ttcli.errors import OutsideFault, TtcliError
from ttcli.facts import Fact, timed
from ttcli.spool import durable, lock
from ttcli.spool.store import Spool
from ttcli.stages import check_outputs

LEAST_FREE_BYTES = 1 << 30


def check(config: Config, spool: Spool) -> List[Fact]:
    """Facts of the configuration, the spool, the mailbox, the database, the mapping and answers."""
    where = str(config.file or "environment only")
    return [
        Fact("configuration", True, f"{where}, {len(config.given)} variables set"),
        *_tested("mapping", lambda: _mapping(config)),
        *_tested("spool", lambda: _spool(spool)),
        *_tested("logs", lambda: check_outputs.places(config)),
        *(fact for mailbox in config.mailboxes for fact in _mailbox(mailbox, spool)),
        *_tested("database", lambda: _database(config, spool)),
        *_tested("mapping and table", lambda: _mapping_fits(config, spool)),
        *_tested("answers", lambda: check_outputs.answers(config)),
    ]


def _tested(name: str, test: Callable[[], Iterable[Any]]) -> List[Fact]:
    """The facts of one part; an error is a fact as well."""
    began = time.monotonic()
    try:
        return [_weighed(Fact(*fact)) for fact in timed(test())]
    except OSError as error:
        fault: TtcliError = errors.from_os_error(error)
    except TtcliError as error:
        fault = error
    spent = time.monotonic() - began
    return [Fact(name, False, fault.message, fault.hint, spent, fault.exit_code)]


def _weighed(fact: Fact) -> Fact:
    return fact._replace(exit_code=0 if fact.ok else fact.exit_code or errors.CONFIG)


def _mapping(config: Config) -> Iterable[Fact]:
    from ttcli.stages.target.mapping import current_mapping, mapping_file

    path = mapping_file(config)
    current_mapping(config)
    text = f"{path}" if path.exists() else "built-in synonyms only"
    return [Fact("mapping", True, text)]


def _spool(spool: Spool) -> Iterable[Fact]:
    spool.prepare()
    probe = spool.tmp / f"check-{uuid.uuid4().hex}"
    began = time.monotonic()
    try:
        durable.write_file(probe, b"ttcli check\n")
        durable.sync_directory(spool.tmp)
    finally:
        if probe.exists():
            probe.unlink()
    spent = time.monotonic() - began
    written = f"{spool.base}, one file system, fsync in {spent * 1000:.1f} ms"
    return [Fact("spool", True, written), _rights(spool), _space(spool)]


def _rights(spool: Spool) -> Fact:
    mode = spool.base.stat().st_mode & 0o777
    closed = not mode & 0o007
    return Fact(
        "spool rights", closed, f"mode {mode:o}", "" if closed else f"chmod o= {spool.base}"
    )


def _space(spool: Spool) -> Fact:
    free = shutil.disk_usage(spool.base).free
    enough = free >= LEAST_FREE_BYTES
    fix = "" if enough else "make room, or set FILE_RETENTION_DAYS lower and run `ttcli prune`"
    text = f"{free / (1 << 30):.1f} GiB free"
    return Fact("spool space", enough, text, fix, exit_code=errors.TEMPORARY)


def _mailbox(settings: MailboxSettings, spool: Spool) -> Iterable[Fact]:
    from ttcli.mail.check import facts
    from ttcli.stages.mailbox.session import opened

    def look() -> List[Fact]:
        began = time.monotonic()
        with opened(spool, settings) as session:
            spent = time.monotonic() - began
            login, *others = facts(session)
            return [login._replace(seconds=round(spent, 4)), *others]

    of = f" ({settings.label})" if settings.label else ""
    return [fact._replace(name=fact.name + of) for fact in _tested("mailbox", look)]


def _database(config: Config, spool: Spool) -> Iterable[Any]:
    from ttcli.database.check import facts
    from ttcli.database.connect import connect

    connection = connect(config.database, attempts=1)
    try:
        found = list(timed(facts(connection, config.database)))
    finally:
        connection.close()
    _remember_table(config, spool)
    return found


def _remember_table(config: Config, spool: Spool) -> None:
    """So that workbooks can be read from now on even while the database is away."""
    from ttcli.stages.target.table import current_table

    # What is wrong with the table is among the facts; whoever holds the lock sees it himself.
    with contextlib.suppress(OutsideFault, OSError), lock.held(spool.base, "check"):
        current_table(spool, config.database)


def _mapping_fits(config: Config, spool: Spool) -> Iterable[Fact]:
    """Every sender's mapping against the table as it was just seen, or was seen last."""
    from ttcli.rows.layout import mapping_mistakes
    from ttcli.stages.target.mapping import current_mapping
    from ttcli.stages.target.table import known_table, reserved_columns

    table = known_table(spool, config.database)
    if table is None:
        return []
    mapping, reserved = current_mapping(config), reserved_columns(config.database)
    each = [mapping.for_sender(""), *(mapping.for_sender(s.match[0]) for s in mapping.senders)]
    mistakes = [m for one in each for m in mapping_mistakes(one, table, reserved)]
    text = "; ".join(dict.fromkeys(mistakes)) or "they fit"
    return [
        Fact("mapping and table", not mistakes, text, "correct mapping.toml" if mistakes else "")
    ]
