"""What is done to a mail once its rows are in the table, or it has failed: nothing by default.

Every action may be repeated: it names mails by UID under a UIDVALIDITY, and what is done already
or gone is left as it is. So a crash between COMMIT and action costs another try and no more.
"""

from __future__ import annotations

import logging
from typing import NamedTuple, Sequence

from ttcli.errors import AccessDenied, ConfigError
from ttcli.mail.connection import words
from ttcli.mail.cursor import Folder
from ttcli.mail.imap import folders
from ttcli.mail.imap.client import Refused
from ttcli.mail.imap.commands import Commands, uid_set
from ttcli.settings import mail_action

log = logging.getLogger(__name__)

_FLAGS = {"seen": "(\\Seen)", "flag": "(\\Flagged)"}


class Action(NamedTuple):
    """What to do: `nothing`, `seen`, `flag` or `move`, the last with the folder to move to."""

    kind: str
    folder: str = ""


def action(text: str) -> Action:
    """`nothing`, `seen`, `flag` or `move:FOLDER`.

    Raises:
        ValueError: It is none of them; says what is allowed.
    """
    return Action(*mail_action(text))


def perform(commands: Commands, wanted: Action, uidvalidity: int, uids: Sequence[int]) -> bool:
    """Does it to these mails of the session's folder.

    Returns:
        False where the folder was replaced since: its UIDs are other mails now, and nothing is
        done to them.

    Raises:
        ConfigError: The folder to move to does not exist.
        AccessDenied: The folder may only be read.
        Temporary: The server went away or does not want us now; do it again later.
    """
    if wanted.kind == "nothing" or not uids:
        return True
    if commands.status().uidvalidity != uidvalidity:
        log.warning("the folder was replaced; %s is not done to UID %s", wanted.kind, uid_set(uids))
        return False
    commands.open_folder(Folder(uidvalidity, 0), readonly=False)
    if commands.client.untagged("READ-ONLY"):
        raise AccessDenied(
            f"the folder may only be read, so {wanted.kind} cannot be done",
            "ask for the right to change it, or set EMAIL_AFTER_LOAD=nothing",
        )
    present = commands.search(uid_set(sorted(set(uids))), "UNDELETED")
    if present and wanted.kind == "move":
        _move(commands, uid_set(present), wanted.folder)
    elif present:
        _store(commands, uid_set(present), _FLAGS[wanted.kind])
    return True


def _store(commands: Commands, uids: str, flags: str) -> None:
    commands.call("UID", "STORE", uids, "+FLAGS.SILENT", flags)


def _move(commands: Commands, uids: str, folder: str) -> None:
    """MOVE (RFC 6851) in one step, or copy and delete; never an EXPUNGE of other people's mails."""
    target, offered = folders.on_the_wire(folder), commands.capabilities()
    try:
        if "MOVE" in offered:
            commands.client.call("UID", "MOVE", uids, target)
            return
        commands.client.call("UID", "COPY", uids, target)
    except Refused as refused:
        refusal = refused
    else:
        _store(commands, uids, "(\\Deleted)")
        if "UIDPLUS" in offered:
            commands.call("UID", "EXPUNGE", uids)
        return
    if "TRYCREATE" in refusal.text or "NONEXISTENT" in refusal.text:
        exist = ", ".join(commands.folder_names())
        text = f"cannot move to {folder}: {words.readable(refusal.text)}"
        raise ConfigError(text, f"create that folder, or move to one of: {exist}")
    raise words.refusal(f"cannot move to {folder}", refusal.text)
