"""What comes over the wire cut into the pieces that imaplib2's handler wants: lines and literals.

imaplib2 itself hands over one queue item a *line*, inside literals too, which costs a second of
CPU for 15 MB and quadratic time without line ends. Here a literal comes in large pieces, most
literals in one, and is copied once. The short answers that tell ten thousand subjects are read
here, a hundred of them in one piece.
"""

from __future__ import annotations

import re
from typing import Iterator, List, Tuple

Short = Tuple[int, str, bytes]  # UID, name and value
_SHORT = re.compile(rb"\* [0-9]+ FETCH \(UID ([0-9]{1,10}) (BODY\[[^\]\"]*\]) \{([0-9]{1,4})\}\r\n")
_LITERAL = re.compile(rb"\{([0-9]+)\+?\}\r?\n\Z")
LARGEST_LITERAL = 128 << 20
LONGEST_LINE = 16 << 20  # BODYSTRUCTURE of a mail with thousands of parts is one line
_PIECE = 4 << 20  # of a literal; as much as is asked for at once
_AHEAD = 16 << 10  # read where a line is wanted; what it takes of a literal is copied twice


class Several(bytes):
    """A piece that is nothing but FETCH answers of a UID and one short literal.

    Attributes:
        answers: What they say.
    """

    answers: List[Short]


class Splitter:
    """Cuts a stream into lines with their line end, pieces of literals, and several answers."""

    def __init__(self) -> None:
        self._room = memoryview(bytearray(_PIECE))
        self._have = 0  # bytes in it, all of them of the literal
        self._literal = 0  # bytes of the literal that were not handed on
        self._goes_on = False  # what comes next belongs to the line that announced a literal
        self._line: List[bytes] = []  # the beginning of a line whose end is still to come
        self._length = 0

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
            return iter([bytes(self._room[:have])] if have else [])
        return self._lines(bytes(self._room[:count]))

    def _lines(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(data):
            if not self._goes_on and not self._line:
                several = _several(data, position)
                if several:
                    position += len(several)
                    yield several
                    continue
            end = data.find(b"\n", position) + 1
            if not end:
                self._keep(data[position:])
                return
            line = b"".join([*self._line, data[position:end]])
            self._line, self._length, position = [], 0, end
            self._literal = _announced(line)
            self._goes_on = self._literal > 0
            yield line
            if self._literal:
                rest = data[position : position + self._literal]
                position += len(rest)
                if len(rest) < self._literal:
                    self._room[: len(rest)] = rest
                    self._have = len(rest)
                    return
                self._literal = 0
                yield rest

    def _keep(self, beginning: bytes) -> None:
        self._line.append(beginning)
        self._length += len(beginning)
        if self._length > LONGEST_LINE:
            raise ValueError(f"the server sent {self._length} bytes without a line end")


def _several(data: bytes, first: int) -> Several:
    """The short answers that are whole and follow one another from here on; empty for none."""
    found: List[Short] = []
    position = first
    match = _SHORT.match(data, position)
    while match:
        begin = match.end()
        end = begin + int(match[3])
        if data[end : end + 3] != b")\r\n":
            break  # it goes on in another way, or the rest of it is still to come
        found.append((int(match[1]), match[2].decode("latin-1").upper(), data[begin:end]))
        position = end + 3
        match = _SHORT.match(data, position)
    several = Several(data[first:position])
    several.answers = found
    return several


def _announced(line: bytes) -> int:
    """The length of the literal that follows this line, 0 where none does."""
    match = None if line.startswith(b"+") else _LITERAL.search(line)
    if not match:
        return 0
    # 20 digits are enough to refuse; int() of a million digits takes minutes
    if len(match[1]) > 20 or int(match[1]) > LARGEST_LITERAL:
        raise ValueError(f"the server announced a literal of {match[1][:30].decode()} bytes")
    return int(match[1])
