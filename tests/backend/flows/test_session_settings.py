"""What a role, a database or an application sets for its sessions changes no result: dates, numbers, JSON."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import set_json_loads
from psycopg.types.numeric import FloatLoader
from psycopg.types.string import TextLoader

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tripwire_db import AsyncTripwireRepository, PostgresAuth, Segment
from tripwire_db.flows.students import get_student

Own = Callable[[Any], None]
DATE_STYLES = ["German, DMY", "SQL, MDY"]


@contextmanager
def database_setting(it: World, name: str, value: str) -> Iterator[None]:
    """Set something for every session of the database that begins now."""
    database = sql.Identifier(it.connection.info.dbname)
    it.connection.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.Identifier(name), value))
    try:
        yield
    finally:
        it.connection.execute(sql.SQL("ALTER DATABASE {} RESET {}").format(database, sql.Identifier(name)))


def with_a_certificate(it: World) -> Any:
    """A student who has completed the course."""
    student = it.student(price="4999.50")
    it.unlock(student.user_id, 17, 18)
    it.qualify(student.user_id, 67, 68, 69)
    for lesson_id in (67, 68, 69):
        it.repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
    return student


def told(repository: Any, student: Any) -> list[Any]:
    """What methods that only read say of a student and of the sales; with times, days, money and JSON."""
    return [
        repository.get_student(user_id=student.user_id),
        repository.list_students(limit=1),
        repository.get_manager_activity(manager_id=student.manager_id),
        repository.get_sales_chart_data(days_back=2),
        repository.get_sales_leaderboard(),
    ]


@pytest.mark.parametrize("style", DATE_STYLES)
def test_times_are_read_in_whatever_style_the_database_writes_them(kind: str, it: World, style: str):
    student = with_a_certificate(it)
    expected = told(it.repository, student)

    with (
        database_setting(it, "datestyle", style),
        PostgresAuth(it.url) as auth,
        opened(kind, it.url, auth=auth) as repository,
    ):
        assert told(repository, student) == expected
        assert repository.issue_certificate(user_id=student.user_id) == expected[0].certificate
        assert repository.create_tripwire_user(
            email="new@course.kz", full_name="New", manager_id=student.manager_id
        ).created


def own_date_style(connection: Any) -> None:
    connection.execute("SET datestyle = 'SQL, DMY'")


def own_numbers(connection: Any) -> None:
    connection.adapters.register_loader("numeric", FloatLoader)


def own_ids(connection: Any) -> None:
    connection.adapters.register_loader("uuid", TextLoader)


def own_json(connection: Any) -> None:
    set_json_loads(partial(json.loads, parse_float=Decimal), connection)


@pytest.mark.parametrize("own", [own_date_style, own_numbers, own_ids, own_json])
@pytest.mark.parametrize("kind", ["sync"])
def test_a_callers_connection_may_read_values_in_its_own_way(it: World, own: Own):
    student = with_a_certificate(it)
    watched = {"user_id": student.user_id, "lesson_id": 67, "segments": [(0.25, 9.5)], "position": 1}
    it.repository.update_video_tracking(**watched)
    expected = told(it.repository, student)

    with psycopg.connect(it.url) as connection:
        own(connection)
        within = it.repository.within(connection)

        assert repr(told(within, student)) == repr(expected)
        assert within.update_video_tracking(**watched).segments == (Segment(0.25, 9.5),)
        assert within.explain(get_student(user_id=student.user_id), analyze=True)


@pytest.mark.parametrize("own", [own_numbers, own_ids, own_json])
@pytest.mark.parametrize("kind", ["sync"])
async def test_a_callers_async_connection_may_read_values_in_its_own_way(it: World, own: Own):
    student = with_a_certificate(it)
    watched = {"user_id": student.user_id, "lesson_id": 67, "segments": [(0.25, 9.5)], "position": 1}
    it.repository.update_video_tracking(**watched)
    expected = it.repository.get_student(user_id=student.user_id)

    async with (
        AsyncTripwireRepository.connect(it.url, auth=PostgresAuth(it.url)) as repository,
        await psycopg.AsyncConnection.connect(it.url) as connection,
    ):
        own(connection)
        within = repository.within(connection)

        assert repr(await within.get_student(user_id=student.user_id)) == repr(expected)
        assert await within.explain(get_student(user_id=student.user_id), analyze=True)
