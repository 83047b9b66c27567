"""Each revision on an empty database and on one of a million students, beside writers that it must not hold up for long."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from benchmarks import crowd
from benchmarks.measuring import Section, figure
from tripwire_db import bootstrap, migrations

BASELINE = "20261101090000"
PAUSE = 0.005
WRITES = {
    "users": "UPDATE public.users SET full_name = full_name WHERE id = %s",
    "tripwire_users": "UPDATE public.tripwire_users SET welcome_email_sent = NOT welcome_email_sent WHERE user_id = %s",
    "tripwire_user_profile": "UPDATE public.tripwire_user_profile SET total_modules = 3 WHERE user_id = %s",
    "student_progress": "UPDATE public.student_progress SET status = 'in_progress' WHERE user_id = %s AND lesson_id = 67",
    "video_tracking": (
        "UPDATE public.video_tracking SET last_position_seconds = last_position_seconds + 1 "
        "WHERE user_id = %s AND lesson_id = 67"
    ),
    "user_statistics": "UPDATE public.user_statistics SET total_time_spent = total_time_spent + 1 WHERE user_id = %s",
    "sales_activity_log": (
        "INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id) "
        f"VALUES ('{crowd.MANAGER}', 'email_sent', %s)"
    ),
}
"""What the writers do, each on a table and a connection of its own: valid in the first layout and in the last."""


class Clock(logging.Handler):
    """Notes when Alembic begins each revision: it says so."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.begun: list[tuple[str, float]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Running upgrade A -> B, title."""
        text = record.getMessage()
        if text.startswith("Running upgrade"):
            revision = text.partition("-> ")[2].partition(",")[0].strip()
            if not self.begun or self.begun[-1][0] != revision:  # a revision that is tried again began once
                self.begun.append((revision, time.monotonic()))


@dataclass
class Writer:
    """Writes a row of one table after another, and notes when each began and ended."""

    table: str
    url: str
    ids: list[Any]
    stop: threading.Event
    took: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Until it is stopped."""
        number = 0
        with psycopg.connect(self.url, autocommit=True, prepare_threshold=None) as connection:
            while not self.stop.wait(PAUSE):
                number += 1
                began = time.monotonic()
                try:
                    connection.execute(WRITES[self.table].encode(), [self.ids[number % len(self.ids)]])
                except psycopg.Error as error:
                    self.errors.append(f"{self.table}: {type(error).__name__} {error.sqlstate}")
                self.took.append((began, time.monotonic()))


@contextmanager
def _writers(url: str, ids: list[Any]) -> Iterator[list[Writer]]:
    stop = threading.Event()
    writers = [Writer(table, url, ids, stop) for table in WRITES]
    threads = [threading.Thread(target=writer.run, name=f"writes {writer.table}") for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class Upgrade:
    """When each revision began, and the seconds from then to the beginning of the next."""

    begun: dict[str, float]
    taken: dict[str, float]


def _upgrade(url: str) -> Upgrade:
    clock, logger = Clock(), logging.getLogger("alembic.runtime.migration")
    level = logger.level
    logger.addHandler(clock)
    logger.setLevel(logging.INFO)
    try:
        migrations.upgrade(url, quiet=True)
    finally:
        end = time.monotonic()
        logger.removeHandler(clock)
        logger.setLevel(level)
    ends = [begun for _, begun in clock.begun[1:]] + [end]
    taken = {name: until - begun for (name, begun), until in zip(clock.begun, ends, strict=True)}
    return Upgrade(dict(clock.begun), taken)


def section(create_database: Callable[[str], str], url: str, students: int) -> Section:
    """A row a revision; leaves so many students in the database of the URL, at the head."""
    empty_url = create_database("empty")
    bootstrap(empty_url)
    empty = _upgrade(empty_url)
    bootstrap(url)
    migrations.upgrade(url, BASELINE, quiet=True)
    with psycopg.connect(url, autocommit=True) as connection:
        crowd.fill(connection, 1, students, courses=True)
        ids = [crowd.student(1 + number * students // 500, connection) for number in range(500)]
        with _writers(url, ids) as writers:
            many = _upgrade(url)
        connection.execute("VACUUM ANALYZE")
    return _told(empty, many, writers, students)


def _title(revision: str) -> str:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(migrations.config()).get_revision(revision)
    return script.path.rpartition("/")[2].partition("_")[2].removesuffix(".py").replace("_", " ")


def _told(empty: Upgrade, many: Upgrade, writers: list[Writer], students: int) -> Section:
    section = Section(
        "Migrations",
        f"Each revision on an empty database, and on one that the first revision left with {students:,} students and "
        f"{12 * students:,} rows, while seven writers beside it change a row of a table each, every few milliseconds. The "
        "longest time that one of their statements was under way within a revision, and on which table; under load "
        "a statement that nothing blocks takes some milliseconds, too. All of them together: the last row. What waits for "
        "minutes are the revisions that mend every row of the older layout under one lock: they run once, when that layout "
        "is taken over, and `tripwire-db plan` tells of them before.",
        ("revision", "what", "empty, s", f"{students:,}, s", "longest wait, s", "of a writer of"),
    )
    failed: dict[str, int] = defaultdict(int)
    for writer in writers:
        for error in writer.errors:
            failed[error] += 1
    section.failures = [f"a writer failed {count} times: {error}" for error, count in failed.items()]
    for revision, seconds in empty.taken.items():
        row = (f"`{revision}`", _title(revision), figure(seconds))
        if revision in many.taken:
            first = many.begun[revision]
            last = first + many.taken[revision]
            wait, table = _longest(writers, first, last)
            row += (figure(many.taken[revision]), figure(wait), table)
        else:
            row += ("", "", "")
        section.rows.append(row)
    first = min(many.begun.values())
    wait, table = _longest(writers, first, first + sum(many.taken.values()))
    whole = (figure(sum(taken.values())) for taken in (empty.taken, many.taken))
    section.rows.append(("all", "", *whole, figure(wait), table))
    return section


def _longest(writers: list[Writer], first: float, last: float) -> tuple[float, str]:
    """The longest time within a span that a statement was under way, and on which table."""
    waits = ((min(until, last) - max(since, first), writer.table) for writer in writers for since, until in writer.took)
    return max(waits, default=(0.0, ""))
