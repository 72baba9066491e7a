"""A message, parsed by the standard library, as the leaves of its MIME tree.

The leaves carry the section numbers that IMAP gives them (RFC 3501, 6.4.5), so that a mail read
whole and one read by its parts give the same attachments.
"""

from __future__ import annotations

from email.message import Message
from typing import Iterator, Tuple

from ttcli.mail.mime import headers, mending
from ttcli.mail.mime.content import Content, Store
from ttcli.mail.mime.hollow import Hollow
from ttcli.mail.mime.leaf import Leaf

MOST_PARTS = 5000
DEEPEST = 100
_MAILS = ("message/rfc822", "message/global", "message/news")


def leaves_of(raw: Content, store: Store) -> Iterator[Leaf]:
    """The leaves of a message given as bytes."""
    hollow = Hollow(raw, store)
    return leaves(mending.parsed(hollow.skeleton), hollow)


def leaves(message: Message, hollow: Hollow, number: str = "", depth: int = 0) -> Iterator[Leaf]:
    """The parts that are not made of parts, in order; forwarded messages are looked into.

    Args:
        hollow: What the message was parsed from.
        number: The section number of this message or multipart; empty for the mail itself.
    """
    message = mending.mended(message)
    stated = message.get_content_type()
    if depth > DEEPEST:
        yield Leaf(number, "", stated, trouble=f"more than {DEEPEST} parts in each other")
    elif not message.is_multipart():
        yield _leaf(message, hollow, number or "1")
    elif stated in _MAILS:
        yield from _forwarded(message, hollow, number or "1", depth)
    elif stated.startswith("message/"):
        # the stdlib takes delivery reports and pointers to elsewhere apart, too; IMAP does not
        yield Leaf(number or "1", "", stated)
    else:
        yield from _multipart(message, hollow, number, depth)


def _forwarded(message: Message, hollow: Hollow, number: str, depth: int) -> Iterator[Leaf]:
    """RFC 3501: the parts of a forwarded multipart are numbered right below the message."""
    inner: Message = message.get_payload(0)  # type: ignore[assignment]
    if "base64" in _encoding(message):
        # forbidden (RFC 2045, 6.4) and done: what was taken for a header is the encoded mail
        encoded = hollow.body(inner.as_bytes(), "base64")
        yield Leaf(number, "", message.get_content_type(), encoded)
        return
    nested = inner.is_multipart() and inner.get_content_maintype() == "multipart"
    yield from leaves(inner, hollow, number if nested else f"{number}.1", depth + 1)


def _multipart(message: Message, hollow: Hollow, number: str, depth: int) -> Iterator[Leaf]:
    for position, child in enumerate(mending.children(message), 1):
        if position > MOST_PARTS:
            yield Leaf(number, "", "", trouble=f"more than {MOST_PARTS} parts")
            return
        below = f"{number}.{position}" if number else str(position)
        yield from leaves(child, hollow, below, depth + 1)


def _encoding(message: Message) -> str:
    return headers.decoded(_raw(message, "content-transfer-encoding")).lower()


def _leaf(message: Message, hollow: Hollow, number: str) -> Leaf:
    body = mending.body_of(message)
    stated, name, encoding = describe(_raw(message, "content-type"),
                                      _raw(message, "content-disposition"),
                                      _raw(message, "content-transfer-encoding"))  # fmt: skip
    return Leaf(number, name, stated, hollow.body(body, encoding))


def _raw(message: Message, wanted: str) -> bytes:
    for name, value in message.raw_items():
        if name.lower() == wanted:
            return headers.to_bytes(str(value))
    return b""


def describe(content_type: bytes, disposition: bytes, encoding: bytes) -> Tuple[str, str, str]:
    """Content type, file name and transfer encoding out of the raw header fields."""
    stated, type_parameters = headers.split_parameters(content_type)
    _, parameters = headers.split_parameters(disposition)
    name = parameters.get("filename") or type_parameters.get("name", "")
    return stated or "text/plain", name, headers.decoded(encoding).lower()
