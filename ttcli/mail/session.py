"""A session with the mailbox: what is new, oldest first, and nothing on the server changed.

The folder is opened by EXAMINE and bodies are read by BODY.PEEK, so no flag changes. Only UIDs
name mails: sequence numbers shift when another session expunges. Every UID that was asked for is
compared with what was answered; a lost connection raises, it never looks like the end.

Imports imaplib2 by way of `client.py`, so stages import this module only when they need it.
"""

from __future__ import annotations

import logging
import re
from types import TracebackType
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Type

from ttcli.config import MailboxSettings
from ttcli.errors import ConfigError, OutsideFault, Temporary
from ttcli.mail import answers, folders, headers, words
from ttcli.mail.client import Client, Lost, Refused
from ttcli.mail.cursor import Folder
from ttcli.mail.dial import dial
from ttcli.mail.login import login, quoted
from ttcli.mail.message import Mail, read_mail

log = logging.getLogger(__name__)

_BATCH = 500
_HIGHEST_UID = 2**32 - 1
_WHOLE = "(UID INTERNALDATE BODY.PEEK[])"


class Look(NamedTuple):
    """A mail seen from outside.

    Attributes:
        subject: Raw; None where the server's answer could not be read.
        size: In bytes, as the server says; servers lie.
    """

    uid: int
    subject: Optional[bytes]
    size: int


class Session:
    """One connection to one folder of one account, for use in a `with` statement.

    Attributes:
        seen_through: While and after iterating `new_mails`: every mail with a UID up to this one
            was handed out or looked at and found without interest. Once what was handed out is
            durable, the cursor may be set to it.
    """

    def __init__(self, settings: MailboxSettings) -> None:
        self.settings = settings
        self.seen_through = 0
        self._client: Optional[Client] = None
        self._folder: Optional[Folder] = None

    def __enter__(self) -> Session:
        connection = dial(self.settings)
        try:
            self._client = Client(connection, self.settings.host, self.settings.timeout)
            login(self._client, self.settings)
        except BaseException as error:
            self._hang_up(False)
            connection.socket.close()
            raise self._told(error) from None
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._hang_up(politely=error is None)

    def _hang_up(self, politely: bool) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.hang_up(politely)

    def folder(self) -> Folder:
        """UIDVALIDITY and UIDNEXT of the folder, by STATUS: the whole cost of an empty run.

        Raises:
            ConfigError: There is no such folder; names those that exist.
            Temporary: The server went away or does not want us now.
        """
        try:
            self._call("STATUS", self._name(), "(UIDVALIDITY UIDNEXT)")
        except Refused as refused:
            raise self._no_folder(refused) from None
        status = b" ".join(_texts(self.client.untagged("STATUS")))
        self._folder = Folder(_after(b"UIDVALIDITY", status), _after(b"UIDNEXT", status))
        return self._folder

    def new_mails(self, after_uid: int) -> Iterator[Mail]:
        """The mails with a UID above `after_uid` whose subject matches, in ascending UID order.

        Those without attachments come too. `seen_through` says how far everything was looked at.

        Raises:
            Temporary: The connection was lost, or the server left out what was asked for.
        """
        folder = self._folder or self.folder()
        last = folder.uidnext - 1 if folder.uidnext else _HIGHEST_UID
        self.seen_through = after_uid
        if last > after_uid:
            self._examine(folder)
            uids = self._search(after_uid + 1, last)
            for start in range(0, len(uids), _BATCH):
                yield from self._mails(uids[start : start + _BATCH])
            last = last if folder.uidnext else max([after_uid, *uids])
        self.seen_through = max(after_uid, last)

    def _mails(self, uids: Sequence[int]) -> Iterator[Mail]:
        """The matching ones among these UIDs."""
        for look in self._look(uids):
            if look.subject is None or self._matches(headers.decoded(look.subject)):
                mail = self._whole(look.uid)
                if mail is not None and self._matches(mail.subject):
                    self.seen_through = look.uid
                    yield mail
        self.seen_through = uids[-1]

    def _matches(self, subject: str) -> bool:
        return folded(self.settings.subject_filter) in folded(subject)

    def _look(self, uids: Sequence[int]) -> List[Look]:
        found = self._fetch(uids, "(UID RFC822.SIZE ENVELOPE)")
        looks = []
        for uid in uids:
            if uid in found:
                looks.append(_look_of(uid, found[uid]))
        self._missing(set(uids) - set(found))
        return looks

    def _whole(self, uid: int) -> Optional[Mail]:
        """A mail out of all its bytes; None where it was expunged meanwhile."""
        items = self._fetch([uid], _WHOLE).get(uid, {})
        raw, internaldate = items.get("BODY[]"), answers.time_of(items.get("INTERNALDATE"))
        if not isinstance(raw, bytes) or not raw:
            self._missing({uid})
            return None
        if internaldate is None:
            raise Temporary(f"{self.settings.host} gives no INTERNALDATE for UID {uid}")
        return read_mail(raw, internaldate, uid)

    def _fetch(self, uids: Sequence[int], items: str) -> Dict[int, Dict[str, Any]]:
        """What the server answers by UID; answers that cannot be read hold only the UID."""
        self.client.answers.clear()
        self._call("UID", "FETCH", uid_set(uids), items, seconds=self._patience(10))
        found: Dict[int, Dict[str, Any]] = {}
        wanted = set(uids)
        for pieces in self.client.answers:
            uid, values = _readable(pieces)
            if uid in wanted:
                found.setdefault(uid, {}).update(values)
        self.client.answers.clear()
        return found

    def _missing(self, uids: set[int]) -> None:
        """UIDs the server left out are fine if they are gone; else something was lost."""
        if not uids:
            return
        self._call("NOOP")  # lets the server tell of what others expunged
        still = uids & set(self._search_set(uid_set(sorted(uids))))
        if still:
            raise Temporary(
                f"{self.settings.host} left out UID {uid_set(sorted(still))} of its answer",
                "the next run asks again; nothing was passed over",
            )
        log.info("UID %s expunged by another session", uid_set(sorted(uids)))

    def _search(self, first: int, last: int) -> List[int]:
        # n:* names the last mail even when its UID is lower (RFC 3501, 6.4.8)
        end = "*" if last == _HIGHEST_UID else str(last)
        return [uid for uid in self._search_set(f"{first}:{end}") if first <= uid <= last]

    def _search_set(self, wanted: str, *criteria: str) -> List[int]:
        self.client.untagged("SEARCH")
        self._call("UID", "SEARCH", "UID", wanted, *criteria, seconds=self._patience(10))
        numbers = b" ".join(_texts(self.client.untagged("SEARCH"))).split()
        return sorted({int(n) for n in numbers if re.fullmatch(rb"[0-9]{1,10}", n)})

    def _examine(self, folder: Folder) -> None:
        try:
            self.client.examine_folder(self._name())
        except Lost as error:
            raise self._told(error) from None
        except Refused as refused:
            raise self._no_folder(refused) from None
        now = b" ".join(_texts(self.client.untagged("UIDVALIDITY")))
        if folder.uidvalidity and now.strip() != b"%d" % folder.uidvalidity:
            raise Temporary(
                f"folder {self.settings.folder} of {self.settings.username} was replaced meanwhile",
                "the next run reads the new one from its beginning",
            )

    def _name(self) -> str:
        return folders.on_the_wire(self.settings.folder)

    def _no_folder(self, refused: Refused) -> OutsideFault:
        what = f"folder {self.settings.folder} of {self.settings.username}"
        if words.is_later(refused.text):
            return words.refusal(f"{self.settings.host}: {what}", refused.text)
        exist = ", ".join(self.folder_names())
        return ConfigError(
            f"{what}: {words.readable(refused.text)}", f"set EMAIL_FOLDER to one of: {exist}"
        )

    def count(self) -> Tuple[int, int]:
        """How many mails the folder holds, and in how many the subject matches.

        The server searches the subjects here, by its own rules; fetch asks nobody but itself.
        """
        self._examine(self._folder or self.folder())
        every = len(self._search_set("1:*"))
        wanted = " ".join(self.settings.subject_filter.split())
        if not wanted.isascii() or not wanted:
            return every, every
        return every, len(self._search_set("1:*", "SUBJECT", quoted(wanted)))

    def capabilities(self) -> Sequence[str]:
        """What the server offers now, after the login."""
        self._call("CAPABILITY")
        return (
            b" ".join(_texts(self.client.untagged("CAPABILITY"))).decode("ascii", "replace").split()
        )

    def folder_names(self) -> List[str]:
        """The folders of the account, as EMAIL_FOLDER names them."""
        self._call("LIST", '""', '"*"')
        return folders.listed(self.client.untagged("LIST"))

    def _patience(self, times: int) -> int:
        return self.settings.timeout * times

    @property
    def client(self) -> Client:
        """The connection; for this room only."""
        assert self._client is not None, "a session is used in a with statement"
        return self._client

    def _call(self, name: str, *arguments: str, seconds: float = 0) -> bytes:
        try:
            return self.client.call(name, *arguments, seconds=seconds)
        except Lost as error:
            raise self._told(error) from None

    def _told(self, error: BaseException) -> BaseException:
        """The connection's errors as the run hears of them."""
        where = self.settings.host
        if isinstance(error, Refused):
            return words.refusal(f"{where} refuses", error.text)
        if isinstance(error, Lost):
            return words.refusal(f"the connection to {where} was lost", str(error))
        return error


