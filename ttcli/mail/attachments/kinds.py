"""What may be a workbook: by name, by content type, or by what the bytes are.

Being generous costs little: what turns out to be no workbook is refused with a reason when it is
processed. What is left alone here is left alone for good, so it must be sure.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ttcli.mail.attachments import archive
from ttcli.mail.mime.content import Content

_WORKBOOK_NAME = re.compile(r"\.(?:xls[xmb]?|xl[tw]|xlt[xm]|f?ods|ots|csv|tsv)\Z", re.I)
_WORKBOOK_TYPE = re.compile(
    r"""(?:application|text)/(?:
        vnd\.openxmlformats-officedocument\.spreadsheetml(?:\..*)? |
        vnd\.ms-excel(?:\..*)? | vnd\.oasis\.opendocument\.spreadsheet(?:-.*)? |
        (?:x-)?(?:ms-?)?excel | (?:x-)?xlsx? | x-dos_ms_excel |
        (?:x-)?csv | (?:x-)?comma-separated-values | tab-separated-values
    )\Z""",
    re.I | re.X,
)
_OTHER_TYPE = re.compile(r"(?:image|audio|video|font|text)/|application/(?:pdf|rtf|pgp-signature)|"
                         r"application/(?:x-)?pkcs7-signature", re.I)  # fmt: skip
_OTHER_NAME = re.compile(
    r"\.(?:png|jpe?g|gif|bmp|svg|webp|tiff?|ico|pdf|rtf|txt|html?|ics|vcf|asc|sig|p7s|mp[34]|wav)\Z",
    re.I,
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = tuple(name.encode("utf-16-le") for name in ("Workbook", "Book", "EncryptedPackage"))
_OTHER_OLE = re.compile(r"\.(?:do[ct][mx]?|pp[st][mx]?|msg|vsd|mdb|msi|thm?x|db|pub|mpp)\Z", re.I)


def tidy(name: str) -> str:
    """A file name without the folders, quotes and dots around it that people send along."""
    return re.split(r"[/\\]", name)[-1].strip(" \t.'\"")


def by_name(name: str) -> bool:
    """The name says workbook."""
    return bool(_WORKBOOK_NAME.search(tidy(name)))


def by_type(content_type: str) -> bool:
    """The content type says workbook."""
    return bool(_WORKBOOK_TYPE.match(content_type.strip()))


def by_content(data: Content, name: str = "") -> bool:
    """The bytes say workbook: OOXML, OpenDocument, BIFF, or an encrypted one."""
    if archive.is_zip(data):
        return _zipped_workbook(data)
    if data.first(8) == _OLE and not _OTHER_OLE.search(tidy(name)):
        return data.holds(*_OLE_STREAMS)
    return False


def _zipped_workbook(data: Content) -> bool:
    names = archive.names(data)
    if names is None:  # damaged: the first entry's name is what can still be seen
        return data.at(30, 49) == b"[Content_Types].xml" and b"xl/" in data.last(65536)
    if "[Content_Types].xml" in names:
        return any(name.startswith("xl/") for name in names)
    return "mimetype" in names and b"opendocument.spreadsheet" in data.first(256)


def is_archive(data: Content, name: str, content_type: str) -> bool:
    """A zip archive by content, or said to be one; never what is named like a workbook."""
    if by_name(name):
        return False
    zip_type = re.match(r"application/(?:x-)?zip(?:-compressed)?\Z", content_type)
    return archive.is_zip(data) or bool(zip_type) or tidy(name).lower().endswith(".zip")


@lru_cache(256)  # asked for again and again while a mail is looked at
def surely_other(name: str, content_type: str) -> bool:
    """Name and type agree that this is no workbook; a picture without a name is enough, too."""
    if not _OTHER_TYPE.match(content_type) or by_name(name) or by_type(content_type):
        return False
    return not tidy(name) or "." not in tidy(name) or bool(_OTHER_NAME.search(tidy(name)))
