"""Getting the matching mails: only the parts that matter, in few commands with several on their
way at once, large parts in pieces that go to disk as they come, and a mail as a whole where its
parts cannot be relied on.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime
from typing import Deque, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ttcli.errors import OutsideFault, Temporary
from ttcli.mail import whole
from ttcli.mail.attachments.taking import Taken, take
from ttcli.mail.fetch.looks import LARGEST_AGAIN, Look
from ttcli.mail.fetch.plan import COMMAND_BYTES, WHOLE, Command, Piece, fits, plan
from ttcli.mail.head import head_of
from ttcli.mail.imap import answers
from ttcli.mail.imap.commands import Commands, Fetching, Items
from ttcli.mail.imap.structure import Section
from ttcli.mail.imap.wire import LARGEST_LITERAL
from ttcli.mail.message import Mail
from ttcli.mail.mime import decoding
from ttcli.mail.mime.content import Content, Store
from ttcli.mail.mime.leaf import Leaf

log = logging.getLogger(__name__)

_FLYING_BYTES = 3 * COMMAND_BYTES  # answers on their way
_FLYING_COMMANDS = 8  # imaplib2's own queue ends at 10


def download(
    commands: Commands, looks: Iterable[Look], largest: int, store: Store
) -> Iterator[Mail]:
    """The mails, in the order given; those expunged meanwhile are left out.

    Args:
        looks: They are asked for while earlier mails are on their way.
        largest: Bytes of one attachment; what is larger is told in `Mail.trouble`.
        store: Where large parts are kept; cleared once the next mail is asked for.

    Raises:
        OutsideFault: A look or a download failed; after the mails before it.
    """
    downloading = _Downloading(commands, largest, store)
    faults: List[OutsideFault] = []
    try:
        for command in _done(commands, plan(_until_fault(looks, faults), largest)):
            for mail in downloading.mails(command):
                yield mail
                del mail  # its bytes are not kept while the next ones come
                store.clear()
    except OutsideFault as fault:
        faults.append(fault)
    finally:
        store.clear()
    if faults:
        raise faults[0]


def _until_fault(looks: Iterable[Look], faults: List[OutsideFault]) -> Iterator[Look]:
    """Those before a look that fails, whose mails shall come all the same: else a mail that the
    server never tells of would keep back, in every run, the ones before it."""
    try:
        yield from looks
    except OutsideFault as fault:
        faults.append(fault)


def _done(commands: Commands, planned: Iterator[Command]) -> Iterator[Command]:
    """Each command once its answers are in, with others on their way meanwhile."""
    flying: Deque[Tuple[Command, Fetching]] = deque()
    room = _FLYING_BYTES
    coming = next(planned, None)
    while coming or flying:
        while coming and len(flying) < _FLYING_COMMANDS and (coming.size <= room or not flying):
            room -= coming.size
            uids = [each.uid for each in coming.looks]
            flying.append((coming, commands.start_fetch(uids, coming.items, coming.size)))
            coming = next(planned, None)
        command, fetching = flying.popleft()
        commands.finish_fetch(fetching)
        room += command.size
        yield command


class _Arriving:
    """A large part on its way in."""

    def __init__(self, encoding: str, store: Store) -> None:
        self._encoding, self._store = encoding, store
        self._decoder = decoding.decoder(encoding)
        self._growing = store.growing()
        self._broken = False
        self.received = 0
        self.short = False  # the last piece was not full: nothing follows it

    def add(self, piece: Piece, raw: answers.Value) -> None:
        """The next piece, as the server gave it."""
        length = len(raw) if isinstance(raw, bytes) else 0
        # behind its end a part gives an empty string, or NIL
        self._broken |= piece.offset != self.received and length > 0
        self._broken |= length > COMMAND_BYTES
        if isinstance(raw, bytes) and raw and not self._broken:
            self._growing.write(self._decoder.feed(raw))
            self.received += length
        self.short = length < COMMAND_BYTES

    def content(self) -> Optional[Content]:
        """Its bytes; None where the pieces do not fit together."""
        if self._broken or not self.received:
            return None
        self._growing.write(self._decoder.end())
        return decoding.finished(self._growing.content(), self._encoding, self._store)


class _Downloading:
    """The mails that come out of commands that are done."""

    def __init__(self, commands: Commands, largest: int, store: Store) -> None:
        self._commands, self._largest, self._store = commands, largest, store
        self._arriving: Dict[str, _Arriving] = {}  # the large parts of the mail at hand

    def mails(self, command: Command) -> Iterator[Mail]:
        """The mails that are complete now."""
        if command.piece:
            self._add(command.looks[0], command.piece)
        if not command.last:
            return
        for each in command.looks:
            mail = self._mail(each)
            self._arriving = {}
            if mail is not None:
                yield mail
            del mail

    def _add(self, each: Look, piece: Piece) -> None:
        if piece.part not in self._arriving:
            encodings = {section.part: section.encoding for section in each.wanted}
            encoding = encodings.get(piece.part, "") if piece.part else decoding.AS_IT_IS
            self._arriving[piece.part] = _Arriving(encoding, self._store)
        items = self._commands.found.get(each.uid, {})
        self._arriving[piece.part].add(piece, items.pop(piece.answered, None))

    def _mail(self, each: Look) -> Optional[Mail]:
        items = self._commands.found.pop(each.uid, {})
        mail = self._from_whole(each, items) if each.whole else self._from_sections(each, items)
        return mail or fetch_whole(self._commands, each.uid, each.size, self._store)

    def _from_sections(self, each: Look, items: Items) -> Optional[Mail]:
        """The mail out of its sections; None where one is missing or not as announced."""
        head = items.get("BODY[HEADER]")
        if not isinstance(head, bytes) or not head or each.internaldate is None:
            return None
        leaves: List[Leaf] = []
        for section in each.sections or ():
            leaf = self._leaf(section, items, section in each.wanted)
            if leaf is None:
                return None
            leaves.append(leaf)
        read = head_of(head)
        taken = take(leaves, self._store, read.automatic)
        if not taken.attachments and not read.automatic and _worth_another_look(each, leaves):
            return None
        return whole.mail_of(each.uid, read, each.internaldate, taken)

    def _leaf(self, section: Section, items: Items, wanted: bool) -> Optional[Leaf]:
        empty = Leaf(section.part, section.name, section.content_type)
        if not wanted:
            return empty
        if not fits(section, self._largest):
            allowed = f"the {self._largest >> 20} MB of EMAIL_MAX_ATTACHMENT_MB"
            sizes = f"{section.size >> 20} MB, more than {allowed}"
            return empty._replace(trouble=f"{section.name or 'a part'} has {sizes}")
        if section.part in self._arriving:
            arriving = self._arriving[section.part]
            content = arriving.content() if arriving.received == section.size else None
            return None if content is None else empty._replace(content=content)
        raw = items.pop(f"BODY[{section.part}]", None)
        if section.size == 0 and not raw:
            return empty
        if not isinstance(raw, bytes) or len(raw) != section.size:
            return None
        return empty._replace(content=decoding.decode([raw], section.encoding, self._store))

    def _from_whole(self, each: Look, items: Items) -> Optional[Mail]:
        internaldate = answers.time_of(items.get("INTERNALDATE"))
        arriving = self._arriving.get("")
        if arriving is not None:
            content = arriving.content() if arriving.short else None
        else:
            content = _content(items.get("BODY[]"))
        if content is None or internaldate is None:
            return None
        return whole.read(content, self._store, internaldate, each.uid)


def _worth_another_look(each: Look, leaves: Sequence[Leaf]) -> bool:
    """No workbook, and none that was not asked for: names and parts may have been lost in the
    server's description, and texts, which were left where they are, may hold one."""
    return each.size <= LARGEST_AGAIN and not any(leaf.trouble for leaf in leaves)


