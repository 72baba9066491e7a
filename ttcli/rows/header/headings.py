"""Which heading means which field. Exact only: HAWB and MAWB, ETA and ETD differ by one letter.

A heading is compared in normal form: NFKC, case folded, without blanks and punctuation, and
without a trailing No/Number. What can mean two fields means none.
"""

from __future__ import annotations

import unicodedata
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from ttcli.cells import Kind
from ttcli.patterns import late
from ttcli.rows.header.synonyms import FIELD_OF
from ttcli.rows.mapping import Mapping
from ttcli.table import TargetTable

_NUMBER_WORDS = ("numbers", "number", "num", "nos", "no", "nr")
_NOT_ALPHANUMERIC = {code: None for code in range(128) if not chr(code).isalnum()}
_BETWEEN_LANGUAGES = late(r"[/\n|(（]")
_TWO = "\0two fields"
_WORDS = (Kind.TEXT, Kind.ERROR, Kind.FORMULA)  # what is told by its letters


def normal(heading: str) -> str:
    """A heading's normal form: letters and digits only, so `HAWB No.` = `hawb_no` = `hawbno`."""
    if heading.isascii():
        return heading.lower().translate(_NOT_ALPHANUMERIC)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", heading).casefold())
    return "".join(letter for letter in text if unicodedata.category(letter)[0] in "LNM")


def _without_number(name: str) -> str:
    if name.endswith(_NUMBER_WORDS):
        word = next(word for word in _NUMBER_WORDS if name.endswith(word))
        return name[: -len(word)] or name
    return name


class Meaning(NamedTuple):
    """What a heading means.

    Attributes:
        field: The target column, or None.
        declared: mapping.toml itself says so.
        closed: It is known, but its column is not for workbooks to fill.
    """

    field: Optional[str] = None
    declared: bool = False
    closed: bool = False


class Headings:
    """The headings a target table and a mapping know, for looking one up.

    Args:
        table: Its columns' names are known, and stand for their synonyms.
        mapping: Its headings come before anything built in.
        closed: Columns that no heading may fill.
    """

    def __init__(self, table: TargetTable, mapping: Mapping, closed: Iterable[str] = ()) -> None:
        self._closed = frozenset(closed)
        self._own = _own_names([column.name for column in table.columns])
        self._built_in = _built_in([c.name for c in table.columns if c.name not in self._closed])
        self._declared = _declared(mapping)
        names = (*self._own, *self._built_in, *(name for name, _ in self._declared))
        self._has_numbers = any(name.isdigit() for name in names)
        self._ignored = frozenset(map(normal, mapping.profile.ignore_headings))

    def most(self, kinds: Dict[int, Kind], below: Dict[int, Kind]) -> int:
        """How many fields a row, alone or with the one below, can have at most.

        Args:
            kinds: Sheet column → kind of its cell; `below` the same.
        """
        if self._has_numbers:
            return len({*kinds, *below})
        return len({n for row in (kinds, below) for n, kind in row.items() if kind in _WORDS})

    def field(self, heading: str) -> Optional[str]:
        """The field a heading means, or None."""
        return self.meaning(heading, normal(heading), 1).field

    def meaning(self, heading: str, name: str, nth: int) -> Meaning:
        """What a heading means.

        Args:
            name: Its normal form.
            nth: Counts equal headings from the left.
        """
        declared = self._declared.get((name, nth)) or self._declared.get((name, 0))
        field = declared or self._known(name) or self._in_two_languages(heading)
        if name in self._ignored or field in self._closed:
            return Meaning(None, closed=True)
        return Meaning(field, declared=declared is not None)

    def _known(self, name: str) -> Optional[str]:
        for form in (name, _without_number(name)):
            found = self._own.get(form) or self._built_in.get(form)
            if found:
                return found if found != _TWO else None
        return None

    def _in_two_languages(self, heading: str) -> Optional[str]:
        """`HAWB / 分单号`: every part is known and means the same field; `ETD/ETA` means none."""
        if not _BETWEEN_LANGUAGES.search(heading):
            return None
        parts = [part for part in _BETWEEN_LANGUAGES.split(heading) if normal(part)]
        fields = {self._known(normal(part)) for part in parts}
        return fields.pop() if len(parts) > 1 and len(fields) == 1 else None


