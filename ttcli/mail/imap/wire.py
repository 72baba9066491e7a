"""What comes over the wire cut into lines and literals, and FETCH answers taken out of it whole.

imaplib2 itself hands over one queue item a *line*, inside literals too, which costs a second of
CPU for 15 MB and quadratic time without line ends. Here an answer with literals is one item, of
the short ones that tell ten thousand subjects a hundred are, and a literal is copied once.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Optional, Sequence, Tuple, Union

Short = Tuple[int, str, bytes]  # UID, and name and value of the one item
Answer = Union[Short, List[Any]]  # or its pieces: (text, literal) tuples, and a text at the end

_SHORT = re.compile(
    rb"\* [0-9]+ FETCH \(UID ([0-9]{1,10}) (BODY\[[^\]\"\r\n]*\]) \{([0-9]{1,4})\}\r\n"
)
_FETCH = re.compile(rb"\* *([0-9]+) *FETCH +")
_LITERAL = re.compile(rb"\{([0-9]+)\+?\}\r?\n\Z")
LARGEST_LITERAL = 128 << 20
LONGEST_LINE = 16 << 20  # BODYSTRUCTURE of a mail with thousands of parts is one line
_PIECE = 4 << 20  # of a literal; as much as is asked for at once
_AHEAD = 16 << 10  # read where a line is wanted; what it takes of a literal is copied twice


class Fetched(bytes):
    """A piece, empty for imaplib2, that is FETCH answers; with none of them a sign of life."""

    answers: Sequence[Answer] = ()


class Splitter:
    """Cuts a stream into lines with their line end, pieces of literals, and FETCH answers."""

    def __init__(self) -> None:
        self._room = memoryview(bytearray(_PIECE))
        self._have = 0  # bytes in it, all of them of the literal
        self._literal = 0  # bytes of the literal that were not handed on
        self._goes_on = False  # what comes next belongs to the line that announced a literal
        self._line: List[bytes] = []  # the beginning of a line whose end is still to come
        self._length = 0
        self._answer: Optional[List[Any]] = None  # the FETCH answer at hand, as far as it has come
        self._text = b""  # the line of it that announced the literal
        self._held: List[bytes] = []  # what has come of that

    def room(self) -> memoryview:
        """Where the bytes that arrive next are to be put."""
        if self._literal:
            return self._room[self._have : min(self._literal, _PIECE)]
        return self._room[:_AHEAD]

    def worth_waiting(self) -> int:
        """How many of them make a piece; a line may end with any."""
        return len(self.room()) if self._literal else 1

    def arrived(self, count: int) -> Iterator[bytes]:
        """The pieces that there are with so many bytes more; of a literal whatever is there.

        Raises:
            ValueError: A literal or line is announced or gets longer than any we ask for.
        """
        if self._literal:
            have, self._have = self._have + count, 0
            self._literal -= have
            return self._of_literal(bytes(self._room[:have]))
        return self._lines(bytes(self._room[:count]))

    def _lines(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(data):
            if not self._goes_on and not self._line:
                short, position = _short_answers(data, position)
                if short:
                    yield _fetched(short)
                    continue
            end = data.find(b"\n", position) + 1
            if not end:
                self._keep(data[position:])
                return
            line = b"".join([*self._line, data[position:end]])
            self._line, self._length, position = [], 0, end
            asks = not self._goes_on and line.startswith(b"+")  # a "+" in mid-answer is text
            announced = None if asks else _announced(line)
            yield from self._of_line(line, announced is not None)
            self._literal = announced or 0
            if self._goes_on:
                rest = data[position : position + self._literal]
                position += len(rest)
                if len(rest) < self._literal:
                    self._room[: len(rest)] = rest
                    self._have = len(rest)
                    return
                self._literal = 0
                yield from self._of_literal(rest)

    def _of_line(self, line: bytes, goes_on: bool) -> Iterator[bytes]:
        """The line, or what it completes."""
        begin = _FETCH.match(line) if goes_on and not self._goes_on else None
        self._goes_on = goes_on
        if begin:
            self._answer, self._text = [], begin[1] + b" " + _without_end(line[begin.end() :])
        elif self._answer is None:
            yield line
        elif goes_on:
            self._text = _without_end(line)
        else:
            answer, self._answer = [*self._answer, _without_end(line)], None
            yield _fetched([answer])

    def _of_literal(self, piece: bytes) -> Iterator[bytes]:
        if self._answer is None:
            if piece:
                yield piece
            return
        self._held.append(piece)
        if self._literal and piece:
            yield Fetched()
        if not self._literal:
            self._answer.append((self._text, b"".join(self._held)))
            self._held = []

    def _keep(self, beginning: bytes) -> None:
        self._line.append(beginning)
        self._length += len(beginning)
        if self._length > LONGEST_LINE:
            raise ValueError(f"the server sent {self._length} bytes without a line end")


def _fetched(answers: Sequence[Answer]) -> Fetched:
    piece = Fetched()
    piece.answers = answers
    return piece


def _short_answers(data: bytes, first: int) -> Tuple[List[Short], int]:
    """Those that are whole and follow one another from here on, and where they end."""
    found: List[Short] = []
    match = _SHORT.match(data, first)
    while match:
        begin = match.end()
        end = begin + int(match[3])
        if data[end : end + 3] != b")\r\n":
            break  # it goes on in another way, or the rest of it is still to come
        found.append((int(match[1]), match[2].decode("latin-1").upper(), data[begin:end]))
        first = end + 3
        match = _SHORT.match(data, first)
    return found, first


def _without_end(line: bytes) -> bytes:
    return line[:-2] if line.endswith(b"\r\n") else line[:-1]


def _announced(line: bytes) -> Optional[int]:
    """The length of the literal that follows this line; None where none does."""
    match = _LITERAL.search(line)
    if not match:
        return None
    # 20 digits are enough to refuse; int() of a million digits takes minutes
    if len(match[1]) > 20 or int(match[1]) > LARGEST_LITERAL:
        raise ValueError(f"the server announced a literal of {match[1][:30].decode()} bytes")
    return int(match[1])
