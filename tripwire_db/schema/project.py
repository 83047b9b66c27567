"""What the tools of the schema door know of a project; any Alembic project can be described, the course is one.

Importing this page imports no models: they are named as `module:name` and loaded by the tool that compares them.
"""

import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg
from sqlalchemy import MetaData

from tripwire_db import migrations
from tripwire_db.postgres.catalog import Catalog, failing_functions, read_catalog
from tripwire_db.postgres.connect import connect
from tripwire_db.postgres.search_path import PATH

if TYPE_CHECKING:
    from tripwire_db.schema.releases.release import Scene

Models = MetaData | Sequence[MetaData]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Something that a check finds and that stays so, since its revision is frozen.

    Attributes:
        rule: As the check names it.
        revision: Whose it is.
        reason: Why it is all right.
    """

    rule: str
    revision: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What the platform that a database lives on adds by itself, and what is no drift there.

    Attributes:
        is_elsewhere: `module:name` of a query with one boolean: whether this database is not the platform's own.
        objects: Names that the platform makes, as patterns, by kind.
        event_triggers: Those of the platform that do the work of the project's own.
        databases: `module:name` of a context manager that yields new databases as the platform makes them: each one's URL
            by what it is called. None where there is no such server.
    """

    is_elsewhere: str
    objects: Mapping[str, tuple[str, ...]]
    event_triggers: tuple[str, ...] = ()
    databases: str | None = None

    def is_elsewhere_query(self) -> str:
        """The query itself, imported now."""
        return str(pkgutil.resolve_name(self.is_elsewhere))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRows:
    """How to fill a scratch database with as many rows as it takes to measure.

    Attributes:
        table: whose rows say how large a database is.
        fill: By revision, `module:name` of what puts so many rows into that table, and what belongs to them into the
            others; gets a connection and the number.
    """

    table: str
    fill: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One Alembic project. The defaults suit any of them.

    What is written `module:name` is imported by the tool that needs it, and not before.

    Attributes:
        folder: Gives the folder of env.py and versions/.
        metadata: The models, or where they stand as `module:name`; None where there are none to compare with.
        version_table: The name of Alembic's table.
        version_table_schema: Its schema, made by the runner where it is missing; None leaves it where the search path
            says.
        url_variables: Variables of the environment that may hold the URL, the first one first.
        url_example: What such a URL looks like, for the message where there is none.
        compared_schemas: The only schemas that `alembic check` and `--autogenerate` look into, tables of others in
            them left alone; empty leaves all of that to Alembic and `configure`.
        arguments: What may stand behind `-x` beside the runner's own; None lets everything pass, for revisions that
            read it.
        timed_revisions: Whether a new revision's id is its UTC time.
        literal_sql: Whether what autogenerate finds reaches the template as SQL (`upgrade_sql`, `downgrade_sql`), where
            revisions are timed; else as Alembic's own operations.
        notifies_postgrest: Whether each revision tells PostgREST of the new schema, where no event trigger does.
        keeps_supabase_history: Whether the account of Supabase's CLI is kept true, where the database has one.
        advice: What to do about an error of the server, by SQLSTATE.
        reworded: What a frozen revision's WARNING says wrongly, and what the runner says instead.
        configure: Further arguments of `context.configure()`.
        schemas: All that the chain makes something in.
        home_schema: The one of them whose owner is the role that migrates.
        replaces: Functions, as `public.touch()`, that revisions make by CREATE OR REPLACE, so that one by somebody else
            must not be there.
        search_path: What the runner's connections search; None leaves the server's. With one that has nothing but
            `pg_catalog`, no revision depends on what others make in `public`.
        encoding: The only one that a database of the project may have; None takes any.
        model_schemas: Those that the models speak of.
        beside_models: Tables that the models leave out on purpose, as patterns: `public.legacy_*`.
        api_schema: The one that an API shows to others.
        visitors: Roles that nothing may be granted to.
        outside_chain: Names, by their beginnings, that belong to the project and that no revision makes.
        baseline: The revision that the lint takes as it is, with what it made.
        prepare: `module:name` of what makes a scratch database ready for the first revision; gets its URL.
        make_models: `module:name` of what makes the models' tables in a scratch database; gets its URL.
        sample_rows: By revision, `module:name` of what puts rows into the tables that are there then; gets a connection.
        rows_of_chain: Tables whose rows the chain itself makes, each with its key: a course's lessons, say.
        numbers: Sequences, each with the table that keeps its numbers and a query of the highest one there.
        catalog_tables: Tables whose rows the chain writes about the database that they are in, for its downgrades; no backup
            holds them.
        outside_rows: Tables of others whose rows the project's need, and which a backup holds as far as they do: those
            that foreign keys of the project refer to, and then those that refer to these.
        examine: `module:name` of what finds damaged rows; gets a URL, gives findings that have a `kind`.
        measured: How a plan gets the rows that it measures with; None where it runs without any.
        lost_rows: `module:name` of a mapping: by revision and by a loss that it declares, SQL that makes something to be
            lost.
        scenes: `module:name` of what gives the calls by which the application's own statements are tried on the sample
            rows; see `tripwire_db.schema.releases`.
        functions: Which functions of the API's schema are called once each, as a pattern of LIKE; only those that read.
        rules_off: Rules of the check that are not asked.
        accepted: What the check finds and that stays so.
        platform: What the platform adds by itself.

    Examples:
        >>> Project(metadata="shop.models:metadata").models()  # doctest: +SKIP
        MetaData()
    """

    folder: Callable[[], Path] | None = None
    metadata: Models | str | None = None
    version_table: str = "alembic_version"
    version_table_schema: str | None = None
    url_variables: tuple[str, ...] = ("DATABASE_URL",)
    url_example: str = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
    compared_schemas: tuple[str, ...] = ()
    arguments: tuple[str, ...] | None = None
    timed_revisions: bool = False
    literal_sql: bool = False
    notifies_postgrest: bool = False
    keeps_supabase_history: bool = False
    advice: Mapping[str, str] = field(default_factory=dict)
    reworded: Mapping[str, str] = field(default_factory=dict)
    configure: Mapping[str, Any] = field(default_factory=dict)
    schemas: tuple[str, ...] = ("public",)
    home_schema: str = "public"
    replaces: tuple[str, ...] = ()
    search_path: str | None = None
    encoding: str | None = None
    model_schemas: tuple[str, ...] = ("public",)
    beside_models: tuple[str, ...] = ()
    api_schema: str = "public"
    visitors: tuple[str, ...] = ("anon", "public")
    outside_chain: tuple[str, ...] = ()
    baseline: str | None = None
    prepare: str | None = None
    make_models: str | None = None
    sample_rows: Mapping[str, str] = field(default_factory=dict)
    rows_of_chain: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    catalog_tables: tuple[str, ...] = ()
    outside_rows: tuple[str, ...] = ()
    examine: str | None = None
    measured: MeasuredRows | None = None
    lost_rows: str | None = None
    scenes: str | None = None
    functions: str | None = None
    rules_off: frozenset[str] = frozenset()
    accepted: tuple[Accepted, ...] = ()
    platform: Platform | None = None

    def models(self) -> Models | None:
        """Give the models, imported now where they were only named.

        Raises:
            ImportError: There is no such module.
            AttributeError: The module has no such name.
        """
        if isinstance(self.metadata, str):
            return cast("Models", pkgutil.resolve_name(self.metadata))
        return self.metadata

    def call(self, name: str, argument: object) -> Any:
        """Import what a `module:name` of this description names, and call it."""
        return pkgutil.resolve_name(name)(argument)

    def fill(self, name: str, connection: psycopg.Connection[Any], rows: int) -> None:
        """Put rows into a scratch database by what a `module:name` of `measured` names."""
        pkgutil.resolve_name(name)(connection, rows)

    def put_sample_rows(self, url: str, revision: str) -> bool:
        """Put the sample rows that belong to a revision into a scratch database; whether there are any."""
        name = self.sample_rows.get(revision)
        if name is not None:
            with connect(url) as connection:
                self.call(name, connection)
        return name is not None

    def rows_to_lose(self) -> Mapping[tuple[str, str], str]:
        """By revision and loss, the SQL that makes something to be lost."""
        return cast("Mapping[tuple[str, str], str]", pkgutil.resolve_name(self.lost_rows)) if self.lost_rows else {}

    def own_scenes(self) -> "Sequence[Scene]":
        """What the application says to its database today; nothing where the project does not tell."""
        return cast("Sequence[Scene]", pkgutil.resolve_name(self.scenes)()) if self.scenes else ()

    def ready(self, url: str) -> None:
        """Make a scratch database ready for the first revision."""
        if self.prepare is not None:
            self.call(self.prepare, url)

    def wrong_encoding(self, connection: psycopg.Connection[Any]) -> str | None:
        """Say what is wrong with a database's encoding; None where it is right."""
        found = connection.info.parameter_status("server_encoding")
        if self.encoding is None or found == self.encoding:
            return None
        return (
            f"This database has the encoding {found}, which lacks letters that revisions and rows need. Nothing was changed: "
            f"make a database with CREATE DATABASE ... ENCODING '{self.encoding}' TEMPLATE template0, and restore into it."
        )

    def read_catalog(self, connection: psycopg.Connection[Any]) -> Catalog:
        """Read what stands in the project's schemas; see `tripwire_db.postgres.catalog.read_catalog`."""
        return read_catalog(connection, schemas=self.schemas, home=self.home_schema)

    def failing_functions(self, connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
        """Call the project's functions, and yield those that fail."""
        if self.functions is not None:
            yield from failing_functions(connection, self.api_schema, self.functions)


SUPABASE = Platform(
    is_elsewhere="tripwire_db.postgres.auth_users:IS_STAND_IN",
    objects={
        # The owner is a member of the API's roles; the CLI logs in as a member of the owner.
        "membership": ("service_role in pgsodium_key*", "supabase_* in *", "postgres in *", "cli_login_* in *"),
        "event_trigger": ("pgrst_d*_watch", "issue_*", "ensure_rls", "graphql_watch_*"),
        "setting": (
            "anon everywhere statement_timeout",
            "authenticated everywhere statement_timeout",
            "authenticator everywhere statement_timeout",
            "authenticator everywhere lock_timeout",
            "authenticator everywhere session_preload_libraries",
            "authenticator everywhere pgrst.*",
            "service_role everywhere statement_timeout",
            "postgres everywhere search_path",
            "* in this database app.settings.jwt_*",
        ),
        "default_privilege": (
            "of <owner> on tables in public to *",
            "of <owner> on sequences in public to *",
            "of <owner> on functions in public to *",
            # What is left of `ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM public`: the owner's own.
            "of <owner> on functions in any schema to postgres",
            "of supabase_admin on * in public to *",
        ),
    },
    event_triggers=("pgrst_ddl_watch", "pgrst_drop_watch"),
    databases="tripwire_db.schema.course.platforms:supabase_projects",
)

_WAY_BACK = "the older layout is restored in one transaction, or not at all; so a downgrade that far is planned, with nobody at work"

_ACCEPTED = (
    Accepted(
        rule="table-without-rls",
        revision="20261103090000",
        reason="only backends, whose role passes by policies, use the new tables until 20261118090000 writes these",
    ),
    *(
        Accepted(rule=rule, revision=revision, reason=f"of the downgrade: {_WAY_BACK}")
        for rule, revision in (
            ("scan-under-lock", "20261105150000"),
            ("scan-under-lock", "20261106090000"),
            ("scan-under-lock", "20261110090000"),
            ("index-not-concurrently", "20261110090000"),
            ("scan-under-lock", "20261126104328"),
        )
    ),
    Accepted(
        rule="function-traits",
        revision="20261117090000",
        reason="two functions of v2 ran as their owner, for everybody; since then they ask who calls, and run as the caller",
    ),
    Accepted(
        rule="trigger",
        revision="20261119090000",
        reason="it tells PostgREST that something was dropped, and does nothing else",
    ),
    Accepted(
        rule="repeatable-data",
        revision="20261106090000",
        reason="a row without a time gets the time at which it was mended; there is no better one",
    ),
    Accepted(
        rule="explicit-lock",
        revision="20261106090000",
        reason="rows that come between mending and the constraint would break it; 0.6 s at 10,000 damaged students",
    ),
    Accepted(
        rule="explicit-lock",
        revision="20261126081215",
        reason="names must not come in between; a table is read once",
    ),
)
"""What check finds of revisions that were merged before it looked for it, and that stay as they are."""

_ROWS = "tripwire_db.schema.course.sample_rows"

COURSE = Project(
    folder=migrations.script_location,
    metadata="tripwire_db.tables:metadata",
    version_table_schema="tripwire",
    url_variables=("TRIPWIRE_MIGRATIONS_URL", "TRIPWIRE_DATABASE_URL"),
    url_example="postgresql://postgres:PASSWORD@db.REF.supabase.co:5432/postgres",
    compared_schemas=("public",),
    arguments=(),
    timed_revisions=True,
    literal_sql=True,
    notifies_postgrest=True,
    keeps_supabase_history=True,
    schemas=("public", "tripwire"),
    home_schema="tripwire",
    replaces=("public.update_updated_at_column()", "public.pgrst_watch()"),
    search_path=PATH,
    encoding="UTF8",
    # Made by `adopt`: what it moved away, and which extra objects it listed and left unchanged.
    outside_chain=("tripwire.quarantine", "tripwire.adopted_extras"),
    baseline="20261101090000",
    prepare="tripwire_db.schema.bootstrap:bootstrap",
    make_models="tripwire_db.schema.course.models:make_from_models",
    # From the second on there are tables that v2 does not have, and rows for them.
    sample_rows={"20261101090000": f"{_ROWS}:fill_v2", "20261103090000": f"{_ROWS}:fill_head"},
    rows_of_chain={"public.modules": "id", "public.lessons": "id"},
    numbers={
        "tripwire.certificate_number_seq": (
            "public.certificates",
            "SELECT max(substr(number, 4)::bigint) FROM public.certificates WHERE number ~ '^TW-[0-9]{1,18}$'",
        )
    },
    catalog_tables=("tripwire.former_grants",),
    outside_rows=("auth.users", "auth.identities"),
    examine="tripwire_db.schema.doctor:examine",
    measured=MeasuredRows(
        table="public.tripwire_users", fill={"20261101090000": "tripwire_db.schema.course.many_rows:fill_v2"}
    ),
    lost_rows="tripwire_db.schema.course.lost_rows:LOST_ROWS",
    scenes="tripwire_db.schema.course.scenes:scenes",
    accepted=_ACCEPTED,
    functions=r"rpc\_%",
    platform=SUPABASE,
    # It may not be there at all.
    reworded={"pgrst_watch was left as it is": "pgrst_watch was neither made nor changed"},
    advice={"42P07": "If this database was made by hand, bring it under Alembic first: tripwire-db adopt."},
)
