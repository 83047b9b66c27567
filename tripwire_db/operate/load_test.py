"""How much a database bears: marked students live their course at once, each call timed, the leaderboard checked by a recount."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from tripwire_db.errors import InvalidInput, Refused, TripwireError
from tripwire_db.operate import marked
from tripwire_db.postgres.connect import connect
from tripwire_db.repository import TripwireRepository
from tripwire_db.results import Lesson
from tripwire_db.video import WatchPolicy

MOST_STUDENTS = 10_000
MOST_AT_ONCE = 200
MANAGERS = 5
HEARTBEATS = 5
"""For each lesson and student."""

_REAL_STUDENTS = "SELECT count(*) FROM public.tripwire_users WHERE email NOT LIKE %s"
_RECOUNT = """
SELECT granted_by, count(*), count(*) FILTER (WHERE status = 'active'), count(*) FILTER (WHERE status = 'completed'), sum(price)
FROM public.tripwire_users
WHERE granted_by IS NOT NULL
GROUP BY granted_by
"""
_LONGEST_LEADERBOARD = 1000


@dataclass(frozen=True, slots=True)
class Timing:
    """One kind of call: how many, how many failed, and milliseconds of those that did not."""

    operation: str
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load test found.

    Attributes:
        students: who were made.
        seconds: from the first call to the last, without setting up and cleaning up.
        calls_per_second: of all kinds together.
        timings: by kind, in the order of a student's life.
        errors: how often each class was raised.
        wrong_rows: sellers whose row of the leaderboard differs from a recount in the same snapshot; 0 is right.
    """

    students: int
    concurrency: int
    seconds: float
    calls_per_second: float
    timings: tuple[Timing, ...]
    errors: Mapping[str, int]
    wrong_rows: int

    @property
    def good(self) -> bool:
        """Whether every call succeeded and the leaderboard is right."""
        return not self.errors and not self.wrong_rows


def load_test(
    environment: Mapping[str, str] | None = None,
    *,
    students: int = 100,
    concurrency: int = 20,
    among_real_students: int = 0,
) -> LoadReport:
    """Let marked students be sold, watch, complete and be reported on, at once; then remove everything of theirs.

    Args:
        environment: as `TripwireRepository.from_env` takes it; by default the process's own.
        students: 1–10,000.
        concurrency: so many calls at once, each on a connection of its own; 1–200.
        among_real_students: how many real students the database has; any other number is refused.

    Raises:
        InvalidInput: a number out of range, or a variable that cannot be right.
        Refused: the database has another number of real students, another trial is under way, or the schema is too old.
        Unavailable, AuthFailed: the target cannot be reached, or not everything could be removed.

    Examples:
        >>> load_test(students=100, concurrency=20).wrong_rows
        0
    """
    _require("students", students, MOST_STUDENTS)
    _require("concurrency", concurrency, MOST_AT_ONCE)
    environment = dict(os.environ) if environment is None else environment
    emails = [*(_email("student", n) for n in range(MOST_STUDENTS)), *(_email("manager", n) for n in range(MANAGERS))]
    with marked.target(environment, kind="load-test") as at:
        _require_known(at, among_real_students)
        marked.remove(at, emails, at_once=concurrency)
        try:
            with TripwireRepository.connect(
                **{**at.arguments, "pool_size": concurrency}, policy=WatchPolicy(max_rate=None)
            ) as repository:
                report = _Crowd(repository, students, concurrency).live(at)
        finally:
            marked.remove(at, emails, at_once=concurrency)
    return report


def _email(kind: str, number: int) -> str:
    return f"load-{kind}-{number}@{marked.DOMAIN}"


