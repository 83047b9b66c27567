"""The report, and the adoption itself: one transaction under the deployers' lock, then the stamp."""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from psycopg import errors, sql
from sqlalchemy import make_url

from tripwire_db import migrations
from tripwire_db.embedded import scratch_cluster
from tripwire_db.errors import InvalidInput, Refused, Unavailable
from tripwire_db.postgres import connect as postgres
from tripwire_db.postgres.auth_users import SEES_AUTH_USERS
from tripwire_db.postgres.catalog import Catalog
from tripwire_db.postgres.errors import first_line, without_rows
from tripwire_db.postgres.search_path import PATH
from tripwire_db.schema.adopt.layout import plan
from tripwire_db.schema.adopt.obstacles import keep
from tripwire_db.schema.adopt.owners import blocked_by_owners
from tripwire_db.schema.adopt.plan import Plan
from tripwire_db.schema.adopt.report import Report
from tripwire_db.schema.adopt.rows import Rows, columns_of
from tripwire_db.schema.adopt.stall import MAX_STALL_SECONDS, bounded
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.runner.connect import connect, settle, wake_triggers
from tripwire_db.schema.runner.locks import DEPLOYER, SESSION, acquire
from tripwire_db.schema.runner.pooler import refuse_known_pooler, refuse_transaction_pooler
from tripwire_db.schema.runner.target import Target
from tripwire_db.schema.statement_timeout import statement_timeout, told_if_too_long
from tripwire_db.settings import sqlalchemy_url

logger = logging.getLogger("tripwire_db.schema.adopt")

Keys = dict[str, list[tuple[str, ...]]]
"""The columns of each unique key of v2, by table."""

FIRST_REVISION = "20261101090000"
"""v2, as the chain builds it."""

LOCK_TIMEOUT_SECONDS = 3
ATTEMPTS = 10
_PAUSE_SECONDS = 0.5
_DEPLOY_WAIT_MS = 600_000
_SQL = Path(__file__).resolve().parent / "sql"

_TRIGGERS = """
SELECT c.relname, t.tgname, CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND c.relnamespace = 'public'::regnamespace AND c.relname = ANY (%s)
"""

_NEEDED = """
SELECT array_agg(needed ORDER BY place)
FROM (
    VALUES
        (1, 'public.tripwire_users', to_regclass('public.tripwire_users') IS NOT NULL),
        (2, 'auth.users', to_regclass('auth.users') IS NOT NULL),
        (3, 'role anon', EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'anon')),
        (4, 'role authenticated', EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authenticated')),
        (5, 'role service_role', EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'service_role'))
) AS n(place, needed, there)
WHERE NOT there
"""

_KEYS = """
SELECT c.relname::text, ARRAY(
    SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS x(n, i)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.n ORDER BY x.i
)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
WHERE k.contype IN ('p', 'u') AND c.relnamespace = 'public'::regnamespace
ORDER BY k.contype, k.conname
"""


