"""The benchmark's contestants do the same work: what is measured beside a flow writes what the flow writes."""

import threading
from contextlib import ExitStack

import pytest

from benchmarks import revisions
from benchmarks.callers import CALLERS
from benchmarks.contestants import HTTP, OURS, STATEMENTS, Contestants, check
from benchmarks.rivals.pgbench import NAME as PGBENCH
from benchmarks.rivals.pgbench import PgBench
from benchmarks.rivals.usual import USUAL
from benchmarks.students import seller_in
from benchmarks.tasks import TASKS

CALLS = 2


@pytest.mark.heavy
@pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])
def test_each_rival_writes_what_the_flow_writes(task, database_url, monkeypatch):
    with seller_in(database_url) as students_of, ExitStack() as stack:
        students = students_of(task.kind)
        contestants = Contestants(task, students, database_url, stack)
        assert contestants.failures == []
        for prepare in contestants.all().values():
            for _ in range(CALLS):
                prepare()()
        PgBench(task, students).run(database_url, 1, CALLS)
        assert {OURS, HTTP, PGBENCH} < set(students.given)
        check(task, students)
        # … and one that leaves out a statement is found.
        monkeypatch.setitem(USUAL, task.name, lambda *_: None)
        for prepare in contestants.all().values():
            prepare()()
        with pytest.raises(AssertionError, match=f"{STATEMENTS} wrote"):
            check(task, students)


@pytest.mark.heavy
def test_pgbench_s_clients_each_call_for_students_of_their_own(database_url):
    task = TASKS[1]
    with seller_in(database_url) as students_of:
        students = students_of(task.kind)
        for clients in CALLERS[:2]:
            run = PgBench(task, students).run(database_url, clients, CALLS)
            assert len(run.latencies) == clients * CALLS
            assert min(run.latencies) > 0
        done = students.connection.execute(
            "SELECT count(*) FROM public.tripwire_users WHERE modules_completed = 1"
        ).fetchone()
    assert done == (sum(CALLERS[:2]) * CALLS,)


def test_a_writer_s_wait_counts_for_the_revisions_it_fell_into_and_only_as_long():
    writers = [revisions.Writer("users", "", [], threading.Event(), took=[(0.0, 0.1), (1.0, 6.0)])]
    assert revisions._longest(writers, 0.0, 2.0) == (1.0, "users")
    assert revisions._longest(writers, 2.0, 9.0) == (4.0, "users")
