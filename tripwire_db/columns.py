"""How columns and constraints of the course's tables are written: their shapes and the names of their constraints."""

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    Integer,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
"""What a constraint is called; errors are told by these names."""


def random_id() -> Column[Any]:
    """The primary key `id`, a random UUID."""
    return Column("id", UUID, primary_key=True, server_default=text("gen_random_uuid()"))


def time(name: str) -> Column[Any]:
    """A time with its zone, now unless given."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


def count(name: str, default: int = 0) -> Column[Any]:
    """A whole number, `default` unless given."""
    return Column(name, Integer, nullable=False, server_default=text(str(default)))


def flag(name: str) -> Column[Any]:
    """A boolean, false unless given."""
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A check that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def person(auth_users: Table, *, primary_key: bool = False) -> Column[Any]:
    """The student a row is about; rows go with their auth user."""
    return Column(
        "user_id", UUID, ForeignKey(auth_users.c.id, ondelete="CASCADE"), primary_key=primary_key, nullable=False
    )


def newest_first(table: Table) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The columns of an index that gives a table's rows newest first; ids break ties."""
    return table.c.created_at.desc(), table.c.id.desc()
