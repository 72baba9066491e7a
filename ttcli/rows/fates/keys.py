"""Keys as the database compares them, to find two rows with one key before it does."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Callable, Dict, Sequence

from ttcli.cells import from_copy
from ttcli.rows.fates.fate import Target


def key_fields(columns: Sequence[Sequence[bytes]], targets: Sequence[Target]) -> Sequence[bytes]:
    """The key of each row, from the columns of a batch."""
    parts = [_folded(columns[t.position - 1], t.rule.column.type) for t in targets if t.rule.key]
    return parts[0] if len(parts) == 1 else list(map(b"\t".join, zip(*parts)))


def key_reader(targets: Sequence[Target]) -> Callable[[bytes], bytes]:
    """The function from a line of rows.tsv to its key, equal to what `key_fields` gives."""
    keys = [target for target in targets if target.rule.key]
    cuts = max(target.position for target in keys)

    def key_of(line: bytes) -> bytes:
        fields = line.split(b"\t", cuts)
        return b"\t".join(_folded([fields[t.position - 1]], t.rule.column.type)[0] for t in keys)

    return key_of


def _folded(values: Sequence[bytes], type_name: str) -> Sequence[bytes]:
    fold = _FOLD.get(type_name)
    return list(map(fold, values)) if fold else values


def _fold_case(value: bytes) -> bytes:
    return from_copy(value).lower().encode()


def _fold_number(value: bytes) -> bytes:
    """1.0 and 1 are one key."""
    try:
        return str(Decimal(value.decode()).normalize()).encode()
    except InvalidOperation:
        return value


_FOLD: Dict[str, Callable[[bytes], bytes]] = {
    "citext": _fold_case,
    "bpchar": lambda value: value.rstrip(b" "),
    **dict.fromkeys(("numeric", "float4", "float8"), _fold_number),
}
