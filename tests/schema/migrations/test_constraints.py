"""Each CHECK, UNIQUE, FOREIGN KEY and NOT NULL refuses one row; the catalog says whether one was forgotten here."""

import json
import os
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg import errors
from pytest_postgresql.janitor import DatabaseJanitor
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import UUID

from tests.conftest import MakeDatabase
from tripwire_db.schema.course.sample_rows import MANAGERS, fill_head, fill_v2
from tripwire_db.tables import metadata

# What each CHECK refuses: a change of the rows that `people` puts there.
AGAINST_CHECK = {
    "ck_users_email_lower": "UPDATE public.users SET email = upper(email)",
    "ck_users_role": "UPDATE public.users SET role = 'boss'",
    "ck_tripwire_users_email_lower": "UPDATE public.tripwire_users SET email = upper(email)",
    "ck_tripwire_users_status": "UPDATE public.tripwire_users SET status = 'asleep'",
    "ck_tripwire_users_modules_completed": "UPDATE public.tripwire_users SET modules_completed = 4",
    "ck_tripwire_users_price": "UPDATE public.tripwire_users SET price = -0.01",
    "ck_tripwire_user_profile_modules_completed": (
        "UPDATE public.tripwire_user_profile SET modules_completed = 4, total_modules = 4"
    ),
    "ck_tripwire_user_profile_modules_within_total": (
        "UPDATE public.tripwire_user_profile SET modules_completed = 3, total_modules = 2"
    ),
    "ck_tripwire_user_profile_completion_percentage": (
        "UPDATE public.tripwire_user_profile SET completion_percentage = 100.01"
    ),
    "ck_tripwire_user_profile_certificate": "UPDATE public.tripwire_user_profile SET certificate_issued = true",
    "ck_lessons_duration_seconds": "UPDATE public.lessons SET duration_seconds = 0",
    "ck_student_progress_status": "UPDATE public.student_progress SET status = 'skipped', completed_at = NULL",
    "ck_student_progress_completed_at": "UPDATE public.student_progress SET status = 'completed', completed_at = NULL",
    "ck_video_tracking_watched_segments": """UPDATE public.video_tracking SET watched_segments = '"[]"'""",
    "ck_video_tracking_qualified_segments": """UPDATE public.video_tracking SET qualified_segments = '"[]"'""",
    "ck_video_tracking_total_watched_seconds": "UPDATE public.video_tracking SET total_watched_seconds = -1",
    "ck_video_tracking_video_duration_seconds": "UPDATE public.video_tracking SET video_duration_seconds = -1",
    "ck_video_tracking_last_position_seconds": "UPDATE public.video_tracking SET last_position_seconds = -1",
    "ck_video_tracking_watch_percentage": "UPDATE public.video_tracking SET watch_percentage = 101",
    "ck_video_tracking_counted_ms": "UPDATE public.video_tracking SET counted_ms = -1",
    "ck_video_tracking_allowance_ms": "UPDATE public.video_tracking SET allowance_ms = -1",
    "ck_user_achievements_achievement_id": "UPDATE public.user_achievements SET achievement_id = 'hero'",
    "ck_user_achievements_is_completed": "UPDATE public.user_achievements SET is_completed = true, current_value = 0",
    "ck_user_statistics_lessons_completed": "UPDATE public.user_statistics SET lessons_completed = -1",
    "ck_user_statistics_total_time_spent": "UPDATE public.user_statistics SET total_time_spent = -1",
    "ck_certificates_verification_code": "UPDATE public.certificates SET verification_code = 'short'",
    "ck_certificates_revoked": "UPDATE public.certificates SET revoked_at = now()",
    "ck_sales_activity_log_action_type": "UPDATE public.sales_activity_log SET action_type = 'danced'",
}
LISTED = {"achievement_id"}
"""Columns whose CHECK lists the values: of a key, the other columns are made fresh."""
# A row against this unique constraint is first of all one against the primary key: it is there for the foreign key.
FOUND_FIRST = {"uq_lessons_module_id_id": "pk_lessons"}


def unique_rules() -> dict[str, tuple[Table, tuple[str, ...]]]:
    found: dict[str, tuple[Table, tuple[str, ...]]] = {}
    for table in metadata.sorted_tables:
        rules: list[Any] = [c for c in table.constraints if isinstance(c, (PrimaryKeyConstraint, UniqueConstraint))]
        rules += [index for index in table.indexes if index.unique]
        for rule in rules:
            found[name_of(rule)] = (table, tuple(column.name for column in rule.columns))
    return found


def name_of(rule: Any) -> str:
    """The name by the convention, in full."""
    if isinstance(rule, Index):
        return str(rule.name)
    return str(metadata_names[rule])


def _names() -> dict[Any, str]:
    preparer = postgresql.dialect().identifier_preparer
    return {rule: preparer.format_constraint(rule) for table in metadata.sorted_tables for rule in table.constraints}


