"""Which rows can stay: asked of temporary views that show the tables as v2 has them.

A view fills in what only this step can know (the auth user of a student without one), and leaves out each row that has been
condemned; so one round of questions sees what the round before has done, and the whole works the same for the report,
which is rolled back, and for the move itself. The question what the chain cannot mend is asked by the chain's
own SQL, read from its file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tripwire_db import migrations
from tripwire_db.postgres.catalog import Catalog
from tripwire_db.schema.adopt.report import Mending, Quarantined
from tripwire_db.tables import metadata

_FOLDER = Path(__file__).resolve().parent / "sql"

# Of rows that a unique key forbids, the one that knows most stays, then the oldest.
_BEST = {
    "tripwire_users": "(SELECT lower(a.email) = lower(t.email) FROM auth.users a WHERE a.id = t.user_id) IS TRUE DESC",
    "tripwire_user_profile": "t.modules_completed DESC NULLS LAST, t.certificate_issued DESC NULLS LAST",
    "student_progress": "(t.status = 'completed') IS TRUE DESC, (t.status = 'in_progress') IS TRUE DESC",
    "video_tracking": "t.is_qualified_for_completion IS TRUE DESC, t.total_watched_seconds DESC NULLS LAST",
    "user_achievements": "t.is_completed IS TRUE DESC, t.current_value DESC NULLS LAST",
    "user_statistics": "t.lessons_completed DESC NULLS LAST, t.total_time_spent DESC NULLS LAST",
}

# The log outlives people: the next revisions take its foreign keys and its NOT NULL off, so no row has to go for them.
_MAY_BE_NULL = {("sales_activity_log", "manager_id")}

_OWNERS = """
CREATE TEMPORARY TABLE owners (at tid PRIMARY KEY, user_id uuid) ON COMMIT DROP;
INSERT INTO owners
SELECT t.at, a.user_id
FROM (
    SELECT DISTINCT ON (lower(email)) ctid AS at, lower(email) AS email
    FROM public.tripwire_users
    WHERE user_id IS NULL
    ORDER BY lower(email), ctid
) AS t
JOIN (
    SELECT lower(u.email) AS email, min(u.id::text)::uuid AS user_id
    FROM auth.users u
    WHERE NOT EXISTS (SELECT FROM public.tripwire_users o WHERE o.user_id::text = u.id::text)
    GROUP BY 1
    HAVING count(*) = 1
) AS a USING (email);
"""
# Each question is about all rows, and new tables have no statistics: so that the time grows with the rows, not their square.
_PLANNER = "SET LOCAL enable_nestloop = off; SET LOCAL jit = off"
_FILLED = {
    ("tripwire_users", "user_id"): (
        "coalesce(t.user_id::uuid, (SELECT o.user_id FROM owners o WHERE o.at = t.ctid))",
        "the auth user with the same e-mail, who is no other student",
    ),
    ("tripwire_users", "email"): (
        "coalesce(t.email, (SELECT lower(a.email) FROM auth.users a WHERE a.id = t.user_id))",
        "the e-mail of the auth user",
    ),
    ("tripwire_users", "full_name"): (
        "coalesce(t.full_name, (SELECT u.full_name FROM public.users u WHERE u.id = t.user_id LIMIT 1), "
        "(SELECT nullif(a.raw_user_meta_data ->> 'full_name', '') FROM auth.users a WHERE a.id = t.user_id))",
        "the name that users or auth.users has",
    ),
    ("tripwire_users", "granted_by"): (
        "(SELECT a.id FROM auth.users a WHERE a.id = t.granted_by)",
        "the seller is gone from auth.users, as if deleted",
    ),
    # v2's rule and the next revisions know nothing of course_completed, which is kept; the chain gives it back.
    ("sales_activity_log", "action_type"): (
        "CASE t.action_type WHEN 'status_changed' THEN 'user_status_updated' WHEN 'student_created' THEN 'user_created' "
        "WHEN 'course_completed' THEN 'user_status_updated' ELSE t.action_type END",
        "kinds of an older backend get their names of today; course_completed waits as user_status_updated until the upgrade",
    ),
    ("users", "email"): (
        "coalesce(t.email, (SELECT lower(a.email) FROM auth.users a WHERE a.id = t.id))",
        "the e-mail of the auth user",
    ),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of v2."""

    name: str
    type: str
    not_null: bool


