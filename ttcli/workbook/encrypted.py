"""Workbooks with a password: opened with the ones we were given, and with Excel's own."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import IO, Any, Optional, Sequence

from ttcli.cells import Workbook
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.workbook.nameless import nameless_file

# Excel encrypts a workbook whose structure is protected with this one, and never asks for it.
_EXCELS_OWN = "VelvetSweatshop"


class Plain:
    """A decrypted workbook in a file that has no name, so that nothing outlives this process."""

    def __init__(self, file: IO[bytes]) -> None:
        self.path = Path(f"/proc/self/fd/{file.fileno()}")
        weakref.finalize(self, file.close)

    def kept_by(self, workbook: Workbook) -> Workbook:
        """Keeps the file for as long as the workbook is used; returns the workbook."""
        workbook.plain = self  # type: ignore[attr-defined]
        return workbook


def decrypt(path: Path, limits: Limits, passwords: Sequence[str]) -> Plain:
    """Decrypts to a nameless file with the first password that fits.

    Raises:
        BadItem: None fits, the file is damaged, or msoffcrypto-tool is missing.
    """
    if path.stat().st_size > limits.inflated_mb << 20:
        raise BadItem(f"it is larger than {limits.inflated_mb} MB", kind="limit")
    office_file = _package()
    for password in filter(None, (*passwords, _EXCELS_OWN)):
        plain = _try(office_file, path, password)
        if plain is not None:
            return plain
    raise BadItem(
        "it is password-protected" + (" and no password of the mapping fits" if passwords else ""),
        "ask for it without a password, or give the sender's password in mapping.toml",
        kind="encrypted",
    )


def _package() -> Any:
    try:
        import msoffcrypto
    except ImportError:
        raise BadItem(
            "it is password-protected, and msoffcrypto-tool, which could open it, is not installed",
            "install python3-msoffcrypto-tool (apt) or 'ttcli[formats]' (pip), then `ttcli retry`",
            kind="encrypted",
        ) from None
    return msoffcrypto.OfficeFile


def _try(office_file: Any, path: Path, password: str) -> Optional[Plain]:
    """The decrypted workbook, or None if the password is another."""
    from msoffcrypto.exceptions import DecryptionError, InvalidKeyError

    file = nameless_file()
    plain = Plain(file)
    try:
        with path.open("rb") as protected:
            _decrypt(office_file(protected), password, file)
    except (InvalidKeyError, DecryptionError):
        return None
    except MemoryError:
        raise
    except Exception as error:  # it unpacks whatever stands there without looking twice
        if isinstance(error, OSError) and error.errno:
            raise  # the disk's fault
        raise _damaged(error) from error
    return plain


def _damaged(error: Exception) -> BadItem:
    return BadItem(
        f"it is password-protected, and its encryption is damaged or not known here ({error})",
        "open it in Excel, save it as .xlsx without a password and send that",
        kind="damaged",
    )


def _decrypt(protected: Any, password: str, plain: IO[bytes]) -> None:
    """Office Open XML checks a password only when asked, .xls always and has no way to ask."""
    if protected.format == "ooxml":
        protected.load_key(password=password, verify_password=True)
    else:
        protected.load_key(password=password)
    protected.decrypt(plain)
    plain.flush()
