"""Is the database in good health? One line a check, for monitors; nothing is changed."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from uuid import uuid4

import psycopg

from tripwire_db import migrations
from tripwire_db.errors import InvalidInput, TripwireError, Unavailable
from tripwire_db.operate import health_sql as sql
from tripwire_db.postgres.connect import connect
from tripwire_db.repository.base import arguments_from_environment
from tripwire_db.schema.doctor import examine
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.runner.version_table import VersionTable

Outcome = Literal["good", "warning", "failed"]

_STATEMENT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on a check speaks up.

    Attributes:
        unused_index_bytes: an index of at least this size that was never scanned, nor holds a rule, is a warning.
        bloated_index_bytes: an index of at least this size is looked at for bloat.
        bloat: so many times what its rows need makes it a warning.
        dead_rows: at least so many dead rows in a table, and
        dead_part: this part of all its rows, are a warning.
        transaction_seconds: a transaction that has been open for longer has failed.
        connections: this part of the connections that there may be, 0–1.
        sequence: this part of a sequence's numbers, 0–1.
        wraparound: this part of the 2³¹ transactions after which the server stops, 0–1.
        replica_bytes: a replica that is so much WAL behind has failed.
        lock_seconds: a lock that is waited for longer has failed.
    """

    unused_index_bytes: int = 16 * 1024**2
    bloated_index_bytes: int = 64 * 1024**2
    bloat: float = 3.0
    dead_rows: int = 10_000
    dead_part: float = 0.3
    transaction_seconds: float = 900.0
    connections: float = 0.85
    sequence: float = 0.8
    wraparound: float = 0.7
    replica_bytes: int = 1024**3
    lock_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found; a warning can wait for the day, a failure cannot."""

    name: str
    outcome: Outcome
    detail: str


def health(environment: Mapping[str, str] | None = None, *, limits: Limits | None = None) -> tuple[Check, ...]:
    """Look once: read-only, each statement at most ten seconds.

    Args:
        environment: as `TripwireRepository.from_env` takes it; by default the process's own.
        limits: from where on a check speaks up.

    Returns:
        One `Check` each, always in the same order; where the database cannot be reached, that one alone.

    Raises:
        InvalidInput: a variable is missing or cannot be right.

    Examples:
        >>> [check.name for check in health() if check.outcome != "good"]
        []
    """
    arguments, made = arguments_from_environment(dict(os.environ) if environment is None else environment, {})
    limits = limits or Limits()
    try:
        try:
            session = connect(arguments["url"], autocommit=True, purpose="health")
        except Unavailable as error:
            return (Check("database", "failed", str(error)),)
        with session:
            checks = [_run(name, partial(look, session, limits)) for name, look in _IN_THE_DATABASE.items()]
        checks.append(_run("doctor", lambda: _doctor(arguments["url"])))
        checks.append(_run("auth", lambda: _auth(arguments["auth"])))
        checks.append(_run("redis", lambda: _redis(arguments.get("leaderboard_cache"), environment)))
    finally:
        for one in made:
            one.close()
    return tuple(checks)


Found = tuple[Outcome, str]
_Session = psycopg.Connection[Any]


def _run(name: str, look: Callable[[], Found]) -> Check:
    """Run one check; what cannot be looked at has failed, and the others go on."""
    try:
        return Check(name, *look())
    except psycopg.Error as error:
        return Check(name, "failed", f"could not be read: {error.diag.message_primary or 'the connection was lost'}")
    except InvalidInput:
        raise
    except TripwireError as error:
        return Check(name, "failed", str(error))


def _rows(session: _Session, query: str, **values: Any) -> list[Any]:
    with session.transaction():
        session.execute("SET TRANSACTION READ ONLY")
        session.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
        return session.execute(query, {"schemas": list(COURSE.schemas), **values}).fetchall()


def _listed(rows: list[Any], otherwise: Outcome, good: str) -> Found:
    """The rows' first columns are sentences: what was found, or `good`."""
    return (otherwise, "; ".join(str(row[0]) for row in rows)) if rows else ("good", good)


def _revision(session: _Session, _: Limits) -> Found:
    with session.transaction():
        at = VersionTable.of(COURSE).read(session)
    wanted = set(migrations.heads())
    if at != wanted:
        return "failed", f"at {', '.join(sorted(at)) or 'none'}, this package comes with {', '.join(sorted(wanted))}"
    return "good", ", ".join(at)


