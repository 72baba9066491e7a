"""fetch: what is new in the mailbox becomes pending items.

Durable first, acknowledge second: the cursor passes a mail once its items are durable. A crash
in between fetches the mail again, which makes the same item ids and so nothing new.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, Optional

from ttcli import errors
from ttcli.config import MailboxSettings
from ttcli.errors import OutsideFault
from ttcli.mail import cursor
from ttcli.mail.message import Attachment, Mail
from ttcli.spool.drain import Report, Watch, unwatched
from ttcli.spool.item import time_text
from ttcli.spool.store import Spool

log = logging.getLogger(__name__)


def fetch(
    spool: Spool,
    settings: MailboxSettings,
    limit: Optional[int] = None,
    dry_run: bool = False,
    watch: Watch = unwatched,
) -> Report:
    """Fetches the mails that are new since the cursor, oldest first, at most `limit` of them."""
    report = Report("fetch", dry_run=dry_run)
    report.add(mails=0, attachments=0, known=0, skipped=0)
    try:
        _fetch(spool, settings, report, limit, watch)
    except OutsideFault as error:
        report.fault = error
    except OSError as error:
        report.fault = errors.from_os_error(error)
    return report


def _fetch(
    spool: Spool, settings: MailboxSettings, report: Report, limit: Optional[int], watch: Watch
) -> None:
    from ttcli.mail.session import Session

    name = "cursor-" + cursor.key(settings.username + "@" + settings.host, settings.folder)
    with Session(settings) as session:
        folder = session.folder()
        stored = spool.read_state(name)
        start = cursor.resume(cursor.from_json(stored) if stored else None, folder)
        position = start
        for mail in session.new_mails(start.uid):
            _take(spool, settings, folder.uidvalidity, mail, report)
            position = cursor.Cursor(folder.uidvalidity, mail.uid)
            if mail.attachments and not report.dry_run:
                spool.write_state(name, cursor.to_json(position))
            watch(max(0, mail.uid - start.uid), max(1, folder.uidnext - 1 - start.uid))
            if limit is not None and report.counts["mails"] >= limit:
                break
        else:
            position = cursor.Cursor(folder.uidvalidity, session.seen_through)
    if not report.dry_run and cursor.to_json(position) != stored:
        spool.write_state(name, cursor.to_json(position))


def _take(
    spool: Spool, settings: MailboxSettings, uidvalidity: int, mail: Mail, report: Report
) -> None:
    """One mail's attachments become items; what is left alone is said."""
    named = [skipped for skipped in mail.skipped if skipped.name]  # not the mail's own text
    report.add(mails=1, skipped=len(named))
    source = {
        "account": settings.username,
        "folder": settings.folder,
        "uidvalidity": uidvalidity,
        "uid": mail.uid,
        **described(mail),
    }
    for attachment in mail.attachments:
        take_attachment(spool, mail, attachment, source, report)
    for skipped in mail.skipped:
        log.info(
            "UID %d: %s left alone: %s", mail.uid, skipped.name or skipped.part, skipped.reason
        )
    if mail.trouble:
        _keep_trouble(spool, mail, source, report)
    elif not mail.attachments:
        log.warning("UID %d from %s: no workbook in %r", mail.uid, mail.sender, mail.subject)


def described(mail: Mail) -> Dict[str, Any]:
    """What item.json keeps of a mail."""
    return {
        "message_id": mail.message_id,
        "sender": mail.sender,
        "subject": mail.subject,
        "internaldate": time_text(mail.internaldate),
        "date": time_text(mail.date) if mail.date else None,
    }


def take_attachment(
    spool: Spool, mail: Mail, attachment: Attachment, source: Dict[str, Any], report: Report
) -> None:
    """Makes one attachment an item, or notes that it is in the spool already."""
    report.add(attachments=1)
    place = {"part": attachment.part, "path": attachment.path}
    line = f"{attachment.name or 'a workbook without a name'} from {mail.sender}"
    if report.dry_run:
        report.lines.append((f"UID {mail.uid}", "pending", line))
        return
    item = spool.create(mail.as_of, attachment.data, attachment.name, {**source, **place})
    if item is None:
        report.add(known=1)
        log.info("UID %d: %s is in the spool already", mail.uid, line)
        return
    report.lines.append((item.id, item.state, line))
    log.info("%s is pending: %s", item.id, line)


def _keep_trouble(spool: Spool, mail: Mail, source: Dict[str, Any], report: Report) -> None:
    """A mail that cannot be read becomes a failed item: it is accounted for, and seen."""
    error = {
        "class": "BadItem",
        "kind": "bad-mail",
        "message": mail.trouble,
        "hint": "open the mail in a mail program; save its workbook and `ttcli add` it",
        "at": time_text(mail.internaldate),
    }
    line = f"mail from {mail.sender}: {mail.trouble}"
    if report.dry_run:
        report.lines.append((f"UID {mail.uid}", "failed", line))
        return
    content = f"uid {mail.uid} {mail.message_id} {mail.subject}".encode("utf-8", "replace")
    item = spool.create(mail.as_of, content, "", {**source, "part": "", "path": ""}, error)
    if item is not None:
        report.lines.append((item.id, item.state, line))
        log.error("%s is failed: %s", item.id, line)
