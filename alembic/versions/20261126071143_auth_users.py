"""Look into auth.users for backends, whom row-level security shows nothing of it.

Supabase keeps `auth.users` under row-level security without a policy: only its owner, superusers and roles with BYPASSRLS see
rows. A login that is a mere member of service_role made auth users and never found them again. Now two functions in schema
`tripwire` look by id and by e-mail, as their owner, for service_role alone; they show our mark, and nothing else of the
metadata.

An owner who sees no rows either would only move the trouble: that is refused.

Revision: 20261126071143
Follows: 20261119090000
"""

from revision_tools import execute, execute_file

revision = "20261126071143"
down_revision = "20261119090000"
branch_labels = None
depends_on = None

FUNCTIONS = {"find_auth_user": "uuid", "find_auth_user_by_email": "text"}

OWNER_SEES_THEM = """DO $visible$
BEGIN
    IF NOT has_table_privilege('auth.users', 'SELECT') OR row_security_active('auth.users') AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_policy AS policy, unnest(policy.polroles) AS grantee
        WHERE policy.polrelid = 'auth.users'::regclass
            AND policy.polcmd IN ('*', 'r')
            AND (grantee = 0 OR pg_has_role(grantee, 'USAGE'))
    ) THEN
        RAISE EXCEPTION 'Role % sees no rows of auth.users, so nobody could be created.', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Upgrade as postgres on Supabase, elsewhere as the owner of the database, or a role with BYPASSRLS.';
    END IF;
END
$visible$"""


def upgrade() -> None:
    execute(OWNER_SEES_THEM)
    for name, arguments in FUNCTIONS.items():
        execute_file(f"{name}_v1")
        execute(f"REVOKE ALL ON FUNCTION tripwire.{name}({arguments}) FROM PUBLIC, anon, authenticated, service_role")
        execute(f"GRANT EXECUTE ON FUNCTION tripwire.{name}({arguments}) TO service_role")


def downgrade() -> None:
    for name, arguments in reversed(FUNCTIONS.items()):
        execute(f"DROP FUNCTION tripwire.{name}({arguments})")
