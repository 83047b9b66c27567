"""Heartbeats that last: the rate that a server holds, what tables and indexes grow by, and what a long history costs."""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from benchmarks.measuring import Bound, Contestant, Section, attempt, figure, interleaved
from benchmarks.students import COURSE, Students, seller_in
from tripwire_db import TripwireRepository
from tripwire_db.embedded import find_program
from tripwire_db.engine.parameters import as_text
from tripwire_db.flows.update_video_tracking import update_video_tracking

CLIENTS = 4
STUDENTS, CALLS = 10_000, 1_000_000
RATE_BOUND, HOT_BOUND, GROWTH_BOUND = 1000.0, 95.0, 2.0
HISTORIES = (0, 50, 500, 21_600)
"""So many stretches are in a row already; the last is every other second of a video of twelve hours."""
TABLES = ("video_tracking", "user_statistics", "tripwire_users", "student_progress")


def sections(url: str, *, quick: bool) -> Iterator[Section]:
    """Calls for minutes, and calls on a long history."""
    students, calls = (1000, 20_000) if quick else (STUDENTS, CALLS)
    with seller_in(url) as students_of:
        yield attempt("Heartbeats that last", lambda: _lasting(students_of("watching"), students, calls))
        yield attempt("Heartbeats on a long history", lambda: _histories(students_of("watching"), quick=quick))


def _lasting(students: Students, number: int, calls: int) -> Section:
    ids = [UUID(f"00000000-0000-4000-b000-{n:012d}") for n in range(number)]
    students.make(ids)
    connection = students.connection
    connection.execute("VACUUM ANALYZE")
    connection.execute("SELECT pg_stat_reset()")
    before, wal = _sizes(connection), connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    rate = _pgbench(students.url, number, calls)
    written = connection.execute("SELECT pg_current_wal_insert_lsn() - %s", wal).fetchone()
    after = _sizes(connection)
    told = connection.execute(
        "SELECT pg_stat_force_next_flush()::text, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables "
        "WHERE relid = 'public.video_tracking'::regclass"
    ).fetchone()
    if written is None or told is None or told[1] < calls:
        raise AssertionError(f"{calls} calls were to update as many rows: {told}")
    hot, growth = 100 * told[2] / told[1], {name: after[name] / before[name] for name in TABLES}
    section = Section(
        "Heartbeats that last",
        f"{calls:,} calls by pgbench's {CLIENTS} clients for {number:,} students in turn, each the student's next ten "
        f"seconds: {rate:,.0f} a second, {float(written[0]) / calls:,.0f} bytes of WAL a call, {hot:.1f} % of the updates "
        "of video rows HOT. What is not HOT found no room on its page. Sizes are with indexes.",
        ("table", "before, kB", "after, kB", "growth"),
        [(name, figure(before[name] / 1024), figure(after[name] / 1024), f"{growth[name]:.2f} ×") for name in TABLES],
    )
    section.bounds = [
        Bound(f"heartbeats a second, {number:,} students", rate, RATE_BOUND, "/ s", at_least=True),
        Bound("updates of video rows that are HOT", hot, HOT_BOUND, "%", at_least=True),
        Bound(f"growth of the tables in {calls:,} heartbeats", max(growth.values()), GROWTH_BOUND),
    ]
    return section


def _sizes(connection: psycopg.Connection[Any]) -> dict[str, int]:
    rows = connection.execute(
        "SELECT name, pg_total_relation_size(('public.' || name)::regclass) FROM unnest(%s::text[]) AS name",
        [list(TABLES)],
    )
    return dict(rows.fetchall())


def _pgbench(url: str, students: int, calls: int) -> float:
    """Calls a second; each client has students of its own, who watch on and begin again at the end."""
    theirs = students // CLIENTS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "heartbeat.sql")
        path.write_text(
            f"\\set n :n + 1\n\\set id :client_id * {theirs} + :n % {theirs}\n"
            f"\\set start (:n / {theirs} * 10) % 1780\n\\set until :start + 10\n{_statement()};\n",
            encoding="utf-8",
        )
        options = ["-n", "-M", "prepared", "-D", "n=-1", "-f", path, "-c", CLIENTS, "-j", 2, "-t", calls // CLIENTS]
        command = [str(part) for part in (find_program("pgbench"), *options, url)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return float(found[1])


def _statement() -> str:
    """The flow's statement, with pgbench's variables for what changes from call to call."""
    varying = {
        "user_id": "('00000000-0000-4000-b000-' || lpad(:id::text, 12, '0'))",
        "reported": """('[{"start": ' || :start || ', "end": ' || :until || '}]')""",
        "latest_ms": "(:until || '000')",
        "position": ":start",
    }
    flow = update_video_tracking(COURSE, user_id=UUID(int=0), lesson_id=67, segments=[(0, 10)], position=0)

    def parameter(match: re.Match[str]) -> str:
        value = as_text(flow.parameters[match[1]])
        return varying.get(match[1]) or ("NULL" if value is None else sql.Literal(value).as_string())

    without_comments = re.sub(r"/\*.*?\*/", "", flow.sql())
    return re.sub(r"%\((\w+)\)s", parameter, without_comments).replace("%%", "%")


def _histories(students: Students, *, quick: bool) -> Section:
    """One student for each number of stretches; each call adds a tenth of a second to one of them."""
    numbers = HISTORIES[:-1] if quick else HISTORIES
    section = Section(
        "Heartbeats on a long history",
        "A call that adds to one stretch of many. All of them are read, merged, written and given back, so the time grows "
        "with the set; a player that is watched without jumping about keeps one stretch.",
        ("stretches in the row", "median, ms", "middle half, ms", "tenth, ms"),
    )
    students.connection.execute("UPDATE public.lessons SET duration_seconds = 43200 WHERE id = 67")
    with TripwireRepository.connect(students.url, auth=students.auth, pool_size=1) as repository:
        contestants = {str(number): _watching(students, repository, number) for number in numbers}
        times = interleaved(contestants, 20 if quick else 40, block=2)
    for name, found in times.items():
        section.rows.append((f"{int(name):,}", figure(found.median), found.quartiles, figure(found.calm)))
    return section


def _watching(students: Students, repository: TripwireRepository, number: int) -> Contestant:
    user_id = UUID(f"00000000-0000-4000-c000-{number:012d}")
    students.make([user_id])
    stretches = json.dumps([{"start": second * 2, "end": second * 2 + 0.5} for second in range(number)])
    students.connection.execute(
        "UPDATE public.video_tracking SET watched_segments = %s::jsonb WHERE user_id = %s", [stretches, user_id]
    )
    calls = iter(range(10**9))

    def prepare() -> Callable[[], Any]:
        start = next(calls) % max(number, 1) * 2 + 0.5
        return lambda: repository.update_video_tracking(
            user_id=user_id, lesson_id=67, segments=[(start, start + 0.1)], position=start
        )

    return prepare
