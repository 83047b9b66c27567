"""The reports at ten thousand to a million students, beside the plain GROUP BY and beside fetching and adding up in Python."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from benchmarks.measuring import Bound, Section, Times, figure, timed
from tripwire_db import bootstrap, migrations

MANAGERS = 50
MANAGER = "00000000-0000-0000-0000-000000000007"
SMALL, LARGE = 10_000, 1_000_000
MANY = """
    SET session_replication_role = replica;
    INSERT INTO public.users (id, email, full_name, role)
    SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, n || '@sellers.test', 'Seller ' || n, 'sales_manager'
    FROM generate_series(1, {managers}) AS n;
    INSERT INTO public.tripwire_users
        (user_id, email, full_name, granted_by, manager_name, status, modules_completed, created_at)
    SELECT gen_random_uuid(), n || '@students.test', 'Student ' || n,
        ('00000000-0000-0000-0000-' || lpad((1 + n % {managers})::text, 12, '0'))::uuid, 'Seller',
        CASE n / {managers} % 4 WHEN 3 THEN 'completed' ELSE 'active' END, n / {managers} % 4,
        now() - n * interval '2 years' / {students}
    FROM generate_series(1, {students}) AS n;
    INSERT INTO public.tripwire_user_profile (user_id, modules_completed)
    SELECT user_id, modules_completed FROM public.tripwire_users;
    INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, created_at)
    SELECT granted_by, 'user_created', user_id, created_at FROM public.tripwire_users;
    RESET session_replication_role
"""
SUMS = """SELECT granted_by, count(*), count(*) FILTER (WHERE status = 'active'),
    count(*) FILTER (WHERE status = 'completed'), sum(price), sum(modules_completed) * 100.0 / 3 / count(*)
    FROM public.tripwire_users"""
PLAIN = f"{SUMS} GROUP BY granted_by ORDER BY 2 DESC, 5 DESC, 1 LIMIT 10"
REPORTS = {
    "leaderboard": "SELECT * FROM public.rpc_get_sales_leaderboard(10)",
    "chart, 30 days": f"SELECT * FROM public.rpc_get_sales_chart_data('{MANAGER}', 30)",
    "stats of one manager": f"SELECT * FROM public.rpc_get_manager_stats('{MANAGER}')",
    "activity, 50 rows": f"SELECT * FROM public.rpc_get_manager_activity('{MANAGER}', 50)",
}
BY_HAND = {
    "the plain GROUP BY": PLAIN,
    "the plain sums of one manager": f"{SUMS} WHERE granted_by = '{MANAGER}' GROUP BY granted_by",
}
FETCHED = "fetching and adding up in Python"
BOUND_MS, PLAIN_BOUND, PYTHON_BOUND = 10.0, 1.25, 12.0


def sections(create_database: Callable[[str], str], *, quick: bool) -> Iterator[Section]:
    """One for each number of students."""
    for students in (SMALL, 100_000) if quick else (SMALL, 100_000, LARGE):
        yield _section(create_database(f"students_{students}"), students)


def _section(url: str, students: int) -> Section:
    bootstrap(url)
    migrations.upgrade(url)
    section = Section(
        f"Reports at {students:,} students",
        f"{MANAGERS} managers, two years. The leaderboard also tells the month, the names and the sellers who are gone.",
        ("what", "median, ms", "middle half, ms", "fastest, ms"),
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(MANY.format(managers=MANAGERS, students=students).encode())
        connection.execute("VACUUM ANALYZE")
        _check(connection)
        calls: dict[str, Callable[[], Any]] = {
            name: lambda query=query: connection.execute(query.encode()).fetchall()
            for name, query in {**REPORTS, **BY_HAND}.items()
        }
        runs = max(7, min(30, 3_000_000 // students))
        found: dict[str, list[float]] = defaultdict(list)
        for _ in range(runs + 3):
            for name, call in calls.items():
                found[name].append(timed(call))
        found[FETCHED] = [timed(lambda: _added_up(connection)) for _ in range(4)]
    times = {name: Times(taken[1 if name == FETCHED else 3 :]) for name, taken in found.items()}
    for name, taken in times.items():
        section.rows.append((name, figure(taken.median), taken.quartiles, figure(min(taken.runs))))
    section.bars = [(name, taken.median) for name, taken in times.items()]
    section.bounds = list(_bounds(times, students))
    return section


def _bounds(times: dict[str, Times], students: int) -> Iterator[Bound]:
    # The fastest run is the one that the machine's other work disturbed least.
    fastest = {name: min(taken.runs) for name, taken in times.items()}
    if students == SMALL:
        for name in REPORTS:
            yield Bound(f"{name} at {students:,} students", fastest[name], BOUND_MS, "ms")
    if students == LARGE:
        board = fastest["leaderboard"]
        yield Bound(
            "leaderboard at 1,000,000 beside the plain GROUP BY", board / fastest["the plain GROUP BY"], PLAIN_BOUND
        )
        yield Bound(
            "leaderboard at 1,000,000 beside adding up in Python", fastest[FETCHED] / board, PYTHON_BOUND, at_least=True
        )
        yield Bound("stats of one of 50 managers at 1,000,000", fastest["stats of one manager"], BOUND_MS, "ms")


def _check(connection: psycopg.Connection[Any]) -> None:
    """All three ways give the same leaderboard."""
    reported = connection.execute(REPORTS["leaderboard"].encode()).fetchall()
    plain = connection.execute(PLAIN.encode()).fetchall()
    added = _added_up(connection)
    sums = [(str(row[0]), *row[3:7]) for row in reported]
    if sums != [(str(row[0]), *row[1:5]) for row in plain] or sums != [(str(row[0]), *row[1:5]) for row in added]:
        raise AssertionError("the contestants give different leaderboards")


def _added_up(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """What a backend without aggregations does: fetch the rows and add them up."""
    sums: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    rows = connection.execute("SELECT granted_by, status, price, modules_completed FROM public.tripwire_users")
    for manager_id, status, price, modules in rows:
        entry = sums[manager_id]
        entry[0] += 1
        entry[1] += status == "active"
        entry[2] += status == "completed"
        entry[3] += price
        entry[4] += modules
    ranked = sorted(sums.items(), key=lambda item: (-item[1][0], -item[1][3], item[0]))
    return [(manager_id, *entry) for manager_id, entry in ranked[:10]]
