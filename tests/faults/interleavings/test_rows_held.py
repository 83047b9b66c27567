"""Calls of one statement, all sent while another session holds their row, so each with old eyes: in every order, with every fault.

Whatever the order, what was told and logged must be what calls one after another could have done.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.rows import dict_row

from tests.backend.flows.world import World
from tripwire_db import PostgresAuth, TripwireRepository, Unavailable
from tripwire_db.engine.statement import FlowStatement, param
from tripwire_db.flows import update_lesson as lesson_flow
from tripwire_db.flows.list_lessons import LESSON
from tripwire_db.tables import lessons

PATIENCE = 60.0
FAULTS = ("", "kill", "lost")
"""Of the call that the schedule names: its session is ended while it waits; or its answer is lost, so that it comes again."""

Call = Callable[[TripwireRepository], Any]


class Callers:
    """So many repositories of one connection each, told apart by name."""

    def __init__(self, url: str, count: int, auth: PostgresAuth, stack: ExitStack) -> None:
        self.url = url
        self.threads = stack.enter_context(ThreadPoolExecutor(count))
        self.looking = stack.enter_context(psycopg.connect(url, autocommit=True, row_factory=dict_row))
        join = "&" if "?" in url else "?"
        self.repositories = [
            stack.enter_context(
                TripwireRepository.connect(f"{url}{join}application_name=caller{number}", auth=auth, pool_size=1)
            )
            for number in range(count)
        ]

    def play(self, held: str, calls: Sequence[Call], order: Sequence[int], fault: str, faulty: int) -> list[Any]:
        """Send the calls in this order while the row is held, let it go, and give what each was told at last."""
        with psycopg.connect(self.url) as holder:
            holder.execute(held.encode())
            sent: dict[int, Future[Any]] = {}
            for number in order:
                again = fault == "lost" and number == faulty
                sent[number] = self.threads.submit(_told, self.repositories[number], calls[number], again=again)
                self._wait_until_blocked(number, sent[number])
            if fault == "kill":
                ended = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = %s"
                self.looking.execute(ended, [f"caller{faulty}"])
            holder.rollback()
        return [sent[number].result(PATIENCE) for number in range(len(calls))]

    def _wait_until_blocked(self, number: int, call: Future[Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        query = "SELECT FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
        while not self.looking.execute(query, [f"caller{number}"]).rowcount:
            assert time.monotonic() < deadline, "it does not wait, though another holds the row"
            assert not call.done(), call.exception() or "it did not wait, though another holds the row"


@pytest.fixture
def callers(it: World) -> Iterator[Callable[[int], Any]]:
    @contextmanager
    def opened(count: int) -> Iterator[Callers]:
        with ExitStack() as stack:
            auth = stack.enter_context(PostgresAuth(it.url))
            yield Callers(it.url, count, auth, stack)

    return opened


def schedules(count: int) -> Iterator[tuple[tuple[int, ...], str, int]]:
    for order in itertools.permutations(range(count)):
        yield order, "", 0
        yield from ((order, fault, faulty) for fault in FAULTS[1:] for faulty in range(count))


def _told(repository: TripwireRepository, call: Call, *, again: bool) -> Any:
    """What a caller is told at last, who calls again where the row was held for too long, or the answer was lost."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            told = call(repository)
        except Unavailable:
            assert time.monotonic() < deadline
        else:
            if not again:
                return told
            again = False


# -- lessons ----------------------------------------------------------------------------------------------------------

FIRST = {"title": "First", "duration_seconds": 1800}
CHANGES: list[dict[str, Any]] = [{"title": "A"}, {"title": "B", "duration_seconds": 100}, {"duration_seconds": 200}]


def lesson_calls(admin: UUID) -> list[Call]:
    return [
        lambda repository, change=change: repository.update_lesson(lesson_id=67, manager_id=admin, **change)
        for change in CHANGES
    ]


def leads(state: dict[str, Any], final: dict[str, Any], entries: list[dict[str, Any]]) -> bool:
    """Whether the entries, in some order, each beginning where the one before ended, lead from one state to the other."""
    if not entries:
        return state == final
    for number, entry in enumerate(entries):
        old, new = (
            {name: entry[f"{which}_{name}"] for name in state if f"{which}_{name}" in entry} for which in ("old", "new")
        )
        if old.items() <= state.items() and leads(state | new, final, entries[:number] + entries[number + 1 :]):
            return True
    return False


