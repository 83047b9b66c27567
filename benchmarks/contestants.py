"""Everybody who can do one flow's work: this repository, its statement by others, and its rivals, on one database."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from benchmarks.measuring import Contestant
from benchmarks.rivals import functions
from benchmarks.rivals.orm import ORM
from benchmarks.rivals.rest import REST, Distance, rest_client
from benchmarks.rivals.usual import USUAL
from benchmarks.students import Students
from benchmarks.tasks import Task, Values
from tests.support.servers.finding import ServerMissing
from tripwire_db import AsyncTripwireRepository, TripwireRepository

OURS = "this repository"
AIO = "this repository, asyncio"
BARE = "the same statement by bare psycopg"
FUNCTION = "one function in the database"
STATEMENTS = "one statement after another, psycopg"
PIPELINE = "psycopg's pipeline"
UNIT = "SQLAlchemy's ORM, unit of work"
HTTP = "supabase-py's client, PostgREST"


def execute(connection: psycopg.Connection[Any], task: Task, values: Values) -> Any:
    """The flow's statement by bare psycopg."""
    flow = task.flow(values)
    return connection.execute(flow.sql().encode(), dict(flow.parameters), prepare=True).fetchall()


def usual(connection: psycopg.Connection[Any], task: Task, values: Values) -> None:
    """The flow's work by one statement after another in a transaction."""
    with connection.transaction():
        USUAL[task.name](lambda statement, given: connection.execute(statement.encode(), dict(given)), values)


def call(connection: psycopg.Connection[Any], task: Task, values: Values) -> None:
    """The flow's work by a function in the database."""
    connection.execute(functions.call(task.name).encode(), dict(values), prepare=True)


class Contestants:
    """The ways to do a task, each with a connection of its own to the URL."""

    def __init__(self, task: Task, students: Students, url: str, stack: ExitStack) -> None:
        self.task = task
        self.students = students
        self.failures: list[str] = []
        self.distance: Distance | None = None
        connect = partial(psycopg.connect, url, autocommit=True)
        self.ours = stack.enter_context(TripwireRepository.connect(url, auth=students.auth, pool_size=1))
        self.bare, self.calling, self.stating, self.piping = (stack.enter_context(connect()) for _ in range(4))
        self.engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
        stack.callback(self.engine.dispose)
        self.runner = stack.enter_context(asyncio.Runner())
        self.aio = AsyncTripwireRepository.connect(url, auth=students.auth, pool_size=1)
        stack.callback(lambda: self.runner.run(self.aio.close()))
        students.connection.execute(functions.definition(task.name).encode())
        self.client: Any = None
        try:
            self.client, self.distance = stack.enter_context(rest_client(students.url))
        except ServerMissing as missing:
            self.failures.append(f"{HTTP}: {missing}")

    def all(self) -> dict[str, Contestant]:
        """Each by its name."""
        found = dict(self._each())
        return {name: self._ready(name, act) for name, act in found.items()}

    def _each(self) -> Iterator[tuple[str, Callable[[Values], Any]]]:
        task = self.task
        yield OURS, lambda values: self.ours._database.run(task.flow(values))  # noqa: SLF001 - flows without their auth users
        yield AIO, lambda values: self.runner.run(self.aio._database.run(task.flow(values)))  # noqa: SLF001
        yield BARE, lambda values: execute(self.bare, task, values)
        yield FUNCTION, lambda values: call(self.calling, task, values)
        yield STATEMENTS, lambda values: usual(self.stating, task, values)
        yield PIPELINE, self._pipeline
        yield UNIT, self._unit
        if self.client is not None:
            yield HTTP, lambda values: REST[task.name](self.client, values)

    def _ready(self, name: str, act: Callable[[Values], Any]) -> Contestant:
        def prepare() -> Callable[[], Any]:
            values = self.students.values(name)
            return lambda: act(values)

        return prepare

    def _pipeline(self, values: Values) -> None:
        with self.piping.pipeline():
            usual(self.piping, self.task, values)

    def _unit(self, values: Values) -> None:
        with Session(self.engine) as session:
            ORM[self.task.name](session, values)
            session.commit()


def check(task: Task, students: Students) -> None:
    """Everybody wrote what this repository wrote.

    Students who watch were called for in turn, as often by each, so they are compared one by one.
    """

    def written(name: str) -> list[str]:
        found = [
            str(students.connection.execute(task.written.encode(), {"user_id": user_id}).fetchone())
            for user_id in students.given[name]
        ]
        return found if students.kind == "watching" else sorted(set(found))

    ours = written(OURS)
    for name in students.given:
        if (theirs := written(name)) != ours:
            different = next((pair for pair in zip(theirs, ours, strict=False) if pair[0] != pair[1]), (theirs, ours))
            raise AssertionError(f"{name} wrote {different[0]}, {OURS} {different[1]}")
