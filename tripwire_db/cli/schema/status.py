"""`tripwire-db status`: where a database stands."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from tripwire_db.cli import options, output, targets
from tripwire_db.cli.errors import FOUND
from tripwire_db.cli.schema import common

if TYPE_CHECKING:
    import psycopg

    from tripwire_db.schema.bootstrap import Auth

_OURS = {"pgrst_watch": "public.pgrst_watch", "pgrst_watch_drop": "public.pgrst_watch_drop"}
_EVENT_TRIGGERS = """
SELECT t.evtname, t.evtevent, t.evtenabled IN ('O', 'A'), n.nspname || '.' || p.proname
FROM pg_catalog.pg_event_trigger AS t
JOIN pg_catalog.pg_proc AS p ON p.oid = t.evtfoid
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE t.evtname IN ('pgrst_watch', 'pgrst_watch_drop', 'pgrst_ddl_watch', 'pgrst_drop_watch')
ORDER BY t.evtname
"""


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """An event trigger that tells PostgREST of a new schema; `owner` is `tripwire-db` or `supabase`."""

    name: str
    event: str
    enabled: bool
    owner: str


@dataclass(frozen=True, slots=True)
class PendingRevision:
    """A revision that is not applied yet."""

    revision: str
    title: str


@dataclass(frozen=True, slots=True)
class Status:
    """Where a database stands.

    Attributes:
        database: which one, without its password.
        server_version: as in `18.6`.
        revision: the one applied last; None where there is none.
        head: the newest that comes with this package.
        known: False for a revision that does not come with this package: it is older than the database.
        pending: what `tripwire-db upgrade` would apply, in this order.
        event_triggers: those that tell PostgREST of a new schema.
        left_out: those of ours that are not there though their revision is applied, and why that is no harm.
        auth: whose the schema `auth` is: `stand-in`, `supabase`, `foreign`, `unusable` or `missing`.
        open_schemas: those of ours in which everybody may create objects.
        made_by_hand: tables of ours are there though Alembic has never been.
    """

    database: str
    server_version: str
    revision: str | None
    head: str
    known: bool
    pending: tuple[PendingRevision, ...]
    event_triggers: tuple[EventTrigger, ...]
    left_out: tuple[str, ...]
    auth: "Auth"
    open_schemas: tuple[str, ...] = ()
    made_by_hand: bool = False


def status(database_url: options.DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Show where a database stands: revision, what is pending, event triggers, server.

    The exit code is 1 where the database is not at the newest revision.
    """
    with targets.migrations(database_url) as target:
        found = look(target)
    if as_json:
        output.show_json(found)
    else:
        _show(found)
    if found.pending or not found.known:
        raise typer.Exit(FOUND)


def look(target: targets.CommandTarget) -> Status:
    """Look at a database; nothing is changed."""
    from tripwire_db import migrations
    from tripwire_db.postgres.connect import connect
    from tripwire_db.postgres.search_path import PIN
    from tripwire_db.schema.bootstrap import whose_auth
    from tripwire_db.schema.project import COURSE
    from tripwire_db.schema.runner.neighbours import open_schemas

    with connect(target.url, purpose="status") as connection:
        connection.execute(PIN)
        revision = migrations.current(target.url)
        known, pending = _pending(revision)
        triggers = tuple(
            EventTrigger(name, event, enabled, "tripwire-db" if _OURS.get(name) == function else "supabase")
            for name, event, enabled, function in connection.execute(_EVENT_TRIGGERS)
        )
        return Status(
            database=str(target),
            server_version=_server_version(connection),
            revision=revision,
            head=", ".join(migrations.heads()),
            known=known,
            pending=pending,
            event_triggers=triggers,
            left_out=_left_out(connection, {trigger.event for trigger in triggers if trigger.enabled}),
            auth=whose_auth(connection),
            open_schemas=open_schemas(connection, COURSE),
            made_by_hand=revision is None and _has_our_tables(connection),
        )


def _pending(revision: str | None) -> tuple[bool, tuple[PendingRevision, ...]]:
    from alembic.script.revision import RevisionError

    chain = common.chain()
    try:
        steps = list(chain.iterate_revisions("heads", revision or "base"))
    except RevisionError:
        return False, ()
    return True, tuple(PendingRevision(step.revision, (step.doc or "").rstrip(".")) for step in reversed(steps))


def _server_version(connection: "psycopg.Connection[Any]") -> str:
    major, minor = divmod(connection.info.server_version, 10_000)
    return f"{major}.{minor}"


def _left_out(connection: "psycopg.Connection[Any]", events: set[str]) -> tuple[str, ...]:
    """The triggers whose function is there and that no trigger calls; Supabase's own count as much as ours."""
    wanted = {"pgrst_watch": "ddl_command_end", "pgrst_watch_drop": "sql_drop"}
    present = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regproc('public.' || name) IS NOT NULL ORDER BY name",
        (list(wanted),),
    ).fetchall()
    return tuple(name for (name,) in present if wanted[name] not in events)


def _has_our_tables(connection: "psycopg.Connection[Any]") -> bool:
    row = connection.execute("SELECT to_regclass('public.tripwire_users') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def _show(found: Status) -> None:
    from tripwire_db.schema.bootstrap import AUTH_WORDS
    from tripwire_db.schema.runner.neighbours import open_schema_warning

    revision = found.revision or "none"
    if not found.known:
        revision += "  (unknown to this version of tripwire-db: install a newer one)"
    elif found.revision == found.head:
        revision += "  (head)"
    triggers = [
        f"{trigger.name} on {trigger.event}{'' if trigger.enabled else ', disabled'}"
        + (" (Supabase's)" if trigger.owner == "supabase" else "")
        for trigger in found.event_triggers
    ]
    triggers += [f"{name} was left out: each upgrade tells PostgREST itself" for name in found.left_out]
    facts: dict[str, object] = {
        "Database": found.database,
        "Server": f"PostgreSQL {found.server_version}",
        "Schema auth": AUTH_WORDS[found.auth],
        "Revision": revision,
        "Head": found.head,
        "Pending": f"{len(found.pending)} revisions"
        if len(found.pending) > 1
        else "1 revision"
        if found.pending
        else "nothing",
        "Event triggers": triggers[0] if triggers else "none",
    }
    output.show(output.pairs("Status", facts))
    for trigger in triggers[1:]:
        output.say(f"{'':16}{trigger}")
    for schema in found.open_schemas:
        output.say()
        output.say(f"Warning: {open_schema_warning(schema)}")
    if found.auth == "missing":
        output.say()
        output.say("Next: tripwire-db bootstrap")
    elif found.made_by_hand:
        output.say()
        output.say("Next: tripwire-db adopt (tables of ours are here, and Alembic has never been)")
    elif found.pending:
        output.show(
            output.table("", ["=Pending", ""], [(step.revision, step.title) for step in found.pending]),
        )
        output.say("Next: tripwire-db upgrade")
