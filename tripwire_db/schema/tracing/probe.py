"""What the catalog and the counters say of each table and index, and which locks a session holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from tripwire_db.schema.tracing.results import TableWork

# The counters of the transaction at work are its own session's alone; those of finished ones are everybody's.
_RELATIONS = """
SELECT
    c.oid::int8,
    pg_catalog.format('%I.%I', n.nspname, c.relname),
    c.relkind IN ('i', 'I'),
    i.indrelid::int8,
    pg_catalog.pg_relation_filenode(c.oid)::int8,
    c.reltuples < 0,
    coalesce(s.seq_scan, 0),
    coalesce(s.seq_tup_read, 0),
    coalesce(s.idx_scan, 0),
    coalesce(s.n_tup_ins, 0),
    coalesce(s.n_tup_upd, 0),
    coalesce(s.n_tup_del, 0)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.{counters} AS s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND n.nspname NOT LIKE 'pg\\_temp\\_%'
"""
_COUNTERS = {"own": "pg_stat_xact_user_tables", "all": "pg_stat_user_tables"}

_LOCKS = """
SELECT l.relation::int8, l.mode, l.granted, l.locktype
FROM pg_catalog.pg_locks AS l
WHERE l.pid = %s AND (l.locktype = 'relation' OR NOT l.granted)
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or an index at one moment."""

    name: str
    is_index: bool
    of_table: int | None
    file: int | None
    uncounted: bool
    counters: tuple[int, ...]


Relations = Mapping[int, Relation]


def relations(cursor: psycopg.Cursor[Any], counters: Literal["own", "all"]) -> Relations:
    """Read all tables and indexes that are no system's, with the counters of the session's transaction, or of all."""
    # A constant out of two. No parameters, so that `%` stands for itself.
    rows = cursor.execute(_RELATIONS.replace("{counters}", _COUNTERS[counters]).encode()).fetchall()
    return {
        oid: Relation(name, is_index, of_table, file, uncounted, tuple(counters))
        for oid, name, is_index, of_table, file, uncounted, *counters in rows
    }


@dataclass(frozen=True, slots=True)
class HeldLocks:
    """The relations that a session has locked, or waits to lock, each with a mode.

    Attributes:
        relations: and their modes.
        waits_for: the type of what it waits for, as in `relation` or `virtualxid`; None where it waits for nothing.
    """

    relations: frozenset[tuple[int, str]]
    waits_for: str | None


def locks(connection: psycopg.Connection[Any], pid: int) -> HeldLocks:
    """Read the locks of another session; modes as in `ACCESS EXCLUSIVE`."""
    rows = connection.execute(_LOCKS, (pid,)).fetchall()
    return HeldLocks(
        frozenset((relation, spelled(mode)) for relation, mode, _, kind in rows if kind == "relation"),
        next((kind for *_, granted, kind in rows if not granted), None),
    )


def wal_position(connection: psycopg.Connection[Any]) -> int:
    """Tell how many bytes the server has written to its log since it was made."""
    row = connection.execute("SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::int8")
    ((position,),) = row.fetchall()
    return int(position)


def work(before: Relations, after: Relations) -> tuple[TableWork, ...]:
    """Tell what was done between two looks to the tables that were there at the first."""
    found = (_work(oid, before, after) for oid in before if oid in after and not before[oid].is_index)
    return tuple(sorted((one for one in found if one != TableWork(one.table)), key=lambda one: one.table))


def _work(oid: int, before: Relations, after: Relations) -> TableWork:
    old, new = before[oid], after[oid]
    scans, read, by_index, inserted, updated, deleted = (
        max(0, now - then) for then, now in zip(old.counters, new.counters, strict=True)
    )
    moved = old.file != new.file
    built = sorted(
        index.name
        for index_oid, index in after.items()
        if index.of_table == oid and (index_oid not in before or before[index_oid].file != index.file)
    )
    # Each index is built by a scan; a new file that no other scan filled is an empty one.
    emptied = moved and scans <= len(built) and not by_index and new.uncounted
    return TableWork(
        table=new.name,
        rewritten=moved and not emptied,
        emptied=emptied,
        scans=scans,
        read=read,
        inserted=inserted,
        updated=updated,
        deleted=deleted,
        indexes_built=() if emptied else tuple(built),
    )


def spelled(mode: str) -> str:
    """Write a mode as SQL does: `AccessExclusiveLock` → `ACCESS EXCLUSIVE`."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in mode.removesuffix("Lock"))
    return spaced.strip().upper()
