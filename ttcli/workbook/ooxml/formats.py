"""What a number format code makes of a number: ECMA-376 part 1, §18.8.30 and §18.8.31.

A code has up to four sections (positive; negative; zero; text). Colours, conditions, locales,
quoted or escaped letters and paddings say nothing about the kind and are taken out first: `[Red]`
holds a d, and `0.00"days"` is no date.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, List, NamedTuple

from ttcli.cells import GENERAL, Format, Kind

# Written as id only, never spelt in styles.xml; 27 to 36 and 50 to 58 are the East Asian dates.
_BUILTIN: Dict[int, str] = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: '"$"#,##0_);("$"#,##0)',
    6: '"$"#,##0_);[Red]("$"#,##0)',
    7: '"$"#,##0.00_);("$"#,##0.00)',
    8: '"$"#,##0.00_);[Red]("$"#,##0.00)',
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "mm-dd-yy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yy h:mm",
    **dict.fromkeys([*range(27, 32), *range(34, 37), *range(50, 59)], "yyyy-mm-dd"),
    32: "h:mm",
    33: "h:mm:ss",
    37: "#,##0_);(#,##0)",
    38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);[Red](#,##0.00)",
    41: "_(* #,##0_);_(* (#,##0);_(* -_);_(@_)",
    42: '_("$"* #,##0_);_("$"* (#,##0);_("$"* -_);_(@_)',
    43: "_(* #,##0.00_);_(* (#,##0.00);_(* -??_);_(@_)",
    44: '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* -??_);_(@_)',
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mmss.0",
    48: "##0.0E+0",
    49: "@",
}

_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.I)
_SILENT = re.compile(
    r"""
      "[^"]*"?          # a literal
    | \\.               # an escaped character
    | [_*].             # a padding as wide as, or filled with, a character
    | \[[^\]]*\]?       # colour, condition, locale, calendar
    | general|standard  # the word; LibreOffice may write it in German
    | e[+-]             # an exponent
    | am/pm | a/p
    """,
    re.I | re.X | re.S,
)
_CLOCK_MINUTES = re.compile(r"(?:h[^a-z]*m{1,2}(?!m))|(?:(?<!m)m{1,2}[^a-z]*s)", re.I)
_FRACTION = re.compile(r"s[.,]0+", re.I)
_INVISIBLE = re.compile(r"[_*].|\[[^\]]*\]", re.S)
_PURE_ZEROS = re.compile(r"00+\Z")
_SECTION_END = re.compile(r'("[^"]*"?|\\.|[_*].|\[[^\]]*\]?)|;', re.S)


class Style(NamedTuple):
    """What a number is when it is shown in some style."""

    kind: Kind
    format: Format


GENERAL_STYLE = Style(Kind.NUMBER, GENERAL)


def builtin_style(number: int) -> Style:
    """The style of a number format that is known by its id alone; unknown ones are General."""
    return style_of(_BUILTIN.get(number, "General"))


@lru_cache(maxsize=4096)
def style_of(code: str) -> Style:
    """The kind that a number format code gives a number, and what else it says."""
    sections = _sections(code)
    kinds = [_kind(section) for section in sections[:3]]
    kind = next((kind for kind in kinds if kind is not Kind.NUMBER), Kind.NUMBER)
    zeros = _INVISIBLE.sub("", sections[0])
    percent = kind is Kind.NUMBER and "%" in _SILENT.sub("", sections[0])
    return Style(kind, Format(len(zeros) if _PURE_ZEROS.match(zeros) else 0, percent, code))


def _sections(code: str) -> List[str]:
    return _SECTION_END.sub(lambda match: match[1] or "\0", code).split("\0")


def _kind(section: str) -> Kind:
    letters = _SILENT.sub("", _ELAPSED.sub("s", section)).lower()
    if re.search("[0#?]", _FRACTION.sub("s", letters)):
        return Kind.NUMBER  # `0 EUR`, unquoted, holds an era's e and no era
    if _ELAPSED.search(section):
        return Kind.DURATION
    clock = _CLOCK_MINUTES.sub("h", letters)
    if re.search("[dyegbm]", clock):
        return Kind.DATE
    return Kind.TIME if re.search("[hs]", clock) else Kind.NUMBER
