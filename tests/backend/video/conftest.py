"""One database for many examples: each has a student of its own, and a clock that stands still until it is moved."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor

from tests.backend.flows.both import KINDS
from tests.backend.flows.world import Clock, World, world
from tests.support.servers.postgres import Postgres, worker
from tripwire_db import VideoProgress

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("video", deadline=None, max_examples=75, suppress_health_check=QUIET)
settings.register_profile("heavy", deadline=None, max_examples=1000, suppress_health_check=QUIET)
PROFILE = settings.get_profile("heavy" if os.environ.get("HYPOTHESIS_PROFILE") == "heavy" else "video")

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Viewer:
    """A student in front of lesson 67, who is created when the example begins."""

    it: World
    clock: Clock
    user_id: UUID
    calls: list[VideoProgress] = field(default_factory=list)

    def plays(self, *segments: tuple[float, float], position: float = 0, **more: Any) -> VideoProgress:
        """One heartbeat, in seconds."""
        progress = self.it.repository.update_video_tracking(
            user_id=self.user_id, lesson_id=67, segments=list(segments), position=position, **more
        )
        self.calls.append(progress)
        return progress

    def played(self, *ranges: tuple[int, int]) -> VideoProgress:
        """One heartbeat, in milliseconds."""
        return self.plays(*[(start / 1000, end / 1000) for start, end in ranges])

    @property
    def row(self) -> dict[str, Any]:
        return self.it.row("video_tracking", user_id=self.user_id, lesson_id=67)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Every row of every table that is about the student, to be compared byte for byte."""
        return self.it.dump(of=self.user_id)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The stored set in milliseconds."""
        return [(round(part["start"] * 1000), round(part["end"] * 1000)) for part in self.row["watched_segments"]]


@pytest.fixture(scope="module")
def video_url(request: pytest.FixtureRequest, postgres_18: Postgres, migrated_18: NoopExecutor) -> Iterator[str]:
    name = f"video_{worker()}_{os.getpid()}_{request.module.__name__.rpartition('.')[2]}"
    with DatabaseJanitor(
        user=postgres_18.user,
        host=postgres_18.host,
        port=postgres_18.port,
        dbname=name,
        template_dbname=migrated_18.template_dbname,
    ):
        yield postgres_18.url(name)


@pytest.fixture(scope="module")
def manager_ids() -> dict[str, UUID]:
    return {}


@pytest.fixture(params=["sync"])
def kind(request: pytest.FixtureRequest) -> str:
    """Properties of the statement are proved by the sync repository; the async one runs the same statement."""
    return str(request.param)


both = pytest.mark.parametrize("kind", KINDS, indirect=True)
"""Run a test with either repository."""

MakeViewer = Callable[..., Viewer]


@pytest.fixture
def make_viewer(kind: str, video_url: str, manager_ids: dict[str, UUID]) -> Iterator[MakeViewer]:
    """Give a factory of viewers: `make_viewer(duration=1800, policy=…)`; the last duration given is the lesson's."""
    worlds: dict[Any, tuple[World, Clock]] = {}
    with ExitStack() as stack:

        def make(*, duration: int = 1800, **options: Any) -> Viewer:
            key = tuple(options.items())
            if key not in worlds:
                clock = Clock(START)
                opened = stack.enter_context(world(kind, video_url, clock=clock, **options))
                opened._numbers = (UUID(bytes=os.urandom(16)).hex for _ in iter(int, 1))
                worlds[key] = opened, clock
            it, clock = worlds[key]
            clock.now = START
            if "manager" not in manager_ids:
                manager_ids["manager"] = it.manager().user_id
            it.execute("UPDATE lessons SET duration_seconds = %s WHERE id = 67", duration)
            student = it.student(manager_id=manager_ids["manager"])
            return Viewer(it, clock, student.user_id)

        yield make


@pytest.fixture
def viewer(make_viewer: MakeViewer) -> Viewer:
    """Somebody in front of a lesson of 1800 s."""
    return make_viewer()
