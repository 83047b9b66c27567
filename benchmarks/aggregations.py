"""The reports at ten thousand to a million students: in the server, by the repository, by PostgREST, and by their rivals."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import httpx
import psycopg

from benchmarks import crowd
from benchmarks.measuring import Bound, Section, Times, attempt, figure, timed
from benchmarks.rivals.adding_up import by_javascript, by_python
from tests.support.servers.finding import ServerMissing
from tests.support.servers.postgrest import PostgREST, postgrest
from tripwire_db import PostgresAuth, TripwireRepository, bootstrap, migrations

SMALL, LARGE = 10_000, 1_000_000
MANAGER = crowd.MANAGER
SUMS = """SELECT granted_by, count(*), count(*) FILTER (WHERE status = 'active'),
    count(*) FILTER (WHERE status = 'completed'), sum(price), sum(modules_completed) * 100.0 / 3 / count(*)
    FROM public.tripwire_users"""
PLAIN = f"{SUMS} GROUP BY granted_by ORDER BY 2 DESC, 5 DESC, 1 LIMIT 10"
REPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "leaderboard": ("rpc_get_sales_leaderboard", {"limit_count": 10}),
    "chart, 30 days": ("rpc_get_sales_chart_data", {"manager_id_param": MANAGER, "days_back": 30}),
    "stats of one manager": ("rpc_get_manager_stats", {"manager_id_param": MANAGER}),
    "activity, 50 rows": ("rpc_get_manager_activity", {"manager_id_param": MANAGER, "limit_count": 50}),
}
SERVER, PSYCOPG, OURS, REST, V2 = "in the server", "by psycopg", "repository", "PostgREST", "v2's function"
BOARD, BY_OURS = "leaderboard, by psycopg", "this repository"
GROUPED, FETCHED = "the plain GROUP BY, by psycopg", "fetching and adding up in Python"
BOUND_MS, PLAIN_BOUND, PYTHON_BOUND = 10.0, 1.25, 12.0


def sections(create_database: Callable[[str], str], *, quick: bool) -> Iterator[Section]:
    """Two for each number of students: the reports, and the ways to a leaderboard."""
    for students in (SMALL, 100_000) if quick else (SMALL, 100_000, LARGE):
        name = f"Reports at {students:,} students"
        with ExitStack() as stack:
            made: list[Section] = []

            def measure(students: int = students, stack: ExitStack = stack, made: list[Section] = made) -> Section:
                reports = _Reports(create_database(f"students_{students}"), students, stack, quick=quick)
                made.append(attempt(f"Leaderboard at {students:,} students", reports.leaderboard))
                return reports.section()

            yield attempt(name, measure)
            yield from made


class _Reports:
    """A database with so many students, and the ways to ask it."""

    def __init__(self, url: str, students: int, stack: ExitStack, *, quick: bool) -> None:
        bootstrap(url)
        migrations.upgrade(url, quiet=True)
        self.students = students
        self.runs = max(7, min(30, (1_000_000 if quick else 3_000_000) // students))
        self.quick = quick
        self.failures: list[str] = []
        self.connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        crowd.fill(self.connection, 1, students, courses=False)
        _older_functions(self.connection)
        auth = stack.enter_context(PostgresAuth(url))
        self.repository = stack.enter_context(TripwireRepository.connect(url, auth=auth, pool_size=1))
        self.http: httpx.Client | None = None
        try:
            self.server: PostgREST = stack.enter_context(postgrest(url))
        except ServerMissing as missing:
            self.failures.append(f"PostgREST: {missing}")
            return
        self.token = self.server.token("service_role", expires_in=7200)
        headers = {"Authorization": f"Bearer {self.token}"}
        self.http = stack.enter_context(httpx.Client(base_url=self.server.url, headers=headers, timeout=300))

    def _sql(self, report: str, schema: str = "public") -> str:
        function, arguments = REPORTS[report]
        given = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in arguments.values())
        return f"SELECT * FROM {schema}.{function}({given})"

    def _asked(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql.encode()).fetchall()

    def _in_server(self, sql: str) -> float:
        row = self.connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}".encode()).fetchone()
        if row is None:
            raise AssertionError("no plan")
        return float(row[0][0]["Planning Time"]) + float(row[0][0]["Execution Time"])

    def _repository(self, report: str) -> Any:
        if report == "leaderboard":
            return self.repository.get_sales_leaderboard(limit=10)
        if report.startswith("chart"):
            return self.repository.get_sales_chart_data(manager_id=UUID(MANAGER), days_back=30)
        if report.startswith("stats"):
            return self.repository.get_manager_stats(manager_id=UUID(MANAGER))
        return self.repository.get_manager_activity(manager_id=UUID(MANAGER), limit=50)

    def _by_http(self, report: str) -> Any:
        function, arguments = REPORTS[report]
        if self.http is None:
            raise AssertionError("PostgREST is not here")
        return self.http.post(f"/rpc/{function}", json=arguments).raise_for_status().json()

    def section(self) -> Section:
        """A row a report, a column a way to ask."""
        ways: dict[str, Callable[[str], float]] = {
            SERVER: lambda report: self._in_server(self._sql(report)),
            PSYCOPG: lambda report: timed(lambda: self._asked(self._sql(report))),
            OURS: lambda report: timed(lambda: self._repository(report)),
            V2: lambda report: self._in_server(self._sql(report, "bench_v2")),
        }
        if self.http is not None:
            ways[REST] = lambda report: timed(lambda: self._by_http(report))
        section = Section(
            f"Reports at {self.students:,} students",
            f"{crowd.MANAGERS} managers, two years; median milliseconds. In the server: planning and execution, as EXPLAIN "
            "(ANALYZE) tells them. v2's functions are those of the layout before, in the server too: they know no time "
            "zone, no sellers who are gone and no callers' rights, and their leaderboard tells no month.",
            ("report", *(f"{way}, ms" for way in ways), "in the server, fastest, ms"),
            failures=self.failures,
        )
        found: dict[tuple[str, str], list[float]] = {(report, way): [] for report in REPORTS for way in ways}
        for _ in range(self.runs + 3):
            for (report, way), times in found.items():
                times.append(ways[way](report))
        for report in REPORTS:
            times = {way: Times(found[report, way][3:]) for way in ways}
            # The fastest run is the one that the machine's other work disturbed least.
            fastest = min(times[SERVER].runs)
            section.rows.append((report, *(figure(times[way].median) for way in ways), figure(fastest)))
            if self.students == SMALL:
                section.bounds.append(Bound(f"{report} at {SMALL:,} students", fastest, BOUND_MS, "ms"))
            if self.students == LARGE and report.startswith("stats"):
                section.bounds.append(Bound("stats of one of 50 managers at 1,000,000", fastest, BOUND_MS, "ms"))
        return section

    def leaderboard(self) -> Section:
        """The ways to a leaderboard, the fastest first."""
        self._check()
        ways: dict[str, Callable[[], Any]] = {
            BOARD: lambda: self._asked(self._sql("leaderboard")),
            BY_OURS: lambda: self._repository("leaderboard"),
            GROUPED: lambda: self._asked(PLAIN),
            "v2's function, by psycopg": lambda: self._asked(self._sql("leaderboard", "bench_v2")),
        }
        if self.http is not None:
            ways["the function, by PostgREST"] = lambda: self._by_http("leaderboard")
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(self.runs + 3):
            for name, ask in ways.items():
                found[name].append(timed(ask))
        times = {name: Times(runs[3:]) for name, runs in found.items()}
        times[FETCHED] = Times([timed(lambda: by_python(self.connection)) for _ in range(4)][1:])
        times.update(self._by_javascript())
        ours = times[BY_OURS].median
        section = Section(
            f"Leaderboard at {self.students:,} students",
            "The function also tells the month, the names and the sellers who are gone. JavaScript (node, fetch) gets the "
            "rows from PostgREST; hosted Supabase gives at most a thousand rows a page.",
            ("how", "median, ms", "middle half, ms", "fastest, ms", "beside ours"),
        )
        for name, taken in sorted(times.items(), key=lambda item: item[1].median):
            beside = f"{taken.median / ours:.2f} ×"
            section.rows.append((name, figure(taken.median), taken.quartiles, figure(min(taken.runs)), beside))
            section.bars.append((name, taken.median))
        if self.students == LARGE:
            section.bounds = list(_bounds({name: min(taken.runs) for name, taken in times.items()}))
        return section

    def _by_javascript(self) -> Iterator[tuple[str, Times]]:
        if self.http is None:
            return
        for name, page in (("in JavaScript", 0), ("in JavaScript, pages of 1,000", 1000)):
            # At a million a thousand calls, each of which reads what came before its page.
            if page and self.students > (SMALL if self.quick else LARGE // 10):
                continue
            found = by_javascript(self.server.url, self.token, page=page, runs=3)
            if found is None:
                continue
            times, board = found
            if [row[:5] for row in board] != [[str(row[0]), *map(int, row[1:5])] for row in by_python(self.connection)]:
                raise AssertionError("JavaScript adds up something else")
            yield f"fetching and adding up {name}", Times(times[1:])

    def _check(self) -> None:
        """All ways give the same leaderboard."""
        reported = [(str(row[0]), *row[3:7]) for row in self._asked(self._sql("leaderboard"))]
        others = {
            "the plain GROUP BY": self._asked(PLAIN),
            "Python": by_python(self.connection),
            # v2 does not break ties: the sellers with the same sums come in any order.
            "v2": sorted(
                [(row[0], *row[3:7]) for row in self._asked(self._sql("leaderboard", "bench_v2"))], key=_ranked
            ),
        }
        for name, rows in others.items():
            given = [(str(row[0]), *row[1:5]) for row in rows]
            if given != reported and not (name == "v2" and [row[1:] for row in given] == [row[1:] for row in reported]):
                raise AssertionError(f"{name} gives another leaderboard: {given}, {reported}")


def _ranked(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (-row[1], -row[4], row[0])


def _bounds(fastest: dict[str, float]) -> Iterator[Bound]:
    board = fastest[BOARD]
    yield Bound("leaderboard at 1,000,000 beside the plain GROUP BY", board / fastest[GROUPED], PLAIN_BOUND)
    gain = fastest[FETCHED] / board
    yield Bound("leaderboard at 1,000,000 beside adding up in Python", gain, PYTHON_BOUND, at_least=True)


def _older_functions(connection: psycopg.Connection[Any]) -> None:
    """The functions of the chain's first revision, in a schema of their own."""
    connection.execute("CREATE SCHEMA bench_v2")
    for report, _ in REPORTS.values():
        text = (migrations.script_location() / "sql" / f"{report}_v1.sql").read_text(encoding="utf-8")
        connection.execute(re.sub(rf"public\.{report}", f"bench_v2.{report}", text).encode())
