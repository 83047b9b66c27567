"""The speed of the flows, side by side with bare psycopg, on a PostgreSQL of its own.

    python -m benchmarks.flows            the table, and exit code 1 where a bound is broken

Each flow is run beside the same SQL, prepared, by bare psycopg: ten of one, ten of the other, in one loop, so that
whatever else the machine does disturbs both alike and neither loses its caches to the other. A figure is the median of
its runs; a ratio outside its bound is measured again, since a neighbour's noise only ever makes things slower.
"""

import asyncio
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
from rich.console import Console
from rich.table import Table

from tests.support.servers.proxy import Proxy
from tripwire_db import (
    AsyncTripwireRepository,
    CreatedManager,
    CreatedStudent,
    PostgresAuth,
    TripwireRepository,
    migrations,
)
from tripwire_db.embedded import scratch_cluster
from tripwire_db.engine.statement import Flow
from tripwire_db.flows import sales
from tripwire_db.flows.complete_lesson import complete_lesson
from tripwire_db.flows.create_manager import NewManager, create_manager
from tripwire_db.flows.create_tripwire_user import NewStudent, create_tripwire_user
from tripwire_db.flows.delete_student import delete_student
from tripwire_db.flows.issue_certificate import issue_certificate
from tripwire_db.flows.log_activity import log_activity
from tripwire_db.flows.record_welcome_email import record_welcome_email
from tripwire_db.flows.revoke_certificate import revoke_certificate
from tripwire_db.flows.search import search_activity, search_watched_segments
from tripwire_db.flows.set_student_status import set_student_status
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.flows.students import get_student, list_students
from tripwire_db.flows.unlock_next_module import unlock_next_module
from tripwire_db.flows.update_video_tracking import update_video_tracking
from tripwire_db.flows.verify_certificate import verify_certificate
from tripwire_db.schema.bootstrap import bootstrap

RUNS = 150
WARM_UP = 20
BLOCK = 10
ROUNDS = 3
"""So often a ratio is measured until it is within its bound; the best round counts."""
FLOW_BOUND = 1.25
BOUNDED = {
    "create_tripwire_user",
    "update_video_tracking",
    "complete_lesson",
    "unlock_next_module",
    "issue_certificate",
    "revoke_certificate",
    "set_student_status",
    "delete_student",
}
"""The flows of a course's life. The smallest statements take less time than Python needs to borrow a connection for them,
and asyncio adds its own: those are measured and shown, and held to nothing."""
IMPORT_BOUND_S = 0.4
CREATION_BOUNDS = {0: 2.5, 20: 10.0}
"""Milliseconds of network for a round trip → how many times faster one statement is than ten in a transaction."""

COURSE = FlowContext()

# What creation writes, one INSERT after another; the tenth statement looks the manager up, as the flow does.
LOOK_UP = "SELECT full_name, role FROM public.users WHERE id = %(manager_id)s"
INSERTS = (
    "INSERT INTO public.users (id, email, full_name, role) VALUES (%(user_id)s, %(email)s, %(full_name)s, 'student')",
    "INSERT INTO public.tripwire_users (user_id, email, full_name, granted_by, manager_name, price)"
    " VALUES (%(user_id)s, %(email)s, %(full_name)s, %(manager_id)s, %(manager_name)s, %(price)s)",
    "INSERT INTO public.tripwire_user_profile (user_id, total_modules) VALUES (%(user_id)s, 3)",
    "INSERT INTO public.module_unlocks (user_id, module_id) VALUES (%(user_id)s, 16)",
    "INSERT INTO public.student_progress (user_id, module_id, lesson_id) VALUES (%(user_id)s, 16, 67)",
    "INSERT INTO public.video_tracking (user_id, lesson_id, video_duration_seconds) VALUES (%(user_id)s, 67, 1800)",
    "INSERT INTO public.user_statistics (user_id) VALUES (%(user_id)s)",
    "INSERT INTO public.user_achievements (user_id, achievement_id, required_value) VALUES"
    " (%(user_id)s, 'first_module_complete', 1), (%(user_id)s, 'second_module_complete', 1),"
    " (%(user_id)s, 'third_module_complete', 1), (%(user_id)s, 'tripwire_graduate', 3)",
    "INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details) VALUES"
    " (%(manager_id)s, 'user_created', %(user_id)s,"
    " jsonb_build_object('email', %(email)s::text, 'full_name', %(full_name)s::text, 'price', %(price)s::numeric))",
)


