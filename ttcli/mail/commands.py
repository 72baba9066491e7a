"""The IMAP commands a session uses, their answers checked and their failures told.

Whatever is refused or lost leaves here as one of the errors of errors.py, except where the
docstring says otherwise.
"""

from __future__ import annotations

import contextlib
import logging
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ttcli.config import MailboxSettings
from ttcli.errors import ConfigError, OutsideFault, Temporary
from ttcli.mail import answers, folders, words
from ttcli.mail.client import SLOWEST_LINK, Client, Lost, Refused
from ttcli.mail.cursor import Folder

log = logging.getLogger(__name__)

HIGHEST_UID = 2**32 - 1
Items = Dict[str, answers.Value]


class Fetching(NamedTuple):
    """A UID FETCH on its way, and the bytes that its answers may have."""

    request: Any
    size: int


class Commands:
    """Commands over one connection that is logged in."""

    def __init__(self, client: Client, settings: MailboxSettings) -> None:
        self.client = client
        self._settings = settings
        self._folder = folders.on_the_wire(settings.folder)
        self.found: Dict[int, Items] = {}
        self._flying = 0  # bytes of the answers that are on their way

    def call(self, name: str, *arguments: str, seconds: float = 0) -> bytes:
        """One command to its end; returns the text of its OK."""
        with self._told():
            return self.client.call(name, *arguments, seconds=seconds)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (Lost, Refused) as error:
            raise told(error, self._settings.host) from None

    def status(self) -> Folder:
        """UIDVALIDITY and UIDNEXT of the folder, without opening it."""
        try:
            self.client.call("STATUS", self._folder, "(UIDVALIDITY UIDNEXT)")
        except Refused as refused:
            raise self._no_folder(refused) from None
        except Lost as error:
            raise told(error, self._settings.host) from None
        status = b" ".join(texts(self.client.untagged("STATUS")))
        return Folder(_after(b"UIDVALIDITY", status), _after(b"UIDNEXT", status))

    def open_folder(self, expected: Folder, readonly: bool = True, *along: str) -> Any:
        """EXAMINE, or SELECT where something shall change; the folder must be the expected one.

        Args:
            along: A command that is sent with it, and then started.
        """
        try:
            started = self.client.open_folder(self._folder, readonly, *along)
        except Refused as refused:
            raise self._no_folder(refused) from None
        except Lost as error:
            raise told(error, self._settings.host) from None
        now = b" ".join(texts(self.client.untagged("UIDVALIDITY"))).strip()
        if expected.uidvalidity and now != b"%d" % expected.uidvalidity:
            raise Temporary(
                f"folder {self._settings.folder} of {self._settings.username} was just replaced",
                "the next run reads the new one from its beginning",
            )
        return started

    def _no_folder(self, refused: Refused) -> OutsideFault:
        what = f"folder {self._settings.folder} of {self._settings.username}"
        if words.is_later(refused.text):
            return words.refusal(f"{self._settings.host}: {what}", refused.text)
        fix = "set EMAIL_FOLDER to one that exists"
        with contextlib.suppress(OutsideFault):  # some servers hang up behind their NO
            fix = f"set EMAIL_FOLDER to one of: {', '.join(self.folder_names())}"
        return ConfigError(f"{what}: {words.readable(refused.text)}", fix)

    def folder_names(self) -> List[str]:
        """The folders of the account, as EMAIL_FOLDER names them."""
        self.call("LIST", '""', '"*"')
        return folders.listed(self.client.untagged("LIST"))

    def capabilities(self) -> Sequence[str]:
        """What the server offers now, after the login."""
        self.call("CAPABILITY")
        return b" ".join(texts(self.client.untagged("CAPABILITY"))).decode("latin-1").split()

    def search(self, wanted: str, *criteria: str) -> List[int]:
        """The UIDs of a set that exist and match, ascending; criteria are quoted by the caller."""
        self.client.untagged("SEARCH")
        with self._told():
            searching = self.client.start("UID", "SEARCH", "UID", wanted, *criteria)
        return self._found_by(searching, wanted)

    def search_in(self, expected: Folder, wanted: str, *criteria: str) -> List[int]:
        """Opens the folder and searches it, in one round trip."""
        along = ("UID", "SEARCH", "UID", wanted, *criteria)
        return self._found_by(self.open_folder(expected, True, *along), wanted)

    def _found_by(self, searching: Any, wanted: str) -> List[int]:
        with self._told():
            # a first search for subjects makes the server read every mail: minutes, not seconds
            self.client.finish(searching, 10 * self._settings.timeout)
        told = self.client.untagged("SEARCH")
        if not told:
            return self._listed(wanted)
        numbers = b" ".join(texts(told)).split()
        return sorted({int(n) for n in numbers if n.isdigit() and len(n) <= 10})

    def _listed(self, wanted: str) -> List[int]:
        """The UIDs of a set by FETCH: an OK without a SEARCH answer does not mean that none are."""
        self.call("UID", "FETCH", wanted, "(UID)", seconds=10 * self._settings.timeout)
        self._collect()
        uids = [uid for uid in self.found if uid]
        for uid in uids:
            if set(self.found[uid]) <= {"UID", "FLAGS"}:  # else it is another command's
                del self.found[uid]
        return sorted(uids)

    def start_fetch(self, uids: Sequence[int], items: str, size: int) -> Fetching:
        """Sends a UID FETCH without waiting for its answers.

        Args:
            size: The bytes that they may have; decides how long to wait.
        """
        with self._told():
            request = self.client.start("UID", "FETCH", uid_set(uids), items)
        self._flying += size
        return Fetching(request, size)

    def finish_fetch(self, fetching: Fetching) -> None:
        """Waits for a UID FETCH's end; what it brought is in `found`, whatever command it was for.

        A NO is no error here: it comes when a mail was expunged or cannot be read, beside the
        answers for the others. Callers compare `found` with what they asked for.
        """
        try:
            self.client.finish(fetching.request, self._patience())
        except Refused as refused:
            if refused.kind != "NO" or words.is_later(refused.text):
                raise told(refused, self._settings.host) from None
            log.info("%s: %s", self._settings.host, words.readable(refused.text))
        except Lost as error:
            raise told(error, self._settings.host) from None
        finally:
            self._flying -= fetching.size
        self._collect()

    def _patience(self) -> float:
        """Seconds that all may take that is on its way: what is waited for comes behind it."""
        return 10 * self._settings.timeout + self._flying / SLOWEST_LINK

    def _collect(self) -> None:
        for answer in self.client.arrived():
            if isinstance(answer, tuple):
                uid, name, value = answer
                self.found.setdefault(uid, {})[name] = value
            else:
                uid, items = _readable(answer)
                self.found.setdefault(uid, {}).update(items)

    def fetch(self, uids: Sequence[int], items: str, size: int = 0) -> Dict[int, Items]:
        """UID FETCH to its end: what was answered, by UID; of other UIDs nothing.

        An answer that cannot be understood counts as given, with no items.
        """
        self.finish_fetch(self.start_fetch(uids, items, size))
        # what has come for other commands on their way stays
        return {uid: self.found.pop(uid) for uid in uids if uid in self.found}

    def idle(self, seconds: float) -> bool:
        """IDLE until the server says anything, or that long; what it said is in `untagged`.

        Returns:
            False where the server offers IDLE and refuses it all the same.
        """
        try:
            self.client.wait_idle(seconds)
        except Refused as refused:
            log.info("%s: no IDLE: %s", self._settings.host, words.readable(refused.text))
            return False
        except Lost as error:
            raise told(error, self._settings.host) from None
        return True

    def check_gone(self, uids: Set[int]) -> None:
        """UIDs that the server left out are fine if they are expunged.

        Raises:
            Temporary: They are still there, so something was lost on the way.
        """
        if not uids:
            return
        # the server's chance to tell of what others expunged, behind all that is on its way
        self.call("NOOP", seconds=self._patience())
        still = uids & set(self.search(uid_set(sorted(uids))))
        if still:
            raise Temporary(
                f"{self._settings.host} left UID {uid_set(sorted(still))} out of its answer",
                "the next run asks again; nothing was passed over",
            )
        log.info("UID %s was expunged by another session", uid_set(sorted(uids)))


