"""add and retry: what a person puts into pending/ by hand."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from email.message import EmailMessage
from pathlib import Path
from typing import Iterable, List, Optional, Sequence

from ttcli import errors
from ttcli.errors import BadItem, UsageError
from ttcli.mail.message import Attachment, Mail
from ttcli.mail.mime.content import Content
from ttcli.spool.batch import Batch
from ttcli.spool.drain import Report
from ttcli.spool.item import FAILED, PENDING, Item
from ttcli.spool.store import Spool
from ttcli.stages.fetch import described, take_attachment

log = logging.getLogger(__name__)


def add(
    spool: Spool, paths: Iterable[Path], as_of: Optional[datetime] = None, dry_run: bool = False
) -> Report:
    """Puts workbooks, and the workbooks in .eml and .zip files, into pending/.

    Args:
        as_of: The as-of time; by default a mail's own, else the time a file was last written.
    """
    report = Report("add", dry_run=dry_run)
    report.add(mails=0, attachments=0, known=0, skipped=0)
    for path in paths:
        try:
            _add_file(spool, path, as_of, report)
        except BadItem as error:
            report.lines.append((str(path), FAILED, str(error)))
        except OSError as error:
            report.fault = errors.from_os_error(error)
    return report


def _add_file(spool: Spool, path: Path, as_of: Optional[datetime], report: Report) -> None:
    try:
        content = path.read_bytes()
        written = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    except OSError as error:
        raise BadItem(f"{path}: {error.strerror}", "name a file that can be read") from error
    if path.suffix.lower() == ".eml":
        _add_mail(spool, path, content, as_of or written, report)
        return
    attachments = [Attachment("", "", path.name, "", Content(content))]
    if path.suffix.lower() == ".zip":
        # One without a workbook is taken as it is, to be refused where people look for that.
        attachments = list(_unpacked(path.name, content)) or attachments
    _take_all(spool, _by_hand(path, as_of or written, attachments), report)


def _unpacked(name: str, content: bytes) -> Sequence[Attachment]:
    """The workbooks of a zip archive, as if it had come by mail: by the same rules and limits."""
    from ttcli.mail.whole import read_mail

    mail = EmailMessage()
    mail.add_attachment(content, "application", "zip", filename=name)
    return read_mail(mail.as_bytes(), internaldate=datetime.now(timezone.utc)).attachments


def _add_mail(spool: Spool, path: Path, content: bytes, arrived: datetime, report: Report) -> None:
    from ttcli.mail.whole import read_mail

    mail = read_mail(content, internaldate=arrived)
    if not mail.attachments:
        raise BadItem(f"{path}: no workbook in this mail", f"`ttcli inspect {path}` says why")
    _take_all(spool, mail, report)


def _by_hand(path: Path, as_of: datetime, attachments: List[Attachment]) -> Mail:
    return Mail(
        uid=0,
        message_id="",
        sender="",
        subject=f"added by hand: {path.name}",
        internaldate=as_of,
        date=None,
        attachments=attachments,
        skipped=[],
        trouble="",
    )


def _take_all(spool: Spool, mail: Mail, report: Report) -> None:
    source = {"account": "", "folder": "", "uidvalidity": 0, "uid": 0, **described(mail)}
    with Batch(spool) as batch:
        try:
            for attachment in mail.attachments:
                take_attachment(batch, mail, attachment, source, report)
        finally:
            batch.settle()


def retry(spool: Spool, identities: Iterable[str], every: bool, dry_run: bool = False) -> Report:
    """Puts failed items back into pending/, to be read again with today's settings.

    Raises:
        UsageError: An id that no failed item has; then nothing is moved.
    """
    report = Report("retry", dry_run=dry_run)
    for item in chosen(spool, list(identities), every):
        if not dry_run:
            _put_back(spool, item)
        report.lines.append((item.id, PENDING, item.name))
        log.info("%s %s pending: retry of %s", item.id, "would be" if dry_run else "is", item.name)
    return report


def chosen(spool: Spool, identities: List[str], every: bool) -> List[Item]:
    """The failed items of these ids, or every one.

    Raises:
        UsageError: An id that no failed item has.
    """
    failed = {item.id: item for item in spool.items(FAILED)}
    wanted = list(failed) if every else identities
    unknown = [identity for identity in wanted if identity not in failed]
    if unknown:
        raise UsageError(
            f"not in failed/: {', '.join(_whereabouts(spool, one) for one in unknown)}",
            "`ttcli status` lists the failed items; nothing was changed",
        )
    return [failed[identity] for identity in wanted]


def _whereabouts(spool: Spool, identity: str) -> str:
    item = spool.find(identity)
    return f"{identity} (it is in {item.state}/)" if item else identity


def _put_back(spool: Spool, item: Item) -> None:
    spool.drop_results(item)
    item.record.update(attempts=0, next_attempt_at=None, last_error=None)
    item.note("retried")
    spool.move(item, PENDING)
