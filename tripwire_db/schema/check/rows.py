"""All rows of a database, to tell whether a revision up and down again keeps them."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

_TABLES = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, 2
"""


def rows(
    connection: psycopg.Connection[Any], schemas: Sequence[str] = ("public",), *, without: str = ""
) -> dict[str, list[str]]:
    """Read every row of every table, as JSON text in the order of the text; columns by name.

    Args:
        connection: In any state; only read.
        schemas: Whose tables; those of `public` go by their bare names.
        without: A table to leave out, by its bare name: Alembic's own.
    """
    found: dict[str, list[str]] = {}
    for schema, table in connection.execute(_TABLES, (list(schemas),)).fetchall():
        if table != without:
            query = sql.SQL("SELECT pg_catalog.to_jsonb(t)::text FROM {} AS t ORDER BY 1").format(
                sql.Identifier(schema, table)
            )
            name = table if schema == "public" else f"{schema}.{table}"
            found[name] = [line for (line,) in connection.execute(query)]
    return found
