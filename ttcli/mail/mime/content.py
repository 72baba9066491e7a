"""The bytes of parts and attachments: in memory while they are small, in files beyond that.

The files lie where the spool builds its items, so that one of them becomes a payload by a rename.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO, Iterable, Iterator, List, Optional, Union

SMALL = 4 << 20  # what may stay in memory
TOGETHER = 8 << 20  # what may of one mail, however many workbooks its archive holds
PIECE = 1 << 20  # what is read of a file at once


class Content:
    """Some bytes, and what is asked of them; they do not change.

    Attributes:
        path: The file they lie in; None for bytes in memory.
    """

    def __init__(self, held: bytes = b"", path: Optional[Path] = None, sha256: str = "") -> None:
        self.path = path
        self._held = held
        self._sha256 = sha256
        self._size = path.stat().st_size if path else len(held)

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    @property
    def sha256(self) -> str:
        """Their SHA-256 in hex digits."""
        if not self._sha256:
            digest = hashlib.sha256()
            for piece in self.pieces():
                digest.update(piece)
            self._sha256 = digest.hexdigest()
        return self._sha256

    def open(self) -> BinaryIO:
        """A file to read them from, to be closed by the caller."""
        return self.path.open("rb") if self.path else io.BytesIO(self._held)

    def first(self, count: int) -> bytes:
        """The first ones."""
        return Window(self)[:count]

    def last(self, count: int) -> bytes:
        """The last ones."""
        return Window(self)[max(0, len(self) - count) :]

    def pieces(self) -> Iterator[bytes]:
        """All of them, in pieces that fit into memory."""
        return Window(self).pieces()

    def read(self) -> bytes:
        """All of them at once; only where they are known to be few."""
        return b"".join(self.pieces()) if self.path else self._held

    def holds(self, *wanted: bytes) -> bool:
        """Whether one of these stands in them somewhere."""
        tail, longest = b"", max(map(len, wanted)) - 1
        for piece in self.pieces():
            here = tail + piece
            if any(each in here for each in wanted):
                return True
            tail = here[-longest:]
        return False

    def at(self, first: int, last: int) -> bytes:
        """Those from `first` up to before `last`."""
        if self.path is None:
            return self._held[first:last]
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            return os.pread(descriptor, max(0, last - first), first)
        finally:
            os.close(descriptor)


class Window:
    """A stretch of a content that is read here and there; slices are as those of bytes."""

    _BLOCK = 1 << 16

    def __init__(self, content: Content, first: int = 0, last: Optional[int] = None) -> None:
        self._content, self._first = content, min(first, len(content))
        self._last = min(len(content) if last is None else last, len(content))
        self._block, self._begins = b"", 0

    def __len__(self) -> int:
        return max(0, self._last - self._first)

    def __getitem__(self, wanted: Union[int, slice]) -> bytes:
        if isinstance(wanted, int):
            return self[wanted : wanted + 1]
        first, last, _ = wanted.indices(len(self))
        return self._read(self._first + first, self._first + max(first, last))

    def byte(self, position: int) -> int:
        """One byte as a number.

        Raises:
            IndexError: There is none at that place.
        """
        return self[position][0]

    def sub(self, first: int, last: Optional[int] = None) -> Window:
        """A stretch of this one."""
        end = len(self) if last is None else min(last, len(self))
        return Window(self._content, self._first + first, self._first + end)

    def pieces(self) -> Iterator[bytes]:
        """All of it, in pieces that fit into memory."""
        if self._content.path is None:
            yield self[:]
            return
        with self._content.open() as file:
            file.seek(self._first)
            left = len(self)
            while left > 0:
                piece = file.read(min(PIECE, left))
                if not piece:
                    return
                left -= len(piece)
                yield piece

    def _read(self, first: int, last: int) -> bytes:
        """Small reads come out of a block that is read ahead."""
        if self._content.path is None or last - first > self._BLOCK:
            return self._content.at(first, last)
        if not self._begins <= first <= last <= self._begins + len(self._block):
            self._block, self._begins = self._content.at(first, first + self._BLOCK), first
        return self._block[first - self._begins : last - self._begins]


class Store:
    """Where what is too large for memory is kept while a mail is looked at.

    Args:
        folder: For the files; without one everything stays in memory.
    """

    def __init__(self, folder: Optional[Path] = None) -> None:
        self._folder = folder
        self._made: List[Growing] = []
        self._held = 0  # bytes in memory

    def growing(self) -> Growing:
        """A content to be written."""
        return Growing(self)

    def keep(self, pieces: Iterable[bytes]) -> Content:
        """What comes in pieces as one content."""
        growing = self.growing()
        for piece in pieces:
            growing.write(piece)
        return growing.content()

    def has_room(self, size: int, more: int) -> bool:
        """Whether a content of that size may have more bytes in memory; counts them if so."""
        if self._folder is not None and (size > SMALL or self._held + more > TOGETHER):
            return False
        self._held += more
        return True

    def file_for(self, growing: Growing) -> Optional[Path]:
        """The name of a file that does not exist yet; None where all stays in memory."""
        if self._folder is None:
            return None
        self._made.append(growing)
        return self._folder / f"part.{os.urandom(16).hex()}"

    def clear(self) -> None:
        """Removes the files that nobody has taken away."""
        made, self._made, self._held = self._made, [], 0
        for growing in made:
            growing.remove()


class Growing:
    """A content on its way in: the digest of a file is ready with its last byte.

    That of bytes in memory is left to whoever asks for it: fetch does in a thread of its own.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: List[bytes] = []
        self._file: Optional[BinaryIO] = None
        self._path: Optional[Path] = None
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Adds some bytes.

        Raises:
            OSError: The disk is full or fails.
        """
        if not piece:
            return  # a single piece is kept uncopied
        self.size += len(piece)
        if self._file is None and not self._store.has_room(self.size, len(piece)):
            self._open()
        if self._file is None:
            self._held.append(piece)
            return
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            self._give_up(error)
            raise

    def _open(self) -> None:
        self._path = self._store.file_for(self)
        if self._path is not None:
            self._file = self._path.open("xb")
            held, self._held = self._held, []
            for piece in held:
                self._digest.update(piece)
            self._file.writelines(held)

    def _give_up(self, error: OSError) -> None:
        error.filename = error.filename or str(self._path)  # write(2) names no file
        self.close()

    def close(self) -> None:
        """Ends the writing, whatever became of it."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be written was told before
                self._file.close()

    def remove(self) -> None:
        """Takes the file away, if it is still there."""
        self.close()
        if self._path is not None:
            with contextlib.suppress(OSError):  # it has become a payload
                self._path.unlink()

    def content(self) -> Content:
        """All that was written; nothing is added from now on."""
        if self._file is None:
            held, self._held = b"".join(self._held), []
            return Content(held)
        try:
            self._file.close()
        except OSError as error:
            self._give_up(error)
            raise
        return Content(path=self._path, sha256=self._digest.hexdigest())
