"""expat, set up so that a hostile part can do nothing but be refused.

A document type declaration is refused wherever it stands: entity bombs and external entities need
one, and no OOXML writer has a use for it.
"""

from __future__ import annotations

import itertools
from typing import Any, Callable, Dict, Iterable, List, NoReturn, Optional, Tuple
from xml.parsers import expat

from ttcli.errors import BadItem

StartHandler = Callable[[str, Dict[str, str]], None]
EndHandler = Callable[[str], None]
TextHandler = Callable[[str], None]

# Names of these namespaces are given without them; strict OOXML (ISO 29500-1) has its own.
_OURS = frozenset(
    [
        "",
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
        "http://schemas.openxmlformats.org/package/2006/relationships",
    ]
)
# expat keeps an unfinished tag in memory; one that long is no spreadsheet's.
_LONGEST_TOKEN = 1 << 24
MOST_NAMES = 4096
_DEEPEST = 256
_UTF_8 = ("", "utf-8")
_RESEND = "open it in Excel, save it, and ask the sender for that copy"


class LocalNames(Dict[str, str]):
    """`namespace local` → `local` for a workbook's own namespaces; other names stay."""

    def __missing__(self, name: str) -> str:
        if len(self) > MOST_NAMES:
            raise BadItem(f"more than {MOST_NAMES} names of elements", "", "hostile")
        namespace, _, local = name.rpartition(" ")
        short = self[name] = local if namespace in _OURS else name
        return short


class Parser:
    """One expat parser over one part.

    Args:
        part: The part's name, for messages.
        start: Called with `namespace local` and the attributes.
        end: Called with `namespace local`.
        text: Called with character data, in pieces as large as expat can make them.

    Attributes:
        prefixes: The namespace prefixes that hold at this place.
    """

    def __init__(
        self,
        part: str,
        start: StartHandler,
        end: Optional[EndHandler] = None,
        text: Optional[TextHandler] = None,
    ) -> None:
        self.part = part
        self._encoding = ""
        self.prefixes: List[str] = []
        self._fed = 0
        self._expat = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._enter_namespace
        parser.EndNamespaceDeclHandler = self._leave_namespace

    def feed(self, data: bytes) -> None:
        """Parses some more bytes.

        Raises:
            BadItem: They are not well-formed XML, or hold a DTD.
        """
        self._parse(data, False)
        self._fed += len(data)
        if self._fed - self._expat.CurrentByteIndex > _LONGEST_TOKEN:
            raise BadItem(f"{self.part}: a tag of more than 16 MB", "", "limit")

    @property
    def is_settled(self) -> bool:
        """Whether all that was fed has been parsed; expat 2.6 and later may put some of it off."""
        return self._fed == self._expat.CurrentByteIndex

    @property
    def is_utf_8(self) -> bool:
        """Whether the part's bytes may be taken for UTF-8."""
        return self._encoding in _UTF_8

    def close(self) -> None:
        """Ends the document; raises BadItem if it is not complete."""
        self._parse(b"", True)

    def _parse(self, data: bytes, final: bool) -> None:
        try:
            self._expat.Parse(data, final)
        except expat.ExpatError as error:
            self._refuse(str(error))
        except (
            LookupError,
            ValueError,
        ) as error:  # an encoding that Python knows not, or not as 8 bits
            self._refuse(f"its encoding: {error}")

    def _refuse(self, reason: str) -> NoReturn:
        raise BadItem(f"{self.part} is not well-formed XML: {reason}", _RESEND, "damaged")

    def _declaration(self, _version: str, encoding: Optional[str], _standalone: int) -> None:
        self._encoding = (encoding or "").lower()

    def _enter_namespace(self, prefix: Optional[str], _address: Optional[str]) -> None:
        self.prefixes.append(prefix or "")

    def _leave_namespace(self, _prefix: Optional[str]) -> None:
        self.prefixes.pop()

    def _doctype(self, *_: Any) -> NoReturn:
        raise BadItem(
            f"{self.part} holds a document type declaration",
            "no spreadsheet program writes one; look at who sent the file",
            "hostile",
        )


def check_depth(depth: int) -> None:
    """Raises BadItem if elements stand in each other deeper than in any spreadsheet."""
    if depth > _DEEPEST:
        raise BadItem(f"elements nested more than {_DEEPEST} deep", "", "hostile")


_Event = Tuple[str, Optional[Dict[str, str]]]
"""The start of an element, or its end where there are no attributes."""


class _Known:
    """What small parts of earlier workbooks said: a sender's next one mostly says the same.

    A part is known by all of its bytes, and one that was not parsed to its end is not kept.
    """

    _MOST_BYTES = 1 << 15
    _MOST_PARTS = 32

    def __init__(self) -> None:
        self._events: Dict[bytes, List[_Event]] = {}

    def find(self, content: bytes) -> Optional[List[_Event]]:
        return self._events.get(content)

    def takes(self, content: bytes) -> bool:
        return 0 < len(content) <= self._MOST_BYTES

    def keep(self, content: bytes, events: List[_Event]) -> None:
        if len(self._events) >= self._MOST_PARTS:
            del self._events[next(iter(self._events))]
        self._events[content] = events


_KNOWN = _Known()


def parse_part(
    chunks: Iterable[bytes],
    part: str,
    start: StartHandler,
    end: Optional[EndHandler] = None,
) -> None:
    """Parses a whole part; names reach the handlers without the workbook's own namespaces.

    Args:
        start: May keep the attributes it is given, and not change them.

    Raises:
        BadItem: The part is damaged or hostile.
    """
    pieces = iter(chunks)
    content = next(pieces, b"")
    rest = next(pieces, b"")
    if rest or not _KNOWN.takes(content):
        _parse(itertools.chain([content, rest], pieces), part, start, end)
        return
    events = _KNOWN.find(content)
    if events is None:
        events = _events(content, part)
        _KNOWN.keep(content, events)
    for name, attributes in events:
        if attributes is not None:
            start(name, attributes)
        elif end:
            end(name)


def _events(content: bytes, part: str) -> List[_Event]:
    events: List[_Event] = []
    _parse(
        [content],
        part,
        lambda name, attributes: events.append((name, attributes)),
        lambda name: events.append((name, None)),
    )
    return events


def _parse(
    chunks: Iterable[bytes], part: str, start: StartHandler, end: Optional[EndHandler]
) -> None:
    names = LocalNames()
    depth = 0

    def short_start(name: str, attributes: Dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        check_depth(depth)
        start(names[name], attributes)

    def short_end(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end:
            end(names[name])

    parser = Parser(part, short_start, short_end)
    for chunk in chunks:
        parser.feed(chunk)
    parser.close()
