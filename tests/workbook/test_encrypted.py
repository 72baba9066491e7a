"""Workbooks with a password."""

from __future__ import annotations

import io
import os
import struct
import sys
from pathlib import Path

import pytest
import xlwt
from xlwt.CompoundDoc import XlsDoc

from tests.workbook.reading import SAMPLES, cells
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.open import open_workbook

# What cryptography says when Python 3.8 imports it.
pytestmark = pytest.mark.filterwarnings("ignore:Python 3.8 is no longer supported")

# msoffcrypto-tool writes files of less than a few kilobytes that it cannot read again.
PLAIN = SAMPLES / "libreoffice-shipments.xlsx"


def encrypted(tmp_path: Path, password: str) -> Path:
    """An .xlsx, encrypted as Excel does it."""
    from msoffcrypto.format.ooxml import OOXMLFile

    path = tmp_path / "payload"
    with path.open("wb") as file:
        OOXMLFile(io.BytesIO(PLAIN.read_bytes())).encrypt(password, file)
    return path


@pytest.mark.parametrize("password", ["secret", "VelvetSweatshop", "pässwörd"])
def test_password_that_fits(tmp_path: Path, password: str) -> None:
    """The right one of several passwords opens the workbook; Excel's own needs no giving."""
    given = () if password == "VelvetSweatshop" else ("wrong", password)
    assert cells(encrypted(tmp_path, password), passwords=given) == cells(PLAIN)


@pytest.mark.parametrize("given", [(), ("wrong",)])
def test_no_password_fits(tmp_path: Path, given: tuple[str, ...]) -> None:
    """Without the password it is refused as protected, and no password is shown."""
    with pytest.raises(BadItem, match="password-protected") as caught:
        cells(encrypted(tmp_path, "secret"), passwords=given)
    assert caught.value.kind == "encrypted"
    assert "wrong" not in str(caught.value)


def test_nothing_decrypted_lies_about(tmp_path: Path) -> None:
    """The decrypted workbook has no name in any folder, not even while it is read."""
    path = encrypted(tmp_path, "secret")
    before = set(tmp_path.iterdir())
    workbook = open_workbook(path, Limits(), ["secret"])
    plain = os.readlink(workbook.plain.path)  # type: ignore[attr-defined]
    assert plain.endswith("(deleted)")
    assert set(tmp_path.iterdir()) == before
    workbook.package.close()  # type: ignore[attr-defined]


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without msoffcrypto-tool the refusal says that it is protected, and what to install."""
    path = encrypted(tmp_path, "secret")
    monkeypatch.setitem(sys.modules, "msoffcrypto", None)
    with pytest.raises(BadItem, match="msoffcrypto-tool") as caught:
        cells(path)
    assert caught.value.kind == "encrypted"


def protected_xls(tmp_path: Path) -> Path:
    """An .xls whose FILEPASS record says RC4, with a verifier that no password fits."""
    book = xlwt.Workbook()
    book.add_sheet("S").write(0, 0, 1)
    stream = book.get_biff_data()
    bof_end = 4 + struct.unpack_from("<H", stream, 2)[0]
    filepass = struct.pack("<HHHHH", 0x002F, 54, 1, 1, 1) + bytes(range(48))
    buffer = io.BytesIO()
    XlsDoc().save(buffer, (stream[:bof_end] + filepass + stream[bof_end:]).ljust(4096, b"\0"))
    path = tmp_path / "payload"
    path.write_bytes(buffer.getvalue())
    return path


def test_protected_xls(tmp_path: Path) -> None:
    """An .xls with a password is refused as protected, not as damaged."""
    with pytest.raises(BadItem, match="password-protected") as caught:
        cells(protected_xls(tmp_path), passwords=["wrong"])
    assert caught.value.kind == "encrypted"


def test_damaged_encryption(tmp_path: Path) -> None:
    """A protected workbook whose encryption makes no sense is damaged or protected, never a bug."""
    whole = encrypted(tmp_path, "secret").read_bytes()
    for at in range(512, 6144, 512):
        (tmp_path / "payload").write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])
        try:
            cells(tmp_path / "payload", passwords=["secret"])
        except BadItem as error:
            assert error.kind in ("damaged", "encrypted", "truncated", "unsupported")
