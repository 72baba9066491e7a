"""Header fields as people meant them: encoded words, raw 8-bit, parameters, dates.

Everything here takes what a sender wrote, right or wrong, and never raises: a header that cannot
be read is no reason to lose the workbook under it.
"""

from __future__ import annotations

import binascii
import contextlib
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Dict, Iterable, List, Optional, Sequence, Tuple
from urllib.parse import unquote_to_bytes

# The wider character set that is really meant, as browsers do (WHATWG Encoding, names and labels).
_WIDER = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-8-i": "iso-8859-8",
    "ucs-2": "utf-16-be",
    "iso-10646-ucs-2": "utf-16-be",
}
_WORD_BEGINS = r"=\?([^?*\s]*)(?:\*[^?]*)?\?([bBqQ])\?"
# what is in it may be a question mark, and is no other word's beginning
_ENCODED_WORD = re.compile(_WORD_BEGINS + r"((?:[^?=]|=(?!\?[^?\s]*\?[bBqQ]\?)|\?(?!=))*)\?=")
_UNENDED_WORD = re.compile(_WORD_BEGINS + r"[^?\s]*\??\Z")


def decode_bytes(raw: bytes, charset: str = "utf-8") -> str:
    """Text of a stated charset; of the likeliest one where the statement does not fit."""
    stated = charset.strip("\"' ").lower()
    for name in (_WIDER.get(stated, stated), "utf-8"):
        try:
            return raw.decode(name)
        except (LookupError, ValueError, TypeError):
            continue  # unknown charsets, and codecs that are none, are in every mailbox
    return raw.decode("cp1252", "replace")


def to_bytes(text: str) -> bytes:
    """The bytes of a header as the stdlib's parser gives it: surrogates stand for 8-bit bytes."""
    try:
        return text.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def decoded(raw: bytes) -> str:
    """A header's text: unfolded, raw 8-bit guessed, encoded words (RFC 2047) decoded.

    Neighbouring words of one charset are joined before they are decoded, because senders cut
    characters of several bytes in two.
    """
    text = decode_bytes(raw)
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text.strip()  # most of them
    text = re.sub(r"\r?\n[ \t]*", " ", text)
    if "=?" not in text:
        return clean(text)
    text = _UNENDED_WORD.sub(r"\g<0>?=", text.strip())
    pieces: List[str] = []
    run: List[Tuple[str, bytes]] = []
    charset, end = "", 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        adjacent = bool(run) and not between.strip()
        if not adjacent or word[1].lower() != charset:
            pieces.append(decode_bytes(_run_bytes(run), charset or "utf-8"))
            pieces.append("" if adjacent else between)
            run, charset = [], word[1].lower()
        run.append((word[2].lower(), word[3].encode("utf-8", "surrogateescape")))
        end = word.end()
    pieces.append(decode_bytes(_run_bytes(run), charset or "utf-8"))
    pieces.append(text[end:])
    return clean("".join(pieces))


def _run_bytes(run: List[Tuple[str, bytes]]) -> bytes:
    """The bytes of neighbouring words; base64 that goes on in the next word is joined first."""
    whole = b"".join(text for _, text in run)
    cut = any(len(text) % 4 for _, text in run) and not len(whole) % 4
    if cut and all(encoding == "b" for encoding, _ in run):
        return decode_base64(whole)
    return b"".join(
        decode_base64(text) if encoding == "b" else binascii.a2b_qp(text, header=True)
        for encoding, text in run
    )


def clean(text: str) -> str:
    """Without control characters, and with blanks around it removed."""
    return re.sub(r"[\x00-\x1f\x7f\x80-\x9f]+", " ", text).strip()


def decode_base64(raw: bytes) -> bytes:
    """Base64 with stray bytes, wrong padding or a cut end: what can be had of it."""
    if b"=" not in raw.rstrip(b"=\r\n"):
        with contextlib.suppress(binascii.Error):
            return binascii.a2b_base64(raw)
    # only letters of the alphabet, from padding to padding
    chunks = re.sub(rb"[^A-Za-z0-9+/=]", b"", raw).split(b"=")
    return b"".join(map(_decode_letters, chunks))


def _decode_letters(letters: bytes) -> bytes:
    """A last lone letter holds no whole byte."""
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


_PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.S)


_NO_VALUE = re.compile(rb"\A\s*(?=[^\s;=/]+=)")
_NO_SEMICOLON = re.compile(rb"\A(\s*[^\s;=]+)(?=\s+[^\s;=]+=)")


def split_parameters(raw: bytes) -> Tuple[str, Dict[str, str]]:
    """`text/csv; name="a.csv"` → the value in lower case, and its parameters by lower-case name."""
    raw = _NO_VALUE.sub(b";", _NO_SEMICOLON.sub(rb"\1;", raw))
    value = raw.partition(b";")[0].split(None, 1)  # what follows a blank is a comment, or a mistake
    pairs = []
    for match in _PARAMETER.finditer(raw):
        quoted = match[2]
        text = match[3].strip() if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted, flags=re.S)
        pairs.append((match[1], text))
    return decode_bytes(value[0] if value else b"").lower(), parameters(pairs)


def parameters(pairs: Iterable[Tuple[bytes, bytes]]) -> Dict[str, str]:
    """Parameters by lower-case name; RFC 2231 pieces joined, RFC 2047 words decoded.

    RFC 2047 forbids encoded words in parameters; every second mailer writes them all the same.
    """
    plain: Dict[str, str] = {}
    pieces: Dict[str, Dict[int, Tuple[bytes, bool]]] = {}
    for raw_name, value in pairs:
        name = raw_name.decode("ascii", "replace").lower()
        match = re.fullmatch(r"([^*]+)(?:\*([0-9]{1,4}))?(\*)?", name)
        if match and (match[2] or match[3]):
            pieces.setdefault(match[1], {})[int(match[2] or 0)] = (value, bool(match[3]))
        else:
            plain.setdefault(name, decoded(value))
    return {**plain, **{name: _joined(found) for name, found in pieces.items()}}


def _joined(pieces: Dict[int, Tuple[bytes, bool]]) -> str:
    """The pieces of one RFC 2231 parameter, in order, with the charset the first one states."""
    charset, whole = "utf-8", b""
    for number in sorted(pieces):
        value, encoded = pieces[number]
        if encoded and number == 0 and value.count(b"'") >= 2:
            stated, _, value = value.split(b"'", 2)
            charset = stated.decode("ascii", "replace") or charset
        whole += unquote_to_bytes(value) if encoded else value
    return clean(decode_bytes(whole, charset))


def fields(header: bytes, name: bytes) -> List[bytes]:
    """The content of every field of that name, topmost first."""
    # folded lines first, so that a continuation is never taken for a field
    unfolded = re.sub(rb"\r?\n(?=[ \t])", b"", header)
    lines: Sequence[bytes] = re.split(rb"\r?\n", unfolded)
    pairs = (line.partition(b":") for line in lines)
    return [value.strip() for found, _, value in pairs if found.strip().lower() == name]


def date_of(text: str) -> Optional[datetime]:
    """A Date header as an aware UTC time; None where it is none."""
    try:
        date = parsedate_to_datetime(re.sub(r"\s+", " ", text))
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    if date.tzinfo is None:  # -0000: UTC, without a word on the sender's zone (RFC 5322, 3.3)
        return date.replace(tzinfo=timezone.utc)
    try:
        return date.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
