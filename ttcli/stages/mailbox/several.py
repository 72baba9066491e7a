"""Several mailboxes in one pass: one connection an account, and one report out of theirs all.

What is wrong with one mailbox keeps none of the others from its turn.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from ttcli import errors
from ttcli.config import MailboxSettings
from ttcli.errors import ConfigError, OutsideFault
from ttcli.spool.drain import Report
from ttcli.spool.store import Spool
from ttcli.stages.mailbox.session import opened

if TYPE_CHECKING:
    from ttcli.mail.session import Session

log = logging.getLogger(__name__)


class Line:
    """One connection, kept for the folders of an account; for use in a `with` statement."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._account: Optional[MailboxSettings] = None
        self._session: Optional[Session] = None
        self._refused: Optional[OutsideFault] = None
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *error: Any) -> None:
        self._session = None
        self._held.__exit__(*error)

    @contextlib.contextmanager
    def to(self, settings: MailboxSettings) -> Iterator[Session]:
        """A session with that folder; a lost one is opened anew for the next folder.

        Raises:
            OutsideFault: There is no connection or login; the other folders hear it unasked.
        """
        session = self._dialled(settings)
        session.turn_to(settings.folder)
        try:
            yield session
        except ConfigError:
            raise  # that folder is missing; the connection is in order
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def _dialled(self, settings: MailboxSettings) -> Session:
        account = settings._replace(folder="")
        if account != self._account or (self._session and self._session.lost):
            self.__exit__(None, None, None)
            self._account, self._refused = account, None
        if self._refused:
            raise self._refused
        try:
            self._session = self._session or self._held.enter_context(opened(self._spool, settings))
        except OutsideFault as fault:
            self._refused = fault
            raise
        return self._session


def in_turn(
    whole: Report,
    mailboxes: Sequence[MailboxSettings],
    one: Callable[[MailboxSettings, Report], None],
) -> Report:
    """Calls `one` for each mailbox, and adds what came of it to the whole.

    Returns:
        The whole; its `faults` by the mailboxes' labels, its `fault` the sum of them.
    """
    for settings in mailboxes:
        part = Report(whole.stage, dry_run=whole.dry_run)
        _guarded(settings, part, one)
        whole.lines += part.lines
        whole.bugs += part.bugs
        whole.add(**part.counts)
        if part.fault:
            whole.faults[settings.label] = part.fault
        if settings.name:
            whole.details.setdefault("mailboxes", []).append(_told(settings, part))
    whole.fault = one_fault(whole.faults)
    return whole


def _guarded(
    settings: MailboxSettings, part: Report, one: Callable[[MailboxSettings, Report], None]
) -> None:
    try:
        one(settings, part)
    except OutsideFault as error:
        part.fault = error
    except OSError as error:
        part.fault = errors.from_os_error(error)
    except Exception as bug:
        if not settings.name:
            raise  # there are no others to go on with
        part.bugs += 1
        part.lines.append(
            ("", "", f"{settings.label}: a bug in ttcli, {type(bug).__name__}: {bug}")
        )
        log.exception("%s", settings.label)


def _told(settings: MailboxSettings, part: Report) -> Dict[str, Any]:
    """One mailbox's part, as state/run-STAGE.json keeps it."""
    return {
        "name": settings.name,
        "folder": settings.folder,
        "exit_code": part.exit_code,
        "fault": str(part.fault) if part.fault else None,
        **part.counts,
    }


def one_fault(faults: Mapping[str, OutsideFault]) -> Optional[OutsideFault]:
    """The faults of several mailboxes as one of the worst's kind, which names each."""
    if not faults:
        return None
    code = errors.worst(fault.exit_code for fault in faults.values())
    worst = next(fault for fault in faults.values() if fault.exit_code == code)
    labels: Dict[str, List[str]] = {}
    for label, fault in faults.items():
        labels.setdefault(str(fault), []).append(label)
    if len(labels) > 1:
        told = (f"{', '.join(names)}: {fault}" for fault, names in labels.items())
        return type(worst)("; ".join(told))
    where = ", ".join(filter(None, faults))
    return type(worst)(f"mailbox {where}: {worst.message}", worst.hint) if where else worst


def picked(mailboxes: Sequence[MailboxSettings], name: str) -> Sequence[MailboxSettings]:
    """Those of one name.

    Raises:
        ConfigError: There is none of that name; names those that there are.
    """
    found = [each for each in mailboxes if each.name.casefold() == name.casefold()]
    if not found:
        there = ", ".join(dict.fromkeys(each.name for each in mailboxes if each.name))
        raise ConfigError(
            f"there is no mailbox {name}",
            f"mapping.toml has {there}" if there else "mapping.toml has no [[mailbox]]",
        )
    return found


def label_of(settings: MailboxSettings) -> str:
    """For log lines: which mailbox; nothing where there is only one."""
    return f"{settings.label}, " if settings.label else ""
