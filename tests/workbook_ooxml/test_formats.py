"""Number format codes."""

from __future__ import annotations

import pytest

from ttcli.cells import Kind
from ttcli.workbook.ooxml.formats import builtin_style, style_of

CODES = {
    Kind.NUMBER: [
        "General", "0", "0.00", "#,##0.00", "0.00E+00", "[Red]0", '0.00"days"', r"0\d", "0_d",
        "#,##0.00 [$EUR]", "[$-409]#,##0", "0 EUR", "# ??/??", "@", "", ";;;", "[>=100]0;[Blue]0",
        "General;[Red]-General", "Standard", '"dd/mm/yyyy"0', "* #,##0", "0000",
    ],
    Kind.DATE: [
        "yyyy-mm-dd", "d-mmm-yy", "[$-409]d-mmm-yy;@", "mm", "mmm", "yyyy\\-mm\\-dd\\ hh:mm",
        "m/d/yy h:mm", "dd.mm.yyyy hh:mm:ss.000", "[$-411]ge.m.d", '"on "d', "DD/MM/YYYY", "e",
        "[$-F800]dddd, mmmm dd, yyyy", "[Red]dd/mm", 'yyyy"年"m"月"d"日"', "mmm s",
    ],
    Kind.TIME: ["h:mm", "hh:mm:ss", "mm:ss", "mmss.0", "h:mm AM/PM", "[$-409]h:mm:ss A/P;@"],
    Kind.DURATION: ["[h]:mm", "[hh]:mm:ss", "[mm]:ss", "[ss]", "[H]:MM", "[ss].00"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "code"), [(k, code) for k, codes in CODES.items() for code in codes]
)
def test_the_code_tells_the_kind(kind, code):
    """Only letters that Excel itself would replace make a date of a number."""
    assert style_of(code).kind is kind


@pytest.mark.parametrize(
    ("code", "zeros"),
    [("00000000000", 11), ("[Red]000;-000", 3), ("0", 0), ("00.0", 0), ('00"x"', 0), ("#000", 0)],
)
def test_only_pure_zeros_pad(code, zeros):
    """A format pads a number only if its first section is zeros and nothing that shows."""
    assert style_of(code).format.zeros == zeros


def test_percent_is_noticed_outside_quotes():
    """`0%` multiplies by 100, `0"%"` does not."""
    assert style_of("0.00%").format.percent
    assert not style_of('0.00"%"').format.percent


@pytest.mark.parametrize(
    ("number", "kind"),
    [(0, Kind.NUMBER), (10, Kind.NUMBER), (14, Kind.DATE), (20, Kind.TIME), (22, Kind.DATE),
     (45, Kind.TIME), (46, Kind.DURATION), (31, Kind.DATE), (44, Kind.NUMBER), (163, Kind.NUMBER)],
)  # fmt: skip
def test_builtin_formats_are_known_by_id(number, kind):
    """An id without a code in styles.xml has the meaning of ECMA-376 part 1, §18.8.30."""
    assert builtin_style(number).kind is kind