def folded(text: str) -> str:
    """Text for comparing subjects: without regard to case and the amount of blanks."""
    return " ".join(text.casefold().split())


def uid_set(uids: Sequence[int]) -> str:
    """Ascending UIDs as a set (RFC 3501, 9: sequence-set): 3,5:9."""
    runs: List[List[int]] = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in runs)


def _texts(found: Sequence[Any]) -> Iterator[bytes]:
    """Untagged responses as plain text; names may come as literals."""
    for each in found:
        yield b" ".join(each) if isinstance(each, tuple) else each or b""


def _after(word: bytes, status: bytes) -> int:
    """The number after a word; 0 where there is none that the protocol allows."""
    found = re.findall(rb"\b%s ([0-9]{1,10})\b" % word, status.upper())
    return int(found[-1]) if found and int(found[-1]) <= _HIGHEST_UID else 0


def _readable(pieces: Sequence[Any]) -> tuple[Optional[int], Dict[str, Any]]:
    try:
        items = answers.fetched(pieces)
        return answers.number(items.get("UID")), items
    except answers.Garbled as error:
        text = pieces[0][0] if isinstance(pieces[0], tuple) else pieces[0]
        uid = re.search(rb"\bUID ([0-9]{1,10})\b", text)
        log.debug("garbled answer: %s", error)
        return (int(uid[1]) if uid else None), {}


def _look_of(uid: int, items: Dict[str, Any]) -> Look:
    size = answers.number(items.get("RFC822.SIZE")) or 0
    return Look(uid, answers.subject_of(items.get("ENVELOPE")), size)
