"""What a zip archive is: a workbook, another office document, or just an archive."""

from __future__ import annotations

import re
import zipfile
from typing import BinaryIO, Dict, List, NamedTuple, Optional

from ttcli.errors import BadItem


class Sniffed(NamedTuple):
    """What the bytes are.

    Attributes:
        kind: `xlsx`, `xlsb`, `xls`, `ods`, `csv`, `html` and `encrypted` can be read; `zip`,
            `empty`, `lock-file`, `truncated`, `damaged`, `encrypted-ods` and `unsupported` cannot.
        said: The same for a person, with its article: `a Word document`.
        archive: What an `xlsx` lies in, open as long as its file is: the reader goes on with it.
    """

    kind: str
    said: str
    archive: Optional[zipfile.ZipFile] = None


class OpenZip(NamedTuple):
    """A zip archive whose directory has been read, and the file it lies in."""

    file: BinaryIO
    archive: zipfile.ZipFile


# Enough for any [Content_Types].xml; more is not read, so that no bomb goes off here.
_MOST = 4 * 1024 * 1024

# Compiled here, in the parent: a child that compiles its patterns anew pays for it with each file.
_APPLICATIONS = (
    (re.compile("spreadsheetml|ms-excel"), "xlsx", "an Excel workbook"),
    (re.compile("wordprocessingml|ms-word"), "unsupported", "a Word document"),
    (re.compile("presentationml|ms-powerpoint"), "unsupported", "a PowerPoint presentation"),
    (re.compile("visio"), "unsupported", "a Visio drawing"),
    (re.compile("oxps|xps"), "unsupported", "an XPS document"),
)
_RELATIONSHIP = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")
_OVERRIDE = re.compile(r"<(?:\w+:)?Override\s[^>]*>")
_TYPE = re.compile(r"""\bType\s*=\s*["']([^"']*)""")
_TARGET = re.compile(r"""\bTarget\s*=\s*["']([^"']*)""")
_PART_NAME = re.compile(r"""\bPartName\s*=\s*["']([^"']*)""")
_CONTENT_TYPE = re.compile(r"""\bContentType\s*=\s*["']([^"']*)""")
_FILE_ENTRY = re.compile(r"<(?:\w+:)?file-entry\s[^>]*>")
_FULL_PATH = re.compile(r"""\bfull-path\s*=\s*["']([^"']*)""")
_MEDIA_TYPE = re.compile(r"""\bmedia-type\s*=\s*["']([^"']*)""")
_FOLDERS = (("xl/", 0), ("word/", 1), ("ppt/", 2), ("visio/", 3))


def sniff_zip(file: BinaryIO) -> Sniffed:
    """What a zip archive is.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        archive = zipfile.ZipFile(file)
        sniffed = _sniff(Parts(archive))
    except BadItem as error:
        return Sniffed(error.kind, error.message)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeError) as error:
        return _not_a_whole_zip(file, error)
    return sniffed._replace(archive=archive) if sniffed.kind == "xlsx" else sniffed


def _not_a_whole_zip(file: BinaryIO, error: Exception) -> Sniffed:
    """A zip's directory stands at its end: without it the end is missing."""
    if zipfile.is_zipfile(file):
        return Sniffed("damaged", f"a damaged zip archive ({error})")
    return Sniffed(
        "truncated", "the beginning of a zip archive (.xlsx and .ods are such) cut short"
    )


