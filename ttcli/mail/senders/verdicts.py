"""Authentication-Results (RFC 8601): what our own server found out about a sender.

Anybody can write such a field into his mail. Ours is the topmost one that bears our server's
authserv-id; a server that adds these fields must remove those that arrive with its own id (RFC
8601, 5), and what stands further down is never looked at.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Sequence

from ttcli.mail.senders.addresses import domain_of, without_comments
from ttcli.patterns import late

NAMELESS = "-"  # stands for fields without an id, as Microsoft 365 writes them
_WORD = r'(?:"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\[ -~])*"|[^\s;="\x00-\x1f\x7f-\x9f]+)'
_ID = late(rf"\s*({_WORD})(?:\s+[0-9]+)?\s*\Z", re.S)
_METHOD = late(r"\s*([a-z0-9_-]+)\s*(?:/\s*[0-9]+\s*)?=\s*([a-z0-9_-]+)(?=\s|\Z)", re.I)
_PROPERTY = late(
    rf"(?<!\S)([a-z0-9_-]+(?:\s*\.\s*[a-z0-9_-]+)?)\s*=\s*({_WORD}?(?:@{_WORD})?)", re.I | re.S
)
_PIECE = late(r'(?:"(?:[^"\\]|\\.)*"|[^;"])*', re.S)


class Result(NamedTuple):
    """One method's: `dkim`, `pass`, and its properties: `header.d` → domain."""

    method: str
    result: str
    properties: Dict[str, str]


def ids(fields: Sequence[bytes]) -> List[str]:
    """The authserv-ids of these fields, for a person who looks for the right one."""
    named = (pieces[0] for pieces in map(_pieces, fields) if pieces)
    return [found for found in map(_id, named) if found]


def untrusted(address: str, fields: Sequence[bytes], ours: str) -> str:
    """Why our server does not confirm that a mail is from that address; empty where it does.

    Args:
        fields: The content of the Authentication-Results fields, topmost first.
        ours: The authserv-id, in lower case.
    """
    results = _topmost(fields, ours)
    if results is None:
        return f"no readable Authentication-Results of {ours}"
    domain = domain_of(address)
    dmarc = [result for result in results if result.method == "dmarc"]
    if any(result.result in ("fail", "permerror") for result in dmarc):
        return f"dmarc={dmarc[0].result} for {domain}"
    if any(_confirms(result, domain) for result in results):
        return ""
    said = ", ".join(f"{r.method}={r.result}" for r in results if r.method in _DOMAINS)
    return f"{said or 'no dmarc, spf or dkim'}: nothing that confirms {domain}"


def _topmost(fields: Sequence[bytes], ours: str) -> Optional[List[Result]]:
    for field in fields:
        pieces = _pieces(field)
        if not pieces:
            return None  # it may be ours, which a sender broke to have one of his own believed
        found = _id(pieces[0])
        if found == ours:
            return _results(pieces[1:])
        if found is None and ours == NAMELESS:
            return _results(pieces)
    return None


def _pieces(field: bytes) -> List[str]:
    """What stands between the semicolons; nothing where the field is not well-formed."""
    text = without_comments(field)
    pieces: List[str] = []
    position = 0
    while text is not None:
        match = _PIECE.match(text, position)
        assert match is not None, "it may be empty"
        pieces.append(match[0])
        if match.end() == len(text):
            return pieces
        if text[match.end()] != ";":
            break
        position = match.end() + 1
    return []


def _id(piece: str) -> Optional[str]:
    """The id with which a field begins; None where it begins with a result."""
    match = _ID.match(piece)
    return match[1].strip('"').lower() if match else None


def _results(pieces: Sequence[str]) -> Optional[List[Result]]:
    """The results; None where one of them cannot be read."""
    results: List[Result] = []
    for piece in pieces:
        if not piece.strip() or piece.strip().lower() == "none":
            continue
        match = _METHOD.match(piece)
        if not match:
            return None
        found = [
            (re.sub(r"\s", "", n).lower(), v) for n, v in _PROPERTY.findall(piece, match.end())
        ]
        properties = {name: value.replace('"', "").lower() for name, value in found}
        if len(properties) < len(found):
            return None  # one of the two is not the server's word
        results.append(Result(match[1].lower(), match[2].lower(), properties))
    return results


# which properties say whom a method has confirmed
_DOMAINS = {
    "dmarc": ("header.from",),
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom",),
}


def _confirms(result: Result, domain: str) -> bool:
    """Whether a result says that a mail comes from that domain."""
    if result.result != "pass" or result.method not in _DOMAINS:
        return False
    said = [
        result.properties[name] for name in _DOMAINS[result.method] if name in result.properties
    ]
    if not said:
        return result.method == "dmarc"  # it is always about From; some do not repeat it
    return all(_aligned(domain_of(value), domain) for value in said)


def _aligned(one: str, other: str) -> bool:
    """The same domain, or one below the other: DMARC's relaxed alignment without a list of TLDs."""
    short, long = sorted((one, other), key=len)
    return "." in short and (short == long or long.endswith("." + short))
