"""Take back what default privileges gave by chance, and ask for the person by a function that nobody can lead astray.

Default privileges that were granted without IN SCHEMA reach the schema `tripwire` and the version table, which the runner
makes: visitors then could read and write the revision, and create in the schema. Nothing of the API needs either.

The policy on `users` called `auth.uid()`, whose body has no search path of its own: in a session with `public` on the path,
as PostgREST's are, an operator planted there could answer in its place. `tripwire.caller_id()` gives the same id and searches
`pg_catalog` alone.

Revision: 20261126084510
Follows: 20261126081215
"""

from revision_tools import execute

revision = "20261126084510"
down_revision = "20261126081215"
branch_labels = None
depends_on = None

OTHERS = (
    "id = ANY ((SELECT tripwire.readable_student_ids())::uuid[])"
    " OR id BETWEEN (SELECT tripwire.admin_lowest_id()) AND (SELECT tripwire.admin_highest_id())"
)


def upgrade() -> None:
    execute("REVOKE ALL ON TABLE tripwire.alembic_version FROM PUBLIC, anon, authenticated, service_role")
    execute("REVOKE ALL ON SCHEMA tripwire FROM PUBLIC, anon")
    execute("REVOKE CREATE ON SCHEMA tripwire FROM authenticated, service_role")
    execute(f"ALTER POLICY authenticated_select ON public.users USING (id = (SELECT tripwire.caller_id()) OR {OTHERS})")


def downgrade() -> None:
    # What came by chance does not come back.
    execute(f"ALTER POLICY authenticated_select ON public.users USING (id = (SELECT auth.uid()) OR {OTHERS})")
