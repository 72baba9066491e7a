"""The only calls of fsync and rename: what these functions return from survives a power cut.

A file is durable when its bytes and its directory entry are (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk").
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

_BY_UMASK = 0o666


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


def move_file(source: Path, target: Path) -> None:
    """Moves a file within the file system, its bytes made durable before.

    The entry is durable once the target's directory is synced; that the source's is gone need not
    be, for a crash leaves one or the other in tmp/.
    """
    try:
        sync_file(source)
    except OSError as error:
        error.filename = error.filename or str(source)
        raise
    os.rename(source, target)  # noqa: PTH104


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


def rename_directory(source: Path, target: Path, settled: bool = True) -> None:
    """Moves a directory within the file system.

    Args:
        settled: False where the caller syncs both parents later.

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
    if not settled:
        return
    sync_directory(target.parent)
    if source.parent != target.parent:
        sync_directory(source.parent)


def remove_tree(path: Path) -> None:
    """Removes a directory that no stage looks at any more; what cannot be removed stays."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)
