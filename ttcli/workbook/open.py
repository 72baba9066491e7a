"""The way in: what the bytes are decides which reader gets the file."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import Callable, Dict, NoReturn, Sequence

from ttcli.cells import Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.sniff import OpenZip, Sniffed, sniff_file

_Reader = Callable[[Path, Limits, Sequence[str]], Workbook]

_CODECS = ("encodings.cp437", "encodings.utf_8_sig")  # of names in zips, of texts
_AS_XLSX = "send the table as an Excel workbook (.xlsx)"


def open_workbook(path: Path, limits: Limits, passwords: Sequence[str] = ()) -> Workbook:
    """Opens a workbook of any kind; its name plays no part.

    Call it inside a child (`child.start`): some files bring their reader down.

    Args:
        path: The file, which must stay there while the workbook is read.
        limits: What it may cost; each reader says in words which one was hit.
        passwords: Tried on a password-protected workbook, besides Excel's default one.

    Raises:
        BadItem: It is no workbook, damaged, protected, over a limit, or needs a package that is
            not installed; the kind says which.
        OSError: The file cannot be read.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        sniffed = sniff_file(file)
        if sniffed.archive is not None:
            stack.pop_all()
            return _ooxml_in(OpenZip(file, sniffed.archive), limits)
    if sniffed.kind not in _READERS:
        _refuse(sniffed)
    return _READERS[sniffed.kind](path, limits, passwords)


def warm() -> None:
    """Imports what reading most workbooks takes, so that forked children need not."""
    for module in ("ttcli.workbook.ooxml.workbook", "ttcli.workbook.delimited", *_CODECS):
        importlib.import_module(module)


def _refuse(sniffed: Sniffed) -> NoReturn:
    if sniffed.kind == "empty":
        raise BadItem(f"it is {sniffed.said}", "send it again", kind="empty")
    if sniffed.kind == "truncated":
        raise BadItem(
            f"it is incomplete: {sniffed.said}", "send it again, complete", kind="truncated"
        )
    if sniffed.kind == "damaged":
        raise BadItem(f"it is damaged: {sniffed.said}", "send it again", kind="damaged")
    if sniffed.kind == "lock-file":
        raise BadItem(f"it is {sniffed.said}", "send the workbook itself", kind="lock-file")
    if sniffed.kind == "encrypted-ods":
        raise BadItem(f"it is {sniffed.said}", "ask for it without one", kind="encrypted")
    if sniffed.kind == "zip":
        raise BadItem(
            f"it is {sniffed.said}", "unpack it and send the workbooks", kind="unsupported"
        )
    raise BadItem(f"it is {sniffed.said}, which is not read", _AS_XLSX, kind=sniffed.kind)


def _ooxml_in(opened: OpenZip, limits: Limits) -> Workbook:
    from ttcli.workbook.ooxml.workbook import open_ooxml

    return open_ooxml(opened, limits)


def _xls(path: Path, limits: Limits, passwords: Sequence[str]) -> Workbook:
    from ttcli.workbook.biff.xls import open_xls

    return open_xls(path, limits, passwords)


def _xlsb(path: Path, limits: Limits, _: Sequence[str]) -> Workbook:
    from ttcli.workbook.biff.xlsb import open_xlsb

    return open_xlsb(path, limits)


def _ods(path: Path, limits: Limits, _: Sequence[str]) -> Workbook:
    from ttcli.workbook.ods.workbook import open_ods

    return open_ods(path, limits)


def _delimited(path: Path, limits: Limits, _: Sequence[str]) -> Workbook:
    from ttcli.workbook.delimited import open_delimited

    return open_delimited(path, limits)


def _html(path: Path, limits: Limits, _: Sequence[str]) -> Workbook:
    from ttcli.workbook.html import open_html

    return open_html(path, limits)


def _encrypted(path: Path, limits: Limits, passwords: Sequence[str]) -> Workbook:
    """Office Open XML inside OLE2 ([MS-OFFCRYPTO]): decrypted, then whatever it is."""
    from ttcli.workbook.encrypted import decrypt

    plain = decrypt(path, limits, passwords)
    return plain.kept_by(open_workbook(plain.path, limits))


_READERS: Dict[str, _Reader] = {
    "xls": _xls,
    "xlsb": _xlsb,
    "ods": _ods,
    "csv": _delimited,
    "html": _html,
    "encrypted": _encrypted,
}
