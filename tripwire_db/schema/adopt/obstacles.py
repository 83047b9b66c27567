"""What stands in the way of a column's change: values that cannot be cast, times without a zone, views that depend on it."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tripwire_db.schema.adopt.plan import ColumnChange, Plan

_KEPT = "as they were they stand in tripwire.quarantined_values"
_NUMBERS = ("numeric", "double precision", "real", "money", "integer", "bigint", "smallint")

_DEPENDENTS = """
SELECT DISTINCT CASE d.classid
    WHEN 'pg_catalog.pg_rewrite'::regclass THEN (
        SELECT format('%%s %%s', CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, c.oid::regclass)
        FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class WHERE r.oid = d.objid
    )
    WHEN 'pg_catalog.pg_attrdef'::regclass THEN (
        SELECT format('generated column %%s.%%s', e.adrelid::regclass, o.attname)
        FROM pg_catalog.pg_attrdef e
        JOIN pg_catalog.pg_attribute o ON o.attrelid = e.adrelid AND o.attnum = e.adnum
        WHERE e.oid = d.objid AND o.attgenerated <> '' AND NOT (o.attname = ANY (%(ours)s))
    )
    ELSE pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
END
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = %(table)s::regclass AND a.attname = %(column)s
    AND d.classid IN (
        'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_trigger'::regclass,
        'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_publication_rel'::regclass
    )
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Values:
    """What a change does to the values that are there.

    Attributes:
        filled: How many there are.
        failing: How many cannot be cast.
        changed: How many are another value afterwards, as 16.4 that becomes 16.
    """

    filled: int
    failing: int
    changed: int


def _dependents(connection: psycopg.Connection[Any], change: ColumnChange, ours: list[str]) -> list[str]:
    """Name what depends on a column so that its type cannot be changed.

    Args:
        connection: Whose search path is empty.
        change: Of the column.
        ours: Columns of the same table that are generated, and will not be any more.
    """
    asked = {"table": change.table, "column": change.column, "ours": ours}
    return [str(name) for (name,) in connection.execute(_DEPENDENTS, asked).fetchall() if name is not None]


def _look(connection: psycopg.Connection[Any], change: ColumnChange) -> Values:
    """Cast each value once, in the session's time zone, and count; nothing stays of it."""
    counts = """
    SELECT count(*), count(*) FILTER (WHERE fate = 2), count(*) FILTER (WHERE fate = 1)
    FROM (SELECT pg_temp.fate_of_value(t.{column}) AS fate FROM {table} AS t WHERE t.{column} IS NOT NULL) AS cast_once
    """
    with connection.transaction(force_rollback=True):
        connection.execute(_function(change).encode())
        row = connection.execute(sql.SQL(counts).format(**change.identifiers)).fetchone()
    return Values(*row) if row is not None else Values(0, 0, 0)


def _function(change: ColumnChange) -> str:
    """A function that tells 0 for a value that stays, 1 for one that becomes another, 2 for one that cannot be cast."""
    back = f"(value::{change.wanted})::{change.found} IS DISTINCT FROM value"
    changed = back if change.found.partition("(")[0] in _NUMBERS else f"value::{change.wanted} IS NULL"
    return f"""CREATE FUNCTION pg_temp.fate_of_value(value {change.found}) RETURNS integer LANGUAGE plpgsql AS $fate$
    BEGIN
        RETURN CASE WHEN {changed} THEN 1 ELSE 0 END;
    EXCEPTION WHEN OTHERS THEN
        RETURN 2;
    END $fate$"""


def look_closer(
    connection: psycopg.Connection[Any], made: Plan, change: ColumnChange, generated: list[str], time_zone: str | None
) -> None:
    """See what depends on a column that changes, and what becomes of its values."""
    name = f"{change.table}.{change.column}"
    made.blockers += [
        f"{dependent} depends on {name}, whose type or collation changes: drop it, and make it again afterwards"
        for dependent in _dependents(connection, change, generated)
    ]
    if change.found == change.wanted or (change.wanted == "jsonb" and change.found != "json"):
        return
    values = _look(connection, change)
    if values.failing:
        made.blockers.append(_way_out(change, values.failing))
        made.unreadable = True
    elif change.zoneless and values.filled and time_zone is None:
        made.blockers.append(
            f"{values.filled} times of {name} are {change.found} and have no time zone: say in which they were written, for "
            "example --time-zone Asia/Almaty"
        )
    elif change.zoneless and values.filled:
        made.notes.append(f"{values.filled} times of {name} have no time zone, and are read in {time_zone}; {_KEPT}")
        made.kept.append((change, f"had no time zone, and was read in {time_zone}"))
    elif values.changed:
        made.notes.append(f"{values.changed} values of {name} are rounded: it was {change.found}; {_KEPT}")
        made.kept.append((change, f"was {change.found}, and became {change.wanted}"))


def _way_out(change: ColumnChange, count: int) -> str:
    """Say how values that cannot be cast are settled; none of them is shown."""
    column = '"' + change.column.replace('"', '""') + '"'
    if change.wanted in _NUMBERS:
        using = f"nullif(regexp_replace({column}::text, '[^0-9.]', '', 'g'), '')::{change.wanted}"
    elif change.wanted == "uuid" and change.column == "id" and change.table != "public.users":
        using = "gen_random_uuid()"
    elif change.wanted == "uuid":
        using = f"CASE WHEN {column}::text ~ '^[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}$' THEN {column}::text::uuid END"
    else:
        using = "an expression that reads them"
    alter = f"ALTER TABLE {change.table} ALTER COLUMN {column}"
    clear = f"{alter} DROP {change.cleared}; " if change.cleared else ""
    return (
        f"{count} values of {change.table}.{change.column} are {change.found} that cannot become {change.wanted}: correct "
        f"them, or convert the column by hand, for example by {clear}{alter} TYPE {change.wanted} USING {using}"
    )


def keep(connection: psycopg.Connection[Any], change: ColumnChange, reason: str) -> None:
    """Note the values that a change makes others of, as they were, in `tripwire.quarantined_values`.

    Args:
        connection: In the transaction and the time zone of the change, before it.
        change: Of the column.
        reason: Why.
    """
    differs = (
        "true" if change.zoneless else f"(t.{{column}}::{change.wanted})::{change.found} IS DISTINCT FROM t.{{column}}"
    )
    statement = (
        "INSERT INTO tripwire.quarantined_values (table_name, key, column_name, was, became, reason) "
        f"SELECT %s, coalesce(to_jsonb(t) ->> 'id', to_jsonb(t) ->> 'user_id', t.ctid::text), %s, t.{{column}}::text, (t.{{column}}::{change.wanted})::text, %s "
        f"FROM {{table}} AS t WHERE t.{{column}} IS NOT NULL AND {differs}"
    )
    connection.execute(
        sql.SQL(statement).format(**change.identifiers),
        (change.table.partition(".")[2], change.column, reason),
    )
