"""Plays the story: everything through the repository, each student in a thread of a pool."""

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

from tripwire_db.choices import Status
from tripwire_db.demo.clock import SimulatedClock
from tripwire_db.demo.people import DAYS, MANAGERS, Plan, Sitting, manager_email, plans
from tripwire_db.demo.viewer import Viewer, Watched
from tripwire_db.errors import VideoNotQualified
from tripwire_db.results import LeaderboardRow, LessonProgress, SalesDay, StudentJourney

if TYPE_CHECKING:
    from tripwire_db.repository import TripwireRepository

T = TypeVar("T")

WORKERS = 8
DEFAULT_STUDENTS = 100
DEFAULT_SEED = 1
CHART_DAYS = 30


class Observer(Protocol):
    """Who wants to see the story go on; called from several threads, one at a time."""

    def began(self, what: str, total: int) -> None:
        """A part of the story with so many steps begins."""

    def advanced(self) -> None:
        """A step of it is done."""


class _Nobody:
    def began(self, what: str, total: int) -> None:
        pass

    def advanced(self) -> None:
        pass


@dataclass(slots=True)
class Figures:
    """What the answers of the repository add up to; the rows of the database must agree.

    Attributes:
        students: created.
        revenue: what they paid, in KZT.
        lessons_completed: by all of them.
        certificates: issued, revoked ones too.
        revoked: certificates taken back.
        reports: of players.
        counted_seconds: of video that count towards completion.
        refused_completions: asked for below 80 %.
    """

    students: int = 0
    revenue: Decimal = Decimal(0)
    lessons_completed: int = 0
    certificates: int = 0
    revoked: int = 0
    reports: int = 0
    counted_seconds: float = 0.0
    refused_completions: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """What a demo has to tell.

    Attributes:
        figures: of the whole of it.
        leaderboard: all sellers.
        chart_of: whose sales the chart shows: the first of the leaderboard.
        chart: the last 30 days, newest first.
        journey: of one student, from the sale to the certificate.
        sittings: what that student did in front of the screen, when.
    """

    figures: Figures
    leaderboard: list[LeaderboardRow]
    chart_of: LeaderboardRow
    chart: list[SalesDay]
    journey: StudentJourney
    sittings: tuple[tuple[datetime, str], ...]


def play(
    database_url: str,
    *,
    students: int = DEFAULT_STUDENTS,
    seed: int = DEFAULT_SEED,
    zone: tzinfo = UTC,
    observer: Observer | None = None,
) -> Story:
    """Play the whole story in a database that `prepare` made ready.

    Args:
        database_url: a database with the stand-in for Supabase Auth.
        students: how many, ≥ 1.
        seed: decides who they are and what they do.
        zone: whose midnights part the days of the sales.
        observer: is told how far it is.

    Raises:
        TripwireError: a call failed; the story ends there.
    """
    from tripwire_db.auth import PostgresAuth
    from tripwire_db.repository import TripwireRepository

    clock = SimulatedClock()
    with (
        PostgresAuth(database_url) as auth,
        TripwireRepository.connect(database_url, auth=auth, pool_size=WORKERS, clock=clock) as repository,
    ):
        return _Play(repository, clock, seed, zone, observer or _Nobody()).play(students)