@dataclass(frozen=True)
class Figure:
    """One line of the table: two times in milliseconds, or one, and the bound of what comes of them."""

    name: str
    ours_ms: float
    beside_ms: float | None
    value: float
    bound: float | None
    at_least: bool = False
    unit: str = "×"

    @property
    def holds(self) -> bool:
        """Whether the value is within its bound."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound


class People:
    """A database with a manager and as many students as the flows use up."""

    def __init__(self, url: str, repository: TripwireRepository, connection: psycopg.Connection[Any]) -> None:
        self.url = url
        self.repository = repository
        self.connection = connection
        self._numbers = itertools.count(1)
        self.manager: CreatedManager = repository.create_manager(email="dana@sales.kz", full_name="Dana K.")
        self.graduate = self.student()
        for lesson_id in (67, 68, 69):
            self.qualify(self.graduate, lesson_id)
            done = repository.complete_lesson(user_id=self.graduate.user_id, lesson_id=lesson_id)
        if done.certificate is None:
            raise AssertionError("the last lesson gave no certificate")
        self.code = done.certificate.verification_code
        self.revoked = self.student()
        for lesson_id in (67, 68, 69):
            self.qualify(self.revoked, lesson_id)
            repository.complete_lesson(user_id=self.revoked.user_id, lesson_id=lesson_id)
        repository.revoke_certificate(user_id=self.revoked.user_id, reason="by mistake")
        self.viewer = self.student()

    def student(self) -> CreatedStudent:
        """Somebody new."""
        n = next(self._numbers)
        return self.repository.create_tripwire_user(
            email=f"student{n}@course.kz", full_name=f"Student {n}", manager_id=self.manager.user_id
        )

    def qualify(self, student: CreatedStudent, lesson_id: int) -> None:
        """Say of a video that it was watched."""
        self.connection.execute(
            "UPDATE video_tracking SET is_qualified_for_completion = true WHERE user_id = %s AND lesson_id = %s",
            [student.user_id, lesson_id],
        )

    def ready(self) -> UUID:
        """A student who may complete the first lesson."""
        student = self.student()
        self.qualify(student, 67)
        return student.user_id

    def auth_user(self) -> tuple[UUID, str]:
        """An auth user without rows, and an e-mail for them."""
        user_id, email = uuid4(), f"new{next(self._numbers)}@course.kz"
        self.connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", [user_id, email])
        return user_id, email

    def creation(self) -> Flow[CreatedStudent]:
        """A creation that is ready to run."""
        user_id, email = self.auth_user()
        new = NewStudent(email=email, full_name="New Student", manager_id=self.manager.user_id)
        return create_tripwire_user(COURSE, user_id=user_id, token=user_id, new=new)

    def flows(self) -> dict[str, Callable[[], Callable[[], Flow[Any]]]]:
        """Each flow: what must be there before, and then how it is made."""
        manager_id, viewer, graduate = self.manager.user_id, self.viewer.user_id, self.graduate.user_id
        seconds = itertools.count()

        def heartbeat() -> Callable[[], Flow[Any]]:
            start = next(seconds) * 2 % 1790
            return lambda: update_video_tracking(
                COURSE,
                user_id=viewer,
                lesson_id=67,
                segments=[(start, start + 10)],
                position=start,
                client_duration=1800,
            )

        def creation() -> Callable[[], Flow[Any]]:
            user_id, email = self.auth_user()
            return lambda: create_tripwire_user(
                COURSE,
                user_id=user_id,
                token=user_id,
                new=NewStudent(email=email, full_name="New", manager_id=manager_id),
            )

        def new_manager() -> Callable[[], Flow[Any]]:
            user_id, email = self.auth_user()
            return lambda: create_manager(
                COURSE, user_id=user_id, token=user_id, new=NewManager(email=email, full_name="New", role="curator")
            )

        def completion() -> Callable[[], Flow[Any]]:
            user_id = self.ready()
            return lambda: complete_lesson(COURSE, user_id=user_id, lesson_id=67)

        def deletion() -> Callable[[], Flow[Any]]:
            user_id = self.student().user_id
            return lambda: delete_student(COURSE, user_id=user_id, manager_id=manager_id)

        def status() -> Callable[[], Flow[Any]]:
            status = ("inactive", "active")[next(seconds) % 2]
            return lambda: set_student_status(COURSE, user_id=graduate, status=status, manager_id=manager_id)

        def always(make: Callable[[], Flow[Any]]) -> Callable[[], Callable[[], Flow[Any]]]:
            return lambda: make

        return {
            "create_tripwire_user": creation,
            "complete_lesson": completion,
            "update_video_tracking": heartbeat,
            "delete_student": deletion,
            "create_manager": new_manager,
            "set_student_status": status,
            "unlock_next_module": always(lambda: unlock_next_module(COURSE, user_id=viewer)),
            "issue_certificate": always(lambda: issue_certificate(COURSE, user_id=graduate)),
            "revoke_certificate": always(
                lambda: revoke_certificate(COURSE, user_id=self.revoked.user_id, reason="by mistake")
            ),
            "verify_certificate": always(lambda: verify_certificate(code=self.code)),
            "record_welcome_email": always(lambda: record_welcome_email(COURSE, user_id=viewer, sent=False)),
            "log_activity": always(
                lambda: log_activity(COURSE, manager_id=manager_id, action_type="email_sent", details={"n": 1})
            ),
            "get_student": always(lambda: get_student(user_id=graduate)),
            "list_students": always(lambda: list_students(manager_id=manager_id)),
            "search_activity": always(lambda: search_activity(details={"email": self.viewer.email})),
            "search_watched_segments": always(lambda: search_watched_segments(lesson_id=67, segment=(0, 1440))),
            "get_sales_leaderboard": always(sales.get_sales_leaderboard),
            "get_sales_chart_data": always(lambda: sales.get_sales_chart_data(manager_id=manager_id)),
            "get_manager_stats": always(lambda: sales.get_manager_stats(manager_id=manager_id)),
            "get_manager_activity": always(lambda: sales.get_manager_activity(manager_id=manager_id)),
        }


def timed(act: Callable[[], Any]) -> float:
    """Milliseconds that a call takes."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


