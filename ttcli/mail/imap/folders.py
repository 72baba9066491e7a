"""Folder names on the wire: modified UTF-7 (RFC 3501, 5.1.3), quoted."""

from __future__ import annotations

import base64
import re
from typing import Any, List

from ttcli.errors import ConfigError
from ttcli.mail.imap.login import quoted
from ttcli.mail.mime.headers import decode_bytes


def on_the_wire(folder: str) -> str:
    """A folder's name as a command's argument."""
    try:
        return quoted(re.sub(r"&|[^\x00-\x7e]+", _shift, folder))
    except ValueError:
        raise ConfigError(
            f"EMAIL_FOLDER={folder!r} is no folder name", "remove the control characters"
        ) from None


def _shift(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    encoded = base64.b64encode(match[0].encode("utf-16-be", "surrogatepass"))
    return "&" + encoded.decode("ascii").rstrip("=").replace("/", ",") + "-"


def readable(wire: bytes) -> str:
    """A folder's name as people know it."""
    return re.sub(r"&([^-]*)-", _unshift, decode_bytes(wire))


def _unshift(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    encoded = match[1].replace(",", "/") + "=" * (-len(match[1]) % 4)
    try:
        return base64.b64decode(encoded).decode("utf-16-be", "replace")
    except ValueError:
        return match[0]


def listed(lines: List[Any]) -> List[str]:
    """The names in LIST answers, those left out that cannot be opened."""
    names = []
    for line in lines:
        flags, name = _parts(line)
        if name and b"\\NOSELECT" not in flags.upper() and b"\\NONEXISTENT" not in flags.upper():
            names.append(readable(name))
    return sorted(set(names))


def _parts(line: Any) -> tuple[bytes, bytes]:
    """Flags and name of one LIST answer; the name may come as a literal."""
    text, literal = line if isinstance(line, tuple) else (line or b"", None)
    match = re.match(rb'\(([^)]*)\) (?:NIL|"(?:[^"\\]|\\.)*") ?(.*)', text, re.S)
    if not match:
        return b"", b""
    if literal is not None:
        return match[1], literal
    name = match[2].strip()
    if name.startswith(b'"'):
        name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
    return match[1], name
