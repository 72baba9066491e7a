"""A part of a mail that is not made of parts."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import NamedTuple

from ttcli.mail.mime.content import Content

# What the standard library's parsers raise on real mail. One part must not hide the others, and
# one mail must not stop the mailbox.
UNREADABLE = (
    RecursionError, LookupError, ValueError, TypeError, AttributeError, AssertionError, OSError,
    EOFError, MemoryError, struct.error, zlib.error, zipfile.BadZipFile,
)  # fmt: skip

EMPTY = Content()


class Leaf(NamedTuple):
    """A part that is not made of parts, its transfer encoding removed.

    Attributes:
        part: The IMAP section number.
        name: The file name as sent, decoded.
        path: The containers it was found in, below its part, with `/` between.
        depth: How many containers those are.
        trouble: Why it could not be looked at; `content` is empty then.
    """

    part: str
    name: str
    content_type: str
    content: Content = EMPTY
    trouble: str = ""
    path: str = ""
    depth: int = 0
