"""What stands in a database, object by object: read from the system catalogs, comparable between servers and versions.

One query a kind, in `sql/catalog/<kind>.sql`. Column order, statistics and physical details are left out; owners are told
relative to the owner of schema `tripwire`, so that two databases compare whatever their roles are called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

_QUERIES = Path(__file__).parent / "sql" / "catalog"

KINDS = (
    "schema",
    "table",
    "column",
    "constraint",
    "index",
    "trigger",
    "rule",
    "policy",
    "function",
    "sequence",
    "type",
    "event_trigger",
    "grant",
    "default_privilege",
    "role",
    "setting",
)
"""The kinds of objects, in the order in which a report shows them."""

OWNER = "<owner>"
"""Stands for the owner of schema `tripwire`, the role that migrates."""


@dataclass(frozen=True, slots=True)
class Key:
    """What an object is called: its kind and its name, as in `("column", "public.users.email")`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.name}"


@dataclass(frozen=True, slots=True)
class Object:
    """One object and what there is to say of it.

    Attributes:
        key: kind and name.
        on_table: the table it belongs to, as in `public.users`; for a grant, what it grants access to.
        attributes: as text; None where there is nothing.
    """

    key: Key
    on_table: str | None
    attributes: Mapping[str, str | None]


Catalog = Mapping[Key, Object]


def read_catalog(connection: psycopg.Connection[Any]) -> Catalog:
    """Read everything in the schemas `public` and `tripwire`, and what hangs from the database itself.

    Only reads. The caller's transaction is used, so that all of it is of one moment where that is REPEATABLE READ; the
    search path must be empty, so that every name comes with its schema.

    Example:
        >>> with connection.transaction():
        ...     connection.execute("SET LOCAL search_path = ''")
        ...     Key("table", "public.users") in read_catalog(connection)
        True
    """
    roles: dict[int, str] = dict(connection.execute("SELECT oid::int8, rolname::text FROM pg_roles").fetchall())
    owner_row = connection.execute("SELECT nspowner::int8 FROM pg_namespace WHERE nspname = 'tripwire'").fetchone()
    if owner_row is not None:
        roles[owner_row[0]] = OWNER
    found: dict[Key, Object] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for kind in KINDS:
            query = (_QUERIES / f"{kind}.sql").read_bytes()
            for row in cursor.execute(query).fetchall():
                key = Key(kind, row.pop("object"))
                on_table = row.pop("on_table")
                if row.get("owner") is not None:
                    row["owner"] = roles.get(int(row["owner"]), "a role that is gone")
                found[key] = Object(key, on_table, {name: _text(value) for name, value in row.items()})
    return found


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
