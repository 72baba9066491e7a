"""Messages that the standard library's parser stops at and every mailer reads: made whole.

What is mended here, servers read that way, too (Dovecot does), so that a mail read whole and one
read by its parts give the same.
"""

from __future__ import annotations

import re
from collections import Counter
from email import message_from_bytes
from email.errors import CloseBoundaryNotFoundDefect, MissingHeaderBodySeparatorDefect
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any, List, Optional, Tuple, Type

from ttcli.mail.mime import headers

_FIELD = re.compile(rb"From |[\x21-\x39\x3b-\x7e]*:|[\t ]")
_BLANK_BEFORE_COLON = re.compile(rb"^([\x21-\x39\x3b-\x7e]+)[\t ]+:", re.M)
_PART_FIELD = re.compile(rb"^content-[a-z-]+[\t ]*:", re.I | re.M)
_DELIMITER = re.compile(rb"^--([^\r\n]{1,200})\r?$", re.M)


def parsed(raw: bytes) -> Message:
    """The message; neither what editors put in front of it nor a stray line hides its header."""
    raw = _begun(raw)
    message = message_from_bytes(raw)
    if _has(message, MissingHeaderBodySeparatorDefect):
        # the stdlib takes a line that is no field for the body's first, and with it everything
        message = _without_stray_lines(raw) if _goes_on(raw) else message
    if any(_has(part, CloseBoundaryNotFoundDefect) for part in message.walk()):
        # it gives the last line end to the boundary that should follow, and none follows
        message = _without_stray_lines(raw + b"\r\n")
    return message


def header(raw: bytes) -> Message:
    """The fields of a header that comes without its body."""
    return BytesHeaderParser().parsebytes(_fields(_begun(raw)))


def _begun(raw: bytes) -> bytes:
    raw = raw.lstrip(b"\xef\xbb\xbf\r\n")
    if raw[: raw.find(b"\n") + 1].endswith(b"\r\r\n"):
        raw = raw.replace(b"\r\r\n", b"\r\n")  # line ends that were translated twice
    return raw


def _has(message: Message, kind: Type[Exception]) -> bool:
    return any(isinstance(defect, kind) for defect in message.defects)


def _goes_on(raw: bytes) -> bool:
    """A body follows the first blank line; else that line was forgotten before the body."""
    return bool(_split(raw)[2].strip())


def _without_stray_lines(raw: bytes) -> Message:
    head, separator, body = _split(raw)
    return message_from_bytes(_fields(head) + separator + body)


def _fields(head: bytes) -> bytes:
    head = _BLANK_BEFORE_COLON.sub(rb"\1:", head)
    return b"".join(line for line in head.splitlines(True) if _FIELD.match(line))


def _split(raw: bytes) -> Tuple[bytes, bytes, bytes]:
    match = re.search(rb"\r?\n(\r?\n)", raw)
    return (raw[: match.start(1)], match[1], raw[match.end() :]) if match else (raw, b"", b"")


def mended(part: Message) -> Message:
    """A part whose header was cut short by a stray line, or whose boundary nobody told; or as is.

    Other parts come back as they are.
    """
    if part.is_multipart():
        return part
    if _has(part, MissingHeaderBodySeparatorDefect):
        body = body_of(part)
        if _goes_on(body) or _PART_FIELD.search(_split(body)[0]):
            return mended(_without_stray_lines(_head(part) + body))
    elif part.get_content_type().startswith("multipart/"):
        return _with_boundary(part) or part
    return part


def _head(part: Message) -> bytes:
    fields = [f"{name}: {value}\n" for name, value in part.raw_items()]
    return b"".join(map(headers.to_bytes, fields))


def _with_boundary(part: Message) -> Optional[Message]:
    """The part taken apart at the first line that looks like a boundary and comes again."""
    body = body_of(part)
    lines = [line.rstrip() for line in _DELIMITER.findall(body)]
    names = [line[:-2] if line.endswith(b"--") else line for line in lines]
    often = Counter(names)
    boundary = next((name for name in names if name and often[name] > 1), b"")
    return _multipart(boundary, body) if boundary else None


def _multipart(boundary: bytes, body: bytes) -> Optional[Message]:
    quoted = re.sub(rb'(["\\])', rb"\\\1", boundary)
    found = message_from_bytes(
        b'Content-Type: multipart/mixed; boundary="%s"\n\n%s' % (quoted, body)
    )
    return found if found.is_multipart() else None


def body_of(part: Message) -> bytes:
    """A part's bytes as they were sent.

    get_payload() replaces what its charset does not know, and with decode=True it decodes by its
    own strict rules; without the header that tells it how, it gives the bytes.
    """
    encodings = part.get_all("content-transfer-encoding", [])
    del part["content-transfer-encoding"]
    body: Any = part.get_payload(decode=True)
    for encoding in encodings:
        part["Content-Transfer-Encoding"] = encoding
    return body if isinstance(body, bytes) else b""


def children(part: Message) -> List[Message]:
    """The parts of a multipart, also where one among them has its boundary.

    The stdlib then ends the outer one where the inner one ends, and what follows is lost.
    """
    found = [mended(child) for child in _parts(part)]
    boundary = part.get_boundary()
    for position, child in enumerate(found, 1):
        if _takes_the_next(child, boundary):
            child.set_payload([*found[position:]])
            after = headers.to_bytes(part.epilogue or "")
            outer = _multipart(headers.to_bytes(boundary or ""), after)
            return [*found[:position], *_parts(outer)]
    return found


def _parts(part: Optional[Message]) -> List[Message]:
    payload: Any = part.get_payload() if part else []
    return list(payload)


def _takes_the_next(child: Message, boundary: Optional[str]) -> bool:
    inner = child.get_content_maintype() == "multipart" and not child.is_multipart()
    return inner and bool(boundary) and child.get_boundary() == boundary
