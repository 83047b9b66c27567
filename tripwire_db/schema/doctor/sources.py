"""The tables as the queries of the doctor read them: complete, whatever the layout of the database is.

At the first revision there are no modules, lessons or certificates, and elsewhere a column or a constraint may have been
dropped. So each table is read through a common table expression of its own name with the columns of head: a missing
column is NULL, a missing table is empty, and the course that v2 had in its CHECKs stands as rows.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import dialect

from tripwire_db.errors import Refused
from tripwire_db.postgres.auth_users import SEES_AUTH_USERS
from tripwire_db.tables import (
    certificates,
    lessons,
    metadata,
    modules,
    sales_activity_log,
    tripwire_users,
    users,
    video_tracking,
)

_FOLDER = Path(__file__).resolve().parent / "sql"
_DIALECT = dialect()  # type: ignore[no-untyped-call]

_NEWER = {modules.name, lessons.name, certificates.name}
"""Tables that came after v2."""

_COURSE = {
    modules.name: "(VALUES (16, 1), (17, 2), (18, 3)) AS t(id, position)",
    lessons.name: "(VALUES (67, 16), (68, 17), (69, 18)) AS t(id, module_id)",
}
_CONSTANTS = {
    (modules.name, "archived"): "false",
    (lessons.name, "archived"): "false",
    (lessons.name, "duration_seconds"): "1800",
}

_CATALOG = """
SELECT c.relname, a.attname, a.attnotnull
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p') AND c.relname = ANY (%s)
"""

# A student without user_id is the one auth user with the same e-mail, unless that is another student already.
_OWNER = """LEFT JOIN LATERAL (
        SELECT min(a.id::text)::uuid AS id
        FROM auth.users a
        WHERE t.user_id IS NULL AND lower(a.email) = lower(t.email)
            AND NOT EXISTS (SELECT FROM public.tripwire_users o WHERE o.user_id = a.id)
            AND NOT EXISTS (
                SELECT FROM public.tripwire_users o
                WHERE o.user_id IS NULL AND lower(o.email) = lower(t.email) AND o.ctid <> t.ctid
            )
        HAVING count(*) = 1
    ) AS owner ON true"""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is there of our tables.

    Attributes:
        columns: table → its columns; whether each is NOT NULL.
    """

    columns: dict[str, dict[str, bool]]

    @classmethod
    def read(cls, connection: psycopg.Connection[Any]) -> "Layout":
        """Look into the catalog.

        Raises:
            Refused: there is nothing of ours here, or this role would not see the rows.
        """
        names = [table.name for table in metadata.sorted_tables]
        columns: dict[str, dict[str, bool]] = {}
        for table, column, not_null in connection.execute(_CATALOG, (names,)):
            columns.setdefault(table, {})[column] = not_null
        missing = sorted(set(names) - _NEWER - set(columns))
        if missing:
            raise Refused(
                f"this database has no table {', '.join(missing)}: the doctor works from the first revision on "
                "(tripwire-db upgrade, or tripwire-db adopt for one that was made by hand)"
            )
        hidden = connection.execute(
            f"""
            SELECT name FROM unnest(%s::text[]) AS name WHERE pg_catalog.row_security_active('public.' || name)
            UNION ALL SELECT 'auth.users' WHERE NOT ({SEES_AUTH_USERS})
            ORDER BY 1
            """,
            (sorted(columns),),
        ).fetchall()
        if hidden:
            raise Refused(
                f"row-level security hides rows of {hidden[0][0]} from this role: connect as the owner or as a role with "
                "BYPASSRLS"
            )
        return cls(columns)

    def has(self, table: Table) -> bool:
        """Whether the table is there."""
        return table.name in self.columns

    @property
    def log_may_have_no_manager(self) -> bool:
        """Whether the log can say that the system acted; v2's cannot."""
        return not self.columns[sales_activity_log.name].get("manager_id", True)

    def query(self, kind: str, *, restricted: bool) -> bytes:
        """The whole query of a kind of finding, with the e-mails of those it is about.

        Its parameters: `threshold`, and `only` (ids of people) where it is restricted to some.
        """
        sources = [self._source(table, restricted=restricted) for table in metadata.sorted_tables]
        sources += [
            self._source(users, restricted=False, name="all_users"),
            self._source(tripwire_users, restricted=False, name="all_tripwire_users"),
            self._source(video_tracking, restricted=False, name="all_video_tracking"),
            """auth_users AS NOT MATERIALIZED (
                SELECT
                    id, email::text AS email, created_at, raw_app_meta_data #>> '{tripwire,kind}' AS kind,
                    nullif(raw_user_meta_data ->> 'full_name', '') AS full_name,
                    to_jsonb(auth_user) ->> 'deleted_at' IS NOT NULL AS is_deleted,
                    (to_jsonb(auth_user) ->> 'banned_until')::timestamptz AS banned_until
                FROM auth.users AS auth_user
            )""",
            f"layout AS (SELECT {str(self.has(certificates)).lower()} AS has_certificates)",
            "policy AS (SELECT %(threshold)s::numeric AS threshold)",
            f"tables_of_ours AS (SELECT unnest(ARRAY[{', '.join(repr(name) for name in sorted(self.columns))}]) AS name)",
            _read("facts"),
            f"finding AS MATERIALIZED (\n{_read(kind)}\n)",
        ]
        text = (
            "WITH "
            + ",\n".join(sources)
            + """
            SELECT f.table_name, f.key, f.user_id, coalesce(t.email, u.email, a.email) AS email, f.found, f.wanted, f.reason
            FROM finding f
            LEFT JOIN LATERAL (SELECT min(email) AS email FROM public.tripwire_users WHERE user_id = f.user_id) AS t ON true
            LEFT JOIN public.users u ON u.id = f.user_id
            LEFT JOIN auth.users a ON a.id = f.user_id
            ORDER BY f.table_name, f.user_id, f.key::text
            """
        )
        return text.encode()

    def _source(self, table: Table, *, restricted: bool, name: str = "") -> str:
        there = self.columns.get(table.name, _stands_in(table))
        owned = table is tripwire_users and not there.get("user_id", False)
        parts = []
        for column in table.c:
            type_ = column.type.compile(dialect=_DIALECT)
            value = f"t.{column.name}" if column.name in there else _CONSTANTS.get((table.name, column.name), "NULL")
            if owned and column.name == "user_id":
                value = "coalesce(t.user_id, owner.id)"
            parts.append(f"{value}::{type_} AS {column.name}")
        if table is tripwire_users:
            parts.append("t.user_id AS recorded_user_id")
        if self.has(table):
            source = f"public.{table.name} AS t"
        else:
            source = _COURSE.get(table.name, "(SELECT) AS t WHERE false")
        if owned:
            source += f" {_OWNER}"
        person = "id" if table is users else "user_id"
        if restricted and person in table.c and self.has(table):
            source += f" WHERE t.{person} = ANY (%(only)s)"
        return f"{name or table.name} AS NOT MATERIALIZED (SELECT {', '.join(parts)} FROM {source})"


def _stands_in(table: Table) -> dict[str, bool]:
    return {"modules": {"id": True, "position": True}, "lessons": {"id": True, "module_id": True}}.get(table.name, {})


@cache
def _read(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").replace("%", "%%")
