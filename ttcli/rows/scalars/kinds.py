"""From a PostgreSQL type to the function that converts one cell to it: the truth of this room."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Optional

from ttcli.cells import Cell, Kind
from ttcli.rows.scalars import dates, numbers, text
from ttcli.rows.scalars.rule import NULL, Noted, Outcome, Rejected, Rule, wrong_kind
from ttcli.table import TableColumn

Convert = Callable[[Cell, Rule], Outcome]

_ERROR = Rejected("error-cell", "the cell shows an error: correct its formula")
_FORMULA = Rejected(
    "formula-not-calculated", "not calculated: open the workbook in Excel and save it"
)
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}


def convert_cell(cell: Cell, rule: Rule) -> Outcome:
    """One cell as a COPY field, or why not; what every faster way must agree with."""
    if cell.kind is Kind.ERROR:
        return _ERROR
    if cell.kind is Kind.FORMULA:
        return _FORMULA
    if rule.settings.null_words and cell.kind is Kind.TEXT and _is_null_word(cell.text, rule):
        return NULL
    convert = converter(rule.column)
    assert convert, rule.column
    return convert(cell, rule)


def value_of(outcome: Outcome) -> bytes:
    """The field to write: NULL where the cell was rejected."""
    if isinstance(outcome, bytes):
        return outcome
    return outcome.value if isinstance(outcome, Noted) else NULL


def converter(column: TableColumn) -> Optional[Convert]:
    """The conversion to a column's type, or None if ttcli has none."""
    return _to_enum if column.labels else _CONVERT.get(column.type)


def _is_null_word(text: str, rule: Rule) -> bool:
    return text.strip().casefold() in rule.settings.null_words  # type: ignore[operator]


def _to_bool(cell: Cell, rule: Rule) -> Outcome:
    if cell.kind not in (Kind.BOOL, Kind.TEXT, Kind.NUMBER):
        return wrong_kind(cell, rule)
    number = numbers.exact(cell.text) if cell.kind is Kind.NUMBER else None
    word = cell.text.strip().lower() if number is None else numbers.digits(number)
    if not word:
        return NULL
    if word in _TRUE or word in _FALSE:
        return b"t" if word in _TRUE else b"f"
    return Rejected("not-bool", f"{word[:40]!r} is neither yes nor no")


def _to_enum(cell: Cell, rule: Rule) -> Outcome:
    if cell.kind not in (Kind.TEXT, Kind.NUMBER):
        return wrong_kind(cell, rule)
    number = numbers.exact(cell.text) if cell.kind is Kind.NUMBER else None
    word = cell.text.strip() if number is None else numbers.digits(number)
    if not word:
        return NULL
    if word not in rule.column.labels:
        return Rejected("not-in-enum", f"{word[:40]!r} is none of {', '.join(rule.column.labels)}")
    return text.copy_bytes(word)


def _parsed(parse: Callable[[str], str], rule_word: str, wanted: str) -> Convert:
    """A conversion from texts that a parser understands."""

    def convert(cell: Cell, rule: Rule) -> Outcome:
        if cell.kind is not Kind.TEXT:
            return wrong_kind(cell, rule)
        stripped = cell.text.strip()
        if not stripped:
            return NULL
        try:
            return text.copy_bytes(parse(stripped))
        except (ValueError, RecursionError):
            return Rejected(rule_word, f"{stripped[:40]!r} is not {wanted}")

    return convert


def _json(written: str) -> str:
    json.loads(written, parse_constant=_no_constant)
    if "\\u0000" in written:
        raise ValueError(written)  # jsonb has no NUL either
    return written


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _uuid(written: str) -> str:
    import uuid  # seldom needed, and slow to import

    return str(uuid.UUID(written))


def _inet(written: str) -> str:
    import ipaddress

    return str(ipaddress.ip_interface(written))


def _cidr(written: str) -> str:
    import ipaddress

    return str(ipaddress.ip_network(written))


_to_json_text = _parsed(_json, "not-json", "JSON")


def _to_json(cell: Cell, rule: Rule) -> Outcome:
    if cell.kind is Kind.NUMBER:
        return numbers.to_numeric(cell, rule)
    if cell.kind is Kind.BOOL:
        return b"true" if cell.text == "1" else b"false"
    return _to_json_text(cell, rule)


_CONVERT: Dict[str, Convert] = {
    **dict.fromkeys(("text", "varchar", "bpchar", "citext", "name"), text.to_text),
    **dict.fromkeys(("int2", "int4", "int8"), numbers.to_integer),
    "numeric": numbers.to_numeric,
    **dict.fromkeys(("float4", "float8"), numbers.to_float),
    "bool": _to_bool,
    "date": dates.to_date,
    **dict.fromkeys(("timestamp", "timestamptz"), dates.to_timestamp),
    "time": dates.to_time,
    "interval": dates.to_interval,
    "uuid": _parsed(_uuid, "not-uuid", "a UUID"),
    **dict.fromkeys(("json", "jsonb"), _to_json),
    "inet": _parsed(_inet, "not-inet", "an IP address"),
    "cidr": _parsed(_cidr, "not-inet", "an IP network"),
}
