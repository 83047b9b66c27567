"""`load-test` makes marked students at once, measures, checks the leaderboard, and leaves nothing."""

import os
import signal

import pytest

from tests.cli.conftest import run_command
from tests.operate.rows import all_rows
from tests.support.forking import Died, in_child
from tripwire_db import InvalidInput, PostgresAuth, Refused, TripwireRepository
from tripwire_db.operate import load_test


@pytest.fixture
def known(database_url: str) -> dict[str, str]:
    return {"TRIPWIRE_DATABASE_URL": database_url}


def test_every_call_is_counted_the_leaderboard_is_right_and_nothing_is_left(
    database_url: str, known: dict[str, str]
) -> None:
    before = all_rows(database_url)

    report = load_test(known, students=12, concurrency=4)

    assert report.good
    assert {timing.operation: (timing.calls, timing.errors) for timing in report.timings} == {
        "create a student": (12, 0),
        "heartbeat": (180, 0),
        "complete a lesson": (36, 0),
        **dict.fromkeys(("leaderboard", "chart", "totals", "activity"), (12, 0)),
    }
    assert all(0 < timing.p50_ms <= timing.p95_ms <= timing.p99_ms <= timing.max_ms for timing in report.timings)
    assert all_rows(database_url) == before


def test_killed_it_is_run_again_with_fewer_students_and_leaves_nothing(
    database_url: str, known: dict[str, str]
) -> None:
    before = all_rows(database_url)

    def die_in_the_middle() -> None:
        real, made = PostgresAuth.create_user, []

        def create_user(self: PostgresAuth, **arguments: object) -> None:
            real(self, **arguments)  # type: ignore[arg-type]
            made.append(arguments)
            if len(made) == 12:
                os.kill(os.getpid(), signal.SIGKILL)

        PostgresAuth.create_user = create_user  # type: ignore[method-assign]
        load_test(known, students=20, concurrency=4)

    with pytest.raises(Died):
        in_child(die_in_the_middle)
    assert all_rows(database_url) != before

    assert load_test(known, students=1, concurrency=1).good

    assert all_rows(database_url) == before


def test_a_wrong_leaderboard_and_a_call_that_fails_are_told(database_url: str, known: dict[str, str]) -> None:
    import psycopg

    with psycopg.connect(database_url) as connection:
        connection.execute("DROP FUNCTION public.rpc_get_manager_activity")
        row = connection.execute("SELECT pg_get_functiondef('public.rpc_get_sales_leaderboard'::regproc)").fetchone()
        assert row is not None
        connection.execute("ALTER FUNCTION public.rpc_get_sales_leaderboard RENAME TO honest_leaderboard")
        connection.execute(
            "CREATE FUNCTION public.rpc_get_sales_leaderboard(limit_count int DEFAULT 10, from_date date DEFAULT NULL,"
            " to_date date DEFAULT NULL, time_zone text DEFAULT 'Asia/Almaty') RETURNS TABLE (manager_id uuid,"
            " manager_name text, email text, total_students bigint, active_students bigint, completed_students bigint,"
            " total_revenue numeric, avg_completion_rate numeric, students_this_month bigint, revenue_this_month numeric)"
            " LANGUAGE sql STABLE AS 'SELECT manager_id, manager_name, email, total_students + 1, active_students,"
            " completed_students, total_revenue, avg_completion_rate, students_this_month, revenue_this_month"
            " FROM public.honest_leaderboard(limit_count, from_date, to_date, time_zone)'"
        )

    report = load_test(known, students=2, concurrency=2)

    assert not report.good
    assert report.wrong_rows == 5
    assert sum(report.errors.values()) == 2


def test_real_students_are_not_disturbed_unless_their_number_is_named(database_url: str) -> None:
    with PostgresAuth(database_url) as auth, TripwireRepository.connect(database_url, auth=auth) as repository:
        manager = repository.create_manager(email="dana@example.com", full_name="Dana K.")
        repository.create_tripwire_user(email="a@example.com", full_name="A", manager_id=manager.user_id)
    before = all_rows(database_url)

    refused = run_command("load-test", "--students", 2, url=database_url)
    wrong = run_command("load-test", "--students", 2, "--among-real-students", 2, url=database_url)
    assert (refused.code, wrong.code) == (1, 1)
    assert "the database has 1 real students" in refused.err

    done = run_command("load-test", "--students", 2, "--among-real-students", 1, url=database_url)

    assert done.code == 0
    assert "The leaderboard equals a recount; nothing of the students is left." in done.out
    assert all_rows(database_url) == before


def test_numbers_out_of_range_are_refused(known: dict[str, str]) -> None:
    for asked in ({"students": 0}, {"students": 10_001}, {"concurrency": 0}, {"concurrency": 201}):
        with pytest.raises(InvalidInput, match="must be 1 to"):
            load_test(known, **asked)


def test_one_trial_at_a_time(known: dict[str, str]) -> None:
    from tripwire_db.operate import marked, smoke

    with marked.target(known, kind="load-test"), pytest.raises(Refused, match="is under way"):
        smoke(known)
