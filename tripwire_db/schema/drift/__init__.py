"""Compares a live database with the chain at its own revision: what differs was changed by hand.

Read-only towards the live database, in one transaction. What the chain makes is built on a scratch server of ours, so a
pending revision is no drift.
"""

import fnmatch
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from tripwire_db import migrations
from tripwire_db.embedded import scratch_cluster
from tripwire_db.errors import Refused
from tripwire_db.postgres.catalog import Catalog, Key, Object
from tripwire_db.schema.drift.allowed import Allowed, unmatched
from tripwire_db.schema.drift.meaning import meaning_of
from tripwire_db.schema.drift.report import Difference, Drift, DriftedObject
from tripwire_db.schema.drift.snapshot import Snapshot, may_read, notes, reading, take
from tripwire_db.schema.project import COURSE as PROJECT
from tripwire_db.schema.project import Platform
from tripwire_db.schema.runner.version_table import VersionTable

# Kinds that hang from no table of ours: one that the chain does not make is drift all the same.
_OURS_ANYWHERE = {"role", "membership", "setting", "default_privilege", "event_trigger"}
# What is no table of ours and concerns us all the same: who may make schemas, and who sees auth users.
_CONCERNS_US = {"database", "auth.users"}

# Before 17 GRANT ALL grants no MAINTAIN, which the scratch server has.
_MAINTAIN_SINCE = 170000

_WATCHED = "Supabase's own watchers do its work"
# What differs in an event trigger of v2 that our revision disabled, or might not touch, since those watchers stand.
_SET_ASIDE = {"fires", "owner"}


def find_drift(url: str, *, allow: Iterable[Allowed] = ()) -> Drift:
    """Compare a live database with the chain at the live database's own revision.

    Args:
        url: the live database; only read, in one read-only transaction.
        allow: what an application adds to our tables on purpose; see `read_allowed`.

    Raises:
        Refused: the database is not under Alembic, or at a revision that this package does not know.
        Unavailable: it cannot be read, or no scratch server can be started.

    Examples:
        >>> find_drift(url).findings
        ()
    """
    with reading(url) as live:
        revision = _revision_of(live)
        snapshot = take(live, PROJECT)
        platform = _platform_of(live)
        may_watch = _may_create_event_triggers(live)
        accepted = _accepted_extras(live)
        failing, told = _called(live)
        used_up = list(_used_up(live))
        may_maintain = live.info.server_version >= _MAINTAIN_SINCE
    chain = chain_at(revision)
    expected = chain.catalog if may_maintain else _without_maintain(chain.catalog)
    allow = tuple(allow)
    allowed = tuple(entry for entry in allow if entry.key in snapshot.catalog and entry.key not in expected)
    found = {key: theirs for key, theirs in snapshot.catalog.items() if key not in {entry.key for entry in allowed}}
    findings: list[DriftedObject] = []
    not_ours: list[Key] = []
    for key in sorted({*expected, *found}, key=_order):
        mine, theirs = expected.get(key), found.get(key)
        if theirs is None and mine is not None:
            if key.kind == "event_trigger" and (reason := _excused(found, may_watch=may_watch)):
                told.append(f"event trigger {key.name} is not there: {reason}")
            elif key.kind != "referrer" or Key("constraint", key.name) not in expected:  # else told as the constraint
                findings.append(DriftedObject(key.kind, key.name, mine.on_table, "missing"))
        elif mine is None and theirs is not None:
            if _is_drift(theirs, expected, accepted, platform=platform):
                findings.append(DriftedObject(key.kind, key.name, theirs.on_table, "extra", _all_of(theirs)))
            else:
                not_ours.append(key)
        elif mine is not None and theirs is not None and (differences := _between(mine, theirs)):
            if key.kind == "event_trigger" and {d.attribute for d in differences} <= _SET_ASIDE and _watched(found):
                told.append(f"event trigger {key.name} is not as the chain makes it: {_WATCHED}")
            elif key.kind != "auth_function" or theirs.attributes["of_platform"] != "yes":
                findings.append(DriftedObject(key.kind, key.name, mine.on_table, "changed", differences))
    all_findings = (replace(one, meaning=meaning_of(one)) for one in (*findings, *used_up, *failing))
    told += [*notes(chain, snapshot), *unmatched(allow, allowed)]
    return Drift(revision, tuple(all_findings), tuple(not_ours), tuple(told), allowed)


def chain_at(revision: str) -> Snapshot:
    """What the chain makes of an empty database at a revision, built on a scratch server and read."""
    with scratch_cluster() as cluster:
        url = cluster.create_database("expected")
        PROJECT.ready(url)
        migrations.upgrade(url, revision, quiet=True)
        with reading(url) as scratch:
            return take(scratch, PROJECT)


def _used_up(connection: psycopg.Connection[Any]) -> Iterator[DriftedObject]:
    """Sequences that stand at or below a number that is taken, after RESTART or setval by hand."""
    for sequence, (table, query) in PROJECT.numbers.items():
        if not (may_read(connection, sequence) and may_read(connection, table)):
            continue
        stands = sql.SQL("SELECT last_value + is_called::integer FROM {}").format(sql.Identifier(*sequence.split(".")))
        with suppress(psycopg.errors.UndefinedColumn), connection.transaction():  # that one is missing is told already
            (taken,) = connection.execute(query.encode()).fetchone() or (None,)
            (number,) = connection.execute(stands).fetchone() or (None,)
            if taken is not None and number is not None and number <= taken:
                difference = Difference("next number", f"above {taken}", str(number))
                yield DriftedObject("sequence", sequence, None, "changed", (difference,))


