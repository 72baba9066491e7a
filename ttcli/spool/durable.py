"""The only calls of fsync and rename: what these functions return from survives a power cut.

A file is durable when its bytes and its directory entry are (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk").
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, List, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from concurrent.futures import Executor

_BY_UMASK = 0o666
_AT_ONCE = 4  # fsyncs
_FEW = 4  # for which no threads are started


def sync_file(path: Path) -> None:
    """Makes the bytes of a file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Makes the entries of a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no fsync of a directory
            raise
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Writes a new file; its entry is durable once the directory is synced.

    Args:
        mode: Who may read and write it, less what the umask takes away.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a path cannot be given a mode
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        error.filename = error.filename or str(path)  # write(2) and fsync(2) name no file
        raise


class Files:
    """New files and directories, made durable together.

    An fsync is mostly waiting, and file systems answer several at a time with one write of their
    journal: a fifth of the time of one after the other (ext4). What fails is told: each file
    stays open until it is synced.
    """

    def __init__(self) -> None:
        self._open: List[Tuple[int, Path]] = []
        self._threads: Optional[Executor] = None

    def __len__(self) -> int:
        return len(self._open)

    def write(self, path: Path, content: bytes) -> None:
        """A new file of these bytes."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _BY_UMASK)
        self._open.append((descriptor, path))
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            error.filename = error.filename or str(path)  # write(2) names no file
            raise

    def move(self, source: Path, target: Path) -> None:
        """A file out of another directory.

        That its entry there is gone need not be durable: a crash leaves one or the other in tmp/.
        """
        self._open.append((os.open(source, os.O_RDONLY), target))
        os.rename(source, target)  # noqa: PTH104

    def directory(self, path: Path) -> None:
        """The entries of a directory."""
        self._open.append((os.open(path, os.O_RDONLY | os.O_DIRECTORY), path))

    def settle(self) -> None:
        """Returns once all of it is durable."""
        waiting, self._open = self._open, []
        try:
            told = self._synced(waiting)
        finally:
            _close(waiting)
        if told:
            raise told[0]

    def _synced(self, waiting: Sequence[Tuple[int, Path]]) -> List[OSError]:
        if len(waiting) < _FEW:
            return _synced(waiting)
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor  # not for commands that only read

            self._threads = ThreadPoolExecutor(_AT_ONCE, "fsync")
        shares = [waiting[first::_AT_ONCE] for first in range(_AT_ONCE)]
        return [error for share in self._threads.map(_synced, shares) for error in share]

    def close(self) -> None:
        """Ends the threads, where there are any."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown()

    def forget(self, folder: Path) -> None:
        """What lies in a directory that is given up."""
        given_up = [each for each in self._open if folder in (each[1], each[1].parent)]
        self._open = [each for each in self._open if each not in given_up]
        _close(given_up)


def _synced(waiting: Sequence[Tuple[int, Path]]) -> List[OSError]:
    """What went wrong with any of them."""
    told = []
    for descriptor, path in waiting:
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL or not path.is_dir():  # see sync_directory
                error.filename = error.filename or str(path)
                told.append(error)
    return told


def _close(waiting: Iterable[Tuple[int, Path]]) -> None:
    for descriptor, _ in waiting:
        os.close(descriptor)


def append_line(path: Path, line: bytes) -> None:
    """Adds a line to a file; a crash leaves it whole, in part or not at all, the others whole."""
    is_new = not path.exists()
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a crash's leftover stays a line of its own
                file.write(b"\n")
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_directory(path.parent)


def replace_file(path: Path, content: bytes, mode: int = _BY_UMASK) -> None:
    """Gives a file new content: a crash leaves the old or the new, never a mixture.

    Args:
        mode: Its rights: any but the default whatever the umask.
    """
    fresh = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()  # a crash's leftover
    try:
        write_file(fresh, content, mode)
        if mode != _BY_UMASK:
            fresh.chmod(mode)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()  # a full disk wants the space back
        raise
    os.rename(fresh, path)  # noqa: PTH104 - the crash test counts os.rename
    sync_directory(path.parent)


def move_directory(source: Path, target: Path) -> None:
    """Moves a directory within the file system; durable once both parents are synced.

    Raises:
        FileExistsError: The target exists. rename(2) itself refuses only one that is not empty,
            and an item's directory never is.
    """
    try:
        os.rename(source, target)  # noqa: PTH104
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(errno.EEXIST, "already there", str(target)) from error
        raise


def sync_directories(paths: Iterable[Path]) -> None:
    """Makes the entries of directories durable, in this order: an arrival before a departure."""
    for path in dict.fromkeys(paths):
        sync_directory(path)


def rename_directory(source: Path, target: Path) -> None:
    """Moves a directory, and makes that durable; raises as `move_directory`."""
    move_directory(source, target)
    sync_directories([target.parent, source.parent])


def remove_tree(path: Path) -> None:
    """Removes a directory that no stage looks at any more; what cannot be removed stays."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)