class Parts:
    """An archive's parts by name as office programs compare them: no case, `/` for `\\`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.infos: Dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            self.infos.setdefault(info.filename.replace("\\", "/").lstrip("/").lower(), info)

    def __contains__(self, name: str) -> bool:
        return name in self.infos

    def text(self, name: str) -> str:
        """The beginning of a part as text; nothing where there is no such part."""
        if name not in self.infos:
            return ""
        info = self.infos[name]
        if info.flag_bits & 1:
            raise BadItem("a zip archive with a password", kind="unsupported")
        try:
            with self._archive.open(info) as part:
                data = part.read(_MOST)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError) as error:
            raise _unreadable(info.filename, error) from error
        except Exception as error:  # zlib.error, lzma.LZMAError: each codec has its own
            raise _unreadable(info.filename, error) from error
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        return data.decode("utf-16" if wide else "utf-8-sig", "replace")


def _unreadable(part: str, error: Exception) -> BadItem:
    return BadItem(
        f"a damaged zip archive: its part {part} cannot be unpacked ({error})", kind="damaged"
    )


def _sniff(parts: Parts) -> Sniffed:
    if not parts.infos:
        return Sniffed("unsupported", "an empty zip archive")
    return _open_document(parts) or _office(parts) or _apple(parts) or _archive(parts)


_BY_MIMETYPE = {
    "application/epub+zip": "an e-book (EPUB)",
    "application/vnd.sun.xml.calc": "an OpenOffice 1 spreadsheet (.sxc)",
    "application/vnd.sun.xml.calc.template": "an OpenOffice 1 spreadsheet template (.stc)",
    "application/vnd.sun.xml.writer": "an OpenOffice 1 text document (.sxw)",
}


def _declared_root(parts: Parts) -> str:
    """What the manifest, if there is one, calls the package as a whole."""
    for tag in _FILE_ENTRY.findall(parts.text("meta-inf/manifest.xml")):
        path, media = _FULL_PATH.search(tag), _MEDIA_TYPE.search(tag)
        if path and media and path[1] == "/":
            return media[1].strip()
    return ""


def _open_document(parts: Parts) -> Optional[Sniffed]:
    """OpenDocument 1.2 part 3, section 3.3: a part `mimetype` says what it is, or the manifest."""
    mimetype = parts.text("mimetype")[:200].strip() or _declared_root(parts)
    if mimetype in _BY_MIMETYPE:
        return Sniffed("unsupported", _BY_MIMETYPE[mimetype])
    if not mimetype.startswith("application/vnd.oasis.opendocument."):
        return None
    what = mimetype[len("application/vnd.oasis.opendocument.") :].replace("-template", "")
    if what != "spreadsheet":
        return Sniffed("unsupported", f"an OpenDocument {what}")
    if _is_encrypted(parts.text("meta-inf/manifest.xml")):
        return Sniffed("encrypted-ods", "a password-protected OpenDocument spreadsheet")
    return Sniffed("ods", "an OpenDocument spreadsheet (.ods)")


def _is_encrypted(manifest: str) -> bool:
    """Whether the sheets themselves are; a library of macros may have a password of its own."""
    tags = list(_FILE_ENTRY.finditer(manifest))
    ends = [tag.start() for tag in tags[1:]] + [len(manifest)]
    for tag, end in zip(tags, ends):
        path = _FULL_PATH.search(tag[0])
        of_sheets = path is None or path[1] in ("content.xml", "encrypted-package")
        if of_sheets and "encryption-data" in manifest[tag.end() : end]:
            return True
    return False


def _office(parts: Parts) -> Optional[Sniffed]:
    """Office Open XML: the root's officeDocument relationship leads to the main part."""
    types = parts.text("[content_types].xml")
    if not types:
        return None
    main = _main_part(parts.text("_rels/.rels"))
    if main and main.endswith(".bin"):
        return Sniffed("xlsb", "a binary Excel workbook (.xlsb)")
    content_type = _content_type(types, main) if main else ""
    for pattern, kind, said in _APPLICATIONS:
        if pattern.search(content_type):
            return _excel(content_type) if kind == "xlsx" else Sniffed(kind, said)
    return _by_folder(parts, main)


def _main_part(relationships: str) -> str:
    for tag in _RELATIONSHIP.findall(relationships):
        kind, target = _TYPE.search(tag), _TARGET.search(tag)
        if kind and target and kind[1].endswith("/officeDocument"):
            return target[1].replace("\\", "/").lstrip("/").lower()
    return ""


def _content_type(types: str, part: str) -> str:
    for tag in _OVERRIDE.findall(types):
        name, content = _PART_NAME.search(tag), _CONTENT_TYPE.search(tag)
        if name and content and name[1].replace("\\", "/").lstrip("/").lower() == part:
            return content[1].lower()
    return ""


def _excel(content_type: str) -> Sniffed:
    if "binary" in content_type:
        return Sniffed("xlsb", "a binary Excel workbook (.xlsb)")
    return Sniffed("xlsx", "an Excel workbook (.xlsx)")


def _by_folder(parts: Parts, main: str) -> Optional[Sniffed]:
    """Where the content types say nothing: by the folder that only one application uses."""
    if "xl/workbook.bin" in parts:
        return Sniffed("xlsb", "a binary Excel workbook (.xlsb)")
    names = [main] if main else list(parts.infos)
    for folder, number in _FOLDERS:
        if any(name.startswith(folder) for name in names):
            _, kind, said = _APPLICATIONS[number]
            return Sniffed(kind, f"{said} (.xlsx)" if kind == "xlsx" else said)
    return None


def _apple(parts: Parts) -> Optional[Sniffed]:
    if any(name.startswith("index/tables/") for name in parts.infos):
        return Sniffed("unsupported", "an Apple Numbers document")
    old = "buildversionhistory.plist" in parts and "index.xml" in parts
    if "index/document.iwa" in parts or "index.zip" in parts or old:
        return Sniffed("unsupported", "an Apple Numbers, Pages or Keynote document")
    return None


def _archive(parts: Parts) -> Sniffed:
    names: List[str] = [info.filename for info in list(parts.infos.values())[:3]]
    listed = ", ".join(ascii(name)[1:-1][:60] for name in names)
    more = ", …" if len(parts.infos) > len(names) else ""
    return Sniffed("zip", f"a zip archive of {len(parts.infos)} file(s): {listed}{more}")
