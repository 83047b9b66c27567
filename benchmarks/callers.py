"""One, eight and thirty-two callers at once: calls a second of this repository, by threads and by asyncio, and of rivals."""

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg

from benchmarks.contestants import AIO, BARE, FUNCTION, OURS, STATEMENTS, call, execute, usual
from benchmarks.measuring import Bound, Section, attempt, figure
from benchmarks.rivals import functions, pgbench
from benchmarks.students import Students, seller_in
from benchmarks.tasks import TASKS, Task, Values
from tripwire_db import AsyncTripwireRepository, TripwireRepository

CALLERS = (1, 8, 32)
POOL, AT_ONCE = 20, 100
ASYNC_BOUNDS = {1: 0.8, 32: 1.0}
"""Callers → how much of the threads' rate asyncio must have."""
Round = Callable[[int, int], float]
"""Given callers and calls of each: calls a second."""


def sections(url: str, *, quick: bool) -> Iterator[Section]:
    """A table of rates, and a hundred creations at once."""
    with seller_in(url) as students_of:
        yield attempt("Callers at once", lambda: _rates(students_of, quick=quick))
        yield attempt("A hundred creations at once", lambda: _at_once(students_of("auth"), 2 if quick else 5))


def _rates(students_of: Callable[[str], Students], *, quick: bool) -> Section:
    counts = CALLERS[:2] if quick else CALLERS
    section = Section(
        "Callers at once",
        "Calls a second, the median of the rounds: so many threads, tasks of one event loop, or pgbench's clients, each "
        "with a connection of its own, server and clients on the same processors. pgbench's connections are new in every "
        "round: at 32 callers it pays for the first calls of each.",
        ("flow", "how", *(f"{count} caller{'s' * (count > 1)}" for count in counts)),
    )
    best: dict[tuple[str, int], list[float]] = {}
    for task in TASKS[:1] if quick else TASKS:
        rates: dict[tuple[str, int], list[float]] = {}
        with ExitStack() as stack:
            students = students_of(task.kind)
            rounds = _rounds(task, students, stack, max(counts))
            for _ in range(2 if quick else 3):
                for count in counts:
                    calls = 96 if quick else 256
                    for name, measure in rounds.items():
                        rates.setdefault((name, count), []).append(measure(count, calls // count))
        for name in rounds:
            found = (figure(statistics.median(rates[name, count])) for count in counts)
            section.rows.append((task.name, name, *found))
        for count in counts:
            # Pairs of one round ran one after another: the machine's other work disturbs both alike.
            pairs = zip(rates[AIO, count], rates[OURS, count], strict=True)
            best.setdefault((AIO, count), []).append(statistics.median(aio / ours for aio, ours in pairs))
    for count, limit in ASYNC_BOUNDS.items():
        if count in counts:
            share = statistics.median(best[AIO, count])
            what = f"asyncio beside threads, {count} caller{'s' * (count > 1)}, the middle of the flows"
            section.bounds.append(Bound(what, share, limit, at_least=True))
    return section


def _rounds(task: Task, students: Students, stack: ExitStack, most: int) -> dict[str, Round]:
    students.connection.execute(functions.definition(task.name).encode())
    sync = stack.enter_context(TripwireRepository.connect(students.url, auth=students.auth, pool_size=most))
    links = [stack.enter_context(psycopg.connect(students.url, autocommit=True)) for _ in range(most)]
    runner = stack.enter_context(asyncio.Runner())
    aio = AsyncTripwireRepository.connect(students.url, auth=students.auth, pool_size=most)
    stack.callback(lambda: runner.run(aio.close()))
    server = pgbench.PgBench(task, students)

    def linked(name: str, act: Callable[[psycopg.Connection[Any], Task, Values], Any]) -> Round:
        return lambda count, calls: _threads(
            [lambda values, link=link: act(link, task, values) for link in links[:count]],
            _given(students, name, count, calls),
        )

    def ours(count: int, calls: int) -> float:
        run = sync._database.run  # noqa: SLF001 - flows without their auth users
        return _threads([lambda values: run(task.flow(values))] * count, _given(students, OURS, count, calls))

    def tasks(count: int, calls: int) -> float:
        run = aio._database.run  # noqa: SLF001 - as above
        given = _given(students, AIO, count, calls)
        return runner.run(_tasks(lambda values: run(task.flow(values)), given))

    def limit(count: int, calls: int) -> float:
        return count * calls / server.run(students.url, count, calls).seconds

    return {
        OURS: ours,
        AIO: tasks,
        BARE: linked(BARE, execute),
        pgbench.NAME: limit,
        FUNCTION: linked(FUNCTION, call),
        STATEMENTS: linked(STATEMENTS, usual),
    }


def _given(students: Students, name: str, count: int, calls: int) -> list[list[dict[str, Any]]]:
    """What each caller's calls are given; no two callers have the same student at once."""
    values = students.many(name, count * calls)
    return [values[caller::count] for caller in range(count)]


def _threads(acts: Sequence[Callable[[Values], Any]], given: Sequence[Sequence[Values]]) -> float:
    start = threading.Barrier(len(acts) + 1)

    def work(act: Callable[[Values], Any], values: Sequence[Values]) -> None:
        start.wait(60)
        for each in values:
            act(each)

    with ThreadPoolExecutor(len(acts)) as pool:
        futures = [pool.submit(work, act, values) for act, values in zip(acts, given, strict=True)]
        start.wait(60)
        began = time.perf_counter()
        for future in futures:
            future.result()
        return sum(map(len, given)) / (time.perf_counter() - began)


async def _tasks(act: Callable[[Values], Any], given: Sequence[Sequence[Values]]) -> float:
    async def work(values: Sequence[Values]) -> None:
        for each in values:
            await act(each)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for values in given:
            group.create_task(work(values))
    return sum(map(len, given)) / (time.perf_counter() - began)


def _at_once(students: Students, rounds: int) -> Section:
    section = Section(
        "A hundred creations at once",
        f"{AT_ONCE} threads, a pool of {POOL} connections, through the public method with its auth user: from the first "
        "call to the last answer, and how long each call took, its wait for a connection included. The second round has "
        "its connections open already.",
        ("round", "wall, ms", "p50, ms", "p99, ms", "students a second"),
    )
    with TripwireRepository.connect(students.url, auth=students.auth, pool_size=POOL) as repository:
        for number in range(1, rounds + 1):

            def create(student: int, number: int = number) -> float:
                began = time.perf_counter()
                made = repository.create_tripwire_user(
                    email=f"once{number}.{student}@course.test", full_name="New Student", manager_id=students.manager_id
                )
                if not made.created:
                    raise AssertionError(f"{made.email} was there already")
                return (time.perf_counter() - began) * 1000

            began = time.perf_counter()
            with ThreadPoolExecutor(AT_ONCE) as pool:
                took = sorted(pool.map(create, range(AT_ONCE)))
            wall = time.perf_counter() - began
            p50, p99 = (statistics.quantiles(took, n=100)[share - 1] for share in (50, 99))
            section.rows.append((str(number), *map(figure, (wall * 1000, p50, p99, AT_ONCE / wall))))
        counted = students.connection.execute(
            "SELECT total_students FROM public.rpc_get_manager_stats(%s)", [students.manager_id]
        ).fetchone()
        checked_out = repository._database.engine.pool.checkedout()  # type: ignore[attr-defined]  # noqa: SLF001
    made = students.connection.execute("SELECT count(*) FROM public.tripwire_users WHERE email LIKE 'once%'").fetchone()
    if made != (rounds * AT_ONCE,) or counted is None or counted[0] < rounds * AT_ONCE:
        raise AssertionError(f"{made} students of {rounds * AT_ONCE} are there, {counted} are reported")
    section.bounds.append(Bound("connections left over after 100 creations at once", checked_out, 0, ""))
    return section
