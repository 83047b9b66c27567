"""Prepares a plain PostgreSQL server the way Supabase comes: schema `auth`, and the API's roles.

It is no revision, since on Supabase all this is there and belongs to the platform; there, nothing is touched.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import errors

from tripwire_db.errors import TripwireError, Unavailable
from tripwire_db.postgres.auth_users import IS_STAND_IN
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.errors import first_line, unreachable, without_rows
from tripwire_db.postgres.search_path import PIN
from tripwire_db.schema.project import COURSE

LOCK_TIMEOUT_SECONDS = 10
"""How long an older stand-in's `auth.users` is waited for; who comes after waits behind."""
_MAX_ATTEMPTS = 20
_LOCK_KEY = 0x7472_6970_7769_7265  # "tripwire"; two bootstraps of one database take turns

_WHAT_IS_THERE = """
SELECT
    pg_get_userbyid(nspowner) AS owner,
    to_regclass('auth.identities') IS NOT NULL OR to_regclass('auth.schema_migrations') IS NOT NULL AS has_gotrue,
    to_regclass('auth.users') IS NOT NULL AND to_regprocedure('auth.uid()') IS NOT NULL AS usable
FROM pg_catalog.pg_namespace
WHERE nspname = 'auth'
"""

_STRANGER = """
SELECT owner.rolname
FROM (
    SELECT nspowner AS id FROM pg_catalog.pg_namespace WHERE nspname = 'auth'
    UNION ALL
    SELECT relowner FROM pg_catalog.pg_class WHERE relnamespace = 'auth'::regnamespace
    UNION ALL
    SELECT proowner FROM pg_catalog.pg_proc WHERE pronamespace = 'auth'::regnamespace
) AS owned
JOIN pg_catalog.pg_roles AS owner ON owner.oid = owned.id
WHERE NOT owner.rolsuper
    AND owner.rolname <> current_user
    AND owner.oid <> (SELECT datdba FROM pg_catalog.pg_database WHERE datname = current_database())
LIMIT 1
"""


Auth = Literal["stand-in", "supabase", "foreign", "unusable", "missing"]
"""Whose the schema `auth` of a database is; `unusable` is somebody else's without `users` or `uid()`."""

AUTH_WORDS: dict[Auth, str] = {
    "stand-in": "the stand-in for Supabase Auth",
    "supabase": "Supabase's own",
    "foreign": "somebody else's",
    "unusable": "of another kind, without users or uid()",
    "missing": "missing",
}


class BootstrapRefused(TripwireError):
    """The server cannot be prepared by this role, or has a schema `auth` of another kind; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a bootstrap found and did.

    Attributes:
        outcome: `installed` (the stand-in was made), `present` (it was there, and may have been completed), `supabase` (the server is Supabase's: left
            alone) or `foreign` (somebody else's schema `auth` that serves: left alone).
        changed: what was made or mended, as in `("role anon", "schema auth")`; empty where all was right.
    """

    outcome: Literal["installed", "present", "supabase", "foreign"]
    changed: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """One sentence for people."""
        if self.outcome == "supabase":
            return f"Schema auth is {AUTH_WORDS['supabase']}: it and the roles were left alone."
        if self.outcome == "foreign":
            return f"Schema auth is {AUTH_WORDS['foreign']}: it and the roles were left alone."
        if not self.changed:
            return "The stand-in for Supabase Auth is there already; nothing was changed."
        done = "Made" if self.outcome == "installed" else "Completed"
        return f"{done} the stand-in for Supabase Auth: {', '.join(self.changed)}."


def bootstrap(url: str) -> Bootstrap:
    """Install the stand-in for Supabase Auth in a database, unless it is Supabase's own or there already.

    Schema `auth` with `users`, `uid()`, `role()`, `email()` and `jwt()`; roles `anon`, `authenticated`, `service_role`
    (BYPASSRLS) and `authenticator` (LOGIN NOINHERIT, no password, a member of the three). As on Supabase, row-level
    security hides `auth.users` from everybody but the owner of the database, superusers and roles with BYPASSRLS. One
    transaction; may be run again, in several databases of a cluster, and by several processes at once. The stand-in of an
    older release is brought up to this one, its users kept.

    Args:
        url: the database, as in `postgresql://postgres@/course?host=/run/postgresql`; a superuser, or a role with
            CREATEROLE (and BYPASSRLS from PostgreSQL 16) that may create schemas in the database.

    Returns:
        What was found and done.

    Raises:
        BootstrapRefused: the role may not do it, or schema `auth` is somebody else's and has no users.
        InvalidInput: the URL is no PostgreSQL URL.
        Unavailable: the server cannot be reached, or a statement took too long.

    Examples:
        >>> bootstrap("postgresql://postgres@/course?host=/run/postgresql").outcome
        'installed'
    """
    from tripwire_db.schema.statement_timeout import (
        told_if_too_long,
    )  # brings Alembic, which importers need not wait for

    try:
        with told_if_too_long("nothing was changed: "), connect(url, purpose="bootstrap") as connection:
            if said := COURSE.wrong_encoding(connection):
                raise BootstrapRefused(said)
            return _bootstrap(connection)
    except errors.InsufficientPrivilege as error:
        raise BootstrapRefused(
            f"this role may not prepare the server ({error.diag.message_primary}): run `tripwire-db bootstrap` once as "
            "a superuser, or as a role with CREATEROLE and BYPASSRLS that owns the database"
        ) from without_rows(error)
    except errors.LockNotAvailable as error:
        raise Unavailable(
            f"auth.users is in use by a long transaction, and was waited for {LOCK_TIMEOUT_SECONDS} s; nothing was changed: "
            "call again",
            applied=False,
        ) from without_rows(error)
    except psycopg.OperationalError as error:
        raise Unavailable(unreachable(error), applied=False) from without_rows(error)
    except psycopg.Error as error:
        raise BootstrapRefused(
            f"the server refused ({first_line(error)}); nothing was changed: mend what it names, then call again"
        ) from without_rows(error)


