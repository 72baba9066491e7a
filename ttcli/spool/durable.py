"""The only calls of fsync and rename: what these functions return from survives a power cut.

A file is durable when its bytes and its directory entry are (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk").
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

if TYPE_CHECKING:
    from concurrent.futures import Executor

    AnyPath = Union[str, os.PathLike[str]]

_BY_UMASK = 0o666
_AT_ONCE = 4  # fsyncs
_FEW = 4  # for which no threads are started
_SMALL_BYTES = 1 << 20


def begin_to_sync(file: IO[Any]) -> None:
    """Has a small file's bytes written without waiting, so that one fsync of many does the rest.

    A large one is synced: whoever syncs it with others would wait for it.
    """
    file.flush()
    if file.tell() > _SMALL_BYTES:
        os.fsync(file.fileno())
    else:
        _begin_to_sync(file.fileno())


def _begin_to_sync(descriptor: int) -> None:
    """Linux takes the advice to begin writing; sync_file_range(2) is not in Python."""
    with contextlib.suppress(OSError):  # it is advice: the fsync says what is wrong
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


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
        with open(descriptor, "wb") as file:  # a path cannot be given a mode
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

    Args:
        threads: False in a process that forks; what is synced had better been begun then.
    """

    def __init__(self, threads: bool = True) -> None:
        self._open: List[Tuple[int, str]] = []
        self._few = _FEW if threads else sys.maxsize
        self._threads: Optional[Executor] = None

    def __len__(self) -> int:
        return len(self._open)

    def write(self, path: AnyPath, content: bytes) -> None:
        """A new file of these bytes."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _BY_UMASK)
        self._open.append((descriptor, os.fspath(path)))
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            error.filename = error.filename or os.fspath(path)  # write(2) names no file
            raise

    def begin(self) -> None:
        """Has the bytes of the last one written without waiting."""
        _begin_to_sync(self._open[-1][0])

    def keep(self, path: str) -> None:
        """A file that is there."""
        self._open.append((os.open(path, os.O_RDONLY), path))

    def move(self, source: Path, target: Path) -> None:
        """A file out of another directory.

        That its entry there is gone need not be durable: a crash leaves one or the other in tmp/.
        """
        self._open.append((os.open(source, os.O_RDONLY), os.fspath(target)))
        os.rename(source, target)

    def directory(self, path: AnyPath) -> None:
        """The entries of a directory."""
        self._open.append((os.open(path, os.O_RDONLY | os.O_DIRECTORY), os.fspath(path)))

    def settle(self) -> None:
        """Returns once all of it is durable."""
        waiting, self._open = self._open, []
        try:
            told = self._synced(waiting)
        finally:
            _close(waiting)
        if told:
            raise told[0]

    def _synced(self, waiting: Sequence[Tuple[int, str]]) -> List[OSError]:
        if len(waiting) < self._few:
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

    def forget(self, folder: AnyPath) -> None:
        """What lies in a directory that is given up."""
        gone = os.fspath(folder)
        given_up = [each for each in self._open if gone in (each[1], os.path.dirname(each[1]))]
        self._open = [each for each in self._open if each not in given_up]
        _close(given_up)


class Renewals:
    """Files that get new content together, each as by `replace_file`; in a `with` statement.

    One after the other they would wait for the disk twice each. Without threads: for a process
    that forks.
    """

    def __init__(self) -> None:
        self._files = Files(threads=False)
        self._fresh: Dict[str, str] = {}  # to what they are renamed

    def __enter__(self) -> Renewals:
        return self

    def __exit__(self, *_: object) -> None:
        """Removes what has not become anything: a full disk wants the space back."""
        for fresh, path in self._fresh.items():
            self._files.forget(os.path.dirname(path))
            with contextlib.suppress(OSError):
                os.unlink(fresh)

    def add(self, path: str, content: bytes) -> None:
        """A file's new content."""
        fresh = path + ".new"
        try:
            self._write(fresh, path, content)
        except FileExistsError:  # a crash's leftover
            os.unlink(fresh)
            self._write(fresh, path, content)

    def _write(self, fresh: str, path: str, content: bytes) -> None:
        self._fresh[fresh] = path  # before: a write that fails leaves a part of it
        self._files.write(fresh, content)
        self._files.begin()

    def keep(self, path: str, beyond: int = -1) -> None:
        """A file beside one of those, where it is there: durable before that has its content.

        Args:
            beyond: Bytes; a shorter one, or just as long, may be lost by a power cut.
        """
        with contextlib.suppress(FileNotFoundError):
            if beyond < 0 or os.stat(path).st_size > beyond:
                self._files.keep(path)

    def settle(self) -> None:
        """Returns once all of it is durable."""
        self._files.settle()
        for fresh, path in self._fresh.items():
            os.rename(fresh, path)  # the crash test counts os.rename
            self._files.directory(os.path.dirname(path))
        self._fresh = {}
        self._files.settle()


def _synced(waiting: Sequence[Tuple[int, str]]) -> List[OSError]:
    """What went wrong with any of them."""
    told = []
    for descriptor, path in waiting:
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL or not os.path.isdir(path):  # see sync_directory
                error.filename = error.filename or path
                told.append(error)
    return told


def _close(waiting: Iterable[Tuple[int, str]]) -> None:
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
    os.rename(fresh, path)  # the crash test counts os.rename
    sync_directory(path.parent)


def move_directory(source: Path, target: Path) -> None:
    """Moves a directory within the file system; durable once both parents are synced.

    Raises:
        FileExistsError: The target exists. rename(2) itself refuses only one that is not empty,
            and an item's directory never is.
    """
    try:
        os.rename(source, target)
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
