"""Tell PostgREST of every change to the API, and of nothing else.

In v2 any DDL at all made it read the schema again, temporary tables too. Now `pgrst_watch` (ddl_command_end) looks at
what was made or changed, and `pgrst_watch_drop` (sql_drop) at what was dropped.

Supabase has watchers of its own, `pgrst_ddl_watch` and `pgrst_drop_watch`; where they stand ours would only reload
twice, so none is added, and one that v2 brought is disabled. Where the role may not create event triggers the upgrade
goes on, says so by a WARNING, and the runner notifies PostgREST at the end of each run.

Revision: 20261119090000
Follows: 20261118090000
"""

from revision_tools import execute, execute_file

revision = "20261119090000"
down_revision = "20261118090000"
branch_labels = None
depends_on = None

# Trying is the only way to know: on hosted Supabase `postgres` is no superuser and may all the same.
WATCH = """DO $watch$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'pgrst_ddl_watch' AND evtenabled <> 'D') THEN
        IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'pgrst_watch') THEN
            ALTER EVENT TRIGGER pgrst_watch DISABLE;
        END IF;
    ELSIF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'pgrst_watch') THEN
        CREATE EVENT TRIGGER pgrst_watch ON ddl_command_end EXECUTE FUNCTION public.pgrst_watch();
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'Event trigger pgrst_watch was left as it is: role % may not change event triggers.', current_user
            USING HINT = 'PostgREST is told at the end of each run; after DDL by hand: NOTIFY pgrst, ''reload schema''.';
END
$watch$"""

WATCH_DROP = """DO $watch$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'pgrst_drop_watch' AND evtenabled <> 'D'
    ) THEN
        CREATE EVENT TRIGGER pgrst_watch_drop ON sql_drop EXECUTE FUNCTION public.pgrst_watch_drop();
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'Event trigger pgrst_watch_drop was left out: role % may not create event triggers.', current_user
            USING HINT = 'PostgREST is told at the end of each run; after DROP by hand: NOTIFY pgrst, ''reload schema''.';
END
$watch$"""

# Only what is there and calls our functions is ours; another role's is refused before anything is changed.
UNWATCH = """DO $watch$
DECLARE
    theirs record;
BEGIN
    FOR theirs IN
        SELECT evtname AS name, pg_catalog.pg_get_userbyid(evtowner) AS owner
        FROM pg_catalog.pg_event_trigger
        WHERE evtfoid IN (to_regprocedure('public.pgrst_watch()'), to_regprocedure('public.pgrst_watch_drop()'))
            AND NOT pg_catalog.pg_has_role(evtowner, 'USAGE')
            AND (evtname = 'pgrst_watch_drop' OR evtenabled = 'D')
    LOOP
        RAISE EXCEPTION 'Event trigger % belongs to %, so % cannot change it.', theirs.name, theirs.owner, current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('Run the downgrade as %I, or let it drop the event trigger first.', theirs.owner);
    END LOOP;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger
        WHERE evtname = 'pgrst_watch_drop' AND evtfoid = to_regprocedure('public.pgrst_watch_drop()')
    ) THEN
        DROP EVENT TRIGGER pgrst_watch_drop;
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger
        WHERE evtname = 'pgrst_watch' AND evtfoid = to_regprocedure('public.pgrst_watch()') AND evtenabled = 'D'
    ) THEN
        ALTER EVENT TRIGGER pgrst_watch ENABLE;
    END IF;
END
$watch$"""


def upgrade() -> None:
    execute_file("pgrst_watch_v2")
    execute_file("pgrst_watch_drop_v1")
    execute(
        """
        REVOKE ALL ON FUNCTION public.pgrst_watch() FROM PUBLIC, anon, authenticated;
        REVOKE ALL ON FUNCTION public.pgrst_watch_drop() FROM PUBLIC, anon, authenticated;
        GRANT EXECUTE ON FUNCTION public.pgrst_watch_drop() TO service_role;
        """
    )
    execute(WATCH)
    execute(WATCH_DROP)


def downgrade() -> None:
    execute(UNWATCH)
    execute("DROP FUNCTION public.pgrst_watch_drop()")
    execute_file("pgrst_watch_v1")
    # Revoked and given back, a grant moves to the end: so all go, and come again in the old order.
    execute(
        """
        REVOKE ALL ON FUNCTION public.pgrst_watch() FROM PUBLIC, anon, authenticated, service_role;
        GRANT EXECUTE ON FUNCTION public.pgrst_watch() TO PUBLIC;
        GRANT EXECUTE ON FUNCTION public.pgrst_watch() TO anon, authenticated, service_role;
        """
    )
