"""Strings that are split by what stands between them are those that the expression finds."""

from __future__ import annotations

from typing import List, Optional

from hypothesis import given, settings
from hypothesis import strategies as st

from ttcli.workbook.ooxml.rawtext import (
    StringSpelling,
    Unproven,
    prove_characters,
    raw_strings,
    string_spelling,
)

PIECES = ["<si>", "<t>", "</t>", "</si>", "<si><t>", "</t></si>", "</t></si><si><t>", "<t/>", "<r>"]
PIECES += ["a", " ", "]]>", ">", "&", "<!---->", "<si/>", '<t xml:space="preserve">']
PREFIXES = ["", "x:"]


def found(xml: bytes, spelling: StringSpelling) -> Optional[List[bytes]]:
    """By the expression alone."""
    try:
        prove_characters(xml)
    except Unproven:
        return None
    every = spelling.pattern.findall(xml)
    return [text for _, text in every] if sum(len(all_) for all_, _ in every) == len(xml) else None


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6), st.sampled_from(PREFIXES), st.booleans())
def test_splitting_is_finding(pieces: List[str], prefix: str, framed: bool) -> None:
    """Whatever the XML is."""
    text = "".join(pieces)
    text = f"<si><t>{text}</t></si>" if framed else text
    xml = text.replace("</", "\0").replace("<", f"<{prefix}").replace("\0", f"</{prefix}").encode()
    spelling = string_spelling(prefix.encode())
    try:
        split: Optional[List[bytes]] = list(raw_strings(xml, spelling))
    except Unproven:
        split = None
    assert split == found(xml, spelling)
