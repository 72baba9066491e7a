"""Which commands bring the matching mails: neighbours together, large parts in pieces."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional

from ttcli.mail.fetch.looks import Look
from ttcli.mail.imap.structure import Section
from ttcli.mail.imap.wire import LARGEST_LITERAL

COMMAND_BYTES = 4 << 20  # answers of one command, and a piece of a large part
WHOLE = "BODY.PEEK[]"


class Piece(NamedTuple):
    """A piece of a large part, or of a mail as a whole where `part` is empty."""

    part: str
    offset: int
    size: int

    @property
    def asked(self) -> str:
        """As it is asked for (RFC 3501, 6.4.5: partial)."""
        return f"BODY.PEEK[{self.part}]<{self.offset}.{COMMAND_BYTES}>"

    @property
    def answered(self) -> str:
        """As the server names it in its answer."""
        return f"BODY[{self.part}]<{self.offset}>"


class Command(NamedTuple):
    """One UID FETCH.

    Attributes:
        looks: The mails it is for.
        size: Bytes that its answers will have.
        piece: What it brings of the one mail's large part.
        last: The mails are complete after it.
    """

    looks: List[Look]
    items: str
    size: int
    piece: Optional[Piece] = None
    last: bool = True


def plan(looks: Iterable[Look], largest: int) -> Iterator[Command]:
    """The commands, in the order of the mails.

    Args:
        largest: Bytes of one attachment; what is larger is not asked for.
    """
    command: Optional[Command] = None
    for each in looks:
        if is_large(each, largest):
            if command:
                yield command
            command = None
            yield from _in_pieces(each, largest)
            continue
        items, size = _items(each, largest), _bytes(each, largest)
        # neighbouring mails that want the same sections go into one command
        if command and command.items == items and command.size + size <= COMMAND_BYTES:
            command = Command([*command.looks, each], items, command.size + size)
        else:
            if command:
                yield command
            command = Command([each], items, size)
    if command:
        yield command


def is_large(each: Look, largest: int) -> bool:
    """More than one command should bring at once."""
    return _bytes(each, largest) > COMMAND_BYTES


def fits(section: Section, largest: int) -> bool:
    """The attachment is not larger than is allowed."""
    grown = 1.4 if section.encoding in ("base64", "quoted-printable") else 1.0
    return section.size <= largest * grown


def _in_pieces(each: Look, largest: int) -> Iterator[Command]:
    yield Command([each], _beside(each), 4096, last=False)
    sizes: Dict[str, int] = {"": each.size}
    if not each.whole:
        sizes = {s.part: s.size for s in each.wanted if fits(s, largest) and s.size}
    pieces = [piece for part, size in sizes.items() for piece in pieces_of(part, size)]
    for number, piece in enumerate(pieces, 1):
        items = f"(UID {piece.asked})"
        yield Command([each], items, piece.size, piece, number == len(pieces))


def _beside(each: Look) -> str:
    return "(UID INTERNALDATE)" if each.whole else "(UID BODY.PEEK[HEADER])"


def pieces_of(part: str, size: int) -> Iterable[Piece]:
    """A part's pieces in order."""
    for offset in range(0, size, COMMAND_BYTES):
        yield Piece(part, offset, min(COMMAND_BYTES, size - offset))


def _items(each: Look, largest: int) -> str:
    if each.whole:
        return f"(UID INTERNALDATE {WHOLE})" if each.size <= LARGEST_LITERAL else "(UID)"
    parts = " ".join(f"BODY.PEEK[{s.part}]" for s in each.wanted if fits(s, largest))
    return f"(UID BODY.PEEK[HEADER] {parts})".replace(" )", ")")


def _bytes(each: Look, largest: int) -> int:
    if each.whole:
        return each.size if each.size <= LARGEST_LITERAL else 0
    return 4096 + sum(section.size for section in each.wanted if fits(section, largest))