def _content(raw: answers.Value) -> Optional[Content]:
    return Content(raw) if isinstance(raw, bytes) and raw else None


def fetch_whole(commands: Commands, uid: int, size: int, store: Store) -> Optional[Mail]:
    """One mail by itself, the last resort; None where it is expunged.

    Raises:
        Temporary: It is there and the server does not give it.
    """
    if size > LARGEST_LITERAL:
        return _too_large(commands, uid, size)
    if size <= COMMAND_BYTES:
        items = commands.fetch([uid], f"(UID INTERNALDATE {WHOLE})", size)
        found = items.get(uid, {})
        content, internaldate = _content(found.get("BODY[]")), _time(found)
    else:
        content, internaldate = _whole_in_pieces(commands, uid, store)
    if content is None:
        commands.check_gone({uid})
        return None
    if internaldate is None:
        raise Temporary(f"the server gives no INTERNALDATE for UID {uid}")
    return whole.read(content, store, internaldate, uid)


def _time(items: Items) -> Optional[datetime]:
    return answers.time_of(items.get("INTERNALDATE"))


def _whole_in_pieces(
    commands: Commands, uid: int, store: Store
) -> Tuple[Optional[Content], Optional[datetime]]:
    """A mail piece by piece until one is not full, whatever size the server announced."""
    arriving, internaldate = _Arriving(decoding.AS_IT_IS, store), None
    while not arriving.short and arriving.received <= LARGEST_LITERAL:
        piece = Piece("", arriving.received, COMMAND_BYTES)
        asked = f"(UID INTERNALDATE {piece.asked})"
        items = commands.fetch([uid], asked, COMMAND_BYTES).get(uid, {})
        internaldate = internaldate or _time(items)
        arriving.add(piece, items.pop(piece.answered, None))
    return arriving.content(), internaldate


def _too_large(commands: Commands, uid: int, size: int) -> Optional[Mail]:
    """A mail that would have to be fetched whole and is too large for that: told as trouble."""
    items = commands.fetch([uid], "(UID INTERNALDATE BODY.PEEK[HEADER])").get(uid, {})
    head, internaldate = items.get("BODY[HEADER]"), answers.time_of(items.get("INTERNALDATE"))
    if not isinstance(head, bytes) or internaldate is None:
        commands.check_gone({uid})
        return None
    read = head_of(head)
    trouble = f"the server cannot tell the parts of this mail, and it has {size >> 20} MB"
    return whole.mail_of(uid, read, internaldate, Taken([], [], trouble))
