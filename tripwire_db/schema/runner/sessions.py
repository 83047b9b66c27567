"""Other people's sessions: who holds a lock, who blocks a revision, and what they are doing."""

from dataclasses import dataclass
from typing import Any

import psycopg

from tripwire_db.safe_text import without_literals
from tripwire_db.schema.runner.errors import shorten

_COLUMNS = """
    s.pid, a.usename, a.application_name, host(a.client_addr), a.backend_type, a.state,
    extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start))::float8, a.query
"""

_HOLDERS = f"""
SELECT {_COLUMNS}
FROM pg_catalog.pg_locks AS s
LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid)
WHERE s.locktype = 'advisory' AND s.granted AND s.classid = %s::int8::oid AND s.objid = %s::int8::oid AND s.objsubid = 2
  AND s.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
ORDER BY s.pid
"""

_BLOCKERS = f"""
SELECT {_COLUMNS}
FROM (SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids(%s)) AS pid) AS s
LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid)
-- CREATE INDEX CONCURRENTLY waits for the snapshot of this very query, for as long as that takes.
WHERE s.pid <> pg_catalog.pg_backend_pid()
ORDER BY s.pid
"""

_WAITS_FOR = """
SELECT CASE
    -- CONCURRENTLY waits for snapshots, in whatever table their transactions work.
    WHEN l.locktype = 'virtualxid' THEN 'the end of a transaction that began before it'
    WHEN c.oid IS NULL THEN format('%%s on %%s lock', l.mode, l.locktype)
    ELSE format('%%s on %%I.%%I', l.mode, n.nspname, c.relname)
END
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.pid = %s AND NOT l.granted
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the server, as pg_stat_activity shows it.

    Attributes:
        pid: The backend's process id; 0 stands for a prepared transaction.
        seconds: How long its transaction has been open, or the session where there is none.
    """

    pid: int
    user: str | None
    application: str | None
    client: str | None
    backend: str | None
    state: str | None
    seconds: float | None
    query: str | None

    @property
    def who(self) -> str:
        """The pid, and whose session it is."""
        known = [
            f"user {self.user}" if self.user else "",
            self.application or "",
            f"from {self.client}" if self.client else "",
            self.backend if self.backend not in (None, "client backend") else "",
        ]
        listed = ", ".join(part for part in known if part)
        return f"pid {self.pid} ({listed})" if listed else f"pid {self.pid}"

    def __str__(self) -> str:
        """Say who this is and what it does; the texts and numbers of its query are left out."""
        if self.pid == 0:
            return "a prepared transaction (see pg_prepared_xacts; COMMIT PREPARED or ROLLBACK PREPARED ends it)"
        since = f" for {self.seconds:.0f} s" if self.seconds is not None else ""
        doing = f": {self.state or 'working'}{since}" if self.state or self.seconds is not None else ""
        query = f", query: {shorten(without_literals(self.query))}" if self.query else ""
        return f"{self.who}{doing}{query}"


@dataclass(frozen=True, slots=True)
class Wait:
    """A session that waits for a lock: for which, and who is in its way."""

    lock: str
    blockers: tuple[Session, ...]

    def __str__(self) -> str:
        """Say what is waited for and who is in the way."""
        return f"{self.lock}, blocked by {'; and by '.join(str(blocker) for blocker in self.blockers)}"


def holders(connection: psycopg.Connection[Any], group: int, key: int) -> tuple[Session, ...]:
    """Return the sessions of this database that hold an advisory lock."""
    return tuple(Session(*row) for row in connection.execute(_HOLDERS, (group, key)).fetchall())


def blockers(connection: psycopg.Connection[Any], pid: int) -> Wait | None:
    """Return what a backend waits for and who blocks it, or None where nobody does."""
    found = tuple(Session(*row) for row in connection.execute(_BLOCKERS, (pid,)).fetchall())
    if not found:
        return None
    waits = connection.execute(_WAITS_FOR, (pid,)).fetchone()
    return Wait(str(waits[0]) if waits else "a lock", found)