V2 = Mapping[str, tuple[Column, ...]]
"""v2's tables, without their schema, and their columns."""


def columns_of(expected: Catalog) -> V2:
    """v2's tables and columns, from the catalog that its revision makes."""
    found: dict[str, list[Column]] = {}
    for key, thing in expected.items():
        if key.kind == "column" and thing.on_table is not None and thing.on_table.startswith("public."):
            table = thing.on_table.removeprefix("public.")
            name = key.name.rpartition(".")[2]
            found.setdefault(table, []).append(
                Column(name, str(thing.attributes["type"]), thing.attributes["not_null"] == "yes")
            )
    return {table: tuple(columns) for table, columns in found.items()}


class Rows:
    """The rows of one database, in the transaction that is open."""

    def __init__(self, connection: psycopg.Connection[Any], v2: V2, keys: Mapping[str, list[tuple[str, ...]]]) -> None:
        self._connection = connection
        self._v2 = v2
        self._keys = keys
        self._there = self._columns_there()
        self._has_owners = {"user_id", "email"} <= set(self._there.get("tripwire_users", {}))

    def judge(self) -> None:
        """Build the views and condemn row after row, until all that are left can be mended."""
        self._connection.execute(_PLANNER)
        self._connection.execute(
            "CREATE TEMPORARY TABLE condemned (table_name text, at tid, key text, reason text, "
            "PRIMARY KEY (table_name, at)) ON COMMIT DROP"
        )
        if self._has_owners:
            self._connection.execute(_OWNERS)
        for table, columns in self._v2.items():
            self._connection.execute(self._view(table, columns))
        unmendable = (migrations.script_location() / "sql" / "unmendable_rows_v1.sql").read_text(encoding="utf-8")
        self._connection.execute(unmendable.replace("public.", "pg_temp.").encode())
        questions = [*self._unfit(), (_FOLDER / "same_emails.sql").read_text(encoding="utf-8")]
        while any([self._condemn(question) for question in questions] + [self._condemn_unmendable()]):
            pass  # a row that is gone may take what another one stood on

    def mendings(self) -> Iterator[Mending]:
        """What is mended of the rows that stay, and by whom."""
        for (table, name), (_, how) in _FILLED.items():
            if name in self._there.get(table, {}):
                yield Mending(table, f"{name}: {how}", self._filled(table, name), "adopt")
        for table, columns in self._v2.items():
            for column in columns:
                model: Any = metadata.tables[f"public.{table}"].c.get(column.name)
                if model is None or model.nullable or column.not_null:
                    continue
                how = f"{column.name}: NULL becomes {_default(model)}"
                yield Mending(
                    table, how, self._count(f"SELECT count(*) FROM {table} WHERE {column.name} IS NULL"), "upgrade"
                )
        text = (_FOLDER / "mended_rows.sql").read_bytes()
        for table, how, rows in self._connection.execute(text).fetchall():
            yield Mending(table, how, rows, "upgrade")

    def quarantined(self) -> list[Quarantined]:
        """The condemned, in order."""
        found = self._connection.execute("SELECT table_name, key, reason FROM condemned ORDER BY table_name, key, at")
        return [Quarantined(*row) for row in found.fetchall()]

    def notes(self) -> list[str]:
        """What is told of rows that stay as they are."""
        text = (_FOLDER / "durations.sql").read_text(encoding="utf-8")
        course = int(str(metadata.tables["public.lessons"].c.duration_seconds.server_default.arg))  # type: ignore[union-attr]
        return [note for (note,) in self._connection.execute(text.encode(), {"duration": course}).fetchall()]

    def referring(self) -> list[str]:
        """Tables that are not ours with rows that refer to condemned ones: deleting these would take others along, or fail."""
        found: list[str] = []
        for name, theirs, ours, their_columns, our_columns in self._connection.execute(
            _REFERRING, {"ours": list(self._v2)}
        ).fetchall():
            match = sql.SQL(" AND ").join(
                sql.SQL("f.{} = t.{}").format(sql.Identifier(a), sql.Identifier(b))
                for a, b in zip(their_columns, our_columns, strict=True)
            )
            query = sql.SQL(
                "SELECT count(*) FROM {} AS f JOIN {} AS t ON {} JOIN condemned c ON c.at = t.ctid AND c.table_name = {}"
            ).format(sql.Identifier(*theirs), sql.Identifier("public", ours), match, ours)
            count = self._count(query)
            if count:
                found.append(
                    f"{count} rows of {'.'.join(theirs)} refer by {name} to rows of {ours} that would go to the quarantine"
                )
        return found

    def move(self) -> None:
        """Write the filled values, then move the condemned to `tripwire.quarantine`."""
        for table, column in _FILLED:
            reason = _FILLED[table, column][1]
            self._connection.execute(
                sql.SQL(
                    "WITH changed AS (SELECT t.ctid AS at, v.id, t.{c} AS was, v.{c} AS became FROM public.{t} t "
                    "JOIN pg_temp.{t} v ON v.at = t.ctid WHERE t.{c} IS DISTINCT FROM v.{c}) "
                    "INSERT INTO tripwire.quarantined_values (table_name, key, column_name, was, became, reason) "
                    "SELECT {name}, id::text, {column}, was::text, became::text, {reason} FROM changed"
                ).format(t=sql.Identifier(table), c=sql.Identifier(column), name=table, column=column, reason=reason)
            )
        for table in self._v2:
            moved = self._connection.execute(
                sql.SQL(
                    "INSERT INTO tripwire.quarantine (table_name, key, reason, row) "
                    "SELECT c.table_name, c.key, c.reason, to_jsonb(t) FROM public.{t} t "
                    "JOIN condemned c ON c.at = t.ctid AND c.table_name = {name}"
                ).format(t=sql.Identifier(table), name=table)
            ).rowcount
            # By ctid: nothing but this transaction touches the table, and nothing has been updated yet.
            gone = self._connection.execute(
                sql.SQL(
                    "DELETE FROM public.{t} t USING condemned c WHERE c.at = t.ctid AND c.table_name = {name}"
                ).format(t=sql.Identifier(table), name=table)
            ).rowcount
            if moved != gone:
                raise AssertionError(f"{table}: {moved} rows were copied to the quarantine and {gone} deleted")
        for table in dict.fromkeys(table for table, _ in _FILLED):
            columns = [column for name, column in _FILLED if name == table]
            differs = sql.SQL(" OR ").join(
                sql.SQL("t.{c} IS DISTINCT FROM v.{c}").format(c=sql.Identifier(column)) for column in columns
            )
            values = sql.SQL(", ").join(sql.SQL("{c} = v.{c}").format(c=sql.Identifier(column)) for column in columns)
            self._connection.execute(
                sql.SQL(
                    "UPDATE public.{t} t SET {values} FROM pg_temp.{t} v WHERE v.at = t.ctid AND ({differs})"
                ).format(t=sql.Identifier(table), values=values, differs=differs)
            )

    def forget(self) -> None:
        """Drop the views, so that columns can be changed again."""
        self._connection.execute("DROP FUNCTION pg_temp.unmendable_rows()")
        for table in self._v2:
            self._connection.execute(sql.SQL("DROP VIEW pg_temp.{}").format(sql.Identifier(table)))

    def _view(self, table: str, columns: tuple[Column, ...]) -> bytes:
        there = self._there.get(table, {})
        parts = []
        for column in columns:
            if column.name not in there:
                # What a new id will be is not known yet; for the report any will do that differs from row to row.
                missing = "md5(t.ctid::text)::uuid" if column.name == "id" and there else "NULL"
                parts.append(f"{missing}::{column.type} AS {column.name}")
                continue
            filled = _FILLED.get((table, column.name))
            needed = "user_id" if table == "tripwire_users" else "id"
            if filled and needed in there and (column.name != "user_id" or self._has_owners):
                value = filled[0]
            else:
                value = _cast(f"t.{column.name}", there[column.name], column.type)
            parts.append(f"{value}::{column.type} AS {column.name}")
        if not there:
            source = "(SELECT NULL::tid AS ctid WHERE false) AS t"
        else:
            source = (
                f"public.{table} AS t WHERE NOT EXISTS "
                f"(SELECT FROM pg_temp.condemned c WHERE c.table_name = '{table}' AND c.at = t.ctid)"
            )
        return f"CREATE TEMPORARY VIEW {table} AS SELECT t.ctid AS at, {', '.join(parts)} FROM {source}".encode()

    def _unfit(self) -> Iterator[str]:
        """Rows that lack what v2 demands, or are more than v2 allows."""
        for table, columns in self._v2.items():
            key = "user_id" if table == "user_statistics" else "id"
            for column in columns:
                if column.not_null and (table, column.name) not in _MAY_BE_NULL:
                    reason = f"no {column.name}"
                    if (table, column.name) == ("tripwire_users", "user_id"):
                        reason = "no user_id, and no auth user with this e-mail is free"
                    yield (
                        f"SELECT '{table}' AS table_name, t.at, t.{key}::text AS key, '{reason}' AS reason "
                        f"FROM {table} t WHERE t.{column.name} IS NULL"
                    )
            names = {column.name for column in columns}
            age = next((f"t.{name} NULLS LAST, " for name in ("created_at", "unlocked_at") if name in names), "")
            for unique in self._keys.get(table, []):
                if unique == ("email",):
                    continue  # same_emails.sql knows better which stays
                listed = ", ".join(f"t.{name}" for name in unique)
                best = _BEST.get(table)
                yield (
                    f"SELECT '{table}' AS table_name, r.at, r.key, 'the same {', '.join(unique)} as another row' AS reason "
                    f"FROM (SELECT t.at, t.{key}::text AS key, row_number() OVER (PARTITION BY {listed} "
                    f"ORDER BY {best + ', ' if best else ''}{age}t.at) AS place FROM {table} t "
                    f"WHERE num_nulls({listed}) = 0) AS r WHERE r.place > 1"
                )

    def _condemn(self, question: str) -> int:
        return self._connection.execute(
            f"INSERT INTO condemned SELECT table_name, at, min(key), string_agg(DISTINCT reason, '; ') FROM ({question}) AS q "
            "GROUP BY table_name, at".encode()
        ).rowcount

    def _condemn_unmendable(self) -> int:
        parts = [
            f"SELECT '{table}' AS table_name, at, {'user_id' if table == 'user_statistics' else 'id'}::text AS key FROM {table}"
            for table in self._v2
        ]
        return self._condemn(
            "SELECT r.table_name, k.at, k.key, r.reason FROM pg_temp.unmendable_rows() AS r "
            f"JOIN ({' UNION ALL '.join(parts)}) AS k ON k.table_name = r.table_name AND k.key = r.row_id"
        )

    def _filled(self, table: str, column: str) -> int:
        return self._count(
            f"SELECT count(*) FROM public.{table} t JOIN {table} v ON v.at = t.ctid "
            f"WHERE t.{column}::text IS DISTINCT FROM v.{column}::text"
        )

    def _count(self, query: str | sql.Composed) -> int:
        row = self._connection.execute(query.encode() if isinstance(query, str) else query).fetchone()
        return 0 if row is None else int(row[0])

    def _columns_there(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for table, column, type_ in self._connection.execute(_COLUMNS, (list(self._v2),)).fetchall():
            found.setdefault(table, {})[column] = type_
        return found


def _cast(value: str, found: str, expected: str) -> str:
    """JSON in a text column is read as a JSON string, which the chain mends; everything else is cast."""
    if found == expected:
        return value
    return f"to_jsonb({value})" if expected == "jsonb" and found != "json" else value


def _default(model: Any) -> str:
    return str(model.server_default.arg).strip("'")


_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY (%s)
"""

_REFERRING = """
SELECT
    k.conname, ARRAY[fn.nspname::text, f.relname::text], t.relname::text,
    ARRAY(
        SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS x(n, i)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.n ORDER BY x.i
    ),
    ARRAY(
        SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS x(n, i)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.n ORDER BY x.i
    )
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class t ON t.oid = k.confrelid AND t.relnamespace = 'public'::regnamespace
JOIN pg_catalog.pg_class f ON f.oid = k.conrelid
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.contype = 'f' AND t.relname = ANY (%(ours)s) AND NOT (fn.nspname = 'public' AND f.relname = ANY (%(ours)s))
ORDER BY 1
"""
