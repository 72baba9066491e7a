"""Texts: blanks, canonical form, TOTAL, COPY's escapes, every kind of cell in a text column."""

from __future__ import annotations

import re
import unicodedata
from typing import Callable, Dict, NamedTuple, Union

from ttcli.cells import Cell, Kind, to_copy
from ttcli.patterns import late
from ttcli.rows.scalars import awb, dates, numbers
from ttcli.rows.scalars.rule import NULL, Noted, Outcome, Rejected, Rule

_TOTAL = late(
    r"(?:(?:grand|sub|over ?all|net|final)[ -]?)?(?:totals?|sum)\b|summe\b|gesamt(?:summe)?\b"
    r"|total g[eé]n[eé]ral\b|tổng(?: cộng| số)?\b|jumlah\b|合计|总计|小计|總計|合計|小計",
    re.IGNORECASE,
)
_REST = late(r"[\s:=.,()0-9]*")

TOTAL = Rejected("total", "a row of totals, not a shipment")


def copy_bytes(text: str) -> bytes:
    """A text as a field of PostgreSQL's COPY text format.

    PostgreSQL has no NUL and no half of a surrogate pair in a text, and would refuse the row.
    """
    try:
        return to_copy(text.replace("\0", ""))
    except UnicodeEncodeError:
        return to_copy(text.encode("utf-8", "replace").decode().replace("\0", ""))


def canonical(text: str) -> str:
    """A key or a heading without what cannot be seen.

    NFKC turns full-width letters and no-break blanks into plain ones; zero-width and other
    format characters (category Cf) go; blanks are trimmed and runs of them become one.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return " ".join(text.split())


def is_total(text: str) -> bool:
    """Whether a cell says that its row is one of totals: `TOTAL`, `Grand total: 45`, `合计`."""
    match = _TOTAL.match(text)
    return bool(match and _REST.fullmatch(text, match.end()))


class Spelled(NamedTuple):
    """A cell as text, and the note for it if there is one."""

    text: str
    note: str = ""


Spelling = Union[Spelled, Rejected]


def to_text(cell: Cell, rule: Rule) -> Outcome:
    """Any cell in a column of a text type."""
    spelled = _SPELL[cell.kind](cell, rule)
    if isinstance(spelled, Rejected):
        return spelled
    if not spelled.text.replace("\0", "").strip():
        return NULL
    spelled = _padded(_cased(spelled, rule), rule)
    fault = _fault(spelled.text, rule)
    if fault:
        return fault
    value = copy_bytes(spelled.text)
    return Noted(value, spelled.note) if spelled.note else value


def _from_text(cell: Cell, rule: Rule) -> Spelling:
    if rule.form == "text" and not rule.key:
        return Spelled(cell.text)
    text = canonical(cell.text)
    if rule.key and is_total(text):
        return TOTAL
    if rule.key and awb.is_scientific(text) and not _allowed(text, rule):
        return awb.DIGITS_GONE
    return _in_form(text, rule)


def _in_form(text: str, rule: Rule) -> Spelling:
    if rule.form != "mawb":
        return Spelled(text)
    number = awb.mawb(text)
    if number.note == "mawb-check-digit":
        return _bad_check_digit(text, rule)
    return Spelled(number.text, number.note)


def _bad_check_digit(text: str, rule: Rule) -> Spelling:
    if rule.settings.check_digit == "reject":
        return Rejected(
            "mawb-check-digit", "the last digit is not the remainder of the serial by 7"
        )
    return Spelled(text, "" if rule.settings.check_digit == "ignore" else "mawb-check-digit")


def _from_number(cell: Cell, rule: Rule) -> Spelling:
    number = numbers.exact(cell.text)
    if number is None:
        return Rejected("number-text", f"{cell.text[:40]!r} is not a number")
    if rule.key and (abs(number) >= numbers.UNSAFE or not numbers.is_whole(number)):
        return numbers.no_key(number)
    digits = numbers.digits(number)
    padded = digits.zfill(cell.format.zeros) if digits.isdigit() else digits
    if padded != digits:
        return _noted(_in_form(padded, rule), "zero-padded")
    if abs(number) >= numbers.UNSAFE:
        return Spelled(digits, "number-precision")
    return _in_form(digits, rule)


def _noted(spelling: Spelling, note: str) -> Spelling:
    return spelling if isinstance(spelling, Rejected) else Spelled(spelling.text, note)


def _from_moment(cell: Cell, rule: Rule) -> Spelling:
    """Excel turns `1-2345` or `MAR-10` into dates: as a number of a shipment that is damage."""
    if rule.form != "text":
        return Rejected(
            "key-date" if rule.key else "awb-date",
            f"Excel took this for a {cell.kind.value}:"
            " format the column as Text and enter it again",
        )
    written = dates.as_text(cell, rule)
    return written if isinstance(written, Rejected) else Spelled(written)


def _from_bool(cell: Cell, rule: Rule) -> Spelling:
    if rule.form != "text":
        return Rejected("wrong-kind", "true or false is no number of a shipment")
    return Spelled("TRUE" if cell.text == "1" else "FALSE")


_SPELL: Dict[Kind, Callable[[Cell, Rule], Spelling]] = {
    Kind.TEXT: _from_text,
    Kind.NUMBER: _from_number,
    Kind.DATE: _from_moment,
    Kind.TIME: _from_moment,
    Kind.DURATION: _from_moment,
    Kind.BOOL: _from_bool,
}


def _cased(spelled: Spelled, rule: Rule) -> Spelled:
    if rule.settings.case == "upper":
        return Spelled(spelled.text.upper(), spelled.note)
    if rule.settings.case == "lower":
        return Spelled(spelled.text.lower(), spelled.note)
    return spelled


def _padded(spelled: Spelled, rule: Rule) -> Spelled:
    """Zeros that a sender is known to lose; only digits are ever padded."""
    width = rule.settings.pad or 0
    if len(spelled.text) < width and spelled.text.isascii() and spelled.text.isdigit():
        return Spelled(spelled.text.zfill(width), "zero-padded")
    return spelled


def _allowed(text: str, rule: Rule) -> bool:
    return bool(rule.settings.pattern and re.fullmatch(rule.settings.pattern, text))


def _fault(text: str, rule: Rule) -> Union[Rejected, None]:
    if rule.settings.pattern and not _allowed(text, rule):
        return Rejected("pattern", f"does not match the column's pattern {rule.settings.pattern}")
    length = rule.column.length
    # PostgreSQL cuts blanks beyond varchar(n) and char(n) silently, so they do not count.
    if length is not None and len(text) > length and len(text.rstrip(" ")) > length:
        return Rejected(
            "too-long", f"{len(text)} characters, {rule.column.declared} holds {length}"
        )
    return None
