"""Which characters the bytes of a text are: decided strictly, or refused.

A byte order mark or valid UTF-8 is proof. Anything else could be one of a dozen old code pages;
Windows-1252 is believed only where the bytes look like no other one that senders use.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import BinaryIO, Optional

from ttcli.errors import BadItem
from ttcli.patterns import late

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20

# Controls that no text has; \x1a ends a text of DOS, \x0c a page, \x1b an escape sequence.
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x19\x1c-\x1f]")

# What Western writers put between letters: typographic marks, currency, degrees, ordinals.
_WESTERN_MARKS = "€‘’“”•–—…™\xa0§©«®°±²³·»¼½¾ªº´£¿¡"
_WESTERN_LETTERS = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŠšŽžŒœŸÿ"
# Two such letters in a row are a Chinese character in GBK, except where a language has them.
_WESTERN_PAIR = late("[çÇ][ãõáéíóúâêôÃÕÁÉÍÓÚÂÊÔ]")
_TEXT_ONLY = late(f"[\x00-\x7f{_WESTERN_MARKS}{_WESTERN_LETTERS}]*")
_LETTER_RUN = late(f"[{_WESTERN_LETTERS}]{{2,}}")
# `£ódź` and `LongŸ` are Polish in Windows-1250; nobody writes a pound or a capital there.
_FOREIGN = late(
    f"[A-Za-z{_WESTERN_LETTERS}][£§©«®±²³»¼½¾¿¡ªº´][A-Za-z{_WESTERN_LETTERS}]"
    f"|£[A-Za-z{_WESTERN_LETTERS}]|[a-zß-ÿ][ŸŒŠŽ]"
)


def by_mark(head: bytes) -> Optional[str]:
    """The encoding that a byte order mark, or UTF-16's pattern of zeros, gives away."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0:512:2], head[1:512:2]
    if len(head) >= 4 and odd and not odd.strip(b"\0") and b"\0" not in even:
        return "utf-16-le"
    if len(head) >= 4 and odd and not even.strip(b"\0") and b"\0" not in odd:
        return "utf-16-be"
    return None


def is_binary(head: bytes) -> bool:
    """Whether these first bytes are those of no text in any encoding."""
    return by_mark(head) is None and bool(_BINARY.search(head))


def encoding_of(path: Path) -> str:
    """The encoding of a whole text file, for `open()`.

    Raises:
        BadItem: Kind `encoding`: it cannot be told which characters the bytes are.
    """
    with path.open("rb") as file:
        marked = by_mark(file.read(4096))
        if marked:
            return _proved(file, marked)
        trouble = _trouble_with(file, "utf-8")
        if trouble is None:
            return "utf-8"
        if _is_western(file):
            return "cp1252"
    raise BadItem(
        "the text is neither UTF-8 nor clearly Windows-1252, so its characters cannot be told: "
        f"{trouble}",
        "save it as UTF-8 (in Excel: CSV UTF-8), or as .xlsx",
        kind="encoding",
    )


def checked(path: Path, declared: str) -> str:
    """The encoding that a text declares for itself, if that can be true.

    Raises:
        BadItem: Kind `encoding`: Python does not know it, or the bytes are not of it.
    """
    try:
        if codecs.lookup(declared)._is_text_encoding:
            with path.open("rb") as file:
                return _proved(file, declared)
    except LookupError:
        pass
    raise BadItem(
        f"the text says its encoding is {declared!r}, which is unknown",
        "save it as UTF-8",
        kind="encoding",
    )


def _proved(file: BinaryIO, encoding: str) -> str:
    trouble = _trouble_with(file, encoding)
    if trouble:
        raise BadItem(f"the text says it is {encoding} but is not: {trouble}", kind="encoding")
    return encoding


def _trouble_with(file: BinaryIO, encoding: str) -> Optional[str]:
    """Where the file is not of this encoding, or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    line = 1
    while True:
        chunk = file.read(_CHUNK)
        try:
            line += decoder.decode(chunk, final=not chunk).count("\n")
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            return f"line {line} has the byte 0x{error.object[error.start]:02X}"
        if not chunk:
            return None


def _is_western(file: BinaryIO) -> bool:
    file.seek(0)
    return all(_line_is_western(line) for line in file)


def _line_is_western(line: bytes) -> bool:
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return False
    if not _TEXT_ONLY.fullmatch(text) or _FOREIGN.search(text):
        return False
    return not any(_could_be_chinese(run) for run in _LETTER_RUN.findall(text))


def _could_be_chinese(run: str) -> bool:
    return not _WESTERN_PAIR.fullmatch(run)
