"""Functions and operators that others have planted in `public` are never run by anything of ours."""

from datetime import date

import psycopg
import pytest
from typer.testing import CliRunner

from tests.hostile.traps import plant
from tests.support.servers.versions import OLDEST_AND_NEWEST, versions
from tripwire_db import PostgresAuth, TripwireRepository, WatchPolicy, migrations
from tripwire_db.cli.app import app
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.drift import find_drift


@pytest.fixture(params=versions(*OLDEST_AND_NEWEST, always=OLDEST_AND_NEWEST))
def trapped_url(request, make_database):
    """A database as CREATE DATABASE makes it, with traps in `public`."""
    url = make_database(migrated=None, server=request.param)
    with psycopg.connect(url) as connection:
        assert plant(connection) > 10_000
    return url


def run(*arguments):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, f"{arguments}: {done.output}"


def test_nothing_of_ours_runs_what_others_have_planted(trapped_url):
    bootstrap(trapped_url)
    bootstrap(trapped_url)
    migrations.upgrade(trapped_url)
    migrations.downgrade(trapped_url, "-1")
    at = ("--database-url", trapped_url)
    run("upgrade", *at)
    run("status", *at)
    run("manager", "create", "a@e.kz", "--full-name", "A", *at)
    run("student", "create", "b@e.kz", "--full-name", "B", "--manager", "a@e.kz", *at)
    live(trapped_url)
    run("doctor", *at)
    assert {one.kind for one in find_drift(trapped_url).findings} == {"shadow"}


def test_nor_behind_a_transaction_pooler_where_no_session_can_be_set_up(make_database, postgres, pgbouncer):
    url = make_database()
    with psycopg.connect(url) as connection:
        plant(connection)
        name = connection.info.dbname
    live(pgbouncer.url(name), transaction_pooler=True)


def test_a_trap_is_one(trapped_url):
    with psycopg.connect(trapped_url, autocommit=True) as connection:
        for query in ("SELECT unnest('{a}'::text[])", "SELECT 'a'::varchar = 'a'::varchar", "SELECT 1 + 1.5"):
            with pytest.raises(psycopg.errors.DataCorrupted, match="planted"):
                connection.execute(query)


def live(url, *, transaction_pooler=None):
    """A student's whole life, and every question about it."""
    policy = WatchPolicy(max_rate=None)
    with TripwireRepository.connect(
        url, auth=PostgresAuth(url), policy=policy, transaction_pooler=transaction_pooler
    ) as repository:
        me = {"manager_id": repository.create_manager(email="m@e.kz", full_name="M").user_id}
        them = {"user_id": repository.create_tripwire_user(email="s@e.kz", full_name="S", price=7, **me).user_id}
        for lesson_id in (67, 68, 69):
            for segments in ([(0, 1000), (1001, 1500)], [(1400, 1800)]):
                repository.update_video_tracking(lesson_id=lesson_id, segments=segments, position=0, **them)
            assert repository.unlock_next_module(**them).lesson_id == lesson_id
            completion = repository.complete_lesson(lesson_id=lesson_id, **them)
        assert repository.issue_certificate(**them).id == completion.certificate.id
        assert repository.verify_certificate(code=completion.certificate.verification_code).valid
        repository.log_activity(action_type="email_sent", target_user_id=them["user_id"], details={"a": [1]}, **me)
        repository.record_welcome_email(sent=True, **them, **me)
        assert sum(row.completed_students for row in repository.get_sales_leaderboard(since=date(2020, 1, 1))) == 1
        assert sum(day.students_created for day in repository.get_sales_chart_data(**me)) == 1
        assert repository.get_manager_stats(until=date(9000, 1, 1), **me).total_revenue == 7
        assert repository.get_manager_activity(action_types=["email_sent"], **me)
        assert repository.search_activity(details={"a": [1]}, **me)
        assert repository.search_watched_segments(lesson_id=67, segment=(0, 1800)) == [them["user_id"]]
        assert repository.get_student(**them).certificate is not None
        (found,) = repository.list_students(search="S@e", status="completed", **me)
        assert not repository.list_students(after=found, **me)
        repository.revoke_certificate(reason="r", **them, **me)
        repository.set_student_status(status="blocked", **them, **me)
        right = repository.correct_student(**them, **me, email="r@e.kz", full_name="R", price=8)
        assert (right.email, right.full_name, right.price) == ("r@e.kz", "R", 8)
        repository.reset_password(password="p", **them, **me)
        admin = repository.create_manager(email="admin@e.kz", full_name="A", role="admin").user_id
        passed = {"from_manager_id": me["manager_id"], "to_manager_id": admin, "manager_id": admin}
        assert repository.reassign_students(**passed, user_ids=[them["user_id"]]).user_ids == (them["user_id"],)
        repository.delete_student(**them, **me)
