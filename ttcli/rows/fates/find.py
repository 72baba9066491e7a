"""Finding a key's lines in rows.tsv and rejects.csv without reading the other lines."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ttcli.cells import from_copy, to_copy
from ttcli.rows.columns.serials import shown
from ttcli.rows.scalars.rule import NULL

LEFT_OUT = "the row of {} is left out"
"""Ends the reason of a row's reject that does not lie in its key: so the key finds it."""


def candidates(content: Any, value: str) -> Iterator[List[bytes]]:
    """The fields of each line with a field of this value.

    Args:
        content: rows.tsv as bytes or as a map of the file: what has `find` and `rfind`.
    """
    needle = to_copy(value) + b"\t"
    at = content.find(needle)
    while at >= 0:
        end = content.find(b"\n", at)
        end = len(content) if end < 0 else end
        if at == 0 or content[at - 1 : at] in (b"\t", b"\n"):
            start = content.rfind(b"\n", 0, at) + 1
            yield content[start:end].split(b"\t")
            at = end  # a line is given once
        at = content.find(needle, at + 1)


def named(line: Sequence[bytes], rows: Mapping[str, Any]) -> Optional[Dict[str, Optional[str]]]:
    """A line's fields by column, without the origin; None where it is not of these columns.

    Args:
        rows: item.json's `rows`; those of an older version have no `serials`.
    """
    columns, serials = rows.get("columns", []), rows.get("serials", {})
    if len(line) != len(columns) + 1:
        return None
    texts = (None if field == NULL else from_copy(field) for field in line[:-1])
    return shown(dict(zip(columns, texts)), serials)


def may_reject(content: bytes, value: str) -> bool:
    """Whether rejects.csv may speak of this value: a quote in it is doubled there."""
    return value.replace('"', '""').encode("utf-8", "replace") in content