async def timed_async(act: Callable[[], Awaitable[Any]]) -> float:
    """The same, awaited."""
    started = time.perf_counter()
    await act()
    return (time.perf_counter() - started) * 1000


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    ours, beside = zip(*pairs[WARM_UP:], strict=True)
    return statistics.median(ours), statistics.median(beside)


def _best(
    name: str, measure: Callable[[], tuple[float, float]], bound: float | None, *, at_least: bool = False
) -> Figure:
    figures = []
    for _ in range(ROUNDS):
        ours, beside = measure()
        value = beside / ours if at_least else ours / beside
        figures.append(Figure(name, ours, beside, value, bound, at_least))
        if figures[-1].holds:
            break
    return (
        figures[-1]
        if figures[-1].holds
        else min(figures, key=lambda figure: -figure.value if at_least else figure.value)
    )


def flows_beside_psycopg(people: People) -> Iterator[Figure]:
    """Each flow as the repository runs it, beside the same SQL prepared by bare psycopg."""
    database = people.repository._database  # noqa: SLF001 - flows without their auth users
    with psycopg.connect(people.url, autocommit=True) as bare:
        for name, prepare in people.flows().items():

            def measure(prepare: Callable[[], Callable[[], Flow[Any]]] = prepare) -> tuple[float, float]:
                pairs: list[tuple[float, float]] = []
                while len(pairs) < WARM_UP + RUNS:
                    mine = [prepare() for _ in range(BLOCK)]
                    same = [prepare()() for _ in range(BLOCK)]
                    ours = [timed(lambda make=make: database.run(make())) for make in mine]
                    beside = [
                        timed(
                            lambda flow=flow: bare.execute(flow.sql(), dict(flow.parameters), prepare=True).fetchall()
                        )
                        for flow in same
                    ]
                    pairs += zip(ours, beside, strict=True)
                return _medians(pairs)

            yield _best(name, measure, FLOW_BOUND if name in BOUNDED else None)


def async_flows_beside_psycopg(people: People, auth: PostgresAuth) -> Iterator[Figure]:
    """The same with asyncio on both sides."""

    async def measured(name: str) -> tuple[float, float]:
        prepare, pairs = people.flows()[name], []
        async with (
            AsyncTripwireRepository.connect(people.url, auth=auth) as repository,
            await psycopg.AsyncConnection.connect(people.url, autocommit=True) as bare,
        ):
            database = repository._database  # noqa: SLF001 - as above

            async def execute(flow: Flow[Any]) -> None:
                await (await bare.execute(flow.sql(), dict(flow.parameters), prepare=True)).fetchall()  # type: ignore[arg-type]

            while len(pairs) < WARM_UP + RUNS:
                mine = [prepare() for _ in range(BLOCK)]
                same = [prepare()() for _ in range(BLOCK)]
                ours = [await timed_async(lambda make=make: database.run(make())) for make in mine]
                beside = [await timed_async(lambda flow=flow: execute(flow)) for flow in same]
                pairs += zip(ours, beside, strict=True)
        return _medians(pairs)

    for name in people.flows():
        yield _best(f"{name}, async", lambda name=name: asyncio.run(measured(name)), None)