@dataclass(slots=True)
class _Play:
    repository: "TripwireRepository"
    clock: SimulatedClock
    seed: int
    zone: tzinfo
    observer: Observer
    figures: Figures = field(default_factory=Figures)
    managers: dict[int, UUID] = field(default_factory=dict)
    ids: dict[int, UUID] = field(default_factory=dict)
    sittings: list[tuple[datetime, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self, students: int) -> Story:
        now = datetime.now(UTC)
        everybody = plans(students, self.seed, now, self.zone)
        self._all("Managers", self._create_manager, range(len(MANAGERS)))
        self.clock.set(now)
        self._all("Students", self._create_student, sorted(everybody, key=lambda plan: plan.sold_at))
        self._all("Lessons", self._study, everybody)
        self.figures.counted_seconds = round(self.figures.counted_seconds, 3)  # whole milliseconds, added up as floats
        leaderboard = self.repository.get_sales_leaderboard(limit=1000)
        return Story(
            figures=self.figures,
            leaderboard=leaderboard,
            chart_of=leaderboard[0],
            chart=self.repository.get_sales_chart_data(manager_id=leaderboard[0].manager_id, days_back=CHART_DAYS),
            journey=self.repository.get_student(user_id=self.ids[0]),
            sittings=tuple(self.sittings),
        )

    def _all(self, what: str, do: Callable[[T], None], them: Iterable[T]) -> None:
        """Do it for each, in a pool of threads; the first error ends it."""
        todo = list(them)
        self.observer.began(what, len(todo))

        def one(item: T) -> None:
            do(item)
            with self._lock:
                self.observer.advanced()

        with ThreadPoolExecutor(WORKERS) as pool:
            futures: list[Future[None]] = [pool.submit(one, item) for item in todo]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _count(self, **more: Any) -> None:
        with self._lock:
            for name, value in more.items():
                setattr(self.figures, name, getattr(self.figures, name) + value)

    def _create_manager(self, index: int) -> None:
        self.clock.set(datetime.now(UTC) - timedelta(days=DAYS + 7))
        full_name = MANAGERS[index]
        created = self.repository.create_manager(email=manager_email(full_name), full_name=full_name)
        with self._lock:
            self.managers[index] = created.user_id

    def _create_student(self, plan: Plan) -> None:
        self.clock.set(plan.sold_at)
        created = self.repository.create_tripwire_user(
            email=plan.email, full_name=plan.full_name, manager_id=self.managers[plan.manager], price=plan.price
        )
        self.clock.advance(40)
        self.repository.record_welcome_email(user_id=created.user_id, sent=True)
        with self._lock:
            self.ids[plan.index] = created.user_id
        self._count(students=1, revenue=created.price)

    def _study(self, plan: Plan) -> None:
        chance = random.Random(f"{self.seed}:{plan.index}:study")  # noqa: S311
        user_id = self.ids[plan.index]
        for evenings in plan.lessons:
            journey = self.repository.get_student(user_id=user_id)
            lesson = next((one for one in journey.progress if one.status != "completed"), None)
            if lesson is None:  # another one's course may be shorter
                break
            video = next(one for one in journey.video if one.lesson_id == lesson.lesson_id)
            viewer = Viewer(
                self.repository,
                self.clock,
                user_id,
                lesson.lesson_id,
                float(video.video_duration_seconds),
                chance,
                video.segments,
            )
            for sitting in evenings:
                self._sit(plan, viewer, sitting, lesson)
        self._end(plan, user_id)

    def _sit(self, plan: Plan, viewer: Viewer, sitting: Sitting, lesson: LessonProgress) -> None:
        watched = viewer.watch(sitting)
        self._count(reports=watched.reports, counted_seconds=watched.counted_seconds)
        if plan.index == 0:
            self.sittings.append((watched.began, _describe(sitting, watched, lesson)))
        qualified = watched.progress is not None and watched.progress.qualified
        # Some try it too early, the one whose journey is told as well.
        if not qualified and not (plan.index == 0 or viewer.chance.random() < 0.3):
            return
        self.clock.advance(15)
        try:
            done = self.repository.complete_lesson(user_id=viewer.user_id, lesson_id=lesson.lesson_id)
        except VideoNotQualified:
            self._count(refused_completions=1)
            if plan.index == 0 and watched.progress is not None:
                told = f"asks to complete lesson {lesson.lesson_id} at {watched.progress.percentage} %: refused"
                self.sittings.append((self.clock(), told))
            return
        self._count(lessons_completed=1, certificates=0 if done.certificate is None else 1)

    def _end(self, plan: Plan, user_id: UUID) -> None:
        if not plan.ending:
            return
        self.clock.set(plan.ends_at)
        manager_id = self.managers[plan.manager]
        if plan.ending == "refunded":
            self.repository.revoke_certificate(user_id=user_id, reason="payment refunded", manager_id=manager_id)
            self._count(revoked=1)
        status: Status = "inactive" if plan.ending == "inactive" else "blocked"
        self.repository.set_student_status(user_id=user_id, status=status, manager_id=manager_id)


def _describe(sitting: Sitting, watched: Watched, lesson: LessonProgress) -> str:
    """One sitting in one line."""
    minutes = (watched.ended - watched.began).total_seconds() / 60
    how = {
        "rewinds": f", rewinds {watched.rewinds}×",
        "seeks": f", skips ahead {watched.seeks}× and goes back for it",
        "two tabs": " in two tabs at once",
        "claims it all": ", claims all of it at once and leaves the tab open",
        "double speed": " at double speed",
    }.get(sitting.style, "")
    percentage = 0 if watched.progress is None else watched.progress.percentage
    held_back = f", {watched.most_held_back / 60:.0f} min held back" if watched.most_held_back >= 60 else ""
    return f"watches lesson {lesson.lesson_id} for {minutes:.0f} min{how}: {percentage} % counted{held_back}"