def _version_tables(session: _Session, _: Limits) -> Found:
    """Alembic's own table, one that stands elsewhere, and Supabase's account, must say the same."""
    rows = _rows(session, sql.VERSION_TABLES)
    elsewhere = [name for name, _ in rows if name != "supabase_migrations.schema_migrations"]
    told = [f"{name} is a second version table: find out who writes it" for name in elsewhere]
    if len(elsewhere) < len(rows):
        ((recorded,),) = _rows(session, sql.SUPABASE_HISTORY)
        with session.transaction():
            at = VersionTable.of(COURSE).read(session)
        known = set(migrations.revisions())
        chain = {revision for revision in known if any(revision <= one for one in at)}
        differing = sorted(chain ^ (set(recorded) & known))
        if differing:
            told.append(f"supabase_migrations disagrees with Alembic about {', '.join(differing)}")
    return ("failed", "; ".join(told)) if told else ("good", "they agree" if rows else "one")


def _event_triggers(session: _Session, _: Limits) -> Found:
    rows = _rows(session, sql.EVENT_TRIGGERS)
    watching = {event for _, event, enabled in rows if enabled}
    missing = {"ddl_command_end", "sql_drop"} - watching
    disabled = sorted(name for name, event, enabled in rows if not enabled and event in missing)
    if disabled:
        return "failed", f"disabled, so PostgREST is not told of changes by hand: {', '.join(disabled)}"
    if missing:
        return "warning", "left out: upgrades tell PostgREST by themselves, changes by hand do not"
    return "good", ", ".join(sorted(name for name, _, enabled in rows if enabled))


def _connections(session: _Session, limits: Limits) -> Found:
    ((used, most),) = _rows(session, sql.CONNECTIONS)
    return ("failed" if used >= most * limits.connections else "good"), f"{used} of {most}"


def _wraparound(session: _Session, limits: Limits) -> Found:
    ((age,),) = _rows(session, sql.WRAPAROUND)
    part = age / 2**31
    return ("failed" if part >= limits.wraparound else "good"), f"{age} transactions, {part:.1%} of what there are"


def _listing(query: str, outcome: Outcome, good: str, *names: str) -> Callable[[_Session, Limits], Found]:
    """A check whose query gives sentences, and takes these limits."""

    def look(session: _Session, limits: Limits) -> Found:
        return _listed(_rows(session, query, **{name: getattr(limits, name) for name in names}), outcome, good)

    return look


_IN_THE_DATABASE: dict[str, Callable[[_Session, Limits], Found]] = {
    "revision": _revision,
    "version tables": _version_tables,
    "event triggers": _event_triggers,
    "invalid indexes": _listing(sql.INVALID_INDEXES, "failed", "none"),
    "unused indexes": _listing(sql.UNUSED_INDEXES, "warning", "none", "unused_index_bytes"),
    "bloated indexes": _listing(sql.BLOATED_INDEXES, "warning", "none", "bloated_index_bytes", "bloat"),
    "dead rows": _listing(sql.DEAD_ROWS, "warning", "few", "dead_rows", "dead_part"),
    "oldest transaction": _listing(sql.OLD_TRANSACTIONS, "failed", "none is old", "transaction_seconds"),
    "connections": _connections,
    "sequences": _listing(sql.SEQUENCES, "failed", "none is nearly used up", "sequence"),
    "wraparound": _wraparound,
    "replicas": _listing(sql.REPLICAS, "failed", "none is behind", "replica_bytes"),
    "replication slots": _listing(sql.REPLICATION_SLOTS, "failed", "none holds WAL for nobody"),
    "locks": _listing(sql.LOCKS, "failed", "nobody waits for long", "lock_seconds"),
}


def _doctor(url: str) -> Found:
    counts = Counter(finding.kind for finding in examine(url))
    told = ", ".join(f"{kind} {count}" for kind, count in counts.items())
    return ("failed", f"{told}: see `tripwire-db doctor`") if counts else ("good", "nothing found")


def _auth(auth: Any) -> Found:
    auth.find_user(uuid4())
    return "good", f"{type(auth).__name__} answers"


def _redis(cache: Any, environment: Mapping[str, str] | None) -> Found:
    if cache is None:
        return "good", "not configured"
    import redis

    url = (os.environ if environment is None else environment)["TRIPWIRE_REDIS_URL"]
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        return "failed", f"does not answer ({type(error).__name__}); leaderboards are computed each time"
    return "good", "answers"


def names() -> Iterator[str]:
    """The names of all checks, in their order."""
    yield from _IN_THE_DATABASE
    yield from ("doctor", "auth", "redis")
