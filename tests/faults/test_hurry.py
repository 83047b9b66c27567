"""Many at once: all succeed or say why, each effect comes once, and no connection is left over."""

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World, world
from tests.faults.crowd import errors_in, together
from tests.faults.figures import Figures
from tests.faults.recount import Sessions
from tests.support.servers.proxy import Proxy, Request, Verdict
from tripwire_db import AsyncTripwireRepository, NotFound, PostgresAuth, TripwireError, WatchPolicy

POOL = 20
UNLIMITED = WatchPolicy(max_rate=None)
"""Without a rate what counts is what was watched, whatever the order and the times of the calls."""

# -- creations --------------------------------------------------------------------------------------------------------


def test_a_hundred_creations_at_once_over_a_pool_of_twenty(kind: str, it: World, sessions: Sessions, figures: Figures):
    managers = [it.manager() for _ in range(4)]
    before = sessions.count()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=POOL) as repository:

        def create(n: int) -> Callable[[], Any]:
            return lambda: repository.create_tripwire_user(
                email=f"n{n}@course.kz", full_name=f"N {n}", manager_id=managers[n % 4].user_id, price=n
            )

        students = together([create(n) for n in range(100)])
        assert not errors_in(students)
        assert all(student.created for student in students)
        assert sessions.count() <= before + POOL + 5  # the repository's, and the auth service's
        assert not sessions.in_transaction()
        rows = repository.get_sales_leaderboard(limit=10)
    assert [(row.total_students, row.total_revenue) for row in rows] == [
        (25, sum(range(start, 100, 4))) for start in (3, 2, 1, 0)
    ]
    assert sessions.settled(before) == before
    figures.survived("creations at once", 100)


async def test_a_hundred_creations_at_once_in_one_event_loop(it: World, sessions: Sessions, figures: Figures):
    manager = it.manager()
    before = sessions.count()
    with PostgresAuth(it.url) as auth:
        async with AsyncTripwireRepository.connect(it.url, auth=auth, pool_size=POOL) as repository:
            students = await asyncio.gather(
                *[
                    repository.create_tripwire_user(
                        email=f"n{n}@course.kz", full_name=f"N {n}", manager_id=manager.user_id
                    )
                    for n in range(100)
                ]
            )
            (row,) = await repository.get_sales_leaderboard()
            assert not sessions.in_transaction()
    assert len({student.user_id for student in students}) == 100
    assert row.total_students == 100
    assert sessions.settled(before) == before
    figures.survived("creations at once", 100)


def test_the_same_email_fifty_times_at_once_is_one_student(kind: str, it: World, figures: Figures):
    manager = it.manager()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=POOL) as repository:
        asked = {"email": "same@course.kz", "full_name": "Same", "manager_id": manager.user_id}
        students = together([lambda: repository.create_tripwire_user(**asked)] * 50)
    assert not errors_in(students)
    assert len({student.user_id for student in students}) == 1
    assert sum(student.created for student in students) == 1
    assert it.log(students[0].user_id) == [("user_created", manager.user_id)]
    figures.survived("one e-mail at once", 50)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_email_fifty_times_at_once_while_a_third_of_the_database_calls_fail(
    kind: str, seed: int, it: World, hasty: None, figures: Figures
):
    """What a call has reported as made is never removed by the compensation of another."""
    manager = it.manager()
    chance = random.Random(seed)
    lock = threading.Lock()

    def by_chance(_: Request) -> Verdict:
        with lock:
            return chance.choices(
                (Verdict.FORWARD, Verdict.CUT_BEFORE, Verdict.CUT_AFTER, Verdict.SWALLOW), (6, 1, 1, 1)
            )[0]

    asked = {"email": "same@course.kz", "full_name": "Same", "manager_id": manager.user_id}
    with (
        Proxy(it.url) as proxy,
        PostgresAuth(proxy.url) as auth,
        opened(kind, proxy.url, auth=auth, pool_size=POOL) as repository,
    ):
        proxy.judge = by_chance
        outcomes = together([lambda: repository.create_tripwire_user(**asked)] * 50)
        struck = sum(proxy.verdicts.values()) - proxy.verdicts[Verdict.FORWARD]
        proxy.heal()
        student = repository.create_tripwire_user(**asked)
    assert all(isinstance(error, TripwireError) for error in errors_in(outcomes))
    made = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert {done.user_id for done in made} <= {student.user_id}
    assert it.log(student.user_id) == [("user_created", manager.user_id)]
    figures.survived("one e-mail at once, a third of the calls cut", struck)


