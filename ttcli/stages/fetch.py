"""fetch: what is new in the mailbox becomes pending items.

Durable first, acknowledge second: the cursor passes a mail once its items are durable. A crash
in between fetches the mail again, which makes the same item ids and so nothing new.
"""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from ttcli.config import MailboxSettings
from ttcli.mail import cursor
from ttcli.mail.message import Attachment, Mail
from ttcli.spool.batch import Batch
from ttcli.spool.behind import Behind, Gathered
from ttcli.spool.drain import Report, Watch, unwatched
from ttcli.spool.item import Item, item_id, time_text
from ttcli.spool.store import Spool
from ttcli.stages.acknowledge import wanted
from ttcli.stages.mailbox.owed import Debt, Owed
from ttcli.stages.mailbox.refused import say_refused
from ttcli.stages.mailbox.several import Line, in_turn, label_of

if TYPE_CHECKING:
    from ttcli.mail.session import Session

log = logging.getLogger(__name__)

# Seconds: a cursor that stays behind costs a crash no more than fetching those mails again.
_CURSOR_EVERY = 0.5


def fetch(
    spool: Spool,
    mailboxes: Sequence[MailboxSettings],
    limit: Optional[int] = None,
    dry_run: bool = False,
    watch: Watch = unwatched,
    since: Optional[datetime] = None,
) -> Report:
    """Fetches the mails that are new since each cursor, oldest first, at most `limit` in all.

    Args:
        since: Instead, all that arrived since that time; the cursor stays where it is, for this
            look may leave out mails above it. Of these, `limit` counts those that bring an item.
    """
    budget = _Budget(limit)
    with Line(spool) as line:

        def one(settings: MailboxSettings, report: Report) -> None:
            if not budget.spent:
                with line.to(settings) as session:
                    _fetch(spool, session, report, budget, watch, since)

        whole = Report("fetch", dry_run=dry_run)
        whole.add(mails=0, attachments=0, known=0, skipped=0, unlisted=0, untrusted=0)
        return in_turn(whole, mailboxes, one)


class _Budget:
    """How many mails may be taken yet, over all mailboxes."""

    def __init__(self, most: Optional[int]) -> None:
        self._left = most

    @property
    def limited(self) -> bool:
        return self._left is not None

    @property
    def spent(self) -> bool:
        return self._left == 0

    def count(self) -> None:
        if self._left:
            self._left -= 1


def _fetch(
    spool: Spool,
    session: Session,
    report: Report,
    budget: _Budget,
    watch: Watch,
    since: Optional[datetime],
) -> None:
    settings, folder = session.settings, session.folder()
    place = _Place(spool, settings, folder, keep=not (since or report.dry_run))
    start = 0 if since else place.uid
    batch, owed = Batch(spool), Owed(spool, settings)
    keeping = _Keeping(batch, owed, settings, folder.uidvalidity, report, place)

    def keep(mails: Sequence[Mail]) -> None:
        before = len(report.lines)
        keeping.keep(mails)
        for _ in mails if not since or len(report.lines) > before else ():
            budget.count()
        if budget.spent:
            place.passed(mails[-1].uid)

    try:
        with batch, Behind() as behind, Gathered(behind, keep) as gathered:
            for mail in session.new_mails(start, since or place.since):
                uid, held, in_files = mail.uid, *_held(mail)
                gathered.add(mail, held)
                del mail  # it shall not outlive its becoming durable
                if in_files or budget.limited:
                    gathered.hand_over()
                    behind.wait()
                watch(max(0, uid - start), max(1, folder.uidnext - 1 - start))
                if budget.spent:
                    say_refused(settings, session.refused, report, through=uid)
                    return
        say_refused(settings, session.refused, report)
        place.passed(session.seen_through, all_of_it=True)
    finally:
        place.settle()


def _held(mail: Mail) -> Tuple[int, bool]:
    """The bytes a mail holds in memory; and whether it holds files, which the next mail removes."""
    contents = [each.content for each in mail.attachments]
    in_memory = [len(content) for content in contents if content.path is None]
    return sum(in_memory), len(in_memory) < len(contents)


class _Place:
    """The cursor of one folder, as it stands on disk.

    As long as the first look at a folder is not through, it says so: then what arrived before
    EMAIL_SINCE is still left out, though a crash or `--limit` came in between.

    Attributes:
        uid: After which mail to go on.
        since: What arrived before is left out.
    """

    def __init__(
        self, spool: Spool, settings: MailboxSettings, folder: cursor.Folder, keep: bool
    ) -> None:
        name = cursor.key(settings.username + "@" + settings.host, settings.folder)
        self._spool, self._name, self._keep = spool, f"cursor-{name}", keep
        self._stored = spool.read_state(self._name)
        stored = cursor.from_json(self._stored) if self._stored else None
        resumed = cursor.resume(stored, folder)
        self._uidvalidity, self.uid = resumed
        self._first = resumed != stored or bool((self._stored or {}).get("first"))
        self.since = settings.since if self._first else None
        self._waiting: Optional[Dict[str, Any]] = None
        self._written = 0.0

    def passed(self, uid: int, all_of_it: bool = False) -> None:
        """Every mail up to this one is durable, or was found without interest."""
        now = cursor.to_json(cursor.Cursor(self._uidvalidity, uid))
        if self._first and not all_of_it:
            now["first"] = True
        self._waiting = now
        if all_of_it or time.monotonic() - self._written > _CURSOR_EVERY:
            self.settle()

    def settle(self) -> None:
        """Makes durable how far we came, also where a fault ends the run."""
        now, self._waiting = self._waiting, None
        if self._keep and now and now != self._stored:
            self._spool.write_state(self._name, now)
            self._stored, self._written = now, time.monotonic()


