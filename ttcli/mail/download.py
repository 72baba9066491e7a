"""Getting the matching mails: only the parts that matter, in few commands with several on their
way at once, and a mail as a whole where its parts cannot be relied on.
"""

from __future__ import annotations

import logging
from collections import deque
from email import message_from_bytes
from typing import Any, Deque, Iterator, List, NamedTuple, Optional, Sequence

from ttcli.errors import Temporary
from ttcli.mail import answers, mime
from ttcli.mail.commands import Commands, Items
from ttcli.mail.leaves import Leaf, Taken, take
from ttcli.mail.looks import Look
from ttcli.mail.message import Mail
from ttcli.mail.structure import Section
from ttcli.mail.wire import LARGEST_LITERAL

log = logging.getLogger(__name__)

_WHOLE = "(UID INTERNALDATE BODY.PEEK[])"
_COMMAND_BYTES = 4 << 20  # answers of one command
_FLYING_BYTES = 16 << 20  # answers on their way
_FLYING_COMMANDS = 6  # imaplib2's own queue ends at 10


class _Command(NamedTuple):
    """One UID FETCH for mails that want the same sections."""

    looks: List[Look]
    items: str
    size: int


def download(commands: Commands, looks: Sequence[Look], largest: int) -> Iterator[Mail]:
    """The mails, in the order given; those expunged meanwhile are left out.

    Args:
        largest: Bytes of one attachment; what is larger is told in `Mail.trouble`.
    """
    waiting = deque(_plan(looks, largest))
    flying: Deque[Any] = deque()
    room = _FLYING_BYTES
    while waiting or flying:
        while (
            waiting and len(flying) < _FLYING_COMMANDS and (waiting[0].size <= room or not flying)
        ):
            command = waiting.popleft()
            room -= command.size
            uids = [each.uid for each in command.looks]
            flying.append((command, commands.start_fetch(uids, command.items)))
        command, request = flying.popleft()
        commands.finish_fetch(request, command.size + _FLYING_BYTES - room)
        room += command.size
        yield from _mails(commands, command, largest)


def _plan(looks: Sequence[Look], largest: int) -> Iterator[_Command]:
    """Neighbouring mails that want the same sections go into one command."""
    command: Optional[_Command] = None
    for each in looks:
        items, size = _items(each, largest), _bytes(each, largest)
        if command and command.items == items and command.size + size <= _COMMAND_BYTES:
            command = _Command([*command.looks, each], items, command.size + size)
        else:
            if command:
                yield command
            command = _Command([each], items, size)
    if command:
        yield command


def _items(each: Look, largest: int) -> str:
    if each.whole:
        return _WHOLE if each.size <= LARGEST_LITERAL else "(UID)"
    parts = " ".join(f"BODY.PEEK[{s.part}]" for s in each.wanted if _fits(s, largest))
    return f"(UID BODY.PEEK[HEADER] {parts})".replace(" )", ")")


def _bytes(each: Look, largest: int) -> int:
    if each.whole:
        return each.size if each.size <= LARGEST_LITERAL else 0
    return 4096 + sum(section.size for section in each.wanted if _fits(section, largest))


def _fits(section: Section, largest: int) -> bool:
    grown = 1.4 if section.encoding in ("base64", "quoted-printable") else 1.0
    return section.size <= largest * grown


def _mails(commands: Commands, command: _Command, largest: int) -> Iterator[Mail]:
    for each in command.looks:
        mail = _mail(commands, each, largest)
        if mail is not None:
            yield mail
        del mail  # its bytes are not kept while the next ones come


def _mail(commands: Commands, each: Look, largest: int) -> Optional[Mail]:
    items = commands.found.pop(each.uid, {})
    mail = None if each.whole else _from_sections(each, items, largest)
    return mail or _from_whole(each, items) or fetch_whole(commands, each.uid, each.size)


def _from_sections(each: Look, items: Items, largest: int) -> Optional[Mail]:
    """The mail out of its sections; None where one is missing or not as announced."""
    head = items.get("BODY[HEADER]")
    if not isinstance(head, bytes) or not head or each.internaldate is None:
        return None
    leaves: List[Leaf] = []
    for section in each.sections or ():
        leaf = _leaf(section, items, section in each.wanted, largest)
        if leaf is None:
            return None
        leaves.append(leaf)
    read = mime.read_head(message_from_bytes(head))
    return mime.mail_of(each.uid, read, each.internaldate, take(leaves, read.automatic))


def _leaf(section: Section, items: Items, wanted: bool, largest: int) -> Optional[Leaf]:
    empty = Leaf(section.part, section.name, section.content_type, b"")
    if not wanted:
        return empty
    if not _fits(section, largest):
        sizes = (
            f"{section.size >> 20} MB, more than the {largest >> 20} MB of EMAIL_MAX_ATTACHMENT_MB"
        )
        return empty._replace(trouble=f"{section.name or 'a part'} has {sizes}")
    raw = items.pop(f"BODY[{section.part}]", None)
    if section.size == 0 and not raw:
        return empty
    if not isinstance(raw, bytes) or len(raw) != section.size:
        return None
    return empty._replace(data=mime.decode_body(raw, section.encoding))


def _from_whole(each: Look, items: Items) -> Optional[Mail]:
    raw, internaldate = items.get("BODY[]"), answers.time_of(items.get("INTERNALDATE"))
    if not isinstance(raw, bytes) or not raw or internaldate is None:
        return None
    return mime.read(raw, internaldate, each.uid)


def fetch_whole(commands: Commands, uid: int, size: int) -> Optional[Mail]:
    """One mail by itself, the last resort; None where it is expunged.

    Raises:
        Temporary: It is there and the server does not give it.
    """
    if size > LARGEST_LITERAL:
        return _too_large(commands, uid, size)
    items = commands.fetch([uid], _WHOLE, size + _FLYING_BYTES).get(uid, {})
    raw, internaldate = items.get("BODY[]"), answers.time_of(items.get("INTERNALDATE"))
    if not isinstance(raw, bytes) or not raw:
        commands.check_gone({uid})
        return None
    if internaldate is None:
        raise Temporary(f"the server gives no INTERNALDATE for UID {uid}")
    return mime.read(raw, internaldate, uid)


def _too_large(commands: Commands, uid: int, size: int) -> Optional[Mail]:
    """A mail that would have to be fetched whole and is too large for that: told as trouble."""
    items = commands.fetch([uid], "(UID INTERNALDATE BODY.PEEK[HEADER])", _FLYING_BYTES).get(
        uid, {}
    )
    head, internaldate = items.get("BODY[HEADER]"), answers.time_of(items.get("INTERNALDATE"))
    if not isinstance(head, bytes) or internaldate is None:
        commands.check_gone({uid})
        return None
    read = mime.read_head(message_from_bytes(head))
    trouble = f"the server cannot tell the parts of this mail, and it has {size >> 20} MB"
    return mime.mail_of(uid, read, internaldate, Taken([], [], trouble))
