"""Whom a From field names: the address, never what a sender calls himself before it.

`"ops@acme.example" <x@evil.example>` is from x@evil.example. Where more than one reading is
possible there is no answer, for what decides about trust must not be guessed.
"""

from __future__ import annotations

import re
from typing import List, Optional, Sequence

from ttcli.mail.mime.headers import decode_bytes

_LONGEST = 1 << 16  # bytes of a field that anybody means seriously
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_PUNCTUATION = re.compile(r'[()"\\]')
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_DOMAIN = rf"[^\s<>()\[\],;:@\"\\{_CONTROL}]+"
_ADDRESS = re.compile(
    rf'((?:[^\s<>()\[\],;:@"\\{_CONTROL}]+|"(?:[^"\\{_CONTROL}]|\\[ -~])*"))@({_DOMAIN})', re.S
)


def only_address(fields: Sequence[bytes]) -> Optional[str]:
    """The one address of a mail's From fields, in lower case; None where there is not exactly one.

    Args:
        fields: The content of each From field; RFC 5322 allows one.
    """
    if len(fields) != 1:
        return None
    text = without_comments(fields[0])
    members = _split(text) if text is not None else None
    named = [member for member in members or [] if "@" in _QUOTED.sub("", member) or "<" in member]
    if not members or len(named) != 1:
        return None
    return _address(named[0])


def without_comments(field: bytes) -> Optional[str]:
    """A field, its comments (RFC 5322, 3.2.2) made blanks; None where they do not end."""
    if len(field) > _LONGEST:
        return None
    text = decode_bytes(field)
    if not _PUNCTUATION.search(text):
        return text
    kept: List[str] = []
    depth, position = 0, 0
    while position < len(text):
        quoted = _QUOTED.match(text, position) if depth == 0 else None
        if quoted:
            kept.append(quoted[0])
            position = quoted.end()
            continue
        character = text[position]
        if character == '"' and depth == 0:
            return None
        position += 2 if character == "\\" else 1
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        if depth < 0:
            return None
        kept.append(" " if depth or character == ")" else text[position - 1])
    return "".join(kept) if depth == 0 else None


def _split(text: str) -> Optional[List[str]]:
    """The members of a list, at commas that stand in no quotes; None for a group (`a: b;`)."""
    quiet = _QUOTED.sub(lambda match: "x" * len(match[0]), text)
    if ";" in quiet or ":" in quiet:
        return None
    cuts = [-1, *(at for at, character in enumerate(quiet) if character == ","), len(text)]
    return [text[a + 1 : b].strip() for a, b in zip(cuts, cuts[1:])]


def _address(member: str) -> Optional[str]:
    """`a@b` or `anything <a@b>`, of which the last is the address."""
    quiet = _QUOTED.sub(lambda match: "x" * len(match[0]), member)
    if "<" in quiet or ">" in quiet:
        if quiet.count("<") != 1 or quiet.count(">") != 1 or not quiet.endswith(">"):
            return None
        member = member[quiet.index("<") + 1 : -1].strip()
    match = _ADDRESS.fullmatch(member)
    return f"{match[1]}@{match[2]}".lower() if match else None


def domain_of(address: str) -> str:
    """What stands behind the last @."""
    return address.rpartition("@")[2].rstrip(".")


def listed(address: str, allowed: Sequence[str]) -> bool:
    """Whether an address is on a list of addresses and @domains, all in lower case."""
    return any(
        address.endswith(each) if each.startswith("@") else address == each for each in allowed
    )
