"""How a whole column of one kind is converted: prove that its cells need no change, or map them.

A plan takes what a uniform column holds and gives the fields, the indexes of the cells that it
could not prove (their fields are worth nothing), and notes. What a plan proves is narrow on
purpose: the forms that nearly all cells have. `tests/rows` hold every plan against the scalar
functions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, Optional, Protocol, Sequence

from ttcli.cells import Format, Kind
from ttcli.rows.columns.dates import IsoPlan, SerialPlan
from ttcli.rows.columns.proof import Planned, Proof, blanks_as_null
from ttcli.rows.scalars.numbers import precision_of
from ttcli.rows.scalars.rule import NULL, Rule

TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name"})
_DATES = frozenset({"date", "timestamp", "timestamptz"})


class Plan(Protocol):
    """A way to convert a column at once."""

    def convert(self, raw: Sequence[bytes]) -> Planned:
        """Fields, indexes of doubtful cells, notes → indexes."""


class Unchanged(NamedTuple):
    """What a cell holds is the field."""

    proof: Proof

    def convert(self, raw: Sequence[bytes]) -> Planned:
        """See Plan."""
        return blanks_as_null(raw), self.proof.doubtful(raw), {}


class PlainText(NamedTuple):
    """A text is the field, if it fits the column: it has no more letters than bytes."""

    longest: Optional[int]

    def convert(self, raw: Sequence[bytes]) -> Planned:
        """See Plan."""
        doubtful: Sequence[int] = ()
        longest = self.longest
        if longest is not None and max(map(len, raw), default=0) > longest:
            doubtful = [index for index, value in enumerate(raw) if len(value) > longest]
        return blanks_as_null(raw), doubtful, {}


class MawbText(NamedTuple):
    """`020-81140743` as it stands; a wrong check digit is noted."""

    proof: Proof
    warns: bool

    def convert(self, raw: Sequence[bytes]) -> Planned:
        """See Plan."""
        doubtful = self.proof.doubtful(raw)
        numbers = set(raw)
        if doubtful:  # what is no MAWB number at all is left to the scalar way
            numbers.difference_update([raw[index] for index in doubtful])
        numbers.discard(b"")
        wrong = {number for number in numbers if int(number[4:11]) % 7 != number[11] - 48}
        if not wrong or not self.warns:
            return blanks_as_null(raw), doubtful, {}
        places = [index for index, value in enumerate(raw) if value in wrong]
        return blanks_as_null(raw), doubtful, {"mawb-check-digit": places}


class ZeroPadded(NamedTuple):
    """Whole numbers whose format shows them with leading zeros, in a text column."""

    proof: Proof
    zeros: int

    def convert(self, raw: Sequence[bytes]) -> Planned:
        """See Plan."""
        zeros = self.zeros
        doubtful = set(self.proof.doubtful(raw))
        short = [i for i, v in enumerate(raw) if v and len(v) < zeros and i not in doubtful]
        values = [value.zfill(zeros) if value else NULL for value in raw]
        return values, sorted(doubtful), {"zero-padded": short} if short else {}


# No blank, so no note, no total and nothing to trim; a digit, so no total and no heading; no dot
# or plus, and nothing like 5E-10, so no number in scientific notation.
_KEY = rb"(?![0-9+-]{0,2}[eE][+-])[A-Za-z/_-]*[0-9][A-Za-z0-9/_-]*"
_MAWB = rb"[0-9]{3}-[0-9]{8}"
_WHOLE = rb"(?!-0\n)-?(?:0|[1-9][0-9]{0,%d})"
_NATURAL = rb"(?:0|[1-9][0-9]{0,14})"
_DECIMAL = rb"(?!-0\n)-?(?:0|[1-9][0-9]{0,%d})(?:\.[0-9]*[1-9])?"
_FLOAT = rb"-?(?:[1-9](?:\.[0-9]{1,20})?[eE][+-]?%s|[0-9]{1,17}(?:\.[0-9]{1,20})?)"
_SIXTEEN = 16  # 15 digits, and a point or a sign: more digits are a binary fraction spelled out
_WHOLE_DIGITS = {"int2": 4, "int4": 9, "int8": 15}


@lru_cache(maxsize=1024)  # the next workbook's columns are mostly the same; plans keep nothing
def plan_for(kind: Kind, shape: Format, rule: Rule) -> Optional[Plan]:
    """The plan for cells of one kind and format in a column, or None: one by one, then."""
    settings = rule.settings
    if rule.column.labels or (kind is Kind.TEXT and (settings.null_words or settings.unit)):
        return None
    if rule.column.type in TEXTS:
        return _text_plan(kind, shape, rule)
    if rule.column.type in _DATES:
        if kind is Kind.TEXT:
            return IsoPlan(rule)
        return SerialPlan(kind, rule) if kind in (Kind.DATE, Kind.NUMBER) else None
    return _number_plan(kind, rule)


def _text_plan(kind: Kind, shape: Format, rule: Rule) -> Optional[Plan]:
    length = rule.column.length
    if rule.settings.pattern or rule.settings.pad or rule.settings.case:
        return None
    if kind is Kind.NUMBER:
        return _number_text_plan(shape, rule)
    if kind is not Kind.TEXT:
        return None
    if rule.form == "mawb":
        if rule.settings.check_digit == "reject" or (length or 12) < 12:
            return None
        return MawbText(Proof(_MAWB), rule.settings.check_digit != "ignore")
    if rule.key or rule.form != "text":
        return Unchanged(Proof(_KEY, length))
    return PlainText(length)


def _number_text_plan(shape: Format, rule: Rule) -> Optional[Plan]:
    length = rule.column.length
    if rule.form == "mawb":
        return None
    if shape.zeros:
        fits = length is None or shape.zeros <= length
        return ZeroPadded(Proof(_NATURAL, length), shape.zeros) if fits else None
    longest = min(length or _SIXTEEN, _SIXTEEN)
    return Unchanged(Proof(_NATURAL if rule.key else _DECIMAL % 14, longest))


def _number_plan(kind: Kind, rule: Rule) -> Optional[Plan]:
    """Numbers, and texts that are plain numbers where the column says what a point means."""
    name = rule.column.type
    says_point = rule.settings.decimal == "." or (rule.plain_text and not rule.settings.decimal)
    if kind is not Kind.NUMBER and not (kind is Kind.TEXT and says_point):
        return None
    if name in _WHOLE_DIGITS:
        return Unchanged(Proof(_WHOLE % (_WHOLE_DIGITS[name] - 1)))
    if name in ("float4", "float8") and kind is Kind.NUMBER:
        return Unchanged(Proof(_FLOAT % (b"[12]?[0-9]" if name == "float4" else b"[0-9]{1,2}")))
    if name not in ("numeric", "float4", "float8"):
        return None
    precision, scale = precision_of(rule.column.declared)
    whole = min(precision - scale - 1, 15) if precision else 15
    return Unchanged(Proof(_DECIMAL % (whole - 1), _SIXTEEN)) if whole > 0 <= scale else None
