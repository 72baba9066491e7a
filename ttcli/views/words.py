"""Moments, counts and values as every view writes them."""

from __future__ import annotations

from typing import Any, Optional


def moment(text: Optional[str]) -> str:
    """2026-08-22T13:15:00.123Z → 2026-08-22 13:15:00Z; all times are UTC."""
    return f"{text[:10]} {text[11:19]}Z" if text else ""


def count(number: int, name: str) -> str:
    """1 row, 2 rows, no rows."""
    return f"{number or 'no'} {name}{'' if number == 1 else 's'}"


def value(found: Any) -> str:
    """A value of the table, as SQL says it where it is none."""
    return "NULL" if found is None else repr(found)
