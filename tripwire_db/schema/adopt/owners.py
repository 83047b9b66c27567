"""Whether the role that adopts may change what is there."""

from typing import Any

import psycopg

from tripwire_db.postgres.catalog import Catalog
from tripwire_db.schema.adopt.statements import signature

_OWNERS = """
WITH ours (kind, name, owner) AS (
    SELECT 'TABLE', oid::regclass::text, relowner
    FROM pg_catalog.pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND 'public.' || relname = ANY (%(tables)s)
    UNION ALL
    SELECT 'FUNCTION', oid::regprocedure::text, proowner
    FROM pg_catalog.pg_proc
    WHERE oid = ANY (SELECT to_regprocedure(f)::oid FROM pg_catalog.unnest(%(functions)s::text[]) AS f)
)
SELECT kind, name, pg_catalog.pg_get_userbyid(owner), pg_catalog.quote_ident(current_user)
FROM ours
WHERE NOT pg_catalog.pg_has_role(owner, 'USAGE')
ORDER BY kind DESC, name
"""

_MISSING = """
SELECT what, pg_catalog.quote_ident(current_user)
FROM (
    VALUES
        (
            format('DATABASE %I', current_database()),
            pg_catalog.has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('tripwire') IS NOT NULL
        ),
        ('SCHEMA public', pg_catalog.has_schema_privilege('public', 'CREATE'))
) AS needed(what, granted)
WHERE NOT granted
"""


def blocked_by_owners(connection: psycopg.Connection[Any], expected: Catalog) -> list[str]:
    """Name what another role owns, and this one may not change, with the statements that settle it.

    Args:
        connection: whose search path has nothing of others.
        expected: v2's catalog.
    """
    names = {
        "tables": [key.name for key in expected if key.kind == "table"],
        "functions": [signature(key) for key in expected if key.kind == "function"],
    }
    theirs = connection.execute(_OWNERS, names).fetchall()
    blocked = [
        f"{kind.lower()} {name} belongs to {owner}, and only its owner can bring it to v2: connect as {owner}, or have "
        f"it run ALTER {kind} {name} OWNER TO {role}"
        for kind, name, owner, role in theirs
    ]
    missing = connection.execute(_MISSING).fetchall()
    return [
        *blocked,
        *(
            f"this role may not create in {what.lower()}: have its owner run GRANT CREATE ON {what} TO {role}"
            for what, role in missing
        ),
    ]
