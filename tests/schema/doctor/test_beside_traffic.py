"""Mending beside heartbeats, completions and deletions: no deadlock, nothing lost, nothing doubled."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.schema.doctor.people import make_people, open_repository
from tests.support.servers.pgbouncer import PgBouncer
from tripwire_db import NotFound
from tripwire_db.schema.doctor import State, examine, mend

DAMAGE = """
UPDATE public.tripwire_users SET modules_completed = 3 WHERE modules_completed < 3;
UPDATE public.tripwire_user_profile SET completion_percentage = 1;
DELETE FROM public.user_achievements WHERE achievement_id = 'tripwire_graduate';
UPDATE public.video_tracking SET watch_percentage = 0;
"""


def test_the_doctor_and_the_repository_work_on_the_same_students_at_once(database_url: str) -> None:
    with open_repository(database_url) as repository:
        people = make_people(repository, 45)
        with psycopg.connect(database_url) as connection:
            connection.execute(DAMAGE)
        findings = examine(database_url)
        students = [student for ids in people.at.values() for student in ids]
        failures: list[BaseException] = []
        start = threading.Barrier(5)

        def at_once(work: Callable[[], Any]) -> threading.Thread:
            def run() -> None:
                start.wait()
                try:
                    work()
                except BaseException as error:  # noqa: BLE001 - told by the test
                    failures.append(error)

            thread = threading.Thread(target=run)
            thread.start()
            return thread

        def watch(offset: int) -> None:
            for number, student in enumerate(students):
                try:
                    repository.update_video_tracking(
                        user_id=student, lesson_id=67, segments=[(0, 100 + number + offset)], position=1
                    )
                except NotFound:
                    continue  # one of the deleted
                except Exception as error:
                    if type(error).__name__ != "StudentNotActive":
                        raise

        def complete() -> None:
            for student in people.at["qualified"]:
                repository.complete_lesson(user_id=student, lesson_id=67)

        def delete() -> None:
            for student in people.at["new"]:
                repository.delete_student(user_id=student, manager_id=people.manager_id)

        results: list[Any] = []
        threads = [
            at_once(lambda: watch(0)),
            at_once(lambda: watch(700)),
            at_once(complete),
            at_once(delete),
            at_once(lambda: results.extend(mend(database_url, findings))),
        ]
        for thread in threads:
            thread.join()

    assert failures == []
    assert {result.state for result in results} <= {State.MENDED, State.CHANGED, State.NEEDS_A_PERSON}
    assert sum(result.state is State.MENDED for result in results) > 20
    # What has changed meanwhile is found again, and mended once the traffic has ended.
    mend(database_url, examine(database_url))
    assert [finding for finding in examine(database_url) if finding.mendable] == []


def test_two_doctors_at_once_mend_each_thing_once(database_url: str) -> None:
    with open_repository(database_url) as repository:
        make_people(repository, 18)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM public.user_statistics; DELETE FROM public.tripwire_user_profile")
    findings = examine(database_url)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.extend(mend(database_url, findings))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(result.state for result in results) == sorted(
        [State.MENDED] * len(findings) + [State.CHANGED] * len(findings)
    )
    assert examine(database_url) == ()


def test_a_transaction_pooler_will_do(database_url: str, pgbouncer: PgBouncer) -> None:
    with open_repository(database_url) as repository:
        make_people(repository, 9)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM public.user_statistics")
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.idx_users_role'::regclass"
        )
    pooled = pgbouncer.url(conninfo_to_dict(database_url)["dbname"])

    assert {result.state for result in mend(pooled, examine(pooled))} == {State.MENDED}
    assert examine(pooled) == ()
