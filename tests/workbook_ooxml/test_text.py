"""Text on its way from XML to COPY."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ttcli.cells import Block, Cell, Column, Kind, MixedColumn, cells_of, from_copy, to_copy
from ttcli.workbook.ooxml.text import clean

texts = st.text(st.characters(blacklist_categories=["Cs"]))


@given(texts)
def test_copy_text_is_one_field_and_comes_back(text):
    """No text can end a field or a line of COPY, and nothing of it is lost but blanks alone."""
    raw = to_copy(text)

    assert not set(b"\t\n\r") & set(raw)
    assert from_copy(raw) == (text if text.strip() else "")


@given(texts)
def test_cleaned_text_has_no_controls(text):
    """PostgreSQL refuses NUL, and no field wants the other C0 controls."""
    assert not [letter for letter in clean(text) if letter < " " and letter not in "\t\n"]


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"])))
def test_escaped_characters_come_back(text):
    """`_xHHHH_` for every UTF-16 unit is the text itself."""
    units = text.encode("utf-16-be")
    escaped = "".join(f"_x{units[i]:02X}{units[i + 1]:02x}_" for i in range(0, len(units), 2))

    assert clean(escaped) == text


def test_cells_come_row_by_row_whatever_the_columns_are():
    """Uniform and mixed columns give the same cells: texts of blanks too, empty ones not."""
    cells = [Cell(Kind.TEXT, "a\tb"), None, Cell(Kind.TEXT, "c"), Cell(Kind.TEXT, " ")]
    uniform = Column(Kind.TEXT, [b"a\\tb", b"", b"c", b""], blanks={3: " "})
    block = Block([3, 4, 9, 11], {2: uniform, 1: MixedColumn(cells)})

    expected = [
        (row, column, cells[at]) for at, row in [(0, 3), (2, 9), (3, 11)] for column in (1, 2)
    ]
    assert list(cells_of(block)) == expected
