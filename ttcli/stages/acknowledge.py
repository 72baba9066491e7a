"""acknowledge: EMAIL_AFTER_LOAD and EMAIL_ON_FAILURE, once it is known how a mail ended.

A mail's end is known when none of its items waits any more: one in failed/ makes it a failed
mail, else each stands in loaded/, which an item reaches only after its COMMIT.
"""

from __future__ import annotations

import logging
from typing import Collection, Dict, List, Sequence, Tuple

from ttcli.config import MailboxSettings
from ttcli.spool import item as states
from ttcli.spool.drain import Report
from ttcli.spool.store import Spool
from ttcli.stages.mailbox.owed import FAILED, GONE, LOADED, WAITING, Debt, Owed
from ttcli.stages.mailbox.several import Line, in_turn

log = logging.getLogger(__name__)

_BATCH = 500  # mails in one command: some servers take lines of 8 kB and no more
_NOTHING = "nothing"


def wanted(settings: MailboxSettings) -> bool:
    """Whether anything shall ever be done to a mail."""
    return (settings.after_load[0], settings.on_failure[0]) != (_NOTHING, _NOTHING)


def acknowledge(
    spool: Spool,
    mailboxes: Sequence[MailboxSettings],
    dry_run: bool = False,
    unreachable: Collection[str] = (),
) -> Report:
    """Does to each mail what its end asks for; connects only where something is to be done.

    Args:
        unreachable: The labels of mailboxes that have just refused or failed us: there it is only
            noted how the mails ended, and the next run does the rest.
    """
    with Line(spool) as line:

        def one(settings: MailboxSettings, report: Report) -> None:
            _acknowledge(spool, settings, report, line, settings.label not in unreachable)

        whole = Report("acknowledge", dry_run=dry_run)
        whole.add(acknowledged=0, owed=0)
        return in_turn(whole, mailboxes, one)


def _acknowledge(
    spool: Spool, settings: MailboxSettings, report: Report, line: Line, reachable: bool
) -> None:
    owed = Owed(spool, settings)
    before = owed.read()
    judged = [_judged(spool, debt) for debt in before] if wanted(settings) else []
    debts = [debt for debt in judged if debt.due != GONE]
    due = [debt for debt in debts if debt.due not in (WAITING, debt.done)]
    report.add(acknowledged=0, owed=len(due))
    if report.dry_run:
        return
    if debts != before:
        owed.keep(debts)
    if due and reachable:
        _settle(owed, settings, line, debts, due, report)


def _judged(spool: Spool, debt: Debt) -> Debt:
    """The debt with what has become of the mail's items by now."""
    found = [spool.find(identity) for identity in debt.items]
    at = {item.state if item else GONE for item in found}
    if at & {states.PENDING, states.PROCESSED}:
        return debt._replace(due=WAITING)
    if states.FAILED in at:
        return debt._replace(due=FAILED)
    if GONE not in at:
        return debt._replace(due=LOADED)
    # pruned, or taken out by hand: then only what was known before counts
    return debt if debt.due == LOADED else debt._replace(due=GONE)


def _settle(
    owed: Owed,
    settings: MailboxSettings,
    line: Line,
    debts: List[Debt],
    due: List[Debt],
    report: Report,
) -> None:
    """Each deed in one command for up to `_BATCH` mails; after each it is noted as done."""
    actions = {LOADED: settings.after_load, FAILED: settings.on_failure}
    silent = [debt for debt in due if actions[debt.due][0] == _NOTHING]
    debts = _paid(owed, debts, silent, report)
    if len(silent) == len(due):
        return
    from ttcli.mail.actions import Action

    with line.to(settings) as session:
        for (uidvalidity, end), group in _groups(due).items():
            action = Action(*actions[end])
            for start in range(0, len(group) if action.kind != _NOTHING else 0, _BATCH):
                some = group[start : start + _BATCH]
                # False: that folder is gone, and its mails are owed anew under their new UIDs
                done = session.apply(action, uidvalidity, [debt.uid for debt in some])
                debts = _paid(owed, debts, some, report)
                report.add(acknowledged=len(some) * done)
                log.info("%s: %d mails, %s", end, len(some), action.kind if done else "gone")


def _groups(due: Sequence[Debt]) -> Dict[Tuple[int, str], List[Debt]]:
    """By UIDVALIDITY and by how they ended."""
    groups: Dict[Tuple[int, str], List[Debt]] = {}
    for debt in due:
        groups.setdefault((debt.uidvalidity, debt.due), []).append(debt)
    return groups


def _paid(owed: Owed, debts: List[Debt], paid: Sequence[Debt], report: Report) -> List[Debt]:
    """What is owed still: after a failure, what a repair will ask for."""
    if not paid:
        return debts
    names = {(debt.uidvalidity, debt.uid) for debt in paid}
    left = [
        debt._replace(done=FAILED) if (debt.uidvalidity, debt.uid) in names else debt
        for debt in debts
        if (debt.uidvalidity, debt.uid) not in names or debt.due == FAILED
    ]
    owed.keep(left)
    report.add(owed=-len(paid))
    return left


def owing(spool: Spool, mailboxes: Sequence[MailboxSettings]) -> bool:
    """Whether mails of any mailbox await what its after_load or on_failure says."""
    return any(wanted(each) or Owed(spool, each).read() for each in mailboxes)
