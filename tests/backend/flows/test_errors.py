"""What the database says becomes an error of the domain: told by constraint and table, never by DETAIL."""

import logging
import time
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint

from tests.backend.flows.world import World, world
from tripwire_db import ConstraintViolated, EmailTaken, Unavailable
from tripwire_db.engine.database import Database
from tripwire_db.flows.create_tripwire_user import NewStudent, create_tripwire_user
from tripwire_db.flows.shared.auth_user import lock_auth_user
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.tables import metadata

SECRET = "cleartext-secret@of.somebody"
SQLSTATES = {CheckConstraint: "23514", ForeignKeyConstraint: "23503", UniqueConstraint: "23505"}
EMAILS = {"uq_users_email", "uq_tripwire_users_email"}
AUTH_USER_KEYS = {"fk_users_id", "fk_tripwire_users_user_id"}
"""These say that the auth user was removed meanwhile: creation begins anew, until it gives up."""

# The tables that creation writes, and by which step.
STEPS = {
    "users": "insert_user",
    "tripwire_users": "insert_student",
    "tripwire_user_profile": "insert_profile",
    "module_unlocks": "unlock_first_module",
    "student_progress": "insert_progress",
    "video_tracking": "insert_video_tracking",
    "user_statistics": "insert_statistics",
    "user_achievements": "insert_achievements",
    "sales_activity_log": "log_creation",
}
CONSTRAINTS = sorted(
    (table.name, str(constraint.name), SQLSTATES[type(constraint)])
    for table in metadata.sorted_tables
    if table.name in STEPS
    for constraint in table.constraints
    if type(constraint) in SQLSTATES
)
NOT_NULL = sorted(
    (table.name, column.name)
    for table in metadata.sorted_tables
    if table.name in STEPS
    for column in table.columns
    if not column.nullable
)


def create(it: World, **new):
    """The statement of creation alone, with values that no argument check has seen."""
    user_id = uuid4()
    it.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", user_id, f"{user_id}@auth.kz")
    person = {"email": "a@b.kz", "full_name": "A", "manager_id": it.manager().user_id, "price": Decimal(1), **new}
    database = Database(it.url, pool_size=1)
    try:
        return database.run(
            create_tripwire_user(FlowContext(), user_id=user_id, token=user_id, new=NewStudent(**person))
        )
    finally:
        database.close()


@pytest.fixture
def refusal(it: World):
    """Let a table refuse each row as if one of its constraints had."""

    def plant(table: str, sqlstate: str, **diagnosis: str) -> None:
        told = "".join(f", {name} = '{value}'" for name, value in diagnosis.items())
        it.execute(
            f"""CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}', DETAIL = '{SECRET}'{told};
            END $$;
            DROP TRIGGER IF EXISTS refuse ON {table};
            CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.refuse()"""
        )
        planted.add(table)

    planted: set[str] = set()
    yield plant
    for table in planted:
        it.execute(f"DROP TRIGGER IF EXISTS refuse ON {table}")


def test_a_negative_price_is_told_as_the_design_tells_it(it: World):
    with pytest.raises(ConstraintViolated) as raised:
        create(it, price=Decimal(-1))
    error = raised.value
    assert str(error).startswith(
        "create_tripwire_user: step insert_student refused by ck_tripwire_users_price (price must not be negative)"
    )
    assert (error.flow, error.step, error.table) == ("create_tripwire_user", "insert_student", "tripwire_users")
    assert (error.constraint, error.column, error.sqlstate) == ("ck_tripwire_users_price", None, "23514")


def test_a_mixed_case_email_is_refused_by_the_constraint_that_says_so(it: World):
    with pytest.raises(ConstraintViolated, match=r"refused by ck_\w+_email_lower \(e-mails are stored") as raised:
        create(it, email="Mixed@Case.kz")
    assert "Mixed@Case.kz" not in str(raised.value)


def test_a_missing_name_is_told_by_table_and_column(it: World):
    with pytest.raises(ConstraintViolated, match=r"step insert_student refused by tripwire_users\.full_name") as raised:
        create(it, full_name=None)
    error = raised.value
    assert (error.table, error.column, error.sqlstate) == ("tripwire_users", "full_name", "23502")


def test_an_email_of_somebody_else_is_taken(it: World):
    it.student(email="a@b.kz")
    before = it.dump()
    with pytest.raises(EmailTaken) as raised:
        create(it, email="a@b.kz")
    assert "already" in str(raised.value)
    assert [row for row in it.dump() if row[0] == "public.tripwire_users"] == [
        row for row in before if row[0] == "public.tripwire_users"
    ]


