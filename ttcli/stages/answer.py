"""answer: the sender gets back what was rejected of his report, once. Off by default.

Only a mail whose sender is on REPLY_TO_SENDERS, was confirmed by EMAIL_AUTHSERV_ID, and which a
machine may answer at all (RFC 3834). The answer goes to its From, the address that was confirmed.
"""

from __future__ import annotations

import logging
import os
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from ttcli import errors
from ttcli.config import Config
from ttcli.errors import BadItem, ConfigError, OutsideFault
from ttcli.spool.drain import Report
from ttcli.spool.item import LOADED, Item, read_time, time_text
from ttcli.spool.store import Spool
from ttcli.stages.answers import answered
from ttcli.stages.answers.answered import Answered

log = logging.getLogger(__name__)

_THROUGH = "answers"


def wanted(config: Config) -> bool:
    """Whether anybody shall ever be answered."""
    return bool(config.reply_to_senders)


def answer(spool: Spool, config: Config, dry_run: bool = False) -> Report:
    """Answers the mails whose items were loaded since the last pass that went through.

    The first pass ever looks back to the last run of load and no further, so that nobody is
    answered about what was loaded before answers were switched on.
    """
    report = Report("answer", dry_run=dry_run)
    report.add(answered=0, limited=0)
    try:
        _pass(spool, config, report)
    except OutsideFault as error:
        report.fault = error
    except OSError as error:
        report.fault = errors.from_os_error(error)
    return report


def _pass(spool: Spool, config: Config, report: Report) -> None:
    """Remembers from when the next pass has to look: from now, or what stopped this one."""
    now = datetime.now(timezone.utc)
    loading, passed = spool.read_state("run-load"), spool.read_state(_THROUGH)
    began = read_time(loading["started"]) if loading else now
    since = through = read_time(passed["through"]) if passed else began
    try:
        _Answers(spool, config, report).all(since)
        through = now
    finally:
        if not report.dry_run:
            spool.write_state(_THROUGH, {"through": time_text(through)})


def loaded_since(spool: Spool, since: datetime) -> Iterator[Item]:
    """The items whose directory was written to since then: the load does that last."""
    for identity in spool.ids(LOADED):
        try:
            written = (spool.base / LOADED / identity).stat().st_mtime
        except FileNotFoundError:
            continue
        item = spool.get(identity, LOADED) if written >= since.timestamp() - 1 else None
        if item is not None:
            yield item


def why_not(item: Item, config: Config) -> str:
    """Why this item's mail is not answered; empty where it is."""
    from ttcli.mail.addresses import listed

    source = item.record["source"]
    mail: Dict[str, Any] = source.get("answer") or {}
    if not mail.get("to"):
        return "it came from nobody who can be answered"
    if mail.get("refused"):
        return str(mail["refused"])
    if source.get("authenticated") is not True:
        return f"nobody confirmed that it is from {mail['to']}"
    if not listed(mail["to"], config.reply_to_senders):
        return f"{mail['to']} is not on REPLY_TO_SENDERS"
    return ""


class _Answers:
    """One pass."""

    def __init__(self, spool: Spool, config: Config, report: Report) -> None:
        self._spool = spool
        self._config = config
        self._report = report
        self._answered = Answered(spool)
        self._route = route_of(config)

    def all(self, since: datetime) -> None:
        """Each answer; a server that takes none ends the pass, and the next one goes on."""
        for item in loaded_since(self._spool, since):
            if _rejected(item) and not self._answered.knows(item.id):
                self._one(item)
        self._answered.compact()

    def _one(self, item: Item) -> None:
        reason = why_not(item, self._config)
        if reason:
            log.info("%s is not answered: %s", item.id, reason)
            return
        to = str(item.record["source"]["answer"]["to"])
        if self._answered.lately(to) >= self._config.reply_per_day:
            log.warning("%s is not answered: %s had its answers of the day", item.id, to)
            self._note(item, to, answered.LIMITED)
            self._report.add(limited=1)
            return
        self._report.lines.append((item.id, "answered", f"{item.name}: to {to}"))
        if not self._report.dry_run:
            self._send(item, to)
        self._report.add(answered=1)

    def _send(self, item: Item, to: str) -> None:
        from ttcli.mail.submit import submit

        try:
            mail = self._composed(item, to)
            self._note(item, to, answered.SENDING)
            end = submit(self._route, to, mail)
        except BadItem as error:
            self._note(item, to, answered.REFUSED)
            self._report.lines[-1] = (item.id, "unanswered", f"{to}: {error.message}")
            log.warning("%s is not answered: %s", item.id, error.message)
            return
        except OutsideFault:
            self._report.lines.pop()
            self._note(item, to, answered.LATER)
            raise
        self._note(item, to, end)
        log.info("%s is answered: %s, %s", item.id, to, end)

    def _note(self, item: Item, to: str, what: str) -> None:
        if not self._report.dry_run:
            self._answered.note(item.id, to, what)

    def _composed(self, item: Item, to: str) -> bytes:
        from ttcli.mail.compose import Said, compose
        from ttcli.stages.answers import reject_workbook

        rows, source = item.record["rows"], item.record["source"]
        refused = int((item.record.get("load") or {}).get("rejects") or 0)
        said = Said(
            item=item.id,
            name=item.name,
            subject=str(source.get("subject") or ""),
            taken=rows["written"] - refused,
            read=rows["read"],
            rejected=rows["rejected"] + refused,
            cells=rows.get("cells_rejected") or 0,
            references=str(source["answer"].get("references") or ""),
        )
        with tempfile.TemporaryDirectory(dir=self._spool.tmp, prefix="answer-") as folder:
            out = Path(folder) / "rejected.xlsx"
            config = self._config
            reject_workbook.write(item, out, config.limits, config.passwords)
            return compose(config.reply_from, to, said, out.read_bytes())


def _rejected(item: Item) -> bool:
    rows, load = item.record.get("rows") or {}, item.record.get("load") or {}
    return bool(rows.get("rejected") or rows.get("cells_rejected") or load.get("rejects"))


def route_of(config: Config) -> Any:
    """Which way answers go.

    Raises:
        ConfigError: What has to be set besides REPLY_TO_SENDERS is not.
    """
    from ttcli.mail.submit import Route

    mistakes = list(_mistakes(config))
    if mistakes:
        raise ConfigError("REPLY_TO_SENDERS is set, but:", "nobody is answered yet", mistakes)
    return Route(
        sendmail=config.reply_sendmail,
        host=config.reply_smtp_host,
        port=config.reply_smtp_port,
        security=config.reply_smtp_security,
        username=config.reply_smtp_username,
        password=config.reply_smtp_password,
        ca_file=config.reply_smtp_ca_file,
        sender=config.reply_from,
    )


def _mistakes(config: Config) -> Iterator[str]:
    if not config.reply_from:
        yield "REPLY_FROM is not set: the address that answers come from"
    if not any(mailbox.authserv_id for mailbox in config.mailboxes):
        yield "EMAIL_AUTHSERV_ID is not set: without it no sender is known to be who he says"
    plain = config.reply_smtp_security == "none" and config.reply_smtp_host
    if plain and not _is_here(config.reply_smtp_host):
        yield "REPLY_SMTP_SECURITY=none is for this machine itself only"
    if not config.reply_smtp_host and not os.access(config.reply_sendmail, os.X_OK):
        yield f"{config.reply_sendmail} cannot be run: set REPLY_SENDMAIL or REPLY_SMTP_HOST"


def _is_here(host: Optional[str]) -> bool:
    return host in ("localhost", "::1") or str(host).startswith("127.")
