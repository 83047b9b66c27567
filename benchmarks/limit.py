"""Each flow beside the same SQL, prepared, by bare psycopg: what a client can do at best."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.measuring import Bound, Section, Times, figure, interleaved, middle_of
from benchmarks.people import People
from tripwire_db import AsyncTripwireRepository
from tripwire_db.engine.statement import Flow

FLOW_BOUND = 1.25
BOUNDED = {
    "create_tripwire_user",
    "update_video_tracking",
    "complete_lesson",
    "unlock_next_module",
    "issue_certificate",
    "revoke_certificate",
    "set_student_status",
    "delete_student",
}
"""The flows of a course's life. The smallest statements take less time than Python needs to borrow a connection for them,
and asyncio adds its own: those are measured and shown, and held to nothing."""
HEADINGS = ("flow", "ours, ms", "middle half, ms", "bare psycopg, ms", "middle half, ms", "ratio of tenths")
Prepare = Callable[[], Callable[[], Flow[Any]]]


def sections(people: People, *, quick: bool) -> Iterator[Section]:
    """The sync repository, and the async one."""
    runs = 30 if quick else 400
    yield _sync(people, runs)
    if not quick:
        yield _async(people, runs)


def _row(name: str, ours: Times, bare: Times) -> tuple[str, ...]:
    ratio = f"{ours.calm / bare.calm:.2f} ×"
    return name, figure(ours.median), ours.quartiles, figure(bare.median), bare.quartiles, ratio


def _sync(people: People, runs: int) -> Section:
    section = Section("Flows beside bare psycopg", "The same statement, prepared, on the same server.", HEADINGS)
    database = people.repository._database  # noqa: SLF001 - flows without their auth users
    with psycopg.connect(people.url, autocommit=True) as bare:

        def execute(flow: Flow[Any]) -> Any:
            return bare.execute(flow.sql().encode(), dict(flow.parameters), prepare=True).fetchall()

        for name, prepare in people.flows().items():

            def ours(prepare: Prepare = prepare) -> Callable[[], Any]:
                make = prepare()
                return lambda: database.run(make())

            def beside(prepare: Prepare = prepare) -> Callable[[], Any]:
                make = prepare()
                return lambda: execute(make())

            def measure(name: str = name, ours: Any = ours, beside: Any = beside) -> tuple[Bound, tuple[str, ...]]:
                times = interleaved({"ours": ours, "bare": beside}, runs)
                bound = Bound(f"{name} beside bare psycopg", times["ours"].calm / times["bare"].calm, FLOW_BOUND)
                return bound, _row(name, times["ours"], times["bare"])

            bound, row = middle_of(measure) if name in BOUNDED else measure()
            if name in BOUNDED:
                section.bounds.append(bound)
            section.rows.append(row)
    return section


def _async(people: People, runs: int) -> Section:
    section = Section("Flows beside bare psycopg, asyncio", "The same with asyncio on both sides.", HEADINGS)
    with asyncio.Runner() as runner:
        repository = AsyncTripwireRepository.connect(people.url, auth=people.auth)
        bare = runner.run(psycopg.AsyncConnection.connect(people.url, autocommit=True))
        database = repository._database  # noqa: SLF001 - as above

        async def ours(flow: Flow[Any]) -> float:
            return await _timed(database.run(flow))

        async def beside(flow: Flow[Any]) -> float:
            async def execute() -> Any:
                cursor = await bare.execute(flow.sql().encode(), dict(flow.parameters), prepare=True)
                return await cursor.fetchall()

            return await _timed(execute())

        for name, prepare in people.flows().items():
            mine, theirs = [], []
            for _ in range(runs + 8):
                mine.append(runner.run(ours(prepare()())))
                theirs.append(runner.run(beside(prepare()())))
            section.rows.append(_row(name, Times(mine[8:]), Times(theirs[8:])))
        runner.run(bare.close())
        runner.run(repository.close())
    return section


async def _timed(awaitable: Any) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await awaitable
    return (loop.time() - started) * 1000


def heartbeats(people: People, *, quick: bool) -> Section:
    """Heartbeats beside the usual way: read the row, merge in Python, write it back, in a transaction."""
    section = Section(
        "Heartbeats",
        "Ten seconds of a video, each call another stretch. The usual way asks whether the student may watch, reads the "
        "row under a lock, merges in Python and writes it back; it does not count honest time, so it does less.",
        ("how", "median, ms", "middle half, ms", "tenth, ms", "beside ours"),
    )
    seconds = iter(range(0, 10**9, 5))
    one, two = people.student().user_id, people.student().user_id
    with psycopg.connect(people.url) as bare:

        def merge() -> Callable[[], Any]:
            start = next(seconds) % 1780
            return lambda: _read_merge_write(bare, two, start)

        def ours() -> Callable[[], Any]:
            start = next(seconds) % 1780
            return lambda: people.repository.update_video_tracking(
                user_id=one, lesson_id=67, segments=[(start, start + 10)], position=start, client_duration=1800
            )

        def measure() -> tuple[Bound, dict[str, Times]]:
            times = interleaved({"this repository": ours, "read, merge, write": merge}, 60 if quick else 200)
            mine, theirs = times["this repository"], times["read, merge, write"]
            return Bound("a heartbeat beside read, merge, write", theirs.calm / mine.calm, 1.5, at_least=True), times

        bound, times = middle_of(measure)
        section.bounds.append(bound)
        mine = times["this repository"].calm
        section.rows = [
            (name, figure(found.median), found.quartiles, figure(found.calm), f"{found.calm / mine:.2f} ×")
            for name, found in times.items()
        ]
        section.bars = [(name, found.calm) for name, found in times.items()]
    return section


def _read_merge_write(connection: psycopg.Connection[Any], user_id: Any, start: int) -> None:
    with connection.transaction():
        may = connection.execute(
            "SELECT 1 FROM tripwire_users JOIN module_unlocks USING (user_id) "
            "WHERE user_id = %s AND status = 'active' AND module_id = 16 FOR UPDATE OF tripwire_users",
            [user_id],
        ).fetchone()
        found = connection.execute(
            "SELECT watched_segments, video_duration_seconds FROM video_tracking "
            "WHERE user_id = %s AND lesson_id = 67 FOR UPDATE",
            [user_id],
        ).fetchone()
        if may is None or found is None:
            raise AssertionError("the student may not watch this video")
        merged: list[dict[str, Any]] = []
        for segment in sorted([*found[0], {"start": start, "end": start + 10}], key=lambda each: each["start"]):
            if merged and segment["start"] <= merged[-1]["end"] + 1:
                merged[-1]["end"] = max(merged[-1]["end"], segment["end"])
            else:
                merged.append(dict(segment))
        watched = sum(segment["end"] - segment["start"] for segment in merged)
        connection.execute(
            "UPDATE video_tracking SET watched_segments = %s, last_position_seconds = %s, "
            "watch_percentage = %s WHERE user_id = %s AND lesson_id = 67",
            [Jsonb(merged), start, min(100, watched * 100 / 1800), user_id],
        )
        connection.execute(
            "UPDATE user_statistics SET total_time_spent = total_time_spent + 10 WHERE user_id = %s", [user_id]
        )
