"""The set that is searched: written when the video qualifies and on completion, so that a heartbeat's update can be HOT."""

import json
import time
from typing import Any

import psycopg
import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import Clock, World
from tripwire_db import PostgresAuth

PATIENCE = 30.0


def stored(it: World, user_id: Any) -> tuple[Any, Any]:
    with psycopg.connect(it.url) as connection:
        row = connection.execute(
            "SELECT watched_segments, qualified_segments FROM video_tracking WHERE user_id = %s AND lesson_id = 67",
            (user_id,),
        ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.fixture(scope="module")
def module_url(url_without_neighbours: str) -> str:
    return url_without_neighbours


def test_the_set_is_kept_when_the_video_qualifies_and_as_it_is_on_completion(clocked: World, clock: Clock):
    student = clocked.student().user_id
    plays = clocked.repository.update_video_tracking
    search = clocked.repository.search_watched_segments
    for end in range(60, 1441, 60):
        clock.advance(60)
        progress = plays(user_id=student, lesson_id=67, segments=[(end - 60, end)], position=end)
        assert (stored(clocked, student)[1] is not None) is progress.qualified
    assert stored(clocked, student) == ([{"start": 0, "end": 1440}],) * 2
    clock.advance(60)
    plays(user_id=student, lesson_id=67, segments=[(1440, 1500)], position=1500)
    assert stored(clocked, student)[1] == [{"start": 0, "end": 1440}], "a heartbeat leaves it alone"
    assert search(lesson_id=67, segment=(0, 1440)) == [student]
    assert search(lesson_id=67, segment=(0, 1500)) == []

    clocked.repository.complete_lesson(user_id=student, lesson_id=67)

    assert stored(clocked, student) == ([{"start": 0, "end": 1500}],) * 2
    assert search(lesson_id=67, segment=(0, 1500)) == [student]


def test_a_video_that_an_older_release_qualified_is_found_and_kept_by_the_next_heartbeat(it: World):
    student = it.student().user_id
    it.execute(
        """UPDATE video_tracking SET watched_segments = %s::text::jsonb, is_qualified_for_completion = true
        WHERE user_id = %s""",
        json.dumps([{"start": 0, "end": 1440}]),
        student,
    )
    assert it.repository.search_watched_segments(lesson_id=67, segment=(0, 1440)) == [student]
    it.repository.update_video_tracking(user_id=student, lesson_id=67, segments=[], position=0)
    assert stored(it, student)[1] == [{"start": 0, "end": 1440}]
    assert it.repository.search_watched_segments(lesson_id=67, segment=(0, 1440)) == [student]


def test_no_index_names_a_column_that_every_heartbeat_changes(database_url: str):
    changing = {
        "watched_segments", "counted_ms", "allowance_ms", "last_seen_at", "last_position_seconds",
        "total_watched_seconds", "watch_percentage", "updated_at",
    }  # fmt: skip
    with psycopg.connect(database_url) as connection:
        named = connection.execute(
            """
            SELECT a.attname
            FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.refobjid = 'public.video_tracking'::regclass
                AND d.objid IN (SELECT indexrelid FROM pg_index WHERE indrelid = d.refobjid)
            """
        ).fetchall()

    assert not changing & {name for (name,) in named}
    assert named, "indexes depend on columns in this catalog"


def test_ninety_five_of_a_hundred_heartbeats_that_bring_something_new_are_hot_updates(it: World, clock: Clock):
    students = [it.student().user_id for _ in range(5)]

    def counted() -> tuple[int, int]:
        with psycopg.connect(it.url) as connection:
            row = connection.execute(
                "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'video_tracking'"
            ).fetchone()
        assert row is not None
        return row[0], row[1]

    before = counted()
    with PostgresAuth(it.url) as auth, opened("sync", it.url, auth=auth, clock=clock) as repository:
        for call in range(60):
            clock.advance(10)
            for student in students:
                repository.update_video_tracking(
                    user_id=student, lesson_id=67, segments=[(call * 20, call * 20 + 10)], position=call
                )
    deadline = time.monotonic() + PATIENCE
    while counted()[0] < before[0] + 300 and time.monotonic() < deadline:
        time.sleep(0.05)  # what a session that ended has counted is announced by nothing
    updates, hot = (after - earlier for after, earlier in zip(counted(), before, strict=True))

    assert updates == 300
    assert hot >= 0.95 * updates
