"""Whether the connected role sees the rows of `auth.users`, which Supabase keeps under row-level security."""

IS_STAND_IN = """
SELECT pg_catalog.obj_description(pg_catalog.to_regnamespace('auth')::pg_catalog.oid, 'pg_namespace')
    IS NOT DISTINCT FROM 'Stand-in for Supabase Auth, made by tripwire-db bootstrap'
"""
"""Gives one boolean: True where schema `auth` is the stand-in that `bootstrap` made."""

SEES_AUTH_USERS = """NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_class AS hidden
    JOIN pg_catalog.pg_namespace AS schema ON schema.oid = hidden.relnamespace
    WHERE schema.nspname = 'auth'
        AND hidden.relname = 'users'
        AND pg_catalog.row_security_active(hidden.oid)
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_policy AS policy, unnest(policy.polroles) AS grantee
            WHERE policy.polrelid = hidden.oid
                AND policy.polcmd IN ('*', 'r')
                AND (grantee = 0 OR pg_catalog.pg_has_role(grantee, 'USAGE'))
        )
)"""
"""An expression; where it is False, nobody seems to be there. True where there is no such table."""
