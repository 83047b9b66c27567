"""What stands in a database, object by object: read from the system catalogs, comparable between servers and versions.

One query a kind, in `sql/<kind>.sql`. Column order, statistics and physical details are left out; owners are told
relative to the owner of one schema, so that two databases compare whatever their roles are called.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

_QUERIES = Path(__file__).parent / "sql"

KINDS = (
    "schema",
    "table",
    "toast",
    "column",
    "column_detail",
    "constraint",
    "referrer",
    "child",
    "index",
    "statistics",
    "trigger",
    "rule",
    "policy",
    "open_view",
    "function",
    "open_function",
    "auth_function",
    "shadow",
    "sequence",
    "type",
    "event_trigger",
    "grant",
    "default_privilege",
    "role",
    "membership",
    "setting",
    "publication",
)
"""The kinds of objects, in the order in which a report shows them."""

CALLERS = ("anon", "authenticated")
"""The roles that requests to an API run as, where row-level security holds."""

ROLES = (*CALLERS, "service_role", "authenticator")
"""All roles of an API: its callers, its backends, and the login of PostgREST."""

OWNER = "<owner>"
"""Stands for the owner of the home schema, the role that migrates."""


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

# One value of each type that the aggregations take, so that each can be called once.
# What an argument that has no meaningful NULL is given.
_SAMPLES = {
    "uuid": "'00000000-0000-0000-0000-000000000000'::uuid",
    "integer": "1",
    "text": "'UTC'",
    "timestamp with time zone": "now()",
}

_AGGREGATIONS = r"""
SELECT p.oid::regprocedure::text, p.proname::text,
    ARRAY(SELECT format_type(type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, n) ORDER BY n)
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = to_regnamespace(%s) AND p.proname LIKE %s AND p.provolatile IN ('s', 'i')
ORDER BY 1
"""


def read_catalog(
    connection: psycopg.Connection[Any], *, schemas: Sequence[str] = ("public",), home: str = "public"
) -> Catalog:
    """Read everything in some schemas, and what hangs from the database itself.

    Only reads. The caller's transaction is used, so that all of it is of one moment where that is REPEATABLE READ; the
    search path must be empty, so that every name comes with its schema.

    Args:
        connection: In a transaction, or in autocommit.
        schemas: Whose objects.
        home: The schema whose owner is the role that migrates.

    Examples:
        >>> with connection.transaction():
        ...     connection.execute("SET LOCAL search_path = ''")
        ...     Key("table", "public.users") in read_catalog(connection)
        True
    """
    roles: dict[int, str] = dict(connection.execute("SELECT oid::int8, rolname::text FROM pg_roles").fetchall())
    owner_row = connection.execute("SELECT nspowner::int8 FROM pg_namespace WHERE nspname = %s", (home,)).fetchone()
    if owner_row is not None:
        roles[owner_row[0]] = OWNER
    parameters = {"schemas": list(schemas), "home": home, "roles": list(ROLES), "callers": list(CALLERS)}
    found: dict[Key, Object] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for kind in KINDS:
            query = (_QUERIES / f"{kind}.sql").read_bytes()
            for row in cursor.execute(query, parameters).fetchall():
                key = Key(kind, row.pop("object"))
                on_table = row.pop("on_table")
                if row.get("owner") is not None:
                    row["owner"] = roles.get(int(row["owner"]), "a role that is gone")
                found[key] = Object(key, on_table, {name: _text(value) for name, value in row.items()})
    return found


def failing_functions(connection: psycopg.Connection[Any], schema: str, names: str) -> Iterator[tuple[str, str]]:
    """Call each function of a schema once that only reads; yield the signature of one that fails, and what it said.

    In the caller's transaction, with one value of each type, NULL for a type without one here. `names` is a pattern of
    LIKE. One that was changed by hand, or whose tables were, may fail only when it is called.
    """
    for signature, name, types in connection.execute(_AGGREGATIONS, (schema, names)).fetchall():
        arguments = ", ".join(_SAMPLES.get(type_, f"NULL::{type_}") for type_ in types)
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("SELECT * FROM {}({})").format(sql.Identifier(schema, name), sql.SQL(arguments))
                ).fetchall()
        except psycopg.Error as error:
            yield signature, f"{error.sqlstate}: {error.diag.message_primary}"


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
