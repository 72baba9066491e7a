"""What each item did to one row: the kept rows once more, through the rules of the load.

The database's SQL (database/upsert.py, policy.py) decides what is stored; this tells the same
story from the spool alone. What was before the oldest kept item is not known, and where a load's
own counts contradict the story, they are believed.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ttcli.spool.item import FAILED, LOADED
from ttcli.stages.past.brought import Brought
from ttcli.table import Policy, TableColumn, TargetTable

Fields = Dict[str, Optional[str]]
_KINDS = ("inserted", "updated", "unchanged", "stale")
_NUMBERS = {"int2", "int4", "int8", "numeric", "float4", "float8"}


class Stored(NamedTuple):
    """The row as the story has it.

    Attributes:
        fields: Only the columns whose value is known.
        at: The as-of time of the file that wrote it.
        seen: The latest as-of time of a file that confirmed it.
        name: That of the file that wrote it.
    """

    fields: Fields
    at: Optional[datetime] = None
    seen: Optional[datetime] = None
    name: str = ""


class Rules(NamedTuple):
    """What the load stage goes by.

    Attributes:
        table: As last seen; None where it never was.
        timed: Whether it has the column of the as-of time.
        policies: Sender → column → policy.
    """

    table: Optional[TargetTable]
    key: Sequence[str]
    timed: bool
    policies: Any


def tell(brought: Sequence[Brought], rules: Rules) -> List[Dict[str, Any]]:
    """An entry for each item, in the order in which they met the table."""
    teller = _Teller(rules)
    return [teller.entry(found) for found in brought]


class _Teller:
    """Follows one row from item to item; nothing is known of it at first."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.stored: Optional[Stored] = None

    def entry(self, found: Brought) -> Dict[str, Any]:
        """What this item did."""
        effect: Dict[str, Any] = {"effect": "", "changes": [], "refused": [], "reason": ""}
        effect.update(self._effect(found))
        source = found.item.record["source"]
        return {
            "item": found.item.id,
            "state": found.item.state,
            "name": found.item.name,
            "sender": source.get("sender") or "",
            "subject": source.get("subject") or "",
            "as_of": found.item.as_of.isoformat(),
            "at": found.at.isoformat(timespec="milliseconds") if found.at else None,
            "replay": found.item.replay or None,
            "row": found.where or None,
            **effect,
            "rejects": found.rejects,
        }

    def _effect(self, found: Brought) -> Dict[str, Any]:
        item, load = found.item, found.item.record.get("load") or {}
        if item.state == FAILED:
            return {"effect": "failed", "reason": (item.error or {}).get("message") or ""}
        refused = [r for r in found.rejects if r["rule"] == "refused-by-database"]
        if found.fields is None or refused:
            return {"effect": "rejected", "reason": (refused or found.rejects)[0]["reason"]}
        if item.state == LOADED and load.get("duplicate_of"):
            self._confirm(found)
            return {"effect": "duplicate", "reason": f"the same as {load['duplicate_of']}"}
        effect = self._met(found, found.fields, load)
        return effect if item.state == LOADED else {**effect, "effect": "waiting"}

    def _met(self, found: Brought, fields: Fields, load: Mapping[str, Any]) -> Dict[str, Any]:
        possible = [kind for kind in _KINDS if load.get(kind)] or list(_KINDS)
        if "stale" in possible and (self._is_newer(found) or possible == ["stale"]):
            return {"effect": "stale", "reason": self._why_stale(found)}
        sender = str(found.item.record["source"].get("sender") or "")
        policies: Mapping[str, Policy] = self._rules.policies(sender)
        if self.stored is None:
            return self._first(found, fields, possible)
        changes, refused = [], []
        after = dict(self.stored.fields)
        for name, value in self._brought_columns(found, fields):
            column, policy = self._column(name), policies.get(name, Policy())
            known, old = name in after, after.get(name)
            new = merged(policy, column, old, value)
            if value is not None and known and new == old and not same(column, value, old):
                refused.append({"column": name, "stored": old, "refused": value,
                                "policy": policy.kind})  # fmt: skip
            after[name] = new
            if not known or not same(column, old, new):
                changes.append({"column": name, "new": new, **({"old": old} if known else {})})
        return self._settled(found, after, changes, refused, possible)

    def _settled(
        self, found: Brought, after: Fields, changes: List[Any], refused: List[Any],
        possible: Sequence[str],
    ) -> Dict[str, Any]:  # fmt: skip
        """The load's own counts have the last word on whether it wrote the row."""
        surely = any("old" in change for change in changes)
        maybe = bool(changes) and "updated" in possible
        effect, doubt = "updated" if surely or maybe else "unchanged", ""
        if effect not in possible:
            written = [kind for kind in ("updated", "inserted") if kind in possible]
            doubt = "its load did not count it so: the row was changed by other means before"
            effect = written[0] if written else "unchanged"
        if effect == "unchanged":
            changes = []
            self._confirm(found)
        else:
            self.stored = Stored(after, found.item.as_of, found.item.as_of, found.item.name)
        assert self.stored is not None
        self.stored = self.stored._replace(fields=after)
        return {"effect": effect, "changes": changes, "refused": refused, "reason": doubt}

    def _first(self, found: Brought, fields: Fields, possible: Sequence[str]) -> Dict[str, Any]:
        """The oldest kept item: what was there before is known only where all rows fared alike."""
        given = dict(self._brought_columns(found, fields))
        self.stored = Stored(given, found.item.as_of, found.item.as_of, found.item.name)
        kinds = [kind for kind in possible if kind != "stale"]
        effect = kinds[0] if len(kinds) == 1 else "brought"
        changes: List[Dict[str, Any]] = []
        if effect != "unchanged":
            old = {"old": None} if effect == "inserted" else {}
            changes = [{"column": n, "new": v, **old} for n, v in given.items() if v is not None]
        reason = "" if effect == "inserted" else "no older item with this key is kept"
        if found.item.replay:
            reason = "loaded before, by another mapping; what it brought then is not kept"
        return {"effect": effect, "changes": changes, "reason": reason}

    def _brought_columns(self, found: Brought, fields: Fields) -> List[Any]:
        key = {name.lower() for name in self._rules.key}
        return [
            (name, value)
            for name, value in fields.items()
            if name.lower() not in key and name not in found.untouched
        ]

    def _is_newer(self, found: Brought) -> bool:
        """Whether the stored row is newer than this item."""
        if self.stored is None or not self._rules.timed:
            return False
        at, as_of = self.stored.seen or self.stored.at, found.item.as_of
        if at is None or at < as_of:
            return False
        return at > as_of or bool(found.item.replay and self.stored.name != found.item.name)

    def _why_stale(self, found: Brought) -> str:
        at = (self.stored.seen or self.stored.at) if self.stored else None
        if at and at >= found.item.as_of:
            return f"the table had the row as of {at:%Y-%m-%dT%H:%M:%SZ} already"
        return "the table had a newer row"

    def _confirm(self, found: Brought) -> None:
        if self.stored and (self.stored.seen is None or self.stored.seen < found.item.as_of):
            self.stored = self.stored._replace(seen=found.item.as_of)

    def _column(self, name: str) -> Optional[TableColumn]:
        return self._rules.table.column(name) if self._rules.table else None


