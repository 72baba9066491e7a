"""A session with the mailbox: what is new, oldest first, and nothing on the server changed.

The folder is opened by EXAMINE and bodies are read by BODY.PEEK, so no flag changes. Only UIDs
name mails: sequence numbers shift when another session expunges. Every UID that was asked for is
compared with what was answered; a lost connection raises, it never looks like the end.

Imports imaplib2 by way of `client.py`, so stages import this module only when they need it.
"""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Deque, Iterable, Iterator, List, Optional, Sequence, Set, Tuple, Type

from ttcli.config import MailboxSettings
from ttcli.mail.access import Access, Rotations
from ttcli.mail.actions import Action, perform
from ttcli.mail.client import Client
from ttcli.mail.commands import HIGHEST_UID, Commands, Fetching, Items, told
from ttcli.mail.content import Store
from ttcli.mail.cursor import Folder
from ttcli.mail.dial import Connection, dial
from ttcli.mail.download import download
from ttcli.mail.gate import Gate, Refusal
from ttcli.mail.login import login, quoted
from ttcli.mail.looks import Look, asked_header, asking, header_of, look
from ttcli.mail.message import Mail
from ttcli.mail.subjects import Wanted, cut, with_subject
from ttcli.mail.waiting import Arrivals, wait

_BATCH = 500  # mails looked at with one command
_LOOK_BYTES = 2048  # that the answer to a look may have
_STRETCH = 20_000  # mails whose subjects are compared before the first of them is downloaded
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Session:
    """One connection to one folder of one account, for use in a `with` statement.

    Args:
        rotations: Where refresh tokens are kept; needed only where there is one.
        folder: Where large attachments are kept as files until the next mail is asked for;
            without one they stay in memory.
        dialled: The connection, where somebody has begun to dial already.

    Attributes:
        seen_through: While and after iterating `new_mails`: every mail with a UID up to this one
            was handed out or looked at and found without interest. Once what was handed out is
            durable, the cursor may be set to it.
        access: The token that opened it, where one did.
        refused: What `new_mails` left alone because of its sender, up to 1000 mails ahead.
    """

    def __init__(
        self,
        settings: MailboxSettings,
        rotations: Optional[Rotations] = None,
        folder: Optional[Path] = None,
        dialled: Optional[Future[Connection]] = None,
    ) -> None:
        self.settings = settings
        self._dialled = dialled
        self.access: Optional[Access] = None
        self._rotations = rotations
        self._store = Store(folder)
        self.seen_through = 0
        self.refused: List[Refusal] = []
        self._untold: Set[int] = set()  # UIDs whose subject must be read out of the mail itself
        self._gate = Gate(settings)
        self._wanted = Wanted(settings.subject_filter)
        self._client: Optional[Client] = None
        self._folder: Optional[Folder] = None

    def __enter__(self) -> Session:
        connection = self._dialled.result() if self._dialled else dial(self.settings)
        try:
            self._client = Client(connection, self.settings.host, self.settings.timeout)
            self.access = login(self._client, self.settings, self._rotations)
        except BaseException as error:
            self._hang_up(politely=False)
            connection.socket.close()
            raise told(error, self.settings.host) from None
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._store.clear()
        self._hang_up(politely=error is None)

    def _hang_up(self, politely: bool) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.hang_up(politely)

    @property
    def commands(self) -> Commands:
        """The commands over this connection; for this room only."""
        assert self._client is not None, "a session is used in a with statement"
        return Commands(self._client, self.settings)

    @property
    def lost(self) -> bool:
        """The connection has ended: there is nothing to go on with."""
        return self._client is None or bool(self._client.Terminate)

    def turn_to(self, folder: str) -> None:
        """Goes on with another folder of the account; nothing may be on its way any more."""
        self.settings = self.settings._replace(folder=folder)
        self.seen_through, self._folder, self.refused = 0, None, []
        if self._client is not None:
            list(self._client.arrived())  # what was said of the other folder's mails, unasked

    def folder(self) -> Folder:
        """UIDVALIDITY and UIDNEXT of the folder, by STATUS: the whole cost of an empty run.

        Raises:
            ConfigError: There is no such folder; names those that exist.
            Temporary: The server went away or does not want us now.
        """
        self._folder = self.commands.status()
        return self._folder

    def new_mails(self, after_uid: int, since: Optional[datetime] = None) -> Iterator[Mail]:
        """The mails with a UID above `after_uid` whose subject matches, in ascending UID order.

        Those without attachments come too. `seen_through` says how far everything was looked at.

        Args:
            since: Leave out what the server took in before; aware.

        Raises:
            Temporary: The connection was lost, or the server left out what was asked for.
        """
        folder = self._folder or self.folder()
        last = folder.uidnext - 1 if folder.uidnext else HIGHEST_UID
        self.seen_through = after_uid
        self._untold.clear()  # of another folder, the same UIDs are other mails
        if last > after_uid:
            commands = self.commands
            uids = self._search(commands, after_uid + 1, last, since)
            for stretch in cut(uids, _STRETCH):
                yield from self._of_stretch(commands, stretch, since)
            last = last if folder.uidnext else max([after_uid, *uids])
        self.seen_through = max(after_uid, last)

    def _of_stretch(
        self, commands: Commands, uids: Sequence[int], since: Optional[datetime]
    ) -> Iterator[Mail]:
        """The matching ones among these UIDs."""
        looks = self._looks(commands, self._batches(commands, uids), since)
        largest = self.settings.largest_attachment
        for mail in download(commands, looks, largest, self._store):
            if mail.uid not in self._untold or self._wanted.in_text(mail.subject):
                self.seen_through = mail.uid
                yield mail
            del mail  # its bytes are not kept while the next ones come
        self.seen_through = uids[-1]

    def _batches(self, commands: Commands, uids: Sequence[int]) -> Iterator[Sequence[int]]:
        """What to look at, so many at once; of many, only subjects are asked for at first."""
        if len(uids) <= _BATCH or self._wanted.takes_all:
            yield from cut(uids, _BATCH)
            return
        found: List[int] = []
        enough = 1  # the first ones are looked at and downloaded while others are compared
        for right in with_subject(commands, uids, self._wanted):
            found += right
            while len(found) >= enough:
                yield found[:_BATCH]
                found, enough = found[_BATCH:], _BATCH
        yield from cut(found, _BATCH)

    def _looks(
        self, commands: Commands, batches: Iterable[Sequence[int]], since: Optional[datetime]
    ) -> Iterator[Look]:
        """Those that may match."""
        asked = asking(self._gate.fields)
        looking: Deque[Tuple[Sequence[int], Fetching]] = deque()
        for batch in batches:
            looking.append((batch, commands.start_fetch(batch, asked, len(batch) * _LOOK_BYTES)))
            if len(looking) > 1:  # the next look is on its way while these mails come
                yield from self._looked(commands, *looking.popleft(), since)
        for last in looking:
            yield from self._looked(commands, *last, since)

    def _looked(
        self, commands: Commands, uids: Sequence[int], fetching: Fetching, since: Optional[datetime]
    ) -> Iterator[Look]:
        commands.finish_fetch(fetching)
        found = {uid: commands.found.pop(uid) for uid in uids if uid in commands.found}
        commands.check_gone(set(uids) - set(found))
        for uid, items in found.items():
            each = look(uid, items)
            if self._may_match(each, since) and self._lets_in(commands, each, items):
                if each.header is None:
                    self._untold.add(uid)
                yield each

    def _search(
        self, commands: Commands, first: int, last: int, since: Optional[datetime]
    ) -> List[int]:
        """The UIDs to look at; of the server only what it can be trusted with."""
        folder = self._folder or self.folder()
        criteria: List[str] = []
        if since is not None:
            # SINCE goes by the day in the server's own time zone
            day = since - timedelta(days=1)
            criteria += ["SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04}"]
        # n:* names the last mail even when its UID is lower (RFC 3501, 6.4.8)
        end = "*" if last == HIGHEST_UID else str(last)
        uids = commands.search_in(folder, f"{first}:{end}", *criteria)
        return [uid for uid in uids if first <= uid <= last]

    def _subject_criterion(self) -> List[str]:
        wanted = " ".join(self.settings.subject_filter.split())
        return ["SUBJECT", quoted(wanted)] if wanted and wanted.isascii() else []

    def _may_match(self, each: Look, since: Optional[datetime]) -> bool:
        if since is not None and each.internaldate is not None and each.internaldate < since:
            return False
        return each.header is None or self._wanted.in_header(each.header)

    def _lets_in(self, commands: Commands, each: Look, items: Items) -> bool:
        refusal = self._gate.refusal(commands, each.uid, items)
        self.refused += [refusal] if refusal else []
        return refusal is None

    def apply(self, wanted: Action, uidvalidity: int, uids: Sequence[int]) -> bool:
        """Does what shall be done to mails whose rows are committed; see `actions.perform`."""
        return perform(self.commands, wanted, uidvalidity, uids)

    def wait(self, seconds: float) -> bool:
        """Waits for a mail to arrive after the last `folder()`; see `waiting.wait`."""
        return wait(self.commands, self._folder or self.folder(), seconds)

    def arrivals(self) -> Arrivals:
        """Opens the folder for waiting; from here on no arrival is missed."""
        return Arrivals(self.commands, self._folder or self.folder())

    def abandon(self) -> None:
        """Ends the connection from another thread; whoever waits on it sees it lost."""
        client = self._client
        if client is not None:
            with contextlib.suppress(OSError):  # the other side was faster
                client.sock.shutdown(socket.SHUT_RDWR)

    def count(self) -> Tuple[int, int]:
        """How many mails the folder holds, and in how many the subject matches.

        The server searches the subjects here, by its own rules; fetch asks nobody but itself.
        """
        commands = self.commands
        commands.open_folder(self._folder or self.folder())
        every, criterion = commands.search("1:*"), self._subject_criterion()
        return len(every), len(commands.search("1:*", *criterion) if criterion else every)

    def newest(self) -> Optional[datetime]:
        """When the server took in the folder's last mail; None if there is none."""
        commands = self.commands
        commands.open_folder(self._folder or self.folder())
        last = commands.search("*")
        found = commands.fetch(last[-1:], asking()) if last else {}
        times = [look(uid, items).internaldate for uid, items in found.items()]
        return times[0] if times else None

    def newest_headers(self, most: int) -> List[bytes]:
        """From and Authentication-Results of the newest mails whose subject matches."""
        commands = self.commands
        commands.open_folder(self._folder or self.folder())
        uids = commands.search("1:*", *self._subject_criterion())[-most:]
        asked = f"(UID {asked_header(self._gate.fields)})"
        found = commands.fetch(uids, asked) if uids and self._gate.closed else {}
        return [header for header in map(header_of, found.values()) if header is not None]
