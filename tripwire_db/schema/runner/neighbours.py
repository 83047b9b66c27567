"""Looks at who else may change what a migration is about to build on, before anything is changed."""

from typing import Any

import psycopg

from tripwire_db.schema.project import Project
from tripwire_db.schema.runner.errors import MigrationError

# Whoever is a superuser or owns the database can change everything anyway, so they are no strangers.
_STRANGERS = """
WITH ours (kind, name, owner) AS (
    SELECT 'SCHEMA', pg_catalog.quote_ident(nspname), nspowner
    FROM pg_catalog.pg_namespace
    WHERE nspname = %(home)s::pg_catalog.name
    UNION ALL
    SELECT
        CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
        oid::pg_catalog.regclass::pg_catalog.text,
        relowner
    FROM pg_catalog.pg_class
    WHERE relnamespace = pg_catalog.to_regnamespace(%(home)s::pg_catalog.text) AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'FUNCTION', oid::pg_catalog.regprocedure::pg_catalog.text, proowner
    FROM pg_catalog.pg_proc
    WHERE pronamespace = pg_catalog.to_regnamespace(%(home)s::pg_catalog.text)
        OR oid = ANY (
            SELECT pg_catalog.to_regprocedure(replaced)::pg_catalog.oid
            FROM pg_catalog.unnest(%(replaced)s::pg_catalog.text[]) AS replaced
        )
)
SELECT ours.kind, ours.name, owner.rolname
FROM ours
JOIN pg_catalog.pg_roles AS owner ON owner.oid = ours.owner
WHERE NOT owner.rolsuper
    AND owner.rolname <> current_user
    AND owner.oid <> (SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    -- A superuser is a member of every role, and trusts none for that.
    AND (
        (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
        OR NOT pg_catalog.pg_has_role(owner.oid, 'USAGE')
    )
ORDER BY ours.kind = 'SCHEMA' DESC, ours.kind, ours.name
"""

_OPEN = """
SELECT pg_catalog.quote_ident(nspname)
FROM pg_catalog.pg_namespace
WHERE nspname = ANY (%s::pg_catalog.name[]) AND pg_catalog.has_schema_privilege('public', oid, 'CREATE')
ORDER BY nspname
"""


def refuse_strangers(connection: psycopg.Connection[Any], project: Project) -> None:
    """Refuse to build on what somebody else has made: its owner could change it again at any time.

    Args:
        connection: Its search path has nothing of others.
        project: Its `home_schema` with all that is in it, where that is not the API's too, and the functions that it `replaces`.

    Raises:
        MigrationError: Something belongs to a role that is neither this one, nor a superuser, nor the database's owner;
            the message has the statements that mend it.
    """
    # Where a project lives in the schema that all share, what others own there is no intrusion.
    home = project.home_schema if project.home_schema != project.api_schema else None
    found = connection.execute(_STRANGERS, {"home": home, "replaced": list(project.replaces)}).fetchall()
    if not found:
        return
    mend = " ".join(f"ALTER {kind} {name} OWNER TO CURRENT_USER;" for kind, name, _ in found)
    whose = ", ".join(f"{kind.lower()} {name} of {owner}" for kind, name, owner in found)
    raise MigrationError(
        f"Made by somebody else, who could change it again at any time: {whose}. Nothing was changed. Look at what it is; "
        f"then drop it, or take it over as this role: {mend}"
    )


def open_schemas(connection: psycopg.Connection[Any], project: Project) -> tuple[str, ...]:
    """Name the project's schemas in which everybody may create objects (PUBLIC has CREATE)."""
    return tuple(name for (name,) in connection.execute(_OPEN, (list(project.schemas),)).fetchall())


def open_schema_warning(name: str) -> str:
    """What an open schema means, and the statement that closes it.

    Example:
        >>> open_schema_warning("public")[:50]
        'Everybody may create objects in schema public (PUB'
    """
    return (
        f"Everybody may create objects in schema {name} (PUBLIC has CREATE), also ones that stand in for built-in functions. "
        f"Close it: REVOKE CREATE ON SCHEMA {name} FROM PUBLIC;"
    )
