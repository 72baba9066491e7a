"""How a person sees what was rejected."""

from __future__ import annotations

from ttcli.views.rows import rejects


def reject(raw: str, rule: str) -> dict:
    """A line of rejects.csv."""
    found = {"sheet": "S", "cell": "B2", "heading": "Pcs", "raw text": raw, "rule": rule}
    return {**found, "reason": "why"}


def test_a_formula_is_shown_as_one() -> None:
    """`A1` alone would look like a text that somebody typed."""
    rule = "formula-not-calculated"
    found = [reject("A1", rule), reject("=", rule), reject("of:=[.A1]", rule), reject("A1", "text")]
    assert [line.split(" = ")[1] for line in rejects(found, 4)[1:]] == [
        "'=A1': why",
        "'=': why",
        "'of:=[.A1]': why",
        "'A1': why",
    ]
