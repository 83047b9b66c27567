"""Flows in the caller's own transaction, on connections of psycopg and of SQLAlchemy, sync and async."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.ext import asyncio as sa_asyncio

from tests.backend.flows.world import World
from tripwire_db import AsyncTripwireRepository, InvalidInput, PostgresAuth, TripwireRepository, Unavailable, errors
from tripwire_db.flows.students import list_students

OWN_ROWS = "CREATE TABLE IF NOT EXISTS own_rows (n integer PRIMARY KEY)"
LOSSES = ["before the first flow", "after the first flow", "after two flows", "after the second row", "at the end"]


@pytest.fixture
def kind() -> str:
    """Worlds are arranged by the sync repository; the async one is called by the tests that say so."""
    return "sync"


@pytest.fixture
def world(it: World) -> Iterator[World]:
    it.execute(OWN_ROWS)
    yield it
    it.execute("DROP TABLE own_rows")


@pytest.fixture
def repository(world: World) -> Iterator[TripwireRepository]:
    with PostgresAuth(world.url) as auth, TripwireRepository.connect(world.url, auth=auth) as repository:
        yield repository


@contextmanager
def psycopg_connection(url: str) -> Iterator[Any]:
    with psycopg.connect(url) as connection:
        yield connection


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def fresh_sqlalchemy_connection(url: str) -> Iterator[Any]:
    with engine_of(url) as engine, engine.connect() as connection:
        yield connection


@contextmanager
def session(url: str) -> Iterator[Any]:
    with engine_of(url) as engine, orm.Session(engine) as session:
        yield session


@contextmanager
def scoped_session(url: str) -> Iterator[Any]:
    with engine_of(url) as engine:
        scoped = orm.scoped_session(orm.sessionmaker(engine))
        try:
            yield scoped
        finally:
            scoped.remove()


KINDS = [psycopg_connection, fresh_sqlalchemy_connection, session, scoped_session]


def insert(connection: Any, n: int) -> None:
    statement = f"INSERT INTO own_rows VALUES ({n})"
    connection.execute(statement if isinstance(connection, psycopg.Connection) else sa.text(statement))


@pytest.mark.parametrize("connect", KINDS)
@pytest.mark.parametrize("commits", [True, False])
def test_flows_and_own_rows_are_committed_or_undone_together(
    world: World, repository: TripwireRepository, connect: Callable[..., Any], *, commits: bool
) -> None:
    student = world.student()
    world.qualify(student.user_id, 67)
    before = world.dump(of=student.user_id)
    with connect(world.url) as connection:
        inside = repository.within(connection)
        inside.complete_lesson(user_id=student.user_id, lesson_id=67)
        insert(connection, 1)
        assert inside.get_student(user_id=student.user_id).student.modules_completed == 1
        assert world.dump(of=student.user_id) == before, "seen from outside before the commit"
        connection.commit() if commits else connection.rollback()
    assert world.count("own_rows") == commits
    assert (world.row("tripwire_users", user_id=student.user_id)["modules_completed"] == 1) is commits
    assert commits or world.dump(of=student.user_id) == before


def test_a_savepoint_that_is_undone_takes_the_flow_with_it_and_no_more(
    world: World, repository: TripwireRepository
) -> None:
    one, two = world.student(), world.student()
    world.qualify(one.user_id, 67)
    world.qualify(two.user_id, 67)
    with session(world.url) as own:
        inside = repository.within(own)
        inside.complete_lesson(user_id=one.user_id, lesson_id=67)
        nested = own.begin_nested()
        inside.complete_lesson(user_id=two.user_id, lesson_id=67)
        nested.rollback()
        own.commit()
    assert world.row("tripwire_users", user_id=one.user_id)["modules_completed"] == 1
    assert world.row("tripwire_users", user_id=two.user_id)["modules_completed"] == 0


@pytest.mark.parametrize("lost", LOSSES)
def test_a_transaction_whose_connection_is_lost_at_any_point_wrote_nothing(
    world: World, repository: TripwireRepository, lost: str
) -> None:
    student = world.student()
    world.qualify(student.user_id, 67, 68)
    before = world.dump(of=student.user_id)

    def story() -> None:
        with psycopg.connect(world.url) as connection:
            inside = repository.within(connection)
            steps = [
                lambda: insert(connection, 1),
                lambda: inside.complete_lesson(user_id=student.user_id, lesson_id=67),
                lambda: inside.complete_lesson(user_id=student.user_id, lesson_id=68),
                lambda: insert(connection, 2),
                lambda: inside.record_welcome_email(user_id=student.user_id, manager_id=student.manager_id, sent=True),
            ]
            for step, after in zip(steps, LOSSES, strict=True):
                step()
                if after == lost:
                    world.execute("SELECT pg_terminate_backend(%s, 30000)", connection.info.backend_pid)

    with pytest.raises((Unavailable, psycopg.OperationalError)) as failure:
        story()
    if isinstance(failure.value, Unavailable):
        assert failure.value.applied is False
    assert world.dump(of=student.user_id) == before
    assert world.count("own_rows") == 0


def refused(world: World, inside: Any) -> None:
    student = world.student()
    with pytest.raises(errors.VideoNotQualified):
        inside.complete_lesson(user_id=student.user_id, lesson_id=67)


def missing(world: World, inside: Any) -> None:
    with pytest.raises(errors.NotFound):
        inside.complete_lesson(user_id="00000000-0000-4000-8000-000000000000", lesson_id=67)


def violating(world: World, inside: Any) -> None:
    student = world.student()
    world.qualify(student.user_id, 67)
    with world.planted("user_achievements"), pytest.raises(errors.ConstraintViolated):
        inside.complete_lesson(user_id=student.user_id, lesson_id=67)


def waiting_in_vain(world: World, inside: Any) -> None:
    student = world.student()
    world.qualify(student.user_id, 67)
    lock = "SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE"
    with world.held(lock, student.user_id), pytest.raises(Unavailable, match="held a row"):
        inside.complete_lesson(user_id=student.user_id, lesson_id=67)


def done(world: World, inside: Any) -> None:
    student = world.student()
    world.qualify(student.user_id, 67)
    inside.complete_lesson(user_id=student.user_id, lesson_id=67)


@pytest.mark.parametrize("call", [refused, missing, violating, waiting_in_vain, done])
def test_after_any_call_the_transaction_is_usable_and_has_its_own_lock_timeout(
    world: World, repository: TripwireRepository, call: Callable[[World, Any], None]
) -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute("SET LOCAL lock_timeout = '77s'")
        call(world, repository.within(connection))
        (timeout,) = connection.execute("SHOW lock_timeout").fetchone()
        insert(connection, 1)
    assert timeout == "77s"
    assert world.count("own_rows") == 1


def test_under_repeatable_read_a_lost_race_says_to_begin_again_and_leaves_the_transaction_usable(
    world: World, repository: TripwireRepository
) -> None:
    student = world.student()
    world.qualify(student.user_id, 67)
    with psycopg.connect(world.url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        insert(connection, 1)
        repository.complete_lesson(user_id=student.user_id, lesson_id=67)
        with pytest.raises(Unavailable, match="begin it again") as failure:
            repository.within(connection).complete_lesson(user_id=student.user_id, lesson_id=67)
        insert(connection, 2)
    assert failure.value.applied is False
    assert world.count("own_rows") == 2


def test_success_is_not_logged_as_done_and_a_refusal_is_logged(
    world: World, repository: TripwireRepository, caplog: pytest.LogCaptureFixture
) -> None:
    student = world.student()
    caplog.set_level(logging.INFO, "tripwire_db")
    with psycopg.connect(world.url) as connection:
        inside = repository.within(connection)
        caplog.clear()
        inside.get_student(user_id=student.user_id)
        assert caplog.records == []
        with pytest.raises(errors.VideoNotQualified):
            inside.complete_lesson(user_id=student.user_id, lesson_id=67)
    assert [(record.flow, record.failure) for record in caplog.records] == [("complete_lesson", "VideoNotQualified")]


def test_what_needs_the_auth_service_says_what_to_do_instead(world: World, repository: TripwireRepository) -> None:
    student = world.student()
    with psycopg.connect(world.url) as connection:
        inside = repository.within(connection)
        with pytest.raises(InvalidInput, match=r"auth service.*call them on the repository itself first"):
            inside.create_tripwire_user(email="x@course.kz", full_name="X", manager_id=student.manager_id)
        with pytest.raises(InvalidInput, match="auth service"):
            inside.delete_student(user_id=student.user_id, manager_id=student.manager_id)
        them = {"user_id": student.user_id, "manager_id": student.manager_id}
        with pytest.raises(InvalidInput, match="auth service"):
            inside.correct_student(**them, full_name="X")
        with pytest.raises(InvalidInput, match="auth service"):
            inside.reset_password(**them, password="x")
        assert inside.correct_student(**them, price=7).price == 7, "the auth service keeps no price"
    assert world.count("tripwire_users", user_id=student.user_id) == 1


def test_connections_that_cannot_hold_a_savepoint_are_refused(world: World, repository: TripwireRepository) -> None:
    with ExitStack() as stack:
        autocommit = stack.enter_context(psycopg.connect(world.url, autocommit=True))
        with pytest.raises(InvalidInput, match="commits each statement"):
            repository.within(autocommit).list_students()
        with autocommit.transaction():
            assert not repository.within(autocommit).list_students()
        with autocommit.transaction(), autocommit.pipeline(), pytest.raises(InvalidInput, match="pipeline"):
            repository.within(autocommit).list_students()
        failed = stack.enter_context(psycopg.connect(world.url))
        with pytest.raises(psycopg.errors.DivisionByZero):
            failed.execute("SELECT 1 / 0")
        with pytest.raises(InvalidInput, match="failed before"):
            repository.within(failed).list_students()


@pytest.mark.parametrize("nothing", [None, "postgresql://", object()])
def test_what_is_no_connection_is_refused_at_once(repository: TripwireRepository, nothing: object) -> None:
    with pytest.raises(InvalidInput, match=r"within\(\) takes"):
        repository.within(nothing)


def test_a_plan_is_shown_inside_the_transaction_and_closing_closes_nothing(
    world: World, repository: TripwireRepository
) -> None:
    with psycopg.connect(world.url) as connection:
        with repository.within(connection) as inside:
            assert "Scan" in inside.explain(list_students())
        insert(connection, 1)
    assert world.count("own_rows") == 1
    assert not repository.list_students()


@asynccontextmanager
async def async_psycopg(url: str) -> Any:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        yield connection


@asynccontextmanager
async def async_sqlalchemy(url: str) -> Any:
    engine = sa_asyncio.create_async_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@asynccontextmanager
async def async_session(url: str) -> Any:
    engine = sa_asyncio.create_async_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    async with sa_asyncio.AsyncSession(engine) as session:
        yield session
    await engine.dispose()


@pytest.mark.parametrize("connect", [async_psycopg, async_sqlalchemy, async_session])
@pytest.mark.parametrize("commits", [True, False])
async def test_the_async_repository_works_within_async_connections_of_any_kind(
    world: World, connect: Callable[..., Any], *, commits: bool
) -> None:
    student = await asyncio.to_thread(world.student)
    world.qualify(student.user_id, 67)
    with PostgresAuth(world.url) as auth:
        async with (
            AsyncTripwireRepository.connect(world.url, auth=auth) as repository,
            connect(world.url) as connection,
        ):
            inside = repository.within(connection)
            with pytest.raises(errors.ModuleLocked):
                await inside.complete_lesson(user_id=student.user_id, lesson_id=68)
            await inside.complete_lesson(user_id=student.user_id, lesson_id=67)
            assert "Scan" in await inside.explain(list_students())
            with pytest.raises(InvalidInput, match="auth service"):
                await inside.create_manager(email="x@sales.kz", full_name="X")
            await (connection.commit() if commits else connection.rollback())
            with pytest.raises(InvalidInput, match="of the repository's kind"):
                repository.within(world.connection)
    assert world.row("tripwire_users", user_id=student.user_id)["modules_completed"] == commits


async def test_a_cancelled_call_is_undone_and_leaves_the_async_transaction_usable(world: World) -> None:
    student = await asyncio.to_thread(world.student)
    world.qualify(student.user_id, 67)
    with PostgresAuth(world.url) as auth:
        async with AsyncTripwireRepository.connect(world.url, auth=auth) as repository, async_psycopg(world.url) as own:
            await own.execute("INSERT INTO own_rows VALUES (1)")
            with world.held("SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE", student.user_id):
                call = asyncio.ensure_future(
                    repository.within(own).complete_lesson(user_id=student.user_id, lesson_id=67)
                )
                await asyncio.to_thread(world.wait_for_locks, 1)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            await own.execute("INSERT INTO own_rows VALUES (2)")
    assert world.count("own_rows") == 2
    assert world.row("tripwire_users", user_id=student.user_id)["modules_completed"] == 0