def _own_names(columns: List[str]) -> Dict[str, str]:
    """Normal form → column; without its No/Number too where no other column is called so."""
    own: Dict[str, str] = {}
    for column in columns:
        name = normal(column)
        own[name] = column if name not in own else _TWO
    for column in columns:
        short = _without_number(normal(column))
        if short not in own:
            own[short] = column
        elif own[short] != column and normal(own[short]) != short:
            own[short] = _TWO  # flight_no and flight_nr, and no flight
    return own


def _built_in(columns: List[str]) -> Dict[str, str]:
    """Synonym → column, for the columns that are called by a synonym themselves."""
    of_field: Dict[str, List[str]] = {}
    for column in columns:
        name = normal(column)
        field = FIELD_OF.get(name) or FIELD_OF.get(_without_number(name))
        if field:
            of_field.setdefault(field, []).append(column)
    chosen = {field: _speaker(field, names) for field, names in of_field.items()}
    return {word: chosen[field] for word, field in FIELD_OF.items() if chosen.get(field)}


def _speaker(field: str, columns: List[str]) -> str:
    """The column that a field's synonyms mean; of several only one of the field's very name."""
    if len(columns) == 1:
        return columns[0]
    exact = [column for column in columns if normal(column) == normal(field)]
    return exact[0] if len(exact) == 1 else ""


def _declared(mapping: Mapping) -> Dict[Tuple[str, int], str]:
    return {
        (normal(heading.text), heading.nth): field
        for field, headings in mapping.profile.headings.items()
        for heading in headings
    }


class Found(NamedTuple):
    """A row's headings held against what is known.

    Attributes:
        columns: Sheet column → (heading, field), for the headings that are known.
        unknown: Sheet column → heading.
        ignored: Sheet column → heading whose column is not for workbooks to fill.
        twice: Field → the sheet columns that all mean it.
    """

    columns: Dict[int, Tuple[str, str]]
    unknown: Dict[int, str]
    ignored: Dict[int, str]
    twice: Dict[str, List[int]]

    @property
    def fields(self) -> List[str]:
        """The fields found, each once."""
        return list(dict.fromkeys(field for _, field in self.columns.values()))


def match(texts: Dict[int, List[str]], headings: Headings) -> Found:
    """Holds the texts of a row against what is known.

    Args:
        texts: Sheet column → ways to read its heading, best first; the first known one counts.
    """
    found = Found({}, {}, {}, {})
    seen: Dict[str, int] = {}
    declared: Set[int] = set()
    for column in sorted(texts):
        closed = False
        for reading in texts[column]:
            name = normal(reading)
            nth = seen[name] = seen.get(name, 0) + 1
            meaning = headings.meaning(reading, name, nth)
            closed = closed or meaning.closed
            if meaning.field:
                found.columns[column] = (reading, meaning.field)
                declared.update([column] if meaning.declared else [])
                break
        else:
            (found.ignored if closed else found.unknown)[column] = texts[column][0]
    return _settled(found, declared)


def _settled(found: Found, declared: Set[int]) -> Found:
    """Of several columns with one field, the only one that mapping.toml itself names wins."""
    for field in found.fields:
        same = [column for column, (_, other) in found.columns.items() if other == field]
        said = [column for column in same if column in declared]
        if len(same) > 1 and len(said) != 1:
            found.twice[field] = same
        elif len(same) > 1:
            for column in set(same) - set(said):
                found.unknown[column] = found.columns.pop(column)[0]
    return found