def whose_auth(connection: "psycopg.Connection[Any]") -> Auth:
    """Tell whose the schema `auth` of the connected database is; only catalogs are read.

    Args:
        connection: any open psycopg connection whose search path has nothing of others.

    Examples:
        >>> with psycopg.connect("postgresql://postgres@/course?host=/run/postgresql") as connection:
        ...     whose_auth(connection)
        'supabase'
    """
    if is_stand_in(connection):
        return "stand-in"
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        row = cursor.execute(_WHAT_IS_THERE).fetchone()
    if row is None:
        return "missing"
    owner, has_gotrue, usable = row
    if has_gotrue or owner.startswith("supabase"):
        return "supabase"
    return "foreign" if usable else "unusable"


def is_stand_in(connection: "psycopg.Connection[Any]") -> bool:
    """Tell whether schema `auth` of the connected database is the stand-in that `bootstrap` made.

    Args:
        connection: any open psycopg connection; the query runs in its transaction, or in autocommit.

    Returns:
        False where schema `auth` is Supabase's own, somebody else's, or missing.

    Examples:
        >>> with psycopg.connect("postgresql://postgres@/course?host=/run/postgresql") as connection:
        ...     is_stand_in(connection)
        True
    """
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        row = cursor.execute(IS_STAND_IN).fetchone()
    return row is not None and bool(row[0])


def _bootstrap(connection: "psycopg.Connection[Any]") -> Bootstrap:
    """Run the transaction, and again where a bootstrap of another database touched the same role at once.

    That other one has committed by then, so each attempt finds more of the roles in place.
    """
    for _ in range(_MAX_ATTEMPTS - 1):
        try:
            with connection.transaction():
                return _install(connection)
        except (errors.UniqueViolation, errors.DuplicateObject, errors.DeadlockDetected, errors.InternalError_):
            continue  # InternalError_: "tuple concurrently updated"
    with connection.transaction():
        return _install(connection)


def _install(connection: "psycopg.Connection[Any]") -> Bootstrap:
    from tripwire_db.schema.statement_timeout import statement_timeout

    connection.execute(PIN)
    connection.execute(f"SET LOCAL statement_timeout = '{statement_timeout()}'")
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
    whose = whose_auth(connection)
    if whose == "supabase" or whose == "foreign":  # noqa: PLR1714 - mypy narrows by ==
        return Bootstrap(whose)
    if whose == "unusable":
        raise BootstrapRefused(f"schema auth is {AUTH_WORDS[whose]}: take another database, or move that schema away")
    present = whose == "stand-in"
    if present:
        _refuse_strangers(connection)
    changed: list[str] = []

    def note(diagnostic: errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "NOTICE":
            changed.append(str(diagnostic.message_primary))

    connection.execute("SET LOCAL client_min_messages = notice")
    connection.add_notice_handler(note)
    try:
        connection.execute(_sql("bootstrap_roles.sql"))
        if present:
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        else:
            connection.execute(_sql("bootstrap.sql"))
        made = len(changed)
        connection.execute(_sql("bootstrap_users.sql"))
        if not present:
            changed[made:] = ["schema auth"]  # all of it is new
    finally:
        connection.remove_notice_handler(note)
    return Bootstrap("present" if present else "installed", tuple(changed))


def _refuse_strangers(connection: "psycopg.Connection[Any]") -> None:
    """Refuse a stand-in that could be changed under us: the mark alone can be made by anybody."""
    row = connection.execute(_STRANGER).fetchone()
    if row is not None:
        raise BootstrapRefused(
            f"schema auth belongs to {row[0]}, who is neither this role nor a superuser nor the database's owner, and could "
            "change it at any time: look at what is in it, then take it over by ALTER SCHEMA auth OWNER TO CURRENT_USER "
            "(and its tables and functions likewise), or drop it"
        )


def _sql(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()