def play_lessons(it: World, callers: Callable[[int], Any]) -> int:
    admin = it.repository.create_manager(email="admin@sales.kz", full_name="Admin", role="admin").user_id
    played = 0
    with callers(len(CHANGES)) as stage:
        for order, fault, faulty in schedules(len(CHANGES)):
            it.execute("DELETE FROM sales_activity_log")
            it.execute("UPDATE lessons SET title = 'First', duration_seconds = 1800 WHERE id = 67")
            held = "SELECT FROM public.lessons WHERE id = 67 FOR UPDATE"
            told = stage.play(held, lesson_calls(admin), order, fault, faulty)

            final = it.row("lessons", id=67)
            rows = stage.looking.execute("SELECT details FROM sales_activity_log").fetchall()
            entries = [row["details"] for row in rows]
            where = f"{order} {fault} {faulty}: {entries}, and it is {final}"
            assert leads(dict(FIRST), {name: final[name] for name in FIRST}, entries), where
            for change, lesson in zip(CHANGES, told, strict=True):
                assert change.items() <= {name: getattr(lesson, name) for name in FIRST}.items(), where
            played += 1
    it.execute("UPDATE lessons SET title = 'First', duration_seconds = 1800 WHERE id = 67")
    return played


def test_lessons_changed_at_once_are_logged_as_one_after_another(it: World, callers: Callable[[int], Any]) -> None:
    assert play_lessons(it, callers) == 6 * 7


def test_a_change_of_a_lesson_without_its_lock_is_found_out(
    it: World, callers: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlocked(b: Any) -> Any:
        of_lesson = lessons.c.id == param("lesson_id", sa.Integer)
        return b.gate("lesson", sa.select(*LESSON, b.at.label("at")).join_from(b.settings, lessons, of_lesson))

    monkeypatch.setattr(lesson_flow, "_locked", unlocked)
    old = lesson_flow._UPDATE
    monkeypatch.setattr(lesson_flow, "_UPDATE", FlowStatement(old.name, old.build, old.decode))
    with pytest.raises(AssertionError, match="and it is"):
        play_lessons(it, callers)


# -- welcome e-mails --------------------------------------------------------------------------------------------------

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("messages", [(ONE, ONE, None), (ONE, TWO, None)], ids=["the same", "two"])
def test_welcome_emails_sent_at_once_are_logged_once_for_each_message(
    it: World, callers: Callable[[int], Any], messages: tuple[UUID | None, ...]
) -> None:
    student = it.student()
    calls: list[Call] = [
        lambda repository, message=message: repository.record_welcome_email(
            user_id=student.user_id, sent=True, activity_id=message
        )
        for message in messages
    ]
    held = f"SELECT FROM public.tripwire_users WHERE user_id = '{student.user_id}' FOR UPDATE"
    with callers(len(messages)) as stage:
        for order, fault, faulty in schedules(len(messages)):
            it.execute("DELETE FROM sales_activity_log WHERE action_type = 'email_sent'")
            it.execute("UPDATE tripwire_users SET welcome_email_sent = false, welcome_email_sent_at = NULL")
            told = stage.play(held, calls, order, fault, faulty)

            query = "SELECT id FROM sales_activity_log WHERE action_type = 'email_sent'"
            logged = [row["id"] for row in stage.looking.execute(query).fetchall()]
            where = f"{order} {fault} {faulty}: {logged}"
            others, named = set(logged) - {*messages}, {*messages} - {None}
            assert named <= set(logged), where
            # Without an id it is logged only by whoever marks the e-mail as sent, the first of all.
            assert len(others) <= 1, where
            assert len(logged) == len(named) + len(others), where
            assert fault == "lost" or sum(one.recorded for one in told) == len(logged), where
            assert {one.sent for one in told} == {True}, where
            assert len({one.sent_at for one in told}) == 1, where
    it.execute("DELETE FROM sales_activity_log WHERE action_type = 'email_sent'")
    it.execute("UPDATE tripwire_users SET welcome_email_sent = false, welcome_email_sent_at = NULL")