def _revision_of(connection: psycopg.Connection[Any]) -> str:
    heads = VersionTable.of(PROJECT).read(connection)
    if len(heads) != 1:
        raise Refused("this database is not under Alembic: run `tripwire-db adopt`, or `upgrade` if it is empty")
    (revision,) = heads
    if revision not in migrations.revisions():
        raise Refused(f"the database is at revision {revision}, which this version of tripwire-db does not know")
    return revision


def _may_create_event_triggers(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "SELECT r.rolsuper FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'tripwire'"
    ).fetchone()
    return bool(row and row[0])


def _platform_of(connection: psycopg.Connection[Any]) -> Platform | None:
    """The platform that this database lives on; None where it is none of its own."""
    platform = PROJECT.platform
    if platform is None:
        return None
    row = connection.execute(platform.is_elsewhere_query().encode()).fetchone()
    return None if row is not None and row[0] else platform


def _accepted_extras(connection: psycopg.Connection[Any]) -> frozenset[Key]:
    row = connection.execute("SELECT to_regclass('tripwire.adopted_extras') IS NOT NULL").fetchone()
    if not (row and row[0]):
        return frozenset()
    return frozenset(Key(*pair) for pair in connection.execute("SELECT kind, name FROM tripwire.adopted_extras"))


def _excused(found: Catalog, *, may_watch: bool) -> str | None:
    if _watched(found):
        return _WATCHED
    return None if may_watch else "the owner is no superuser, so upgrades notify PostgREST themselves"


def _watched(found: Catalog) -> bool:
    """Whether the platform's own event triggers stand and fire."""
    names = PROJECT.platform.event_triggers if PROJECT.platform is not None else ()
    watchers = [found.get(Key("event_trigger", name)) for name in names]
    return bool(watchers) and all(one is not None and one.attributes.get("fires") != "disabled" for one in watchers)


def _called(connection: psycopg.Connection[Any]) -> tuple[list[DriftedObject], list[str]]:
    """Call the project's functions: those that fail, and a note on those that this login may not call at all."""
    failing: list[DriftedObject] = []
    barred: list[str] = []
    for signature, said in list(PROJECT.failing_functions(connection)):
        row = connection.execute(
            "SELECT pg_catalog.has_function_privilege(%s::text::regprocedure, 'EXECUTE')", (signature,)
        ).fetchone()
        if row == (False,):
            barred.append(signature)
        else:
            failing.append(
                DriftedObject("function", signature, None, "fails", (Difference("call", "an answer", said),))
            )
    if not barred:
        return failing, []
    return failing, [f"this login may not call {len(barred)} functions, so they were not tried: {', '.join(barred)}"]


def _is_drift(extra: Object, expected: Catalog, accepted: frozenset[Key], *, platform: Platform | None) -> bool:
    """Whether an object that the chain does not make touches what the chain makes."""
    key = extra.key
    if (
        key in accepted
        or key.name.startswith(PROJECT.outside_chain)
        or (extra.on_table or "").startswith(PROJECT.outside_chain)
    ):
        return False
    known = platform.objects.get(key.kind, ()) if platform is not None else ()
    if any(fnmatch.fnmatchcase(key.name, pattern) for pattern in known):
        return False
    if key.kind in _OURS_ANYWHERE:
        return True
    if key.kind == "function" and _has_overload(expected, key.name):
        return True
    if extra.on_table is None:
        return False
    if extra.on_table in _CONCERNS_US:
        return True
    return any(Key(kind, extra.on_table) in expected for kind in ("table", "function", "sequence", "schema"))


def _without_maintain(catalog: Catalog) -> Catalog:
    """What an older server can hold of it."""
    found = dict(catalog)
    for key, item in catalog.items():
        if key.kind in ("grant", "default_privilege"):
            rights = [right for right in (item.attributes["privileges"] or "").split(", ") if "MAINTAIN" not in right]
            found[key] = replace(item, attributes={**item.attributes, "privileges": ", ".join(rights)})
    return found


def _has_overload(expected: Catalog, signature: str) -> bool:
    """Whether the chain has a function of this name, with other arguments."""
    name = f"{signature.partition('(')[0]}("
    return any(key.kind == "function" and key.name.startswith(name) for key in expected)


def _between(mine: Object, theirs: Object) -> tuple[Difference, ...]:
    names = [name for name in mine.attributes if mine.attributes[name] != theirs.attributes.get(name)]
    return tuple(Difference(name, mine.attributes[name], theirs.attributes.get(name)) for name in names)


def _all_of(extra: Object) -> tuple[Difference, ...]:
    said = {name: value for name, value in extra.attributes.items() if value not in (None, "", "no")}
    return tuple(Difference(name, None, value) for name, value in said.items())


def _order(key: Key) -> tuple[str, str]:
    return key.name, key.kind
