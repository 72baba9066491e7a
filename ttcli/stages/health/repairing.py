"""Which command repairs a failed item: reading it again, or giving it up for a better file."""

from __future__ import annotations

from ttcli.spool.item import Item

_HOPELESS = ("truncated", "damaged", "empty", "lock-file")  # these bytes never read otherwise


def repair(item: Item) -> str:
    """The command to type once what its hint says is done."""
    verb = "drop" if (item.error or {}).get("kind") in _HOPELESS else "retry"
    return f"ttcli {verb} {item.id}"