def merged(
    policy: Policy, column: Optional[TableColumn], stored: Optional[str], brought: Optional[str]
) -> Optional[str]:
    """The value that is stored afterwards; the same as database/policy.py's `merged`."""
    if brought is None:
        clears = policy.kind == "overwrite" and not (column and column.fallback)
        return None if clears else stored
    if policy.kind == "fill" and stored is not None:
        return stored
    if policy.kind == "newest" and stored is not None:
        return stored if _order(column, brought) < _order(column, stored) else brought
    if policy.kind == "monotonic" and stored in policy.order:
        back = brought not in policy.order or policy.order.index(brought) < policy.order.index(
            stored or ""
        )
        return stored if back else brought
    return brought


def _order(column: Optional[TableColumn], value: str) -> Any:
    number = _number(column, value)
    return value if number is None else number


def _number(column: Optional[TableColumn], value: str) -> Optional[Decimal]:
    if column is None or column.type not in _NUMBERS:
        return None
    scale = re.search(r",(\d+)\)", column.declared)
    try:
        number = Decimal(value)
        return (
            number.quantize(Decimal(1).scaleb(-int(scale[1])), ROUND_HALF_UP) if scale else number
        )
    except InvalidOperation:
        return None


def same(column: Optional[TableColumn], one: Optional[str], other: Optional[str]) -> bool:
    """Whether two texts are one value to the column's type: 10.5 and 10.50 are."""
    if one is None or other is None or one == other:
        return one == other
    numbers = _number(column, one), _number(column, other)
    if None not in numbers:
        return numbers[0] == numbers[1]
    if column is not None and column.type == "timestamptz":
        return one.replace("+00", "") == other.replace("+00", "")
    if column is not None and column.type == "bool":
        return one[:1] == other[:1]
    if column is not None and column.type == "bpchar":
        return one.rstrip(" ") == other.rstrip(" ")
    return False
