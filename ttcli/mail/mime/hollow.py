"""A message whose long bodies stay where they are, so that its structure fits into memory.

The standard library's parser holds a message several times over. What it is given of a large one
is the message with a mark in place of the middle of each long body; a part's bytes are then put
together again out of the marks.
"""

from __future__ import annotations

import os
import re
from typing import Iterator, List, Tuple

from ttcli.mail.mime.content import Content, Store, Window
from ttcli.mail.mime.decoding import decode

# Where a boundary may stand; between two of these nothing but the beginning is structure.
_BOUNDARY = re.compile(rb"[\r\n]--")
MOST_STRUCTURE = 8 << 20
_KEPT = 1 << 16  # of each stretch: headers are shorter
_WORTH = 1 << 18  # shorter stretches stay whole
_END = 16  # the line end before a boundary stays where it is
_TOKEN = os.urandom(16).hex().encode()  # no sender can know it
_MARK = re.compile(rb"\x00" + _TOKEN + rb":([0-9]+):([0-9]+)\x00")


class Hollow:
    """A message and its skeleton.

    Attributes:
        skeleton: The message as far as it is structure.
        store: Where decoded bodies go.
    """

    def __init__(self, message: Content, store: Store) -> None:
        self._message, self.store = message, store
        self.skeleton = b"".join(_skeleton(message)) if message.path else message.read()
        if message.path and len(self.skeleton) > MOST_STRUCTURE:
            raise ValueError(f"its structure alone has {len(self.skeleton) >> 20} MB")

    def body(self, text: bytes, encoding: str) -> Content:
        """A part's bytes without its transfer encoding, out of its text in the skeleton."""
        return decode(self._whole(text), encoding, self.store)

    def content(self, text: bytes) -> Content:
        """A part's bytes as they are."""
        return self.store.keep(self._whole(text))

    def _whole(self, text: bytes) -> Iterator[bytes]:
        end = 0
        for mark in _MARK.finditer(text) if self._message.path else ():
            yield text[end : mark.start()]
            yield from Window(self._message, int(mark[1]), int(mark[2])).pieces()
            end = mark.end()
        yield text[end:] if end else text


def _skeleton(message: Content) -> Iterator[bytes]:
    for first, last in _stretches(message):
        if last - first < _WORTH:
            yield message.at(first, last)
            continue
        yield message.at(first, first + _KEPT)
        yield b"\0%s:%d:%d\0" % (_TOKEN, first + _KEPT, last - _END)
        yield message.at(last - _END, last)


def _stretches(message: Content) -> Iterator[Tuple[int, int]]:
    """From one possible boundary to the next; those shorter than is worth it, several at once."""
    began = 0
    for position in _boundaries(message):
        if position - began >= _WORTH or position - began > _KEPT // 2:
            yield began, position
            began = position
    yield began, len(message)


def _boundaries(message: Content) -> Iterator[int]:
    at, tail = 0, b""
    for piece in message.pieces():
        here = tail + piece
        found: List[int] = [match.start() for match in _BOUNDARY.finditer(here)]
        yield from (at - len(tail) + each for each in found)
        tail = here[-2:]
        at += len(piece)
