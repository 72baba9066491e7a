"""Policies as SQL: what a column holds after a row has come, and which changes are refused."""

from __future__ import annotations

from typing import Optional

from psycopg2 import sql

from ttcli.errors import ConfigError
from ttcli.table import Policy, TableColumn

Part = sql.Composable

# Types without an equality, or with one that calls different values equal.
_COMPARED_AS_TEXT = {
    "json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle",
}  # fmt: skip
_TEXT = {"text", "varchar"}


def comparable(column: TableColumn, value: Part) -> Part:
    """The value in a form whose equality means that nothing needs to be written."""
    if column.type in _COMPARED_AS_TEXT:
        return sql.SQL("({})::text").format(value)
    if column.loose:
        return sql.SQL('({})::text COLLATE "C"').format(value)
    if column.type in _TEXT:
        return sql.SQL('({}) COLLATE "C"').format(value)
    return value


def differ(column: TableColumn, one: Part, other: Part) -> Part:
    """Whether two values of a column are different."""
    return sql.SQL("{} IS DISTINCT FROM {}").format(
        comparable(column, one), comparable(column, other)
    )


def merged(column: TableColumn, policy: Policy, stored: Part, brought: Part) -> Part:
    """The value a row holds after the load.

    Raises:
        ConfigError: The policy is unknown, or has no order where it needs one.
    """
    refused = refusal(column, policy, stored, brought)
    if refused is not None:
        return sql.SQL("CASE WHEN {} THEN {} ELSE coalesce({}, {}) END").format(
            refused, stored, brought, stored
        )
    # A blank for a column that cannot be NULL can only mean: nothing new.
    if policy.kind == "keep" or column.fallback:
        return sql.SQL("coalesce({}, {})").format(brought, stored)
    return brought


def refusal(column: TableColumn, policy: Policy, stored: Part, brought: Part) -> Optional[Part]:
    """The condition under which the policy refuses a change, or None where it never does."""
    if policy.kind in ("overwrite", "keep"):
        return None
    if policy.kind == "fill":
        changed = differ(column, brought, stored)
        return sql.SQL("({} IS NOT NULL AND {} IS NOT NULL AND {})").format(
            brought, stored, changed
        )
    if policy.kind == "newest":
        return sql.SQL("coalesce({} < {}, false)").format(brought, stored)
    if policy.kind == "monotonic" and policy.order:
        return _backwards(policy, stored, brought)
    raise ConfigError(
        f"Column {column.name}: policy {policy.kind!r} is unknown or lacks its order",
        "mapping.toml: overwrite, keep, fill, newest, or monotonic with order = […]",
    )


def _backwards(policy: Policy, stored: Part, brought: Part) -> Part:
    """Back in the order, or from a value of the order to one outside it."""
    rank = "array_position({}::text[], ({})::text)"
    order = sql.Literal(list(policy.order))
    return sql.SQL(f"({{}} IS NOT NULL AND coalesce({rank}, 0) < coalesce({rank}, 0))").format(
        brought, order, brought, order, stored
    )