metadata_names = _names()
UNIQUE = unique_rules()
CHECKS = {name for rule, name in metadata_names.items() if isinstance(rule, CheckConstraint)}
FOREIGN_KEYS = {
    name: (rule.table, rule.column_keys)
    for rule, name in metadata_names.items()
    if isinstance(rule, ForeignKeyConstraint)
}
TABLES = {table.name: table for table in metadata.sorted_tables}
NOT_NULL = {
    f"{column.table.name}.{column.name}"
    for table in metadata.sorted_tables
    for column in table.c
    if not column.nullable
}


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest) -> Any:
    """One database for all: each test rolls back."""
    postgres = request.getfixturevalue("postgres")
    template = request.getfixturevalue("migrated_18")
    name = f"constraints_{os.getpid()}"
    with ExitStack() as stack:
        stack.enter_context(
            DatabaseJanitor(
                user=postgres.user,
                host=postgres.host,
                port=postgres.port,
                dbname=name,
                template_dbname=template.template_dbname,
            )
        )
        connection = stack.enter_context(psycopg.connect(postgres.url(name)))
        fill_v2(connection)
        fill_head(connection)
        connection.commit()
        yield connection


@pytest.fixture
def database(filled: psycopg.Connection) -> Any:
    yield filled
    filled.rollback()


def insert_copy(connection: psycopg.Connection, table: Table, changes: dict[str, Any]) -> None:
    """Insert a copy of one row of a table, with some of its values replaced."""
    connection.execute(
        f"INSERT INTO public.{table.name} "
        f"SELECT (jsonb_populate_record(NULL::public.{table.name}, to_jsonb(t) || %s::jsonb)).* "
        f"FROM (SELECT * FROM public.{table.name} LIMIT 1) AS t",
        [json.dumps(changes)],
    )


def fresh(column: Column[Any]) -> Any:
    """A value that no row has."""
    if isinstance(column.type, UUID):
        return "99999999-0000-4000-8000-000000000000"
    return 99 if isinstance(column.type, Integer) else "fresh" * 10


def test_no_constraint_is_forgotten_here(database: psycopg.Connection) -> None:
    ours = "connamespace = 'public'::regnamespace"
    by_kind = dict(
        database.execute(
            f"SELECT contype::text, array_agg(conname::text) FROM pg_constraint WHERE {ours} GROUP BY contype"
        ).fetchall()
    )
    partial = database.execute(
        """
        SELECT indexrelid::regclass::text FROM pg_index
        JOIN pg_class AS c ON c.oid = indrelid AND c.relnamespace = 'public'::regnamespace
        WHERE indisunique AND indpred IS NOT NULL
        """
    ).fetchall()
    columns = database.execute(
        """
        SELECT c.relname || '.' || a.attname FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        WHERE a.attnotnull AND a.attnum > 0
        """
    ).fetchall()

    assert set(by_kind["c"]) == AGAINST_CHECK.keys() == CHECKS
    assert set(by_kind["f"]) == FOREIGN_KEYS.keys()
    assert {*by_kind["p"], *by_kind["u"], *(name for (name,) in partial)} == UNIQUE.keys()
    assert {name for (name,) in columns} == NOT_NULL


@pytest.mark.parametrize("name", sorted(AGAINST_CHECK))
def test_a_check_refuses(name: str, database: psycopg.Connection) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        database.execute(AGAINST_CHECK[name])

    assert refused.value.diag.constraint_name == name


@pytest.mark.parametrize("name", sorted(UNIQUE))
def test_a_key_refuses_a_second_row(name: str, database: psycopg.Connection) -> None:
    table, columns = UNIQUE[name]
    others = {
        column
        for other, (other_table, other_columns) in UNIQUE.items()
        if other_table is table and other != name
        for column in other_columns
        if column not in {*columns, *LISTED}
    }

    with pytest.raises(errors.UniqueViolation) as refused:
        insert_copy(database, table, {column: fresh(table.c[column]) for column in others})

    assert refused.value.diag.constraint_name == FOUND_FIRST.get(name, name)


@pytest.mark.parametrize("name", sorted(FOREIGN_KEYS))
def test_a_foreign_key_refuses_what_nothing_answers_to(name: str, database: psycopg.Connection) -> None:
    table, columns = FOREIGN_KEYS[name]
    keys = {column for other, unique in UNIQUE.values() if other is table for column in unique} - LISTED

    with pytest.raises(errors.ForeignKeyViolation) as refused:
        insert_copy(
            database, table, {column: fresh(table.c[column]) for column in {*keys, *columns}} | known(table, columns)
        )

    assert refused.value.diag.constraint_name == name


def known(table: Table, tested: list[str]) -> dict[str, Any]:
    """Give the other foreign keys of a row something that exists, so that only the tested one is broken."""
    values: dict[str, Any] = {}
    for other, columns in FOREIGN_KEYS.values():
        if other is table and columns != tested:
            target = {"user_id": MANAGERS[1], "module_id": 18, "lesson_id": 69, "granted_by": MANAGERS[1]}
            values |= {column: target[column] for column in columns if column in target and column not in tested}
    return values


@pytest.mark.parametrize("name", sorted(NOT_NULL))
def test_a_column_refuses_null(name: str, database: psycopg.Connection) -> None:
    table, column = name.split(".")

    with pytest.raises(errors.NotNullViolation) as refused:
        insert_copy(database, TABLES[table], {column: None})

    assert (refused.value.diag.table_name, refused.value.diag.column_name) == (table, column)


def test_a_default_stands_on_no_nullable_column(database: psycopg.Connection) -> None:
    assert (
        database.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND column_default IS NOT NULL AND is_nullable = 'YES'
            """
        ).fetchall()
        == []
    )


def test_all_times_know_their_zone(make_database: MakeDatabase, database: psycopg.Connection) -> None:
    assert (
        database.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN ('timestamp without time zone', 'date')
            """
        ).fetchall()
        == []
    )
