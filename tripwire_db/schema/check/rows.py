"""All rows, sequences and settings of a database, to tell whether a revision up and down again keeps them."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

_TABLES = r"""
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (
        n.nspname = ANY (%(schemas)s)
        OR (
            %(schemas)s::text[] IS NULL
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
            AND n.nspname NOT LIKE 'pg\_temp\_%%'
        )
    )
    AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, 2
"""
_SEQUENCES = """
SELECT n.nspname || '.' || c.relname, s.seqstart::int8, s.seqincrement::int8, pg_catalog.pg_sequence_last_value(c.oid)
FROM pg_catalog.pg_sequence AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
"""
_SETTINGS = """
SELECT CASE s.setrole WHEN 0 THEN 'every role' ELSE pg_catalog.pg_get_userbyid(s.setrole)::text END
    || CASE s.setdatabase WHEN 0 THEN ' everywhere ' ELSE ' in this database ' END || setting
FROM pg_catalog.pg_db_role_setting AS s, unnest(s.setconfig) AS setting
WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()))
"""

_ROLES = """
SELECT r.rolname::text, concat_ws(
    ' ', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls
)
FROM pg_catalog.pg_roles AS r
"""


def rows(
    connection: psycopg.Connection[Any], schemas: Sequence[str] | None = ("public",), *, without: str = ""
) -> dict[str, list[str]]:
    """Read every row of every table, as JSON text in the order of the text; columns by name.

    Args:
        connection: In any state; only read.
        schemas: Whose tables, None for all but the system's; those of `public` go by their bare names.
        without: A table to leave out, by its bare name: Alembic's own.
    """
    found: dict[str, list[str]] = {}
    for schema, table in connection.execute(
        _TABLES, {"schemas": None if schemas is None else list(schemas)}
    ).fetchall():
        if table != without:
            query = sql.SQL("SELECT pg_catalog.to_jsonb(t)::text FROM {} AS t ORDER BY 1").format(
                sql.Identifier(schema, table)
            )
            name = table if schema == "public" else f"{schema}.{table}"
            found[name] = [line for (line,) in connection.execute(query)]
    return found


def sequences(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Give the last number that each sequence has given; of one that has given none, the number before its first."""
    return {
        name: start - increment if last is None else last
        for name, start, increment, last in connection.execute(_SEQUENCES).fetchall()
    }


def settings(connection: psycopg.Connection[Any]) -> frozenset[str]:
    """Give the settings of roles and of this database, as in `anon everywhere statement_timeout=3s`."""
    return frozenset(line for (line,) in connection.execute(_SETTINGS).fetchall())


def roles(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Give every role of the server, and what it may by nature."""
    return dict(connection.execute(_ROLES).fetchall())