# -- completions ------------------------------------------------------------------------------------------------------


def last_two_at_once(kind: str, it: World, times: int) -> None:
    manager = it.manager()
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=4) as repository:
        for _ in range(times):
            student = it.student(manager)
            it.complete(student.user_id, 67)
            it.unlock(student.user_id, 18)
            it.execute(
                "INSERT INTO student_progress (user_id, module_id, lesson_id) VALUES (%s, 18, 69)", student.user_id
            )
            it.qualify(student.user_id, 68, 69)
            calls = [
                partial(repository.complete_lesson, user_id=student.user_id, lesson_id=lesson) for lesson in (68, 69)
            ]
            outcomes = it.at_once_on(student.user_id, *calls)
            assert not errors_in(outcomes)
            assert sorted(outcome.modules_completed for outcome in outcomes) == [2, 3]
            assert len([outcome for outcome in outcomes if outcome.certificate is not None]) == 1
            assert it.count("certificates", user_id=student.user_id) == 1


def test_the_last_two_lessons_at_once_make_one_certificate(kind: str, it: World, figures: Figures):
    last_two_at_once(kind, it, 30)
    figures.survived("last two lessons at once", 30)


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_the_last_two_lessons_at_once_two_hundred_times(kind: str, it: World, figures: Figures):
    last_two_at_once(kind, it, 200)
    figures.survived("last two lessons at once", 200)


def test_one_lesson_completed_twenty_times_at_once_counts_once(kind: str, it: World, figures: Figures):
    student = it.student()
    it.qualify(student.user_id, 67)
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=POOL) as repository:
        outcomes = it.at_once_on(
            student.user_id, *[lambda: repository.complete_lesson(user_id=student.user_id, lesson_id=67)] * POOL
        )
    assert not errors_in(outcomes)
    assert sum(not outcome.already_completed for outcome in outcomes) == 1
    assert {(outcome.modules_completed, outcome.unlocked_module_id) for outcome in outcomes} == {(1, 17)}
    figures.survived("one lesson at once", POOL)


# -- heartbeats -------------------------------------------------------------------------------------------------------

TRACKED = """SELECT watched_segments, counted_ms, total_watched_seconds, watch_percentage, is_qualified_for_completion,
    total_time_spent FROM video_tracking JOIN user_statistics USING (user_id) WHERE user_id = %s"""


