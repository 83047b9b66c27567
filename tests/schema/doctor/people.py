"""Students made through the repository, at every point of the course."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.support.auth import auth_for
from tripwire_db import TripwireRepository, WatchPolicy

LESSONS = (67, 68, 69)
STAGES = ("new", "watching", "qualified", "one", "two", "graduate", "revoked", "blocked", "deleted")


@dataclass
class People:
    """Who was made: stage → the ids of the students that stand there."""

    manager_id: UUID
    at: dict[str, list[UUID]] = field(default_factory=lambda: {stage: [] for stage in STAGES})

    def one(self, stage: str) -> UUID:
        return self.at[stage][0]


@contextmanager
def open_repository(url: str, **options: Any) -> Iterator[TripwireRepository]:
    """A repository that counts what is claimed, so that a lesson is watched in one call."""
    policy = WatchPolicy(max_rate=None)
    with (
        auth_for(url) as auth,
        TripwireRepository.connect(url, **{"auth": auth, "policy": policy, **options}) as repository,
    ):
        yield repository


def make_people(repository: TripwireRepository, count: int) -> People:
    manager = repository.create_manager(email="dana@sales.kz", full_name="Dana K.")
    repository.create_manager(email="boss@sales.kz", full_name="The Boss", role="admin")
    people = People(manager.user_id)
    for number in range(count):
        stage = STAGES[number % len(STAGES)]
        student = repository.create_tripwire_user(
            email=f"student{number}@mail.kz", full_name=f"Student {number}", manager_id=manager.user_id
        ).user_id
        people.at[stage].append(student)
        bring_to(repository, student, stage, manager.user_id)
    return people


def bring_to(repository: TripwireRepository, student: UUID, stage: str, manager_id: UUID) -> None:
    completed = {"one": 1, "two": 2, "graduate": 3, "revoked": 3, "blocked": 1}.get(stage, 0)
    for lesson in LESSONS[:completed]:
        watch(repository, student, lesson, 1500.5)
        repository.complete_lesson(user_id=student, lesson_id=lesson)
    match stage:
        case "watching":
            watch(repository, student, 67, 700.25)
        case "qualified":
            watch(repository, student, 67, 1800)
        case "revoked":
            repository.revoke_certificate(user_id=student, reason="a mistake")
        case "blocked":
            repository.set_student_status(user_id=student, status="blocked", manager_id=manager_id)
        case "deleted":
            repository.delete_student(user_id=student, manager_id=manager_id)


def watch(repository: TripwireRepository, student: UUID, lesson: int, seconds: float) -> None:
    repository.update_video_tracking(user_id=student, lesson_id=lesson, segments=[(0, seconds)], position=seconds)