def inspect(url: str, *, time_zone: str | None = None) -> Report:
    """Tell what adopting this database would do; nothing is changed or locked.

    Args:
        url: a direct or session connection, as the owner of the tables.
        time_zone: the IANA name of the zone in which times without one were written; asked for where there are such times.

    Returns:
        The report. `revision` is set, and the rest empty, for a database that is under Alembic already.

    Raises:
        InvalidInput: the server knows no such time zone.
        Refused: this is no database of that layout, or it cannot be read.
        Unavailable: a server cannot be reached or started, a table is in use, or a statement took too long.
        alembic.util.CommandError: it is a transaction pooler.

    Examples:
        >>> [row.reason for row in inspect(url).quarantined]
        ['the same e-mail as another row, once both are lower-case']
    """
    with _deployer(url, lock=False) as connection, _refusals():
        if (revision := _revision(connection)) is not None:
            return Report(revision)
        expected, keys = _v2()
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute(f"SET LOCAL search_path = ''; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
            _read_times_in(connection, time_zone)
            made = _plan(connection, expected, time_zone)
            if made.unreadable:
                return _report(made)
            rows = Rows(connection, columns_of(expected), keys)
            rows.judge()
            return _report(made, rows)


def adopt(url: str, *, time_zone: str | None = None, max_stall: float = MAX_STALL_SECONDS) -> Report:
    """Bring this database under Alembic: v2's catalog, rows that can be mended, and the stamp of the first revision.

    One transaction, under the lock that every deployer takes: killed at any point it has happened or it has not, and
    calling again finishes it. Tables are locked for as long as it takes, bounded, and waited for in short turns. No row is
    lost: what cannot be mended is in `tripwire.quarantine`, values that were filled in are in `tripwire.quarantined_values` as
    they were. Extra tables and columns stay, and are noted in `tripwire.adopted_extras` for `drift`.

    Args:
        url: a direct or session connection, as the owner of the tables.
        time_zone: the IANA name of the zone in which times without one were written; asked for where there are such times.
        max_stall: seconds that the application may be kept waiting, more than 0.

    Returns:
        What was done; for a database that is under Alembic already only its revision.

    Raises:
        InvalidInput: the server knows no such time zone.
        Refused: something must be settled by hand first, or a statement was refused; nothing was changed.
        Unavailable: a server cannot be reached or started, the tables are in use, or it took too long; nothing was changed.
        alembic.util.CommandError: it is a transaction pooler, or another deployer did not finish in time.

    Examples:
        >>> adopt(url).revision
        '20261101090000'
    """
    with _deployer(url, lock=True) as connection:
        if (revision := _revision(connection)) is not None:
            return Report(revision)
        expected, keys = _v2()
        report = _with_patience(connection, expected, keys, time_zone, max_stall)
    configuration = migrations.config(make_url(sqlalchemy_url(url)))
    configuration.attributes["quiet"] = True
    command.stamp(configuration, FIRST_REVISION)
    return replace(report, revision=FIRST_REVISION, applied=True)


def _with_patience(
    connection: psycopg.Connection[Any], expected: Catalog, keys: Keys, time_zone: str | None, max_stall: float
) -> Report:
    """Adopt in one transaction; again where a lock was not to be had in time, so that traffic never queues for long."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _refusals(attempt), bounded(connection, max_stall), connection.transaction():
                return _adopt(connection, expected, keys, time_zone)
        except _InUse:
            if attempt == ATTEMPTS:
                raise
            time.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - lets the traffic through that had queued up
    raise AssertionError("the last attempt returns or raises")


class _InUse(Unavailable):
    """A lock was not to be had in time."""


@contextmanager
def _refusals(attempts: int = 1) -> Iterator[None]:
    """Say in our own words what the server refused; the transaction is rolled back by then."""
    try:
        with told_if_too_long("nothing was changed: "):
            yield
    except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
        times = f", {attempts} times" if attempts > 1 else ""
        raise _InUse(
            f"the tables were in use{times} for more than {LOCK_TIMEOUT_SECONDS} s; nothing was changed: "
            "look for a long transaction in pg_stat_activity, then call again",
            applied=False,
        ) from without_rows(error)
    except psycopg.Error as error:
        raise Refused(
            f"the database refused: {first_line(error)}; nothing was changed. Settle that by hand, then call again"
        ) from without_rows(error)


def _adopt(connection: psycopg.Connection[Any], expected: Catalog, keys: Keys, time_zone: str | None) -> Report:
    v2 = columns_of(expected)
    connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
    connection.execute("SET LOCAL search_path = ''")
    _read_times_in(connection, time_zone)
    if others := blocked_by_owners(connection, expected):  # asked first: a table of theirs could not even be locked
        raise Refused("nothing was changed: " + "; ".join(others))
    _lock(connection, list(v2))
    made = _plan(connection, expected, time_zone)
    if made.blockers:
        raise Refused("nothing was changed: " + "; ".join(made.blockers))
    if connection.execute("SELECT to_regnamespace('tripwire') IS NULL").fetchone() == (True,):
        connection.execute("CREATE SCHEMA tripwire")
    if connection.execute("SELECT to_regclass('tripwire.quarantine') IS NULL").fetchone() == (True,):
        connection.execute((_SQL / "tables.sql").read_bytes())
    for change, reason in made.kept:
        keep(connection, change, reason)
    _run(connection, [*made.drops, *made.before])
    triggers = connection.execute(_TRIGGERS, (list(v2),)).fetchall()
    for table, trigger, _ in triggers:  # so that `updated_at` stays, and nothing of the application's fires
        _alter(connection, table, "DISABLE TRIGGER", trigger)
    rows = Rows(connection, v2, keys)
    rows.judge()
    if referring := rows.referring():
        raise Refused(
            "nothing was changed: "
            + "; ".join(referring)
            + ": settle these rows by hand, or drop the foreign key, then call again"
        )
    report = _report(made, rows)
    rows.move()
    rows.forget()
    for table, trigger, enable in triggers:
        _alter(connection, table, f"{enable} TRIGGER", trigger)
    _run(connection, made.after)
    _watch(connection)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO tripwire.adopted_extras (kind, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [(key.kind, key.name) for key in made.extras],
        )
    return report


def _plan(connection: psycopg.Connection[Any], expected: Catalog, time_zone: str | None) -> Plan:
    (missing,) = connection.execute(_NEEDED).fetchone() or ([],)
    if missing:
        what = missing[0]
        raise Refused(
            f"this database has no {what}, so it is none that v2's script made on Supabase: "
            "run tripwire-db bootstrap first on a plain PostgreSQL, and tripwire-db upgrade instead for a new database"
        )
    if connection.execute(f"SELECT {SEES_AUTH_USERS}").fetchone() == (False,):
        raise Refused(
            "row-level security hides the rows of auth.users from this role, so everybody would look deleted: connect as "
            "postgres on Supabase, elsewhere as the owner of the database, or as a role with BYPASSRLS"
        )
    return plan(connection, expected, time_zone)


def _report(made: Plan, rows: Rows | None = None) -> Report:
    return Report(
        revision=None,
        differences=tuple(made.differences),
        mendings=() if rows is None else tuple(mending for mending in rows.mendings() if mending.rows),
        quarantined=() if rows is None else tuple(rows.quarantined()),
        notes=(*made.notes, *(() if rows is None else rows.notes())),
        secrets=tuple(made.secrets),
        blockers=(*made.blockers, *(() if rows is None else rows.referring())),
    )


@cache
def _v2() -> tuple[Catalog, Keys]:
    """v2's catalog and unique keys, as its revision makes them on a scratch server."""
    with scratch_cluster() as cluster:
        url = cluster.create_database("v2")
        bootstrap(url)
        migrations.upgrade(url, FIRST_REVISION, quiet=True)
        with postgres.connect(url) as connection:
            connection.execute("SET search_path = ''")
            keys: Keys = {}
            for table, columns in connection.execute(_KEYS):
                keys.setdefault(table, []).append(tuple(columns))
            return COURSE.read_catalog(connection), keys


@contextmanager
def _deployer(url: str, *, lock: bool) -> Iterator[psycopg.Connection[Any]]:
    """A session of our own, as the runner of migrations makes it; alone in the database, where it is to change something."""
    configuration = migrations.config(make_url(sqlalchemy_url(url)))
    target = Target.find(configuration, None, COURSE.url_variables)
    refuse_known_pooler(target)
    with ExitStack() as stack:
        if lock:
            holder = stack.enter_context(connect(target, "adopt"))
            refuse_transaction_pooler(holder, target)
            settle(holder, PATH)
            acquire(holder, DEPLOYER, wait=_DEPLOY_WAIT_MS, say=_say)
        connection = stack.enter_context(connect(target, "adopt"))
        if said := COURSE.wrong_encoding(connection):
            raise Refused(said)
        if lock:
            acquire(connection, SESSION, wait=_DEPLOY_WAIT_MS, say=_say)
        else:
            refuse_transaction_pooler(connection, target)
        settle(connection, PATH)
        for setting in wake_triggers(connection):
            _say(f"{setting} of this role silences triggers, those of foreign keys too, and it may not change that")
        # That of the role or the server is meant for applications, and would end a large mending in its middle.
        connection.execute(f"SET statement_timeout = '{statement_timeout()}'")
        yield connection


def _say(line: str) -> None:
    """Whoever waits for another deployer is told who that is."""
    logger.warning("%s", line)


def _revision(connection: psycopg.Connection[Any]) -> str | None:
    if connection.execute("SELECT to_regclass('tripwire.alembic_version') IS NULL").fetchone() == (True,):
        return None
    row = connection.execute("SELECT version_num FROM tripwire.alembic_version").fetchone()
    return None if row is None else str(row[0])


def _read_times_in(connection: psycopg.Connection[Any], time_zone: str | None) -> None:
    """Have times without a zone read as those of this one, for the transaction; UTC where nobody has said."""
    known = "SELECT FROM pg_catalog.pg_timezone_names WHERE name = %s"
    if time_zone is not None and connection.execute(known, (time_zone,)).fetchone() is None:
        raise InvalidInput(f"the server knows no time zone {time_zone!r}: give an IANA name, as in Asia/Almaty")
    connection.execute("SELECT pg_catalog.set_config('TimeZone', %s, true)", (time_zone or "UTC",))


def _lock(connection: psycopg.Connection[Any], tables: list[str]) -> None:
    there = connection.execute(
        "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
        "AND c.relname = ANY (%s) ORDER BY 1",
        (tables,),
    ).fetchall()
    listed = sql.SQL(", ").join(sql.Identifier("public", table) for (table,) in there)
    if there:
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(listed))


def _alter(connection: psycopg.Connection[Any], table: str, action: str, trigger: str) -> None:
    connection.execute(
        sql.SQL("ALTER TABLE {} {} {}").format(
            sql.Identifier("public", table),
            sql.SQL(action),
            sql.Identifier(trigger),
        )
    )


def _run(connection: psycopg.Connection[Any], statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def _watch(connection: psycopg.Connection[Any]) -> None:
    """v2's event trigger, by the very statement of its revision, which knows when it may be left out."""
    from alembic.script import ScriptDirectory

    if connection.execute("SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'pgrst_watch'").fetchone() is None:
        revision = ScriptDirectory.from_config(migrations.config()).get_revision(FIRST_REVISION)
        connection.execute(str(revision.module.EVENT_TRIGGER).encode())
