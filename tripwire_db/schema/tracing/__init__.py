"""Runs revisions on a scratch database and records, statement by statement, what each does to the tables that are there.

    with tracing_server() as server:
        url = server.create_database("scratch")
        ...                                     # the chain below the revisions to look at, rows included
        with server.tracer(url) as tracer:
            trace(tracer, config, "upgrade", "head")
        tracer.revisions

Locks are seen by a second session, rewrites and scans by file nodes and by the server's counters, and what a DO block or
a function executes by pg_stat_statements: nothing is guessed from the text of the SQL.
"""

from tripwire_db.schema.tracing.results import (
    BLOCKED,
    CONFLICTS,
    Blocked,
    Lock,
    NestedStatement,
    TableWork,
    TracedRevision,
    TracedStatement,
)
from tripwire_db.schema.tracing.server import TracingServer, trace, tracing_server
from tripwire_db.schema.tracing.tracer import Tracer

__all__ = [
    "BLOCKED",
    "CONFLICTS",
    "Blocked",
    "Lock",
    "NestedStatement",
    "TableWork",
    "TracedRevision",
    "TracedStatement",
    "Tracer",
    "TracingServer",
    "trace",
    "tracing_server",
]
