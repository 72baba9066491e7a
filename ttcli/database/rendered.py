"""The statements of an upsert as texts, remembered by the session.

To put such a text together from its hundreds of parts takes longer than most of what the server
does for a small item; and from one to the next only the file's name and the times change.
"""

from __future__ import annotations

from typing import Any, List, Tuple, Union

from psycopg2 import sql

from ttcli.database.staging import OWN
from ttcli.database.upsert import Upsert

_MARK = "\0"  # which no name and no value in SQL can hold


def rendered(cursor: Any, upsert: Upsert, kind: str, *options: bool) -> Union[str, sql.Composable]:
    """What the method of this name returns, as a text where the staging table is the session's."""
    if upsert.kept is not None or upsert.stage.strings[0] != OWN:
        return getattr(upsert, kind)(*options)  # type: ignore[no-any-return]
    known = cursor.connection.texts
    asked = (kind, options, _shape(upsert))
    if asked not in known:
        known[asked] = _pieces(cursor, upsert, kind, options)
    values = {"": upsert.as_of, **upsert.filled}
    pieces = list(known[asked])
    pieces[1::2] = [values[name].as_string(cursor) for name in pieces[1::2]]
    return "".join(pieces)


def _shape(upsert: Upsert) -> Tuple[Any, ...]:
    """All that the text depends on, but the values."""
    return (
        upsert.table,
        upsert.stage.strings,
        tuple(upsert.columns),
        tuple(upsert.filled),
        upsert.source_time,
        tuple(upsert.untouched.items()),
        tuple(upsert.policies.items()),
    )


def _pieces(cursor: Any, upsert: Upsert, kind: str, options: Tuple[bool, ...]) -> List[str]:
    """Texts, and between any two the column whose value stands there; none for the as-of time."""
    marked = upsert._replace(as_of=_mark(""), filled={name: _mark(name) for name in upsert.filled})
    text: str = getattr(marked, kind)(*options).as_string(cursor)
    return text.split(_MARK)


def _mark(name: str) -> sql.SQL:
    return sql.SQL(f"{_MARK}{name}{_MARK}")
