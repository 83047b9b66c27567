"""Alembic's version table: where it is, what it holds, and the schema that it needs."""

from dataclasses import dataclass
from typing import Any, Self

import psycopg
from sqlalchemy.dialects.postgresql.base import PGDialect

from tripwire_db.schema.project import Project

_quote = PGDialect().identifier_preparer.quote  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it without types


@dataclass(frozen=True, slots=True)
class VersionTable:
    """Where the version table of a project is.

    Attributes:
        name: Of the table.
        schema: Of the table; None for the first of the search path, where Alembic makes it by itself.
    """

    name: str
    schema: str | None

    @classmethod
    def of(cls, project: Project) -> Self:
        """The version table of a project."""
        return cls(project.version_table, project.version_table_schema)

    def __str__(self) -> str:
        """The name as SQL writes it."""
        return f"{_quote(self.schema)}.{_quote(self.name)}" if self.schema else _quote(self.name)

    def read(self, connection: psycopg.Connection[Any]) -> frozenset[str]:
        """Give the revisions that the database is at; none where there is no table."""
        exists = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (str(self),)).fetchone()
        if exists is None or not exists[0]:
            return frozenset()
        return frozenset(row[0] for row in connection.execute(f"SELECT version_num FROM {self}").fetchall())

    def make_schema(self, connection: psycopg.Connection[Any]) -> None:
        """Make the schema, where the table has one of its own that is missing."""
        if self.schema is None:
            return
        known = connection.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", (self.schema,))
        if known.fetchone() is None:
            connection.execute(f"CREATE SCHEMA {_quote(self.schema)}")

    def schema_as_sql(self) -> str:
        """The same as text; one that a file which failed, or a downgrade to base, has left behind is ours."""
        if self.schema is None:
            return ""
        schema = _quote(self.schema)
        return (
            f"DO $schema$\nBEGIN\n    IF to_regnamespace('{schema.replace(chr(39), chr(39) * 2)}') IS NULL THEN\n"
            f"        CREATE SCHEMA {schema};\n    END IF;\nEND\n$schema$;"
        )