def _require(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InvalidInput(f"{name} must be 1 to {most}", argument=name)


def _require_known(at: marked.Target, told: int) -> None:
    with marked.told(), marked.session(at) as opened:
        row = opened.execute(_REAL_STUDENTS, (f"%@{marked.DOMAIN}",)).fetchone()
    real = row[0] if row else 0
    if real != told:
        raise Refused(
            f"the database has {real} real students: load slows them down. Take a scratch database, or name their number "
            f"(--among-real-students {real})"
        )


class _Crowd:
    """The students' lives, and what their calls took."""

    def __init__(self, repository: TripwireRepository, students: int, concurrency: int) -> None:
        self._repository = repository
        self._students = students
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._seconds: dict[str, list[float]] = {}
        self._failed: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()

    def live(self, at: marked.Target) -> LoadReport:
        managers = [
            self._repository.create_manager(email=_email("manager", n), full_name=f"Load {n}").user_id
            for n in range(MANAGERS)
        ]
        lessons = [lesson for lesson in self._repository.list_lessons() if not lesson.archived]
        began = time.perf_counter()
        threads = ThreadPoolExecutor(self._concurrency)
        try:
            for _ in threads.map(lambda n: self._one_life(n, managers[n % MANAGERS], lessons), range(self._students)):
                pass
        finally:
            threads.shutdown(cancel_futures=True)  # Ctrl-C waits for the lives that are under way alone
        seconds = time.perf_counter() - began
        calls = sum(map(len, self._seconds.values())) + sum(self._failed.values())
        return LoadReport(
            students=self._students,
            concurrency=self._concurrency,
            seconds=seconds,
            calls_per_second=calls / seconds,
            timings=tuple(self._timing(name) for name in {**self._seconds, **self._failed}),
            errors=dict(self._errors),
            wrong_rows=_wrong_rows(at, self._repository),
        )

    def _one_life(self, number: int, manager_id: UUID, lessons: list[Lesson]) -> None:
        """From the sale to the last report; a call that fails ends it, and is counted."""
        repository = self._repository
        try:
            student = self._timed(
                "create a student",
                partial(
                    repository.create_tripwire_user,
                    email=_email("student", number),
                    full_name=f"Load Student {number}",
                    manager_id=manager_id,
                ),
            )
            for lesson in lessons:
                part = lesson.duration_seconds / HEARTBEATS
                for beat in range(HEARTBEATS):
                    self._timed(
                        "heartbeat",
                        partial(
                            repository.update_video_tracking,
                            user_id=student.user_id,
                            lesson_id=lesson.lesson_id,
                            segments=[(beat * part, (beat + 1) * part)],
                            position=(beat + 1) * part,
                        ),
                    )
                self._timed(
                    "complete a lesson",
                    partial(repository.complete_lesson, user_id=student.user_id, lesson_id=lesson.lesson_id),
                )
            self._timed("leaderboard", repository.get_sales_leaderboard)
            self._timed("chart", lambda: repository.get_sales_chart_data(manager_id=manager_id))
            self._timed("totals", lambda: repository.get_manager_stats(manager_id=manager_id))
            self._timed("activity", lambda: repository.get_manager_activity(manager_id=manager_id))
        except TripwireError:
            return  # counted by `_timed`

    def _timed(self, operation: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        try:
            answer = call()
        except TripwireError as error:
            with self._lock:
                self._failed[operation] += 1
                self._errors[type(error).__name__] += 1
            raise
        with self._lock:
            self._seconds.setdefault(operation, []).append(time.perf_counter() - began)
        return answer

    def _timing(self, operation: str) -> Timing:
        taken = sorted(seconds * 1000 for seconds in self._seconds.get(operation, [])) or [0.0]
        failed = self._failed[operation]

        def percentile(part: float) -> float:
            return taken[min(int(len(taken) * part), len(taken) - 1)]

        return Timing(
            operation,
            len(self._seconds.get(operation, [])) + failed,
            failed,
            percentile(0.5),
            percentile(0.95),
            percentile(0.99),
            taken[-1],
        )


def _wrong_rows(at: marked.Target, repository: TripwireRepository) -> int:
    """Compare the leaderboard with a plain recount, both in one snapshot, so that other traffic makes no difference."""
    with marked.told(), _snapshot(at) as session:
        board = repository.within(session).get_sales_leaderboard(limit=_LONGEST_LEADERBOARD)
        counted = {row[0]: tuple(row[1:]) for row in session.execute(_RECOUNT)}
    shown = {
        row.manager_id: (row.total_students, row.active_students, row.completed_students, row.total_revenue)
        for row in board
        if row.manager_id is not None
    }
    wrong = sum(counted.get(manager_id, (0, 0, 0, 0)) != figures for manager_id, figures in shown.items())
    missing = len(counted.keys() - shown.keys()) if len(board) < _LONGEST_LEADERBOARD else 0
    return wrong + missing


@contextmanager
def _snapshot(at: marked.Target) -> Iterator[psycopg.Connection[Any]]:
    with connect(at.url, purpose="load-test") as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield session
