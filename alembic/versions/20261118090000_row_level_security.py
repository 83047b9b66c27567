"""Let nobody see or change what isn't theirs.

In v2 everybody could read and write everything, visitors without a name included. From here on `anon` has nothing,
`authenticated` reads the rows that one policy per table lets through and writes nothing, and `service_role` has
explicit grants and a policy of its own: BYPASSRLS is not inherited, so a login that is a member of it needs one.

A policy compares a key with a list that is read once, or with a range that only an admin has; both are index conditions,
where "or I am an admin" would scan the table for everybody. Where a column may be NULL the range is one of the primary
key, since BETWEEN hides NULL. No table has FORCE ROW LEVEL SECURITY: the helpers run as an owner who may be no superuser,
and would then see nothing.

Who had which grants depends on how a database was made, so they are written down in `tripwire.former_grants`, and the downgrade
gives them back in their old order.

Revision: 20261118090000
Follows: 20261117090000
"""

from revision_tools import execute

revision = "20261118090000"
down_revision = "20261117090000"
branch_labels = None
depends_on = None

# Tables of v2; the ones made later had row-level security from their first day.
OPEN_TABLES = (
    "users",
    "tripwire_users",
    "tripwire_user_profile",
    "module_unlocks",
    "student_progress",
    "video_tracking",
    "user_achievements",
    "user_statistics",
    "sales_activity_log",
)

ONE_OF_MINE = "user_id = ANY ((SELECT tripwire.readable_student_ids())::uuid[])"
AS_ADMIN = "BETWEEN (SELECT tripwire.admin_lowest_id()) AND (SELECT tripwire.admin_highest_id())"
STUDENT_ROW = f"{ONE_OF_MINE} OR user_id {AS_ADMIN}"
COURSE = "(SELECT tripwire.may_read_course())"

# What authenticated reads, table by table.
READABLE = {
    # One's own row without asking who one is: a blocked student still reads it.
    "users": (
        f"id = (SELECT auth.uid()) OR id = ANY ((SELECT tripwire.readable_student_ids())::uuid[]) OR id {AS_ADMIN}"
    ),
    "tripwire_users": STUDENT_ROW,
    "tripwire_user_profile": STUDENT_ROW,
    "module_unlocks": STUDENT_ROW,
    "student_progress": STUDENT_ROW,
    "video_tracking": STUDENT_ROW,
    "user_achievements": STUDENT_ROW,
    "user_statistics": STUDENT_ROW,
    "certificates": STUDENT_ROW,
    "modules": COURSE,
    "lessons": COURSE,
    "sales_activity_log": f"manager_id = (SELECT tripwire.caller_manager_id()) OR id {AS_ADMIN}",
}

REMEMBER_GRANTS = """
CREATE TABLE tripwire.former_grants (
    table_name text NOT NULL,
    position bigint NOT NULL,
    grantee text,
    privilege text NOT NULL,
    grantable boolean NOT NULL,
    CONSTRAINT pk_former_grants PRIMARY KEY (table_name, position)
);
COMMENT ON TABLE tripwire.former_grants IS
    'Grants on tables before row-level security, in their order, for the downgrade; grantee NULL is PUBLIC.';
REVOKE ALL ON TABLE tripwire.former_grants FROM PUBLIC, anon, authenticated, service_role
"""

REMEMBER = """
INSERT INTO tripwire.former_grants (table_name, position, grantee, privilege, grantable)
SELECT
    relation.relname,
    given.position,
    CASE WHEN given.grantee <> 0 THEN pg_get_userbyid(given.grantee) END,
    given.privilege_type,
    given.is_grantable
FROM pg_catalog.pg_class AS relation
CROSS JOIN LATERAL aclexplode(coalesce(relation.relacl, acldefault('r', relation.relowner)))
    WITH ORDINALITY AS given (grantor, grantee, privilege_type, is_grantable, position)
WHERE relation.oid = 'public.{table}'::regclass
"""

# A grant given back moves to the end of the list, so everybody in it loses theirs first.
GIVE_BACK = """DO $give_back$
DECLARE
    entry record;
BEGIN
    FOR entry IN
        SELECT former.table_name, coalesce(quote_ident(role.rolname), 'PUBLIC') AS grantee
        FROM tripwire.former_grants AS former
        LEFT JOIN pg_catalog.pg_roles AS role ON role.rolname = former.grantee
        WHERE former.grantee IS NULL OR role.rolname IS NOT NULL
        GROUP BY 1, 2
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE public.%I FROM %s', entry.table_name, entry.grantee);
    END LOOP;
    FOR entry IN
        SELECT former.*, coalesce(quote_ident(role.rolname), 'PUBLIC') AS to_whom
        FROM tripwire.former_grants AS former
        LEFT JOIN pg_catalog.pg_roles AS role ON role.rolname = former.grantee
        WHERE former.grantee IS NULL OR role.rolname IS NOT NULL
        ORDER BY former.table_name, former.position
    LOOP
        EXECUTE format(
            'GRANT %s ON TABLE public.%I TO %s%s',
            entry.privilege, entry.table_name, entry.to_whom, CASE WHEN entry.grantable THEN ' WITH GRANT OPTION' END
        );
    END LOOP;
END
$give_back$"""


def upgrade() -> None:
    execute(REMEMBER_GRANTS)
    for table, readable in READABLE.items():
        execute(REMEMBER.format(table=table))
        execute(f"REVOKE ALL ON TABLE public.{table} FROM PUBLIC, anon, authenticated, service_role")
        execute(f"GRANT SELECT ON TABLE public.{table} TO authenticated")
        execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.{table} TO service_role")
        if table in OPEN_TABLES:
            execute(f"ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY")
        execute(f"CREATE POLICY authenticated_select ON public.{table} FOR SELECT TO authenticated USING ({readable})")
        execute(
            f"CREATE POLICY service_role_all ON public.{table} FOR ALL TO service_role"
            " USING ((SELECT tripwire.is_backend()))"
        )


def downgrade() -> None:
    for table in reversed(READABLE):
        execute(f"DROP POLICY service_role_all ON public.{table}")
        execute(f"DROP POLICY authenticated_select ON public.{table}")
        if table in OPEN_TABLES:
            execute(f"ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY")
        execute(f"REVOKE ALL ON TABLE public.{table} FROM authenticated, service_role")
    execute(GIVE_BACK)
    execute("DROP TABLE tripwire.former_grants")