def heartbeats_in_any_order(kind: str, it: World, per_thread: int, students: int) -> int:
    """Heartbeats of some students, shuffled over 8 threads and many of them sent twice, against one after another."""
    chance = random.Random(per_thread)
    manager = it.manager()
    with world(kind, it.url, policy=UNLIMITED, pool_size=8) as ours:
        pairs = [(it.student(manager).user_id, it.student(manager).user_id) for _ in range(students)]
        beats: list[tuple[int, list[tuple[float, float]]]] = []
        for _ in range(8 * per_thread * 2 // 3):
            start = round(chance.uniform(0, 1790), 3)
            length = chance.choice((0.4, 9.7, 10.0, 31.25))
            beats.append((chance.randrange(students), [(start, min(1800.0, round(start + length, 3)))]))

        def send(who: UUID, segments: list[tuple[float, float]]) -> Any:
            return ours.repository.update_video_tracking(
                user_id=who, lesson_id=67, segments=segments, position=segments[0][1]
            )

        again = [*beats, *chance.choices(beats, k=8 * per_thread - len(beats))]
        chance.shuffle(again)
        sent = together([lambda beat=beat: send(pairs[beat[0]][0], beat[1]) for beat in again], threads=8)
        assert not errors_in(sent)
        for student, segments in beats:
            send(pairs[student][1], segments)
        for at_once, serial in pairs:
            rows = [it.connection.execute(TRACKED, [who]).fetchone() for who in (at_once, serial)]
            assert rows[0] == rows[1]
    return len(again)


def test_heartbeats_shuffled_over_eight_threads_give_what_one_gives(kind: str, it: World, figures: Figures):
    figures.survived("heartbeats shuffled", heartbeats_in_any_order(kind, it, per_thread=100, students=4))


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_eight_threads_with_four_thousand_heartbeats_each_give_what_one_gives(kind: str, it: World, figures: Figures):
    figures.survived("heartbeats shuffled", heartbeats_in_any_order(kind, it, per_thread=4000, students=50))


def test_students_are_deleted_and_lessons_completed_while_heartbeats_arrive(kind: str, it: World, figures: Figures):
    manager = it.manager()
    staying = [it.student(manager).user_id for _ in range(6)]
    leaving = [it.student(manager).user_id for _ in range(6)]
    for student in staying:
        it.qualify(student, 67)
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=12) as repository:
        stop = threading.Event()
        beats: list[int] = []

        def watch(students: list[UUID]) -> None:
            for n, student in enumerate(cycle(students)):
                if stop.is_set():
                    return
                start = n * 7 % 1700
                try:
                    repository.update_video_tracking(
                        user_id=student, lesson_id=67, segments=[(start, start + 9)], position=start
                    )
                except NotFound:
                    assert student in leaving
                beats.append(1)

        with ThreadPoolExecutor(6) as threads:
            watching = [threads.submit(watch, students) for students in [staying + leaving] * 6]
            try:
                outcomes = together(
                    [lambda s=s: repository.complete_lesson(user_id=s, lesson_id=67) for s in staying * 2]
                    + [
                        lambda s=s: repository.delete_student(user_id=s, manager_id=manager.user_id)
                        for s in leaving * 2
                    ],
                    threads=6,
                )
            finally:
                stop.set()
            for each in watching:
                each.result(60)
    assert not errors_in(outcomes)
    assert it.count("tripwire_users", modules_completed=1) == 6
    assert it.count("tripwire_users") == 6
    assert not it.connection.execute("SELECT 1 FROM video_tracking WHERE user_id = ANY(%s)", [leaving]).fetchall()
    figures.survived("heartbeats during completion and deletion", len(beats))


async def test_a_student_watches_in_fifty_tasks_at_once(it: World, figures: Figures):
    student = it.student()
    with PostgresAuth(it.url) as auth:
        async with AsyncTripwireRepository.connect(it.url, auth=auth, policy=UNLIMITED, pool_size=POOL) as repository:
            seen = await asyncio.gather(
                *[
                    repository.update_video_tracking(
                        user_id=student.user_id, lesson_id=67, segments=[(n * 10, n * 10 + 10)], position=0
                    )
                    for n in range(50)
                ]
            )
    assert sum(progress.new_seconds for progress in seen) == 500
    assert max(progress.unique_seconds for progress in seen) == 500
    figures.survived("heartbeats shuffled", 50)


# -- everything -------------------------------------------------------------------------------------------------------


def test_everything_at_once_meets_no_deadlock(kind: str, it: World, figures: Figures):
    """Every flow that changes a student, on the same few students, from twelve threads."""
    chance = random.Random(7)
    manager = it.manager()
    students = [it.student(manager).user_id for _ in range(3)]
    for student in students:
        it.complete(student, 67)
        it.qualify(student, 68)
    with PostgresAuth(it.url) as auth, opened(kind, it.url, auth=auth, pool_size=12) as repository:

        def act(n: int) -> Callable[[], Any]:
            who = {"user_id": students[n % 3]}
            return chance.choice(
                [
                    lambda: repository.complete_lesson(**who, lesson_id=68),
                    lambda: repository.unlock_next_module(**who),
                    lambda: repository.update_video_tracking(
                        **who, lesson_id=67, segments=[(n % 900, n % 900 + 5)], position=0
                    ),
                    lambda: repository.update_video_tracking(**who, lesson_id=68, segments=[], position=n),
                    lambda: repository.set_student_status(**who, status="active", manager_id=manager.user_id),
                    lambda: repository.record_welcome_email(**who, sent=True),
                    lambda: repository.get_student(**who),
                    lambda: repository.log_activity(manager_id=manager.user_id, action_type="password_reset"),
                ]
            )

        outcomes = together([act(n) for n in range(600)], threads=12)
    assert not errors_in(outcomes)
    assert it.count("tripwire_users", modules_completed=2) == 3
    figures.survived("everything at once", len(outcomes))
