"""Five flows by this repository and by what people would use instead, near the database and away from it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain

from benchmarks.contestants import HTTP, OURS, STATEMENTS, Contestants, check
from benchmarks.measuring import Bound, Contestant, Section, Times, attempt, figure, interleaved
from benchmarks.rivals import pgbench
from benchmarks.students import Students, seller_in
from benchmarks.tasks import TASKS, Task
from tests.support.servers.proxy import Proxy

NETWORKS = {0: 200, 1: 40, 5: 20, 20: 8}
"""Milliseconds of network for a round trip → calls of each contestant that count."""
QUICK = {0: 40, 20: 4}
HEADINGS = ("how", "trips", "median, ms", "middle half, ms", "tenth, ms", "beside ours")
STATEMENT_BOUNDS = {("create_tripwire_user", 0): 2.5, ("create_tripwire_user", 20): 10.0}
REST_BOUND = 5.0


def sections(url: str, *, quick: bool) -> Iterator[Section]:
    """One for each flow."""
    with seller_in(url) as students_of:
        for task in TASKS:
            networks = QUICK if quick else NETWORKS
            if quick and task.name != "create_tripwire_user":
                networks = {0: QUICK[0]}
            yield attempt(task.title, lambda task=task, networks=networks: _section(task, students_of, networks))


def _section(task: Task, students_of: Callable[[str], Students], networks: dict[int, int]) -> Section:
    away = tuple(f"tenth at {network} ms" for network in networks if network)
    section = Section(task.title, f"`{task.name}`. {task.what}", HEADINGS + away)
    near: dict[str, Times] = {}
    far: dict[int, dict[str, Times]] = {}
    trips: dict[str, str] = {}
    for network, runs in networks.items():
        students = students_of(task.kind)
        with ExitStack() as stack:
            # Without delay nothing stands between: a proxy's own time would count for each of twelve round trips.
            proxy = stack.enter_context(Proxy(students.url)) if network else None
            contestants = Contestants(task, students, proxy.url if proxy else students.url, stack)
            every = contestants.all()
            if proxy is None:
                near = _near(task, students, every, runs)
                section.failures += contestants.failures
            else:
                trips = trips or {name: _trips(contestants, proxy, prepare) for name, prepare in every.items()}
                far[network] = _far(contestants, proxy, every, runs, network / 1000)
            check(task, students)
    for name, found in sorted(near.items(), key=lambda item: item[1].median):
        beside = f"{found.median / near[OURS].median:.2f} ×"
        times = [figure(far[network][name].calm) if name in far[network] else "" for network in far]
        section.rows.append(
            (
                name,
                trips.get(name, "1" if far else ""),
                figure(found.median),
                found.quartiles,
                figure(found.calm),
                beside,
                *times,
            )
        )
        section.bars.append((name, found.median))
    for network in list(far)[-1:]:  # the farthest
        bars = [(name, found.calm) for name, found in far[network].items()]
        section.more[f"{network} ms of network"] = sorted(bars, key=lambda bar: bar[1])
    section.bounds = list(_bounds(task, {0: near, **far}))
    return section


def _near(task: Task, students: Students, every: dict[str, Contestant], runs: int) -> dict[str, Times]:
    """Without a network, and pgbench in the middle of the others, with as many calls."""
    halves = [interleaved(every, runs // 2)]
    server = pgbench.PgBench(task, students).run(students.url, 1, 2 * students.calls(OURS))
    halves.append(interleaved(every, runs // 2))
    times = {name: Times(list(chain(*(half[name].runs for half in halves)))) for name in every}
    return {**times, pgbench.NAME: Times(server.latencies[10:])}


def _far(
    contestants: Contestants, proxy: Proxy, every: dict[str, Contestant], runs: int, seconds: float
) -> dict[str, Times]:
    """Each round trip to the database, or HTTP call, takes so much longer."""
    proxy.delay = seconds / 2
    if contestants.distance is not None:
        contestants.distance.seconds = seconds
    try:
        return interleaved(every, runs)
    finally:
        proxy.delay = 0.0


def _trips(contestants: Contestants, proxy: Proxy, prepare: Contestant) -> str:
    """Round trips of one call on a connection that has prepared its statements; HTTP calls, where it is those."""
    for _ in range(7):
        prepare()()
    proxy.reset()
    before = contestants.distance.calls if contestants.distance else 0
    prepare()()
    calls = contestants.distance.calls - before if contestants.distance else 0
    return f"{calls} HTTP" if calls else str(proxy.round_trips)


def _bounds(task: Task, times: dict[int, dict[str, Times]]) -> Iterator[Bound]:
    for network, found in times.items():
        # Far away one runs a few times only; the network is most of each.
        spent = {name: taken.calm if network else taken.median for name, taken in found.items()}
        ours = spent[OURS]
        if limit := STATEMENT_BOUNDS.get((task.name, network)):
            what = f"{task.title.lower()} beside ten statements, {network} ms of network ({figure(ours)} ms)"
            yield Bound(what, spent[STATEMENTS] / ours, limit, at_least=True)
        if network == 0 and task.name == "create_tripwire_user" and HTTP in found:
            yield Bound("creation beside supabase-py's client", spent[HTTP] / ours, REST_BOUND, at_least=True)