@pytest.mark.parametrize("kind", ["sync"])
def test_each_constraint_is_told_with_flow_step_table_and_its_name_and_without_detail(it: World, refusal, caplog):
    manager = it.manager()
    before = it.dump()
    with caplog.at_level(logging.DEBUG):
        for table, constraint, sqlstate in CONSTRAINTS:
            refusal(table, sqlstate, TABLE=table, CONSTRAINT=constraint)
            expected = ConstraintViolated
            if constraint in EMAILS:
                expected = EmailTaken
            elif constraint in AUTH_USER_KEYS:
                expected = Unavailable
            with pytest.raises(expected) as raised:
                it.student(manager)
            error = raised.value
            assert type(error) is expected
            assert SECRET not in str(error)
            if expected is ConstraintViolated:
                assert (error.flow, error.step) == ("create_tripwire_user", STEPS[table]), constraint
                assert (error.table, error.constraint, error.sqlstate) == (table, constraint, sqlstate)
                assert f"step {STEPS[table]} refused by {constraint}" in str(error)
            it.execute(f"DROP TRIGGER refuse ON {table}")
            assert it.dump() == before, constraint
    assert SECRET not in caplog.text


@pytest.mark.parametrize("kind", ["sync"])
def test_each_not_null_column_is_told_with_its_table(it: World, refusal):
    manager = it.manager()
    before = it.dump()
    for table, column in NOT_NULL:
        refusal(table, "23502", TABLE=table, COLUMN=column)
        with pytest.raises(ConstraintViolated, match=rf"step {STEPS[table]} refused by {table}\.{column}") as raised:
            it.student(manager)
        assert (raised.value.table, raised.value.column, raised.value.constraint) == (table, column, None)
        it.execute(f"DROP TRIGGER refuse ON {table}")
    assert it.dump() == before


def test_a_trigger_of_somebody_else_that_raises_is_told_too(it: World, refusal):
    manager = it.manager()
    refusal("user_statistics", "P0001")
    before = it.dump()
    with pytest.raises(ConstraintViolated) as raised:
        it.student(manager)
    assert (raised.value.sqlstate, raised.value.flow) == ("P0001", "create_tripwire_user")
    assert SECRET not in str(raised.value)
    assert it.dump() == before


def test_a_constraint_in_another_flow_is_told_by_that_flow(it: World):
    student = it.student()
    with it.planted("video_tracking", "watch_percentage = 0"), pytest.raises(ConstraintViolated) as raised:
        it.repository.update_video_tracking(user_id=student.user_id, lesson_id=67, segments=[(0, 30)], position=0)
    assert (raised.value.flow, raised.value.table) == ("update_video_tracking", "video_tracking")
    assert "refused by ck_planted" in str(raised.value)


def test_a_row_that_somebody_else_holds_is_waited_for_a_bounded_time_and_nothing_is_written(it: World):
    student = it.student()
    it.qualify(student.user_id, 67)
    before = it.dump()
    with it.held("SELECT 1 FROM tripwire_users FOR UPDATE"):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="held a row for more than 4 s") as raised:
            it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
        waited = time.monotonic() - started
    assert raised.value.applied is False
    assert 3 < waited < 8
    assert it.dump() == before
    assert it.repository.complete_lesson(user_id=student.user_id, lesson_id=67).modules_completed == 1


@pytest.mark.heavy
def test_a_table_that_somebody_else_has_locked_is_waited_for_a_bounded_time(it: World):
    # Tables are locked before a statement begins to run, so before its own lock_timeout: what is late is called off.
    student = it.student()
    it.qualify(student.user_id, 67)
    with it.held("LOCK TABLE tripwire_users IN ACCESS EXCLUSIVE MODE"):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="not done within 8 s") as raised:
            it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
        waited = time.monotonic() - started
    assert raised.value.applied is False
    assert waited < 12
    assert it.repository.complete_lesson(user_id=student.user_id, lesson_id=67).modules_completed == 1


def test_a_table_that_a_migration_locks_for_a_moment_is_waited_for(it: World):
    student = it.student()
    it.qualify(student.user_id, 67)
    (done,) = it.at_once(
        "LOCK TABLE tripwire_users IN ACCESS EXCLUSIVE MODE",
        [],
        lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67),
    )
    assert done.modules_completed == 1


def test_a_creation_that_waits_for_an_email_in_vain_leaves_no_auth_user(it: World):
    manager = it.manager()
    before = it.dump()
    other = uuid4()
    with it.held(
        "WITH auth AS (INSERT INTO auth.users (id, email) VALUES (%s, 'x@auth.kz') RETURNING id)"
        " INSERT INTO users (id, email) SELECT id, 'a@b.kz' FROM auth",
        other,
    ):
        with pytest.raises(Unavailable) as raised:
            it.student(manager, email="a@b.kz")
        assert raised.value.applied is False
    assert it.dump() == before


def test_a_short_lock_is_waited_for(it: World):
    student = it.student()
    it.qualify(student.user_id, 67)
    (done,) = it.at_once_on(
        student.user_id, lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=67)
    )
    assert done.modules_completed == 1


def test_the_lock_timeout_of_a_flow_stays_in_its_statement(it: World):
    database = Database(it.url, pool_size=1)
    try:
        database.run(lock_auth_user(user_id=uuid4()))
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"
    finally:
        database.close()


def test_a_schema_that_is_not_there_is_told_with_what_to_do(kind: str, empty_database_url: str):
    with world(kind, empty_database_url) as it, pytest.raises(Unavailable, match="tripwire-db upgrade") as raised:
        it.repository.get_student(user_id=uuid4())
    assert raised.value.applied is False
