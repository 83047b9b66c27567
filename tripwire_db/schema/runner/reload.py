"""Tells PostgREST about a new schema where no event trigger does."""

from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

# Ours, and those that hosted Supabase brings along; where this session's settings let them fire.
_WATCHED = """EXISTS (
    SELECT FROM pg_catalog.pg_event_trigger
    WHERE evtname IN ('pgrst_watch', 'pgrst_ddl_watch') AND evtevent = 'ddl_command_end'
        AND evtenabled IN (
            'A', CASE pg_catalog.current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END
        )
        AND coalesce(pg_catalog.current_setting('event_triggers', true), 'on') <> 'off'
)"""
_ONLINE = text(f"SELECT pg_catalog.pg_notify('pgrst', 'reload schema') WHERE NOT {_WATCHED}")
_OFFLINE = f"""DO $reload$
BEGIN
    IF NOT {_WATCHED} THEN
        PERFORM pg_catalog.pg_notify('pgrst', 'reload schema');
    END IF;
END
$reload$"""


class Reload:
    """NOTIFY pgrst, 'reload schema', inside the transaction of each revision: delivered only if it is committed."""

    def __init__(self, *, wanted: bool) -> None:
        """Begin with nothing sent; where it is not wanted, nothing ever is."""
        self.notified = False
        self._wanted = wanted

    def __call__(self, *, ctx: MigrationContext, step: Any, **_: Any) -> None:
        """Be called by Alembic when the version table has been written (`on_version_apply`)."""
        if step.is_stamp or not self._wanted:
            return
        if ctx.as_sql:
            ctx.execute(_OFFLINE)
        elif ctx.connection is not None and ctx.connection.execute(_ONLINE).first() is not None:
            self.notified = True
