"""rows.tsv: COPY lines with their origin, read again line by line, and what they are identical to.

A line is the fields, then one field more, the origin: `<sheet>:<row>`, and after a blank the
1-based positions of the fields that the database must leave untouched (`1:17 4,7`).
"""

from __future__ import annotations

import hashlib
from typing import Any, BinaryIO, Iterator, List, Mapping, Protocol, Sequence

PIECE = 1 << 20


class DigestTaker(Protocol):
    """A hash, or what becomes one later."""

    def update(self, piece: bytes, /) -> Any:
        """Takes in some bytes more."""


class Digest(DigestTaker, Protocol):
    """What hashlib's hashes offer; their own class has no public name."""

    def hexdigest(self) -> str:
        """The hash of all of them."""


def digest_of(columns: Sequence[str]) -> Digest:
    """The hash that tells whether two workbooks carry the same rows.

    Over the columns' names, then each row's fields and untouched positions; where a row stood in
    its workbook is left out.
    """
    return hashlib.sha256("\t".join(columns).encode() + b"\n")


def identity(fields: bytes, origin: bytes) -> bytes:
    """What of a line goes into the digest."""
    untouched = origin.partition(b" ")[2]
    return fields + b"\t" + untouched if untouched else fields


def content_digest(file: BinaryIO, columns: Sequence[str]) -> Digest:
    """The digest of what was written to `file`, read again from its start."""
    digest = digest_of(columns)
    for lines in read_lines(file):
        for line in lines:
            fields, _, origin = line.rpartition(b"\t")
            digest.update(identity(fields, origin) + b"\n")
    return digest


def told(digest: Digest, serials: Mapping[str, str]) -> str:
    """The hash in hex; the same serials are other rows once their column has another type."""
    digest.update("\t".join(f"{name} {type_}" for name, type_ in serials.items()).encode())
    return digest.hexdigest()


def read_lines(file: BinaryIO, position: int = 0) -> Iterator[List[bytes]]:
    """The lines of a file from a position on, some at a time, without their ends.

    The file's position may be moved between two steps, and what was read may be overwritten.
    """
    rest = b""
    while True:
        file.seek(position)
        piece = file.read(PIECE)
        if not piece:
            return
        position += len(piece)
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        yield lines
