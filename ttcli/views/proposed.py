"""A proposal as SQL that psql runs, with what a person should know in comments."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping


def proposed(found: Mapping[str, Any]) -> str:
    """The whole script: what there is to create, rights, what is only said, mapping.toml."""
    lines = [f"-- {line}" for line in _about(found)]
    lines += [] if found["applied"] else _script(found)
    lines += _alter(found)
    lines += _mapping(found["mapping"])
    return "\n".join(lines)


def _about(found: Mapping[str, Any]) -> Iterator[str]:
    if found["applied"]:
        created = len(found["create"])
        yield f"ttcli init: {created} statements run" if created else "ttcli init: all is there"
    else:
        yield "ttcli init: nothing was done. Run this with psql, as the database's owner, or let"
        yield "`ttcli init --apply` do it."
    if found["unasked"]:
        yield f"The database was not asked what is there: {_line(found['unasked'])}"
    sample = found["sample"]
    if sample:
        rows = f"{sample['written']} of {sample['read']} rows"
        more = " (the first ones)" if sample["more"] else ""
        cells = f", {sample['cells_rejected']} cells rejected" if sample["cells_rejected"] else ""
        yield f"Into this table {rows} of the sample{more} would load{cells}."
        yield from _left_out(sample)
    if found["exists"]:
        yield f"Table {_line(found['table'])} is there, and stays as it is."


def _left_out(sample: Mapping[str, Any]) -> Iterator[str]:
    """Sheets and headings that would not be loaded, and other rows that would not."""
    for sheet in sample["sheets"]:
        name = _line(repr(sheet["name"]))
        if not sheet["taken"]:
            yield f"Sheet {name} would not be read: {_line(sheet['reason'])}"
        elif sheet["unknown"]:
            yield f"Not loaded from sheet {name}: {_line(', '.join(map(repr, sheet['unknown'])))}"
    if sample["duplicates"]:
        yield f"{sample['duplicates']} of the rows have a key that a later row has again."


def _script(found: Mapping[str, Any]) -> List[str]:
    create = [f"{statement};" for statement in found["create"]]
    grants = [f"{statement};" for statement in found["grant"]]
    if not found["role"]:
        note = "-- Least rights; put the role of DB_USERNAME here:"
        return ["", "BEGIN;", *create, "COMMIT;", "", note, *(f"-- {line}" for line in grants)]
    role = _line(found["role"]).replace('"', '""')
    made = f"""-- CREATE ROLE "{role}" LOGIN PASSWORD '…';  -- if it is not there yet"""
    unsure = [made] if found["unasked"] else []
    return ["", "BEGIN;", *create, "-- least rights", *unsure, *grants, "COMMIT;"]


def _alter(found: Mapping[str, Any]) -> List[str]:
    """Only to be read: a table that is there is its owner's."""
    if not found["alter"]:
        return []
    said = "-- The table lacks these columns. Take the -- away from what you want:"
    return ["", said, *(f"-- {statement};" for statement in found["alter"])]


def _mapping(mapping: Mapping[str, Any]) -> List[str]:
    if mapping["trouble"]:
        state = mapping["trouble"]
    elif mapping["exists"]:
        state = f"{mapping['path']} is there, and stays as it is; it could say:"
    else:
        state = f"{mapping['path']}:"
    return ["", f"-- {_line(state)}", *(f"-- {line}".rstrip() for line in _lines(mapping))]


def _lines(mapping: Mapping[str, Any]) -> List[str]:
    text: str = mapping["text"]
    return [_line(line) for line in text.splitlines()]


def _line(text: str) -> str:
    return " ".join(text.splitlines())
