"""docs/mapping.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ttcli.rows.mapping import ColumnSettings, Profile
from ttcli.rows.mapping_file import load_mapping
from ttcli.rows.scalars.rule import REPAIRS, WARNINGS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")


def section(title):
    return PAGE.split(f"## {title}")[1].split("\n## ")[0]


def test_example_is_allowed():
    """The example is a correct mapping.toml that uses what it explains."""
    example = re.search(r"```toml\n(.*?)```", PAGE, re.S)[1]

    mapping = load_mapping(example).for_sender("x@us.acme.example")

    assert mapping.settings("eta").date_order == "mdy"
    assert mapping.settings("hawb").pad == 11
    assert mapping.settings("status").order[0] == "BKD"


def test_every_setting_is_described():
    """The tables list exactly the settings there are."""
    described = set(re.findall(r"^\| `(\w+)` \|", section("Settings of a column"), re.M))
    layers = set(re.findall(r"^\| `(\w+)` \|", section("At the top"), re.M))

    assert described == set(ColumnSettings._fields)
    assert layers == {*Profile._fields, "expect", "expect_rows", "expect_zone"}


def test_every_rule_is_described():
    """Each rule that a reject can carry stands in the table, and no other."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "ttcli" / "rows").rglob("*.py")]
    code = "\n".join(sources)
    used = set(re.findall(r'Rejected\(\s*"([a-z-]+)"', code))
    used |= set(re.findall(r'_parsed\([^)]*?\)?, "(not-[a-z]+)"', code)) | {
        "not-json",
        "not-uuid",
        "not-inet",
    }
    used |= set(re.findall(r'"(key-date|awb-date|duplicate-in-file)"', code))
    described = set(re.findall(r"`([a-z]+-[a-z-]+|pattern|note)`", section("rejects.csv")))

    assert used - {"total"} == described


def test_every_note_is_described():
    """The table of repairs and warnings lists exactly those there are."""
    described = set(re.findall(r"^\| `([a-z-]+)` \|", section("Repairs and warnings"), re.M))

    assert described == REPAIRS | WARNINGS
