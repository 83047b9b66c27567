"""Through a real PgBouncer in transaction mode, pool of five: every method works, or the message says what to set."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import LESSONS, World
from tests.faults.acts import READING, WRITING
from tests.faults.crowd import errors_in, together
from tests.faults.figures import Figures
from tests.faults.recount import Sessions
from tests.support.servers.pgbouncer import PgBouncer
from tripwire_db import PostgresAuth, TripwireError, Unavailable, WatchPolicy
from tripwire_db.engine.connection import BoundedAsyncConnection, BoundedConnection, connection_arguments

THREADS = 40


@pytest.fixture
def sessions(url: str) -> Iterator[Sessions]:
    """The database's sessions; those of the pooler stay, as they should."""
    watched = Sessions(url)
    yield watched
    deadlocks, waiting = watched.deadlocks, watched.in_transaction()
    watched.close()
    assert (deadlocks, waiting) == (0, [])


@pytest.fixture
def pooled_url(it: World, pgbouncer: PgBouncer) -> str:
    return pgbouncer.url(it.connection.info.dbname)


@contextmanager
def through(kind: str, url: str, **options: Any) -> Iterator[Any]:
    with PostgresAuth(url) as auth, opened(kind, url, auth=auth, pool_size=THREADS, **options) as repository:
        yield repository


def test_every_method_works_through_a_transaction_pooler(kind: str, it: World, pooled_url: str, figures: Figures):
    it.graduate()
    with through(kind, pooled_url, transaction_pooler=True) as repository:

        def tried(act: Any) -> Callable[[], Any]:
            asked = act.arguments(it)

            def call() -> Any:
                answer = act.call(repository, asked)
                if act.effects is not None:
                    assert act.effects(it, asked) == 1
                    return None
                return None if answer == act.call(it.repository, asked) else answer

            return call

        acts = (*WRITING, *READING) * 4  # each connection's statements would be prepared after the fifth
        outcomes = [outcome for act in acts for outcome in together([tried(act)])]
    assert [outcome for outcome in outcomes if outcome is not None] == []
    figures.survived("transaction pooler", len(outcomes))


def test_forty_threads_take_students_through_the_course_over_five_connections(
    kind: str, it: World, pooled_url: str, figures: Figures
):
    manager = it.manager()
    with through(kind, pooled_url, transaction_pooler=True, policy=WatchPolicy(max_rate=None)) as repository:

        def life(n: int) -> Callable[[], Any]:
            def lived() -> Any:
                student = repository.create_tripwire_user(
                    email=f"p{n}@course.kz", full_name=f"P {n}", manager_id=manager.user_id
                )
                who = {"user_id": student.user_id}
                for lesson in LESSONS:
                    for start in (0, 500, 1000):
                        repository.update_video_tracking(
                            **who, lesson_id=lesson, segments=[(start, start + 500)], position=start
                        )
                    done = repository.complete_lesson(**who, lesson_id=lesson)
                return repository.verify_certificate(code=done.certificate.verification_code).valid

            return lived

        outcomes = together([life(n) for n in range(THREADS)])
    assert outcomes == [True] * THREADS
    assert it.count("certificates") == THREADS
    figures.survived("transaction pooler", 14 * THREADS)


def mixed_up(it: World, pooled_url: str, kind: str, **told: Any) -> list[Exception]:
    """The failures of calls that overlap, so that the pooler hands them sessions other than those they had before."""
    student = it.student()
    with through(kind, pooled_url, **told) as repository:
        calls = [
            lambda: repository.get_student(user_id=student.user_id),
            lambda: repository.get_sales_leaderboard(limit=3),
            lambda: repository.record_welcome_email(user_id=student.user_id, sent=True),
        ]
        for _ in range(30):
            failures = errors_in(together(calls * 13))
            if failures:
                return failures
    return []


def test_a_pooler_that_was_not_told_of_is_seen_and_nothing_is_mixed_up(kind: str, it: World, pooled_url: str):
    """psycopg prepares by default, each client under the same names: one's name would run another's statement."""
    assert mixed_up(it, pooled_url, kind) == []


def test_a_pooler_that_was_denied_is_named_with_what_to_set(kind: str, it: World, pooled_url: str):
    failures = mixed_up(it, pooled_url, kind, transaction_pooler=False)
    assert failures
    assert {type(failure) for failure in failures} == {Unavailable}
    assert all("TRIPWIRE_POOLER=transaction" in str(failure) for failure in failures)


@pytest.mark.parametrize("pooled", [False, True])
def test_a_connection_prepares_only_where_nobody_stands_between(kind: str, it: World, pooled_url: str, pooled: bool):
    arguments = connection_arguments(pooled_url if pooled else it.url)

    async def connect() -> int | None:
        async with await BoundedAsyncConnection.connect(**arguments) as connection:
            return connection.prepare_threshold

    if kind == "async":
        threshold = asyncio.run(connect())
    else:
        with BoundedConnection.connect(**arguments) as connection:
            threshold = connection.prepare_threshold
    assert (threshold is None) == pooled


class NoSuchTenant:
    """A pooler that answers every startup packet as Supabase's does when it does not know the user."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://postgres:secret-word@127.0.0.1:{self._listener.getsockname()[1]}/postgres"
        self.asked = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        fields = b"".join(
            code + text.encode() + b"\0"
            for code, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", "XX000"), (b"M", self._message))
        )
        error = b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self.asked += 1
                while True:
                    length, code = struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))
                    if code not in {80877103, 80877104}:  # SSL, GSS
                        break
                    client.sendall(b"N")
                client.recv(length - 8, socket.MSG_WAITALL)
                client.sendall(error)


@pytest.mark.parametrize("message", ["Tenant or user not found", "(ENOTFOUND) tenant/user postgres.abcd not found"])
def test_tenant_or_user_not_found_is_explained_at_once(kind: str, message: str, it: World):
    started = time.monotonic()
    with (
        NoSuchTenant(message) as pooler,
        PostgresAuth(it.url) as auth,
        opened(kind, pooler.url, auth=auth) as repository,
        pytest.raises(TripwireError) as raised,
    ):
        repository.get_sales_leaderboard()
    assert "postgres.<project-ref>" in str(raised.value)
    assert "secret-word" not in str(raised.value)
    assert raised.value.applied is False
    assert pooler.asked == 1  # trying again would not help
    assert time.monotonic() - started < 3
