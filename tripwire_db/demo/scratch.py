"""Makes a database ready for a demo: a scratch one, whose people are the demo's own."""

from typing import TYPE_CHECKING, Any

from tripwire_db.demo.people import DOMAIN
from tripwire_db.errors import Refused

if TYPE_CHECKING:
    import psycopg

_OF_THE_DEMO = f"%@{DOMAIN}"

# In this order: the log has no foreign key to anybody, and the rest goes with the auth users.
_WIPE = (
    "DELETE FROM public.sales_activity_log WHERE details->>'email' LIKE %(demo)s "
    "OR manager_id IN (SELECT id FROM auth.users WHERE email LIKE %(demo)s)",
    "DELETE FROM auth.users WHERE email LIKE %(demo)s",
)


def check(database_url: str, *, beside_others: bool = False) -> None:
    """Look whether a demo may be written into a database; nothing is changed.

    Args:
        database_url: a direct or session connection.
        beside_others: whether students who are not the demo's may be there.

    Raises:
        Refused: the database is in use for something else.
        Unavailable: the server cannot be reached.
    """
    from tripwire_db.postgres.connect import connect

    with connect(database_url, autocommit=True, purpose="demo") as connection:
        _check(connection, beside_others=beside_others)


def prepare(database_url: str, *, beside_others: bool = False) -> None:
    """Bring a scratch database to the newest revision, and remove what an earlier demo left there.

    Args:
        database_url: a direct or session connection, of a role that may do what `bootstrap` and `upgrade` do.
        beside_others: write beside students who are not the demo's; they are left as they are.

    Raises:
        Refused: the database is in use for something else, or is Supabase's.
        Unavailable: the server cannot be reached.
        BootstrapRefused: the role may not prepare the server.
        alembic.util.CommandError: the schema could not be brought up.
    """
    from alembic import command
    from sqlalchemy import make_url

    from tripwire_db import migrations
    from tripwire_db.postgres.connect import connect
    from tripwire_db.schema.bootstrap import bootstrap
    from tripwire_db.settings import sqlalchemy_url

    check(database_url, beside_others=beside_others)
    if bootstrap(database_url).outcome not in {"installed", "present"}:
        raise Refused(
            "the schema auth of this database is not the stand-in, and a demo makes auth users of its own: give it a "
            "scratch database on a plain PostgreSQL, or none, and it takes the embedded one"
        )
    configuration = migrations.config(make_url(sqlalchemy_url(database_url)))
    configuration.attributes["quiet"] = True
    command.upgrade(configuration, "head")
    with connect(database_url, purpose="demo") as connection:
        for statement in _WIPE:
            connection.execute(statement, {"demo": _OF_THE_DEMO})


def _check(connection: "psycopg.Connection[Any]", *, beside_others: bool) -> None:
    ours, others = _one(
        connection,
        "SELECT to_regclass('public.tripwire_users') IS NOT NULL, count(*) FROM pg_catalog.pg_class "
        "WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p', 'v', 'm', 'f')",
    )
    if not ours and others:
        raise Refused(
            f"this database holds {others} tables that are not this project's, so no demo was written into it: give an "
            "empty one, or none, and the demo takes the embedded one"
        )
    if ours and not beside_others:
        (students,) = _one(
            connection, "SELECT count(*) FROM public.tripwire_users WHERE email NOT LIKE %s", (_OF_THE_DEMO,)
        )
        if students:
            raise Refused(
                f"this database has {students} {'student who is' if students == 1 else 'students who are'} not the demo's, so "
                "nothing was written into it: give a scratch database, or none, and the demo takes the embedded one; "
                "--beside-others writes it there all the same"
            )


def _one(connection: "psycopg.Connection[Any]", query: str, parameters: tuple[object, ...] = ()) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    return row or ()
