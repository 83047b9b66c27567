"""Marked people: who a trial makes on a real database, told by e-mails that nobody else can have, and removed without a trace.

The e-mails are the same in every run, so what a killed run left is found by the next one, whatever it had come to.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from tripwire_db.auth import Auth
from tripwire_db.errors import Refused, Unavailable
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.errors import first_line, without_rows
from tripwire_db.repository.base import arguments_from_environment

DOMAIN = "tripwire-db.invalid"
"""Of the e-mails; `.invalid` is reserved, so no mail ever leaves and no person ever has one."""

_LOCK = 0x74776462
_STATEMENT_SECONDS = 120

_FUNCTIONS = ("tripwire.find_auth_user_by_email(text)", "public.rpc_get_manager_stats(uuid, text, date, date)")
_AS_BACKEND = """
SELECT CASE WHEN pg_catalog.pg_has_role('service_role', 'MEMBER') THEN pg_catalog.set_config('role', 'service_role', true) END
"""
_PEOPLE = """
SELECT found.id
FROM unnest(%s::text[]) WITH ORDINALITY AS marked (email, position), tripwire.find_auth_user_by_email(marked.email) AS found
WHERE found.id IS NOT NULL
ORDER BY marked.position
"""
# Each row of the log tells its target's e-mail in `details`, so it is found when the people are gone already.
_LOG = """
public.sales_activity_log AS log
WHERE log.manager_id = ANY (%(people)s::uuid[])
    OR log.target_user_id = ANY (%(people)s::uuid[])
    OR log.id IN (
        SELECT told.id
        FROM unnest(%(emails)s::text[]) AS marked (email)
        JOIN public.sales_activity_log AS told
            ON told.details @> pg_catalog.jsonb_build_object('email', marked.email)
    )
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What a trial works with: the arguments of `TripwireRepository.connect`, without a cache or a replica for reports.

    A cached leaderboard would show the marked people for five minutes after they are gone, and a replica a sale too late.
    """

    arguments: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Of the database; holds the password."""
        return str(self.arguments["url"])

    @property
    def auth(self) -> Auth:
        """Makes and removes the auth users."""
        auth: Auth = self.arguments["auth"]
        return auth


@dataclass(frozen=True, slots=True)
class Left:
    """What there is of marked people: their ids, and how many rows of the log tell of them."""

    people: tuple[UUID, ...]
    log_rows: int

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.people or self.log_rows)


@contextmanager
def target(environment: Mapping[str, str], *, kind: str) -> Iterator[Target]:
    """Open what the environment names, for one trial at a time on a database.

    Args:
        environment: as `Settings.from_env` takes it; cache and replica in it are passed by.
        kind: of the trial, as people are told.

    Raises:
        InvalidInput: a variable is missing or cannot be right.
        Refused: another trial is under way, or the schema is older than this package needs.
        Unavailable: the server cannot be reached.
    """
    passed_by = dict.fromkeys(("TRIPWIRE_REDIS_URL", "TRIPWIRE_REPORTS_URL"), "")
    arguments, _ = arguments_from_environment({**environment, **passed_by}, {})
    with arguments["auth"], connect(arguments["url"], purpose=kind) as session, told():
        # Held by the transaction, so that any pooler will do, and gone with this process however it ends.
        session.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = session.execute("SELECT pg_catalog.pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
        if row is None or not row[0]:
            raise Refused("another smoke or load-test is under way on this database: wait until it has ended")
        _require_schema(session)
        yield Target(arguments)


def find(at: Target, emails: Iterable[str]) -> Left:
    """Look for what there is of the people with these e-mails; nothing is changed."""
    emails = list(emails)
    with told(), session(at) as opened:
        people = _people(opened, emails)
        row = opened.execute(f"SELECT count(*) FROM {_LOG}", {"people": people, "emails": emails}).fetchone()
        return Left(tuple(people), row[0] if row else 0)


def remove(at: Target, emails: Iterable[str], *, at_once: int = 1, on_part: Callable[[], None] = lambda: None) -> Left:
    """Remove the people with these e-mails: the log's rows first, while ids tell them, then the auth users with every row.

    Whenever it is cut short, what is left is found again, by the same e-mails.

    Args:
        at: where.
        emails: marked ones; sellers last, so that none of their students is ever without them.
        at_once: so many auth users are removed at the same time.
        on_part: called after each part.

    Returns:
        What there was.

    Raises:
        AuthFailed, Unavailable: something could not be removed; run it again.
    """
    emails = list(emails)
    with told(), session(at) as opened:
        people = _people(opened, emails)
        deleted = opened.execute(f"DELETE FROM {_LOG}", {"people": people, "emails": emails}).rowcount
    on_part()
    with ThreadPoolExecutor(at_once) as threads:
        for _ in threads.map(at.auth.delete_user, people):
            on_part()
    return Left(tuple(people), deleted)


@contextmanager
def told() -> Iterator[None]:
    """Raise what the driver raises as `Unavailable`, without rows."""
    try:
        yield
    except psycopg.Error as error:
        raise Unavailable(f"the database refused: {first_line(error)}", applied=None) from without_rows(error)


@contextmanager
def session(at: Target) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that sees and may delete everybody's rows: as service_role, or as the owner who is no member of it."""
    with connect(at.url, purpose="marked people") as opened:
        opened.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
        opened.execute(_AS_BACKEND)
        yield opened


def _people(session: psycopg.Connection[Any], emails: list[str]) -> list[UUID]:
    """Their ids, in the order of the e-mails; no row of theirs is without its auth user, which a foreign key holds."""
    return [user_id for (user_id,) in session.execute(_PEOPLE, (emails,))]


def _require_schema(session: psycopg.Connection[Any]) -> None:
    for name in _FUNCTIONS:
        row = session.execute("SELECT pg_catalog.to_regprocedure(%s) IS NOT NULL", (name,)).fetchone()
        if row is None or not row[0]:
            raise Refused(f"the database has no {name}: run `tripwire-db upgrade` first")
