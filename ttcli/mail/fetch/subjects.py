"""Which mails have the subject that is asked for; all of them are compared here.

A server's own search is not asked: Gmail's goes by words, Exchange's has bugs, and none finds a
subject that it cannot decode. What it left out the cursor would pass for good.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from typing import Deque, Iterator, List, Sequence, Tuple

from ttcli.mail.fetch.looks import asked_header, header_of
from ttcli.mail.imap.commands import Commands, Fetching, uid_set
from ttcli.mail.mime import headers

_SUBJECT = f"(UID {asked_header('SUBJECT')})"
_COMMAND = 2500  # mails asked for with one command
_FIRST = 500  # with the first ones: while others come, a look at those that match is on its way
_LONGEST_SET = 5000  # bytes of its UIDs; RFC 7162 lets servers end a line at 8192
_SCATTERED = 400  # mails whose UIDs are never longer
_BYTES = 256  # of an answer, rather too many
_FLYING = 8  # commands; imaplib2's own queue ends at 10
# Letters in lower case, and blanks for what is none: headers are mostly printable ASCII.
_PLAIN = bytes(max(code, 32) for code in range(127)).lower() + b" " + bytes(range(128, 256))


class Wanted:
    """The words that must stand in a subject; where there are none, every subject is right."""

    def __init__(self, words: str) -> None:
        self._words = _folded(words)
        self._bytes = self._words.encode("utf-8", "surrogateescape")

    @property
    def takes_all(self) -> bool:
        """Every subject is right."""
        return not self._words

    def in_text(self, subject: str) -> bool:
        """They stand in a decoded subject; also in one that somebody encoded twice."""
        if self._words in _folded(subject):
            return True
        again = headers.decoded(headers.to_bytes(subject)) if "=?" in subject else ""
        return self._words in _folded(again)

    def in_header(self, header: bytes) -> bool:
        """They stand in one of the header's subjects; there are mails that have two."""
        if not self._words:
            return True
        if b"=?" not in header and header.isascii():
            # most of ten thousand subjects end here, before anything is decoded
            plain = b" ".join(header.translate(_PLAIN).split())
            if self._bytes not in plain:
                return False
        subjects = headers.fields(header, b"subject")
        return any(self.in_text(headers.decoded(each)) for each in subjects)


def _folded(text: str) -> str:
    """Without regard to case, the amount of blanks, and the several ways to write one letter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def with_subject(
    commands: Commands, uids: Sequence[int], wanted: Wanted
) -> Iterator[Sequence[int]]:
    """Those of these UIDs whose subject is right or was not told, so that it must be looked at.

    They come in order, those of one command at a time.

    Raises:
        Temporary: The connection was lost.
    """
    for asked in _told(commands, uids):
        yield [uid for uid in asked if _may_match(commands, uid, wanted)]


def _told(commands: Commands, uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """The UIDs of each command once its answers are in, with others on their way meanwhile."""
    waiting = deque(_askable(uids))
    flying: Deque[Tuple[Sequence[int], Fetching]] = deque()
    while waiting or flying:
        while waiting and len(flying) < _FLYING:
            asked = waiting.popleft()
            flying.append((asked, commands.start_fetch(asked, _SUBJECT, len(asked) * _BYTES)))
        asked, fetching = flying.popleft()
        commands.finish_fetch(fetching)
        yield asked


def _askable(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """UIDs for one command each, whose line every server takes."""
    for batch in [*cut(uids[:_FIRST], _COMMAND), *cut(uids[_FIRST:], _COMMAND)]:
        if len(uid_set(batch)) <= _LONGEST_SET:
            yield batch
        else:
            yield from cut(batch, _SCATTERED)


def cut(uids: Sequence[int], most: int) -> List[Sequence[int]]:
    """In pieces of so many at the most."""
    return [uids[start : start + most] for start in range(0, len(uids), most)]


def _may_match(commands: Commands, uid: int, wanted: Wanted) -> bool:
    header = header_of(commands.found.pop(uid, {}))
    return header is None or wanted.in_header(header)
