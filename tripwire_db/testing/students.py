"""Students anywhere in the course, who got there as real ones do: by watching and completing."""

import itertools
from typing import Any

from tripwire_db import CreatedStudent, TripwireRepository
from tripwire_db.testing.clock import TestClock


class StudentMaker:
    """Makes students; each call one more, all sold by one manager unless `manager_id` says otherwise.

    Args:
        repository: one whose policy has `max_rate=None`, so that a lesson is watched in one call.
        clock: the repository's; it moves on by each lesson's length.

    Examples:
        >>> tripwire_student(completed=3).user_id
        UUID('…')
    """

    def __init__(self, repository: TripwireRepository, clock: TestClock) -> None:
        self._repository = repository
        self._clock = clock
        self._numbers = itertools.count(1)
        self._manager_id: Any = None

    def __call__(self, *, completed: int = 0, **arguments: Any) -> CreatedStudent:
        """Make a student who has completed so many lessons.

        Args:
            completed: 0–3; after the last, the certificate is issued.
            arguments: those of `create_tripwire_user`; e-mail, name and manager are made up where they are missing.

        Raises:
            TripwireError: as the repository's methods.
        """
        number = next(self._numbers)
        made_up = {"email": f"student{number}@tripwire.example", "full_name": f"Student {number}"}
        student = self._repository.create_tripwire_user(
            **{**made_up, "manager_id": arguments.get("manager_id") or self._manager(), **arguments}
        )
        for _ in range(completed):
            self._complete_next(student)
        return student

    def _manager(self) -> Any:
        if self._manager_id is None:
            made = self._repository.create_manager(email="manager@tripwire.example", full_name="Manager of the Tests")
            self._manager_id = made.user_id
        return self._manager_id

    def _complete_next(self, student: CreatedStudent) -> None:
        journey = self._repository.get_student(user_id=student.user_id)
        lesson_id = next(lesson.lesson_id for lesson in journey.progress if lesson.status != "completed")
        seconds = next(video.video_duration_seconds for video in journey.video if video.lesson_id == lesson_id)
        self._clock.advance(seconds)
        self._repository.update_video_tracking(
            user_id=student.user_id, lesson_id=lesson_id, segments=[(0, seconds)], position=seconds
        )
        self._repository.complete_lesson(user_id=student.user_id, lesson_id=lesson_id)
