"""The zip package of an OOXML workbook: parts, relationships, and what unpacking may cost.

Part names are compared as OPC wants it (ECMA-376 part 2, §6.2.2): without case, and with the
backslashes that some writers put into zip names taken for slashes.
"""

from __future__ import annotations

import errno
import posixpath
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Callable, Dict, Iterable, Iterator, List, NamedTuple, TypeVar, Union
from urllib.parse import unquote

from ttcli.config import Limits
from ttcli.errors import BadItem, from_os_error
from ttcli.workbook.ooxml.xml import parse_part
from ttcli.workbook.sniff_zip import OpenZip

CHUNK = 1 << 17
_SMALL = 4  # chunks: a part that says to be no larger is given whole, to be worked on once
_MEGABYTE = 1 << 20
# A sheet repeats itself, but every row has its own number: real ones stay under 100 to 1. What
# deflate can do at most is 1032 to 1, and a bomb does it.
_RATIO = 800
_RATIO_FREE = 16 * _MEGABYTE
_PARTS = 20_000
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    IndexError,
    OverflowError,
)
_RESEND = "ask the sender for the file again"
_Result = TypeVar("_Result")


class Relationship(NamedTuple):
    """Where a part points; `type` is the last word of the type's address, in lower case."""

    type: str
    target: str


class Chunks:
    """The bytes of a sheet's part, a piece at a time, counted.

    Attributes:
        taken: How many pieces.
        size: How many bytes.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.taken = self.size = 0
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self.taken += 1
        self.size += len(piece)
        return piece


class Package:
    """An open OOXML package.

    Args:
        path: The file, or it as sniffing has opened it.
        limits: `inflated_mb` is counted over all parts that are read.

    Attributes:
        left: How many bytes more may be inflated.

    Raises:
        BadItem: `truncated`, `damaged` or `limit`.
    """

    def __init__(self, path: Union[Path, OpenZip], limits: Limits) -> None:
        self.left = limits.inflated_mb * _MEGABYTE
        self._limits = limits
        self._file: IO[bytes] = path.file if isinstance(path, OpenZip) else _open_file(path)
        self._path = Path(self._file.name)
        try:
            self._zip = path.archive if isinstance(path, OpenZip) else _open_zip(self._file)
            self._members = _members(self._zip)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Closes the file; parts can't be read any more."""
        # The zip would stay open for a part that was left half read.
        self._zip.close()
        self._file.close()

    def __contains__(self, part: str) -> bool:
        return _canonical(part) in self._members

    def chunks(self, part: str) -> Iterator[bytes]:
        """The bytes of a part, inflated and checked against its CRC, 128 KB at a time or whole.

        Raises:
            BadItem: The part is missing, damaged, encrypted or larger than the limits allow.
        """
        member = self._member(part)
        done = 0
        while True:
            data = self._read(member)
            if not data:
                return
            done += len(data)
            self._charge(member.info, len(data), done)
            yield data

    def size(self, part: str) -> int:
        """The bytes of a part, if the zip's directory tells the truth; 0 if there is none."""
        info = self._members.get(_canonical(part))
        return info.file_size if info else 0

    def reopened(self) -> Package:
        """The same for a forked process, with which an open file would share its position."""
        return Package(self._path, self._limits)

    def relationships(self, part: str) -> Dict[str, Relationship]:
        """What a part points to, by relationship id; `""` is the package itself."""
        folder, name = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        found: Dict[str, Relationship] = {}

        def start(element: str, attributes: Dict[str, str]) -> None:
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2].lower()
                target = self._target(folder, attributes.get("Target", ""))
                found[attributes.get("Id", "")] = Relationship(kind, target)

        if rels in self:
            parse_part(self.chunks(rels), rels, start)
        return found

    def _target(self, folder: str, target: str) -> str:
        """The part that is meant; some writers leave out the slash of an absolute name."""
        relative, absolute = _resolve(folder, target), _resolve("", target)
        return absolute if absolute in self and relative not in self else relative

    def _member(self, part: str) -> _Member:
        try:
            info = self._members[_canonical(part)]
        except KeyError:
            raise BadItem(f"the workbook has no part {part}", _RESEND, "damaged") from None
        if info.flag_bits & 1:
            raise BadItem(f"the part {part} is encrypted with a zip password", _RESEND, "encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadItem(
                f"the part {part} is packed with zip method {info.compress_type}",
                "save it again with Excel or LibreOffice",
                "unsupported",
            )
        return _Member(info, _guarded(lambda: self._zip.open(info), part))

    @staticmethod
    def _read(member: _Member) -> bytes:
        most = CHUNK if member.info.file_size > _SMALL * CHUNK else _SMALL * CHUNK
        return _guarded(lambda: member.stream.read(most), member.info.filename)

    def _charge(self, info: zipfile.ZipInfo, size: int, done: int) -> None:
        self.left -= size
        if self.left < 0:
            raise BadItem(
                f"the workbook unpacks to more than {self._limits.inflated_mb} MB",
                "raise LIMIT_INFLATED_MB if the file is honest",
                "limit",
            )
        if done > _RATIO_FREE and done > _RATIO * info.compress_size:
            raise BadItem(
                f"the part {info.filename} unpacks to over {_RATIO} times its size: a zip bomb",
                "no honest workbook does; look at who sent it",
                "limit",
            )


class _Member(NamedTuple):
    info: zipfile.ZipInfo
    stream: IO[bytes]


def _guarded(action: Callable[[], _Result], part: str) -> _Result:
    """Does something with a zip member; what zipfile thinks of the bytes becomes a BadItem."""
    try:
        return action()
    except _BROKEN as error:
        raise BadItem(f"the part {part} is damaged: {error}", _RESEND, "damaged") from error
    except NotImplementedError as error:
        raise BadItem(
            f"the part {part} cannot be unpacked: {error}", _RESEND, "unsupported"
        ) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # an offset before the beginning of the file
            raise BadItem(f"the part {part} is damaged", _RESEND, "damaged") from error
        raise from_os_error(error) from error


def _canonical(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _resolve(folder: str, target: str) -> str:
    target = unquote(target.replace("\\", "/"))
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _open_file(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise from_os_error(error) from error


def _open_zip(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise from_os_error(error) from error
        raise BadItem("the zip directory is damaged", _RESEND, "damaged") from error
    except (*_BROKEN, NotImplementedError) as error:
        raise BadItem(f"the file is cut short or damaged: {error}", _RESEND, "truncated") from error


def _members(archive: zipfile.ZipFile) -> Dict[str, zipfile.ZipInfo]:
    """Parts by canonical name; of two that differ nobody can say which one is meant."""
    infos: List[zipfile.ZipInfo] = archive.infolist()
    if len(infos) > _PARTS:
        raise BadItem(f"the package has {len(infos)} parts, more than {_PARTS}", "", "limit")
    members: Dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = _canonical(info.filename)
        twin = members.setdefault(name, info)
        if (twin.CRC, twin.file_size) != (info.CRC, info.file_size):
            raise BadItem(f"the package holds two different parts {name}", _RESEND, "damaged")
    return members
