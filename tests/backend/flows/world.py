"""What tests of flows arrange and look at: people, videos that were watched, rows, and a clock that stands still."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import Table

from tests.backend.flows.both import opened
from tripwire_db import AuthFailed, CreatedManager, CreatedStudent, PostgresAuth, Unavailable
from tripwire_db.tables import auth_users, metadata

TABLES = (auth_users, *metadata.sorted_tables)


def _of_person(table: Table) -> list[str]:
    """The columns of a table that tell about whom a row is."""
    return [name for name in ("user_id", "target_user_id") if name in table.c] or (
        ["id"] if table.name == "users" else []
    )


LESSONS = (67, 68, 69)
LONGEST_WAIT = 3.5
"""Seconds that the calls of a race have to reach their lock; flows give up waiting for it after 4."""
PATIENCE = 60.0
"""Seconds that a call that is alone has to reach its lock: it comes again where it gave up."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float = 0, *, ms: int = 0) -> None:
        self.now += timedelta(seconds=seconds, milliseconds=ms)


@dataclass
class World:
    """A database with a repository in front, and a connection of the test's own beside it."""

    url: str
    repository: Any
    connection: psycopg.Connection[dict[str, Any]]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # -- arranging ----------------------------------------------------------------------------------------------------

    def manager(self, **arguments: Any) -> CreatedManager:
        n = next(self._numbers)
        return self.repository.create_manager(**{"email": f"m{n}@sales.kz", "full_name": f"Manager {n}", **arguments})

    def student(self, manager: CreatedManager | None = None, **arguments: Any) -> CreatedStudent:
        n = next(self._numbers)
        new = {"email": f"s{n}@course.kz", "full_name": f"Student {n}", **arguments}
        if "manager_id" not in new:
            new["manager_id"] = (manager or self.manager()).user_id
        return self.repository.create_tripwire_user(**new)

    def qualify(self, user_id: UUID, *lesson_ids: int) -> None:
        """Say of videos that they were watched: the flag is all that completing a lesson reads."""
        for lesson_id in lesson_ids:
            self.execute(
                """INSERT INTO video_tracking (user_id, lesson_id, is_qualified_for_completion) VALUES (%s, %s, true)
                ON CONFLICT (user_id, lesson_id) DO UPDATE SET is_qualified_for_completion = true""",
                user_id,
                lesson_id,
            )

    def unlock(self, user_id: UUID, *module_ids: int) -> None:
        """Open modules before their time."""
        for module_id in module_ids:
            self.execute("INSERT INTO module_unlocks (user_id, module_id) VALUES (%s, %s)", user_id, module_id)

    def complete(self, user_id: UUID, *lesson_ids: int) -> Any:
        """Complete lessons whose videos are said to be watched; give what the last one gave."""
        done = None
        for lesson_id in lesson_ids:
            self.qualify(user_id, lesson_id)
            done = self.repository.complete_lesson(user_id=user_id, lesson_id=lesson_id)
        return done

    def graduate(self, manager: CreatedManager | None = None) -> CreatedStudent:
        student = self.student(manager)
        self.complete(student.user_id, *LESSONS)
        return student

    def status(self, user_id: UUID, status: str) -> None:
        self.execute("UPDATE tripwire_users SET status = %s WHERE user_id = %s", status, user_id)

    # -- looking ------------------------------------------------------------------------------------------------------

    def execute(self, statement: str, *values: Any) -> None:
        self.connection.execute(statement, values or None)

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        query = sql.SQL("SELECT * FROM {} WHERE {}").format(
            sql.Identifier(table),
            sql.SQL(" AND ").join(
                [sql.SQL("true")]
                + [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in where.items()]
            ),
        )
        return self.connection.execute(query).fetchall()

    def row(self, table: str, **where: Any) -> dict[str, Any]:
        (row,) = self.rows(table, **where)
        return row

    def log(self, user_id: UUID) -> list[tuple[str, UUID | None]]:
        """What the log tells of a person, oldest first: what was done, and by whom."""
        rows = self.connection.execute(
            "SELECT action_type, manager_id FROM sales_activity_log WHERE target_user_id = %s"
            " ORDER BY created_at, action_type",
            [user_id],
        )
        return [(row["action_type"], row["manager_id"]) for row in rows]

    def count(self, table: str, **where: Any) -> int:
        return len(self.rows(table, **where))

    def dump(self, of: UUID | None = None) -> list[tuple[str, str]]:
        """Every row of every table, or all of one person, to be compared."""
        each = " UNION ALL ".join(
            f"SELECT '{table.fullname}' AS name, to_jsonb(t)::text AS content FROM {table.fullname} t"
            + ("" if of is None else f" WHERE '{of}' IN ({', '.join(_of_person(table))})")
            for table in TABLES
            if of is None or _of_person(table)
        )
        found = self.connection.execute(f"{each} ORDER BY 1, 2")
        return [(row["name"], row["content"]) for row in found]

    @contextmanager
    def planted(self, table: str, rule: str = "false") -> Iterator[None]:
        """Let a table refuse every row that breaks a rule."""
        self.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_planted CHECK ({rule}) NOT VALID")
        try:
            yield
        finally:
            self.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_planted")

    @contextmanager
    def kept(self, table: str) -> Iterator[None]:
        """Let a table refuse that any of its rows is deleted."""
        self.execute(
            f"""CREATE FUNCTION public.planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'kept' USING ERRCODE = '23514', TABLE = '{table}', CONSTRAINT = 'ck_planted';
            END $$;
            CREATE TRIGGER planted BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION public.planted()"""
        )
        try:
            yield
        finally:
            self.execute(f"DROP TRIGGER planted ON {table}; DROP FUNCTION public.planted()")

    # -- at once ------------------------------------------------------------------------------------------------------

    @contextmanager
    def held(self, statement: str, *values: Any) -> Iterator[None]:
        """Hold what a statement locks, from a connection of its own."""
        with psycopg.connect(self.url) as holder:
            holder.execute(statement, values)
            yield
            holder.rollback()

    def at_once(self, hold: str, values: list[Any], *calls: Callable[[], Any]) -> list[Any]:
        """Let calls wait at one barrier, release them together, and give each result, or the error it raised."""
        outcomes: list[Any] = [None] * len(calls)

        def act(index: int, call: Callable[[], Any]) -> None:
            try:
                outcomes[index] = call()
            except Exception as error:  # noqa: BLE001 - the test looks at it
                outcomes[index] = error

        threads = [threading.Thread(target=act, args=(index, call)) for index, call in enumerate(calls)]
        with self.held(hold, *values):
            for thread in threads:
                thread.start()
            self.wait_for_locks(len(calls))
        for thread in threads:
            thread.join()
        return outcomes

    def at_once_on(self, user_id: UUID, *calls: Callable[[], Any]) -> list[Any]:
        """The same, with the student's row as the barrier."""
        return self.at_once("SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE", [user_id], *calls)

    def behind(self, change: str, call: Callable[[], Any], meanwhile: Callable[[], None] = lambda: None) -> Any:
        """Let a call wait for what somebody else's open transaction holds, commit that, and give what the call gave."""
        with ThreadPoolExecutor(1) as thread, psycopg.connect(self.url) as other:
            other.execute(change.encode())
            waiting = thread.submit(_called, call)
            query = (
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND %s = ANY (pg_blocking_pids(pid))"
            )
            deadline = time.monotonic() + PATIENCE
            while not self.connection.execute(query, [other.info.backend_pid]).rowcount:
                assert not waiting.done(), f"it did not wait, and gave {waiting.exception() or waiting.result()!r}"
                assert time.monotonic() < deadline, "it never came to what the other holds"
                time.sleep(0.005)
            meanwhile()
            other.commit()
            return waiting.result(PATIENCE)

    def wait_for_locks(self, sessions: int) -> None:
        """Wait until so many sessions of this database wait for a lock."""
        deadline = time.monotonic() + LONGEST_WAIT
        waiting = 0
        while time.monotonic() < deadline:
            waiting = self.connection.execute(
                "SELECT count(*) AS n FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()["n"]
            if waiting >= sessions:
                return
            time.sleep(0.005)
        raise AssertionError(f"{waiting} of {sessions} calls came to the barrier")


def _called(call: Callable[[], Any]) -> Any:
    """What a call gives, called again where it has waited for too long: on a busy machine the other may be slow to commit."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except (AuthFailed, Unavailable):
            if time.monotonic() > deadline:
                raise


def emptied(url: str) -> None:
    """Take everybody out of a database, and put the course back as the chain made it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """DELETE FROM sales_activity_log;
            DELETE FROM auth.users;
            DELETE FROM lessons WHERE id NOT IN (67, 68, 69);
            DELETE FROM modules WHERE id NOT IN (16, 17, 18);
            UPDATE modules SET position = id - 15, archived = false;
            UPDATE lessons SET module_id = id - 51, title = 'Lesson ' || id - 66, duration_seconds = 1800, archived = false"""
        )


@contextmanager
def world(kind: str, url: str, *, through: str | None = None, **options: Any) -> Iterator[World]:
    """A world in a database; `through` is another URL for the repository, as that of a proxy."""
    with (
        PostgresAuth(url) as auth,
        opened(kind, through or url, **{"auth": auth, "pool_size": 8, **options}) as repository,
        psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection,
    ):
        yield World(url, repository, connection)
