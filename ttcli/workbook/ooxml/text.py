"""Text as cells hold it.

`ST_Xstring` (ECMA-376 part 1, §22.9.2.19) writes a character that XML forbids as `_xHHHH_`, and an
underscore that would look like that as `_x005F_`. What is decoded that way is mostly the carriage
return of a Windows line end; PostgreSQL refuses NUL, and no field wants the other C0 controls.
"""

from __future__ import annotations

import re
from typing import List, Match

from ttcli.errors import BadItem

LONGEST_TEXT = 1 << 20  # Excel ends a cell at 32,767 characters

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32)])
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Decodes `_xHHHH_`, then drops C0 controls other than tab and newline."""
    if "_x" in text:
        text = _whole_characters(_ESCAPED.sub(_character, text))
    return text.translate(_CONTROLS) if _CONTROL.search(text) else text


def _character(match: Match[str]) -> str:
    return chr(int(match[1], 16))


def _whole_characters(text: str) -> str:
    """Joins surrogate pairs that were escaped one by one; a lone half becomes U+FFFD."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class TextPieces:
    """The text of one cell, as expat hands it out in pieces."""

    __slots__ = ("_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: List[str] = []
        self._length = 0

    def append(self, piece: str) -> None:
        """Adds a piece; raises BadItem for what is no cell's text any more."""
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > LONGEST_TEXT:
            raise BadItem("a cell holds more than a million characters", "", "limit")

    def take(self) -> str:
        """The text so far, which is then forgotten."""
        text = self._pieces[0] if len(self._pieces) == 1 else "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text
