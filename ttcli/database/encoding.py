"""A database that is not in UTF-8 cannot store every text.

Texts about a load (a subject, a file's name) are stored with a question mark for what is missing;
a row is rejected, because a question mark in it would be a lie.
"""

from __future__ import annotations

from typing import Any, BinaryIO, Iterator, Optional

import psycopg2.extensions

# Their bytes are stored as they come.
_TAKE_ALL = ("UTF8", "SQL_ASCII")


def codec_of(connection: psycopg2.extensions.connection) -> str:
    """Python's codec for the server's encoding; nothing where it takes every text."""
    encoding = connection.get_parameter_status("server_encoding") or "UTF8"
    if encoding in _TAKE_ALL:
        return ""
    codec: str = psycopg2.extensions.encodings.get(encoding, "")
    return codec


def clean(value: Any, codec: str) -> Any:
    """Text as a text column takes it: without NUL, lone surrogates, and what it cannot store."""
    if isinstance(value, str):
        text = value.replace("\0", "").encode(errors="replace").decode()
        return text.encode(codec, "replace").decode(codec) if codec else text
    return value


class Marked:
    """Lines of COPY's text format, each with one more field: why its row cannot be stored.

    A file to read from, as psycopg2 wants it.
    """

    def __init__(self, file: BinaryIO, codec: str) -> None:
        self._lines = self._marked(file, codec)
        self._rest = bytearray()

    def read(self, size: int) -> bytes:
        """About so many bytes, whole lines at a time; nothing at the end."""
        while len(self._rest) < size:
            line = next(self._lines, None)
            if line is None:
                break
            self._rest += line
        piece = bytes(self._rest[:size])
        del self._rest[:size]
        return piece

    @staticmethod
    def _marked(file: BinaryIO, codec: str) -> Iterator[bytes]:
        for line in file:
            text, why = line.decode(), _obstacle(line.decode(), codec)
            stored = clean(text, codec) if why else text
            yield f"{stored.rstrip(chr(10))}\t{why or chr(92) + 'N'}\n".encode()


def _obstacle(text: str, codec: str) -> Optional[str]:
    try:
        text.encode(codec)
    except UnicodeEncodeError as error:
        letter = ord(text[error.start])
        return f"the database, in {error.encoding}, cannot store the letter U+{letter:04X}"
    return None
