"""Numbers, never by way of a rounded float: the decimal the file says is the decimal stored."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Optional, Tuple, Union

from ttcli.cells import Cell, Kind
from ttcli.patterns import late
from ttcli.rows.scalars.rule import NULL, Outcome, Rejected, Rule, wrong_kind

UNSAFE = Decimal(10) ** 15
"""Excel keeps 15 digits; from here on a whole number may have lost its last ones."""

_NUMBER = re.compile(r"[+-]?(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE][+-]?[0-9]+)?")
_FIFTEEN = Context(prec=15)
_WIDE = Context(prec=2000)
_RANGE = {"int2": 2**15, "int4": 2**31, "int8": 2**63}


def exact(text: str) -> Optional[Decimal]:
    """The number a workbook means by its digits; None if that is none, or beyond a double.

    Whole numbers and up to 15 digits are taken as they stand. With more the file spells out a
    binary fraction (`1.1000000000000001`), and the shortest decimal for that double is meant.
    """
    match = _NUMBER.fullmatch(text)
    value = float(text) if match else float("inf")
    if match is None or value in (float("inf"), float("-inf")):
        return None
    if value == 0:
        return Decimal(0)  # 0E999999999 would have a billion zeros
    figures = "".join(filter(None, match.groups())).strip("0")
    as_it_stands = len(figures) <= 15 or text.lstrip("+-").isdigit()
    return Decimal(text) if as_it_stands else Decimal(repr(value))


def digits(number: Decimal) -> str:
    """A number without exponent and without zeros that say nothing: `1.50` → `1.5`."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_whole(number: Decimal) -> bool:
    """Whether there is nothing after the decimal point."""
    return number == number.to_integral_value()


def no_key(number: Decimal) -> Rejected:
    """Why a number cannot be a key."""
    if is_whole(number):
        return Rejected(
            "key-precision",
            "precision lost: more than 15 digits stored as a number;"
            " format the column as Text and enter it again",
        )
    return Rejected("key-fraction", "a number with a fraction cannot be a key")


def to_integer(cell: Cell, rule: Rule) -> Outcome:
    """int2, int4 and int8: whole numbers in range; a fraction is never rounded away."""
    number = _number(cell, rule)
    if not isinstance(number, Decimal):
        return number
    if not is_whole(number):
        number = _FIFTEEN.plus(number)  # 2.9999999999999996 is what arithmetic makes of 3
    if not is_whole(number):
        return Rejected("not-whole", f"{digits(number)[:40]} is not a whole number")
    bound = _RANGE[rule.column.type]
    if not -bound <= number < bound:
        return Rejected("number-range", f"{digits(number)[:40]} is beyond {rule.column.declared}")
    if rule.key and cell.kind is Kind.NUMBER and abs(number) >= UNSAFE:
        return no_key(number)
    return b"%d" % int(number)


def to_numeric(cell: Cell, rule: Rule) -> Outcome:
    """numeric and numeric(p,s): the exact decimal; the server rounds it to its scale."""
    number = _number(cell, rule)
    if not isinstance(number, Decimal):
        return number
    if rule.key and cell.kind is Kind.NUMBER and abs(number) >= UNSAFE:
        return no_key(number)
    precision, scale = precision_of(rule.column.declared)
    rounded = (
        number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _WIDE) if precision else number
    )
    if precision and abs(rounded) >= Decimal(10) ** (precision - scale):
        return Rejected("number-range", f"{digits(number)[:40]} is beyond {rule.column.declared}")
    return digits(number).encode()


_DECLARED = re.compile(r".*\(([0-9]+)(?:,\s*(-?[0-9]+))?\)")


def precision_of(declared: str) -> Tuple[int, int]:
    """Precision and scale of `numeric(10,2)`; (0, 0) for plain `numeric`."""
    match = _DECLARED.match(declared)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)


_LARGEST = {"float4": 3.4028234e38, "float8": 1.7976931348623157e308}
_SMALLEST = {"float4": 1.1754944e-38, "float8": 2.2250738585072014e-308}


def to_float(cell: Cell, rule: Rule) -> Outcome:
    """float4 and float8: the file's own digits, which the server reads as the same double."""
    number = _number(cell, rule)
    if not isinstance(number, Decimal):
        return number
    size = abs(float(number))
    if size > _LARGEST[rule.column.type]:
        return Rejected("number-range", f"{digits(number)[:40]} is beyond {rule.column.declared}")
    if size < _SMALLEST[rule.column.type] and cell.text.strip("+-0."):
        return b"0"  # the server refuses what underflows
    return cell.text.encode() if cell.kind is Kind.NUMBER else digits(number).encode()


def _number(cell: Cell, rule: Rule) -> Union[Decimal, Rejected, bytes]:
    """The number of a cell, NULL for a text of blanks, or why it is none."""
    if cell.kind is Kind.NUMBER:
        number = exact(cell.text)
        return (
            Rejected("number-text", f"{cell.text[:40]!r} is not a number")
            if number is None
            else number
        )
    if cell.kind is not Kind.TEXT:
        return wrong_kind(cell, rule)
    text = " ".join(cell.text.split())
    return from_text(text, rule) if text else NULL


_PLAIN = late(r"[+-]?[0-9]{1,100}(\.[0-9]{1,100})?(?:[eE][+-]?[0-9]{1,2})?")
_THOUSANDS_OR_NOT = late(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_GROUPED = {
    ".": late(
        r"[+-]?[0-9]{1,3}(?:([,' ’])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]*)?|[+-]?[0-9]*\.?[0-9]+"
    ),
    ",": late(
        r"[+-]?[0-9]{1,3}(?:([.' ’])[0-9]{3})(?:\1[0-9]{3})*(?:,[0-9]*)?|[+-]?[0-9]*,?[0-9]+"
    ),
}


def from_text(text: str, rule: Rule) -> Union[Decimal, Rejected]:
    """A number that stands as text, by the column's declared decimal mark and unit only.

    Without a declared mark `1188`, `-3` and `12.5` say what they are, and `1.188` does not.
    """
    bare = _without_unit(text, rule.settings.unit or ())
    mark = rule.settings.decimal
    if mark:
        grouped = len(bare) <= 200 and _GROUPED[mark].fullmatch(bare)
        if not grouped:
            return _not_a_number(text)
        figures = re.sub(rf"[^0-9+\-{mark}]", "", bare)
        return Decimal(figures.replace(mark, "."))
    if _THOUSANDS_OR_NOT.fullmatch(bare) and not rule.plain_text:
        return Rejected(
            "number-ambiguous",
            f"{text!r} is a text and may mean thousands or a fraction:"
            " set `decimal` for the column",
        )
    return Decimal(bare) if _PLAIN.fullmatch(bare) else _not_a_number(text)


def _without_unit(text: str, units: Tuple[str, ...]) -> str:
    for unit in sorted(units, key=len, reverse=True):
        if text.lower().endswith(unit.lower()):
            return text[: -len(unit)].rstrip()
    return text


def _not_a_number(text: str) -> Rejected:
    return Rejected(
        "number-text",
        f"{text[:40]!r} is a text, not a number:"
        " enter a number, or set `decimal` or `unit` for the column",
    )