def told(error: BaseException, host: str) -> BaseException:
    """The connection's errors as the run hears of them; others as they are."""
    if isinstance(error, Refused):
        return words.refusal(f"{host} refuses", error.text)
    if isinstance(error, Lost):
        return words.refusal(f"the connection to {host} was lost", str(error))
    return error


def uid_set(uids: Sequence[int]) -> str:
    """Ascending UIDs as a set (RFC 3501, 9: sequence-set): 3,5:9."""
    runs: List[List[int]] = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in runs)


def texts(found: Sequence[Any]) -> Iterator[bytes]:
    """Untagged responses as plain text; names in them may have come as literals."""
    for each in found:
        yield b" ".join(each) if isinstance(each, tuple) else each or b""


def _after(word: bytes, status: bytes) -> int:
    """The number after a word; 0 where there is none that the protocol allows."""
    found = re.findall(rb"\b%s ([0-9]{1,10})\b" % word, status.upper())
    return int(found[-1]) if found and int(found[-1]) <= HIGHEST_UID else 0


def _readable(pieces: Sequence[Any]) -> Tuple[int, Items]:
    """UID and items of one FETCH answer; of a garbled one no items; UID 0 where it has none."""
    try:
        items = answers.fetched(pieces)
        return answers.number(items.get("UID")) or 0, items
    except answers.Garbled as error:
        text = b" ".join(piece[0] if isinstance(piece, tuple) else piece for piece in pieces)
        uid = re.search(rb"\bUID ([0-9]{1,10})\b", text)
        log.debug("an answer that cannot be understood: %s", error)
        return (int(uid[1]) if uid else 0), {}