class _Keeping:
    """Mails become items, several of them in one go; then the cursor may pass them."""

    def __init__(
        self,
        batch: Batch,
        owed: Owed,
        settings: MailboxSettings,
        uidvalidity: int,
        report: Report,
        place: _Place,
    ) -> None:
        self._batch, self._owed = batch, owed
        self._settings, self._uidvalidity = settings, uidvalidity
        self._report, self._place = report, place

    def keep(self, mails: Sequence[Mail]) -> None:
        """Makes their items durable; those before a mail that fails, too."""
        taken: List[Tuple[Mail, List[str]]] = []
        try:
            for mail in mails:
                taken.append((mail, self._take(mail)))
        finally:
            self._batch.settle()
            self._acknowledge(taken)

    def _acknowledge(self, taken: Sequence[Tuple[Mail, List[str]]]) -> None:
        if wanted(self._settings) and not self._report.dry_run:
            debts = [Debt(self._uidvalidity, mail.uid, items) for mail, items in taken if items]
            self._owed.add(debts)
        for mail in [mail for mail, _ in taken if mail.attachments][-1:]:
            self._place.passed(mail.uid)

    def _take(self, mail: Mail) -> List[str]:
        """One mail's attachments become items, whose ids it returns; what is left alone is said."""
        settings, report = self._settings, self._report
        named = [skipped for skipped in mail.skipped if skipped.name]  # not the mail's own text
        report.add(mails=1, skipped=len(named))
        source = {
            "account": settings.username,
            "folder": settings.folder,
            "uidvalidity": self._uidvalidity,
            "uid": mail.uid,
            **described(mail),
            # the gate has let it through: what EMAIL_AUTHSERV_ID does not confirm stays outside
            "authenticated": True if settings.authserv_id else None,
        }
        items = [take_attachment(self._batch, mail, a, source, report) for a in mail.attachments]
        _say_skipped(mail, label_of(settings))
        if mail.trouble:
            items.append(_keep_trouble(self._batch, mail, source, report))
        return list(dict.fromkeys(items))


def _say_skipped(mail: Mail, of: str) -> None:
    for skipped in mail.skipped:
        level = logging.INFO if skipped.name else logging.DEBUG  # every mail has its own text
        what = skipped.name or f"part {skipped.part}"
        log.log(level, "%sUID %d: %s left alone: %s", of, mail.uid, what, skipped.reason)
    if not mail.attachments and not mail.trouble:
        log.warning("%sUID %d from %s: no workbook in %r", of, mail.uid, mail.sender, mail.subject)


def described(mail: Mail) -> Dict[str, Any]:
    """What item.json keeps of a mail."""
    return {
        "message_id": mail.message_id,
        "sender": mail.sender,
        "subject": mail.subject,
        "internaldate": time_text(mail.internaldate),
        "date": time_text(mail.date) if mail.date else None,
        "answer": mail.answer._asdict() if mail.answer else None,
    }


def take_attachment(
    batch: Batch, mail: Mail, attachment: Attachment, source: Dict[str, Any], report: Report
) -> str:
    """Makes one attachment an item, or notes that it is in the spool already; returns its id."""
    report.add(attachments=1)
    place = {"part": attachment.part, "path": attachment.path}
    line = attachment.name or "a workbook without a name"
    line += f" from {mail.sender}" if mail.sender else ""  # by hand, it comes from nobody
    identity = item_id(mail.as_of, attachment.content.sha256)
    if report.dry_run and not batch.holds(identity):
        report.lines.append((f"UID {mail.uid}", "pending", line))
        return identity
    item = _create(batch, mail, attachment, {**source, **place})
    if item is None:
        report.add(known=1)
        log.info("%s is known: %s, UID %d", identity, line, mail.uid)
    else:
        batch.then(partial(report.lines.append, (item.id, item.state, line)))
        size = len(attachment.content)
        batch.then(partial(log.info, "%s is pending: %s, %d bytes", item.id, line, size))
    return identity


def _create(
    batch: Batch, mail: Mail, attachment: Attachment, source: Dict[str, Any]
) -> Optional[Item]:
    content = attachment.content
    if content.path is None:
        held, known = content.read(), content.sha256
        return batch.create(mail.as_of, held, attachment.name, source, sha256=known)
    return batch.adopt(mail.as_of, content.path, content.sha256, attachment.name, source)


def _keep_trouble(batch: Batch, mail: Mail, source: Dict[str, Any], report: Report) -> str:
    """A mail that cannot be read becomes a failed item: it is accounted for, and seen."""
    error = {
        "class": "BadItem",
        "kind": "bad-mail",
        "message": mail.trouble,
        "hint": "open the mail in a mail program; save its workbook and `ttcli add` it",
        "at": time_text(mail.internaldate),
    }
    line = f"mail from {mail.sender}: {mail.trouble}"
    content = f"uid {mail.uid} {mail.message_id} {mail.subject}".encode("utf-8", "replace")
    identity = item_id(mail.as_of, hashlib.sha256(content).hexdigest())
    if report.dry_run:
        report.lines.append((f"UID {mail.uid}", "failed", line))
        return identity
    item = batch.create(mail.as_of, content, "", {**source, "part": "", "path": ""}, error)
    if item is not None:
        batch.then(partial(report.lines.append, (item.id, item.state, line)))
        batch.then(partial(log.error, "%s is failed: %s", item.id, line))
    return identity
