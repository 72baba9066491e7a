"""Air waybill numbers: what can be repaired safely, and what never is.

A master air waybill (MAWB) number is an airline's three-digit prefix, a seven-digit serial and a
check digit, the serial modulo 7 (IATA Resolution 600a). A house air waybill (HAWB) number is
whatever the forwarder likes: no length, no check digit, so it is never padded or repaired.
"""

from __future__ import annotations

from typing import NamedTuple

from ttcli.patterns import late
from ttcli.rows.scalars.rule import Rejected


class Mawb(NamedTuple):
    """The number in canonical form `020-81140743`, or as it came if it is not one.

    `note` is empty, `mawb-leading-zero` (repaired) or `mawb-check-digit` (wrong, kept as it came).
    """

    text: str
    note: str = ""


_MAWB = late(r"([0-9]{3})(?:[- /]?)([0-9]{4})[ -]?([0-9]{4})")


def mawb(text: str) -> Mawb:
    """Brings a MAWB number into canonical form; what is no MAWB number comes back untouched."""
    match = _MAWB.fullmatch(text)
    if match:
        prefix, serial = match[1], match[2] + match[3]
        return Mawb(f"{prefix}-{serial}") if is_valid(serial) else Mawb(text, "mawb-check-digit")
    if len(text) == 10 and text.isascii() and text.isdigit() and is_valid(text[2:]):
        return Mawb(f"0{text[:2]}-{text[2:]}", "mawb-leading-zero")
    return Mawb(text)


def is_valid(serial: str) -> bool:
    """Whether the eighth digit of the serial with check digit is right."""
    return int(serial[:7]) % 7 == int(serial[7])


# Excel writes a sign after E always; other programs leave out the plus, but not the point. So
# `12345E10` and `5E10` may be genuine numbers of a forwarder, and `1.23457E+11` never is.
_SCIENTIFIC = late(r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-][0-9]+|[+-]?[0-9][.,][0-9]+[eE][0-9]+")

DIGITS_GONE = Rejected(
    "key-scientific",
    "Excel has written the number in scientific notation, its digits are gone:"
    " format the column as Text and enter it again",
)


def is_scientific(text: str) -> bool:
    """Whether a text is what remains of a long number after a spreadsheet has shortened it."""
    return _SCIENTIFIC.fullmatch(text) is not None
