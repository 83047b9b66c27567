"""What a call costs in databases of a thousand to a million students."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import crowd, revisions
from benchmarks.contestants import OURS
from benchmarks.measuring import Bound, Contestant, Section, attempt, figure, interleaved, middle_of
from benchmarks.students import Students, seller_in
from benchmarks.tasks import TASKS, Task
from tripwire_db import TripwireRepository, bootstrap, migrations

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK = (1_000, 20_000)
FLAT = 1.5
"""So many times what it costs at a thousand students a call may cost at the most."""


def sections(create_database: Callable[[str], str], *, quick: bool) -> Iterator[Section]:
    """Each revision on the largest database, and then a row a flow, a column a size."""
    sizes = QUICK if quick else SIZES
    many = create_database(f"growth_{sizes[-1]}")
    yield attempt("Migrations", lambda: revisions.section(create_database, many, sizes[-1]))
    yield attempt("Growth", lambda: section(create_database, many, sizes, 40 if quick else 200))


def section(create_database: Callable[[str], str], largest: str, sizes: tuple[int, ...], runs: int) -> Section:
    """What each flow costs in databases of these sizes, of which the largest is there already."""
    found = Section(
        "Growth",
        "Milliseconds of a call of this repository, its tenth percentile, in databases of so many students with all of "
        "their rows, which take turns. A call of the last column may cost 1.5 times what it costs in the first.",
        ("flow", *(f"{size:,} students" for size in sizes), "last beside first"),
    )
    urls = [*(_filled(create_database(f"growth_{size}"), size) for size in sizes[:-1]), largest]
    with ExitStack() as stack:
        databases = [_calls(url, size, stack) for url, size in zip(urls, sizes, strict=True)]
        for flow in databases[0]:
            contestants = {str(size): calls[flow] for size, calls in zip(sizes, databases, strict=True)}
            bound, row = middle_of(partial(_measure, flow, contestants, runs))
            found.bounds.append(bound)
            found.rows.append(row)
    return found


def _filled(url: str, size: int) -> str:
    bootstrap(url)
    migrations.upgrade(url, quiet=True)
    with psycopg.connect(url, autocommit=True) as connection:
        crowd.fill(connection, 1, size, courses=True)
    return url


def _measure(flow: str, calls: dict[str, Contestant], runs: int) -> tuple[Bound, tuple[str, ...]]:
    tenths = [times.calm for times in interleaved(calls, runs).values()]
    grown = tenths[-1] / tenths[0]
    first, *_, last = calls
    bound = Bound(f"{flow}: {int(last):,} students beside {int(first):,}", grown, FLAT)
    return bound, (flow, *map(figure, tenths), f"{grown:.2f} ×")


def _calls(url: str, size: int, stack: ExitStack) -> dict[str, Contestant]:
    """Each flow for new students, and the reads for some that are there."""
    with psycopg.connect(url, autocommit=True) as connection:
        ids = [crowd.student(1 + number * size // 100, connection) for number in range(100)]
    students_of = stack.enter_context(seller_in(url))
    every: dict[str, Contestant] = {}
    repository = stack.enter_context(TripwireRepository.connect(url, auth=students_of("auth").auth, pool_size=1))
    run = repository._database.run  # noqa: SLF001 - flows without their auth users
    for task in TASKS:
        every[task.name] = partial(_write, run, task, students_of(task.kind))
    turns = iter(range(10**9))

    def read() -> Callable[[], Any]:
        user_id = ids[next(turns) % len(ids)]
        return lambda: repository.get_student(user_id=user_id)

    every["get_student"] = read
    every["list_students"] = lambda: lambda: repository.list_students(manager_id=UUID(crowd.MANAGER))
    return every


def _write(run: Callable[[Any], Any], task: Task, students: Students) -> Callable[[], Any]:
    values = students.values(OURS)
    return lambda: run(task.flow(values))