def creation_beside_ten_statements(people: People, auth: PostgresAuth) -> Iterator[Figure]:
    """Creation in one statement beside ten, one after another, in a transaction, at 0 and 20 ms of network."""
    for network_ms, bound in CREATION_BOUNDS.items():
        with Proxy(people.url) as proxy:
            # Without delay nothing stands between: a proxy's own time would count for each of twelve round trips.
            url = proxy.url if network_ms else people.url
            runs = WARM_UP + (20 if network_ms else RUNS)
            with (
                TripwireRepository.connect(url, auth=auth, pool_size=1) as repository,
                psycopg.connect(url, autocommit=True) as bare,
            ):
                database = repository._database  # noqa: SLF001 - as above

                def one_after_another(user_id: UUID, email: str, bare: psycopg.Connection[Any] = bare) -> None:
                    values = {
                        "user_id": user_id,
                        "email": email,
                        "full_name": "New Student",
                        "manager_id": people.manager.user_id,
                        "price": Decimal(5000),
                    }
                    with bare.transaction():
                        row = bare.execute(LOOK_UP, values).fetchone()
                        values["manager_name"] = row[0] if row else None
                        for insert in INSERTS:
                            bare.execute(insert, values)  # type: ignore[arg-type]

                def measure(
                    runs: int = runs,
                    network_ms: int = network_ms,
                    proxy: Proxy = proxy,
                    database: Any = database,
                    one_after_another: Callable[[UUID, str], None] = one_after_another,
                ) -> tuple[float, float]:
                    pairs: list[tuple[float, float]] = []
                    while len(pairs) < runs:
                        mine = [people.creation() for _ in range(BLOCK)]
                        same = [people.auth_user() for _ in range(BLOCK)]
                        proxy.delay = network_ms / 2000 if len(pairs) >= WARM_UP else 0.0
                        ours = [timed(lambda flow=flow: database.run(flow)) for flow in mine]
                        beside = [timed(lambda person=person: one_after_another(*person)) for person in same]
                        pairs += zip(ours, beside, strict=True)
                    proxy.delay = 0.0
                    return _medians(pairs)

                yield _best(
                    f"creation beside ten statements in a transaction, {network_ms} ms of network",
                    measure,
                    bound,
                    at_least=True,
                )


def import_time() -> Figure:
    """`import tripwire_db` in a fresh interpreter, bytecode at hand; the supabase package must not come along."""
    code = (
        "import time; started = time.perf_counter(); import tripwire_db; print(time.perf_counter() - started);"
        "tripwire_db.TripwireRepository; import sys; assert 'supabase' not in sys.modules"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(6)
    ][1:]
    best = min(runs)
    return Figure("import tripwire_db", best * 1000, None, best, IMPORT_BOUND_S, unit="s")


@contextmanager
def _people(url: str) -> Iterator[tuple[People, PostgresAuth]]:
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth) as repository,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        yield People(url, repository, connection), auth


def measure(url: str, show: Callable[[Figure], None]) -> list[Figure]:
    """Measure everything on a migrated database, and show each figure as it comes."""
    figures = []
    with _people(url) as (people, auth):
        for figure in itertools.chain(
            creation_beside_ten_statements(people, auth),
            flows_beside_psycopg(people),
            async_flows_beside_psycopg(people, auth),
            [import_time()],
        ):
            figures.append(figure)
            show(figure)
    return figures


def table_of(figures: list[Figure]) -> Table:
    """The figures for a reader, and whether each holds its bound."""
    table = Table(title=f"Flows beside bare psycopg, medians of {RUNS} runs, ms")
    for heading in ("what", "ours", "beside", "ratio", "bound", "holds"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.ours_ms:.2f}",
            "" if figure.beside_ms is None else f"{figure.beside_ms:.2f}",
            f"{figure.value:.2f} {figure.unit}",
            "" if figure.bound is None else f"{'≥' if figure.at_least else '≤'} {figure.bound:g} {figure.unit}",
            "" if figure.bound is None else "yes" if figure.holds else "NO",
        )
    return table


def main() -> int:
    """Measure on a server of its own; 1 where a bound is broken."""
    with scratch_cluster() as cluster:
        url = cluster.url("postgres")
        bootstrap(url)
        migrations.upgrade(url)
        console = Console(width=120)
        figures = measure(url, lambda figure: console.print(f"{figure.name}: {figure.value:.2f} {figure.unit}"))
        console.print(table_of(figures))
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
