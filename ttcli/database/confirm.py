"""Which rows a load confirmed without writing them, for the sake of items that come late.

A row that a newer file brings unchanged is not written, so its stored as-of time stays that of
the file which wrote it: A (1 o'clock) says x, A' (3 o'clock) says x again, and then B comes late
(2 o'clock) and says y. By its stored time the row looks older than B, yet it is to stay x. So a
load with unchanged rows leaves the keys of its file in the ledger, and a late load, and only a
late one, looks there for keys that were confirmed after its own as-of time: such rows are stale.

Cost: 8 bytes a key the first time; while later files bring the same set of keys only a time is
moved on. Keys that a newer file of the same sender confirms again are taken out of its previous
list, so that what is kept stays about one entry a key. A list is of hashes: the keys themselves
were compressed by the server, which took longer than the whole join; of a million keys that come
late and a million confirmed ones two meet by chance once in ten million such loads. The column
`keys` has the keys themselves, in a ledger that an older version has written.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict

from psycopg2 import sql

from ttcli.database.ledger import ledger_of
from ttcli.database.target import identifier
from ttcli.database.upsert import Part, Upsert, of
from ttcli.table import TableColumn, TargetTable


def drop_confirmed_later(cursor: Any, upsert: Upsert, at: datetime) -> int:
    """Takes rows out of the staging table that a load with a later as-of time has confirmed.

    To be asked only where there is such a load: `ledger.entries` finds that out.

    Returns:
        Their number; they are stale.
    """
    later = sql.SQL("FROM {} AS l WHERE l.keys_until > {}").format(
        ledger_of(upsert.table), sql.Literal(at)
    )
    cursor.execute(
        sql.SQL(
            "DELETE FROM {stage} AS s WHERE ({hashed} IN (SELECT unnest(l.keys_hashed) {later})"
            " OR {key} IN (SELECT unnest(l.keys) {later}))"
            " AND EXISTS (SELECT FROM {target} AS t WHERE {match})"
        ).format(
            stage=upsert.stage,
            hashed=_hashed(_key_text(upsert.table)),
            key=_key_text(upsert.table),
            later=later,
            target=identifier(upsert.table),
            match=upsert.match(),
        )
    )
    return int(cursor.rowcount)


def confirm(cursor: Any, upsert: Upsert, at: datetime, sender: str) -> Dict[str, Any]:
    """Remembers the staged keys as confirmed; returns what to add to the load's ledger row."""
    if not upsert.source_time:
        return {}
    digest = _digest(cursor, upsert)
    cursor.execute(
        sql.SQL(
            "UPDATE {} SET keys_until = greatest(keys_until, {}) WHERE keys_digest = {}"
        ).format(ledger_of(upsert.table), sql.Literal(at), sql.Literal(digest))
    )
    if cursor.rowcount:
        return {}
    _thin_out(cursor, upsert, at, sender)
    keys = sql.SQL("(SELECT array_agg(k) FROM ({}) AS staged)").format(_staged(upsert))
    return {"keys_hashed": keys, "keys_digest": digest, "keys_until": at}


def _digest(cursor: Any, upsert: Upsert) -> str:
    """Tells sets of keys apart, in whatever order; their sums do not meet by chance."""
    cursor.execute(
        sql.SQL("SELECT concat_ws(':', count(*), sum(k)) FROM ({}) AS staged").format(
            _staged(upsert)
        )
    )
    digest: str = cursor.fetchone()[0]
    return digest


def _thin_out(cursor: Any, upsert: Upsert, at: datetime, sender: str) -> None:
    """Takes what is confirmed now out of the same sender's latest list, if that is not newer."""
    cursor.execute(
        sql.SQL(
            "UPDATE {ledger} SET keys_digest = NULL, keys = NULL, keys_hashed = ARRAY("
            " (SELECT unnest(keys_hashed) UNION ALL SELECT {hashed} FROM unnest(keys) AS k)"
            " EXCEPT {staged})"
            " WHERE number = (SELECT max(number) FROM {ledger}"
            "  WHERE keys_until <= {at} AND sender = {sender})"
        ).format(
            ledger=ledger_of(upsert.table),
            hashed=_hashed(sql.Identifier("k")),
            staged=_staged(upsert),
            at=sql.Literal(at),
            sender=sql.Literal(sender),
        )
    )


def _staged(upsert: Upsert) -> Part:
    return sql.SQL("SELECT {} AS k FROM {} AS s").format(
        _hashed(_key_text(upsert.table)), upsert.stage
    )


def _hashed(text: Part) -> Part:
    return sql.SQL("hashtextextended({}, 0)").format(text)


def _key_text(table: TargetTable) -> Part:
    """The key as one text in byte order: equal keys give equal texts."""
    parts = [_canonical(column) for column in table.columns if column.name in table.key]
    if len(parts) == 1:
        return parts[0]
    return sql.SQL('ROW({})::text COLLATE "C"').format(sql.SQL(", ").join(parts))


def _canonical(column: TableColumn) -> Part:
    value = of("s", column.name)
    if column.type == "numeric":  # 1 and 1.0 are one key
        return sql.SQL('hash_numeric_extended({}, 0)::text COLLATE "C"').format(value)
    if column.type == "citext":
        return sql.SQL('lower(({})::text) COLLATE "C"').format(value)
    if column.loose:  # the hash is of what the collation calls equal
        return sql.SQL('hashtextextended(({})::text, 0)::text COLLATE "C"').format(value)
    return sql.SQL('({})::text COLLATE "C"').format(value)
