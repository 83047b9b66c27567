"""Which database a command works on: the one of `--database-url`, that of the environment, or an embedded one."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from tripwire_db.cli.days import Days, asked
from tripwire_db.cli.output import note
from tripwire_db.cli.people import identify
from tripwire_db.errors import InvalidInput

if TYPE_CHECKING:
    from tripwire_db.embedded import Cluster
    from tripwire_db.repository import TripwireRepository

EMBEDDED = "embedded:"
EMBEDDED_DATABASE = "tripwire"
_LONGEST_NAME = 63  # of a database, in bytes


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """A database to work on.

    Attributes:
        url: where it is, secrets included; never printed.
        cluster: the embedded server that it is in, running; None for any other.
        name: the database's name in the embedded server, as in `embedded:tripwire`; else empty.
        is_given: it was named by `--database-url`, whatever the environment says of another one.
    """

    url: str
    cluster: "Cluster | None" = None
    name: str = ""
    is_given: bool = False

    def __str__(self) -> str:
        """The database for people: user, host, port and name."""
        if self.name:
            return f"{EMBEDDED}{self.name}"
        from tripwire_db.postgres.url import parse, place_of

        return place_of(parse(self.url))


@contextmanager
def application(given: str | None) -> Iterator[CommandTarget]:
    """The database of the application (`TRIPWIRE_DATABASE_URL`, else `TRIPWIRE_MIGRATIONS_URL`).

    The former may be behind a transaction pooler.

    Raises:
        InvalidInput: no URL, or one that cannot be right.
        ServerUnavailable: the embedded server does not start.
    """
    with _target(given, migrations=False, may_create=False) as target:
        yield target


@contextmanager
def migrations(
    given: str | None, *, may_create: bool = False, default: str = EMBEDDED_DATABASE
) -> Iterator[CommandTarget]:
    """The database over a direct or session connection (`TRIPWIRE_MIGRATIONS_URL`, else `TRIPWIRE_DATABASE_URL`).

    Args:
        given: the value of `--database-url`.
        may_create: make the database of the embedded server where it is missing.
        default: the embedded server's database to take where no URL is given at all.

    Raises:
        InvalidInput: no URL, or one that cannot be right.
        ServerUnavailable: the embedded server does not start.
    """
    with _target(given, migrations=True, may_create=may_create, default=default) as target:
        yield target


@dataclass(frozen=True, slots=True)
class Backend:
    """What most commands work with: the repository, and a way to tell who is meant."""

    repository: "TripwireRepository"
    target: CommandTarget

    def student_id(self, who: str) -> UUID:
        """The id of the student with this id or e-mail; see `people`."""
        return identify.student_id(self.target.url, who)

    def manager_id(self, who: str) -> UUID:
        """The id of the manager with this id or e-mail; see `people`."""
        return identify.manager_id(self.target.url, who)

    def given_manager_id(self, who: str | None) -> UUID | None:
        """The same of a manager who may be left out: None then, which each method reads in its own way."""
        return None if who is None else self.manager_id(who)

    def days(self, since: str | None, until: str | None, period: str | None, time_zone: str) -> Days:
        """The days of `--since`, `--until` and `--period`; today is the server's."""

        def today() -> date:
            return self.repository.get_sales_chart_data(days_back=1, time_zone=time_zone)[0].date

        return asked(since, until, period, today)


@contextmanager
def backend(given: str | None) -> Iterator[Backend]:
    """The repository on the application's database, for one call or a few.

    Auth users are made by Supabase's Admin API where the environment names it, else in the stand-in.
    """
    from tripwire_db.repository import TripwireRepository

    with application(given) as target, TripwireRepository.from_env(environment_of(target)) as repository:
        yield Backend(repository, target)


def environment_of(target: CommandTarget) -> dict[str, str]:
    """The environment that a repository on this database is opened with."""
    environment = {**os.environ, "TRIPWIRE_DATABASE_URL": target.url}
    if target.cluster is not None:  # Supabase knows nobody there, and no pooler stands before it
        for name in ("TRIPWIRE_SUPABASE_URL", "TRIPWIRE_SERVICE_ROLE_KEY", "TRIPWIRE_POOLER"):
            environment.pop(name, None)
    if target.cluster is not None or target.is_given:
        environment.pop("TRIPWIRE_REPORTS_URL", None)  # the replica of another database
    return environment


@contextmanager
def embedded(name: str, *, may_create: bool) -> Iterator[CommandTarget]:
    """A database of the project's embedded server, which stops at the end unless another process uses it.

    Raises:
        InvalidInput: it is not there, and may not be created.
        ServerUnavailable: the server does not start.
    """
    from tripwire_db.embedded import embedded_cluster

    if not name or len(name.encode()) > _LONGEST_NAME or "\x00" in name:
        raise InvalidInput("a database of the embedded server is named embedded:NAME, as in embedded:tripwire")
    cluster = embedded_cluster()
    missing = InvalidInput(
        f"there is no database {EMBEDDED}{name} yet: give a URL by --database-url or TRIPWIRE_DATABASE_URL, or make an "
        "embedded database by `tripwire-db upgrade`"
    )
    if not may_create and not cluster.data_dir.exists():
        raise missing
    with cluster:
        if not _exists(cluster, name):
            if not may_create:
                raise missing
            cluster.create_database(name)
        note(f"Using the embedded PostgreSQL {cluster.version}, database {EMBEDDED}{name}, in {cluster.directory}")
        yield CommandTarget(cluster.url(name), cluster, name)


@contextmanager
def _target(
    given: str | None, *, migrations: bool, may_create: bool, default: str = EMBEDDED_DATABASE
) -> Iterator[CommandTarget]:
    from tripwire_db.settings import Settings, libpq_url, sqlalchemy_url

    with ExitStack() as stack:
        name = default
        if given is not None and given.startswith(EMBEDDED):
            name = given.removeprefix(EMBEDDED)
        elif given is not None:
            sqlalchemy_url(given)  # refuses what is no URL, without showing it
            yield CommandTarget(libpq_url(given), is_given=True)
            return
        else:
            settings = Settings.from_env()
            # Whichever is set is meant: never the embedded server where the environment names a database.
            url = settings.migrations_url if migrations else settings.database_url or settings.migrations_url
            if url is not None:
                yield CommandTarget(url)
                return
        yield stack.enter_context(embedded(name, may_create=may_create))


def _exists(cluster: "Cluster", name: str) -> bool:
    from tripwire_db.postgres.connect import connect

    with connect(cluster.url(), autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_catalog.pg_database WHERE datname = %s", (name,))
        return found.fetchone() is not None
