# Made by scripts/unasync from tripwire_db/repository/aio/lessons.py: change that, and run it again.
"""Methods about what a student watches, completes and unlocks."""

from collections.abc import Iterable
from uuid import UUID

from tripwire_db.flows.complete_lesson import complete_lesson as complete_lesson_flow
from tripwire_db.flows.list_lessons import list_lessons as list_lessons_flow
from tripwire_db.flows.search import search_watched_segments as search_watched_segments_flow
from tripwire_db.flows.unlock_next_module import unlock_next_module as unlock_next_module_flow
from tripwire_db.flows.update_lesson import update_lesson as update_lesson_flow
from tripwire_db.flows.update_video_tracking import update_video_tracking as update_video_tracking_flow
from tripwire_db.repository.sync.blocking import told
from tripwire_db.repository.sync.driver import Driver
from tripwire_db.results import Lesson, LessonCompletion, ModuleUnlock, VideoProgress
from tripwire_db.video import Segment


class LessonMethods(Driver):
    """Methods about what a student watches, completes and unlocks."""

    @told
    def complete_lesson(self, *, user_id: UUID | str, lesson_id: int) -> LessonCompletion:
        """Complete a lesson whose video is qualified; open the next module; after the last of the three, graduate.

        Only `is_qualified_for_completion` decides, and only for an unlocked lesson of this student. Called again it
        returns what is, and changes nothing.

        Returns:
            A `LessonCompletion`, with user_id, lesson_id, module_id, modules_completed, already_completed,
            unlocked_module_id, certificate.

        Raises:
            InvalidInput: an id of the wrong type.
            NotFound: no such student or lesson.
            StudentNotActive: the student is blocked or inactive.
            ModuleLocked: the lesson's module is not unlocked for this student.
            VideoNotQualified: too little of the video has been watched.

        Examples:
            >>> done = repository.complete_lesson(user_id=student.user_id, lesson_id=67)
            >>> done.modules_completed, done.unlocked_module_id
            (1, 17)
        """
        return self._perform(complete_lesson_flow(self._services.context, user_id=user_id, lesson_id=lesson_id))

    @told
    def unlock_next_module(self, *, user_id: UUID | str) -> ModuleUnlock:
        """Open the module after the highest completed one, never more; the first, where none is completed.

        Called again it returns the same, with `newly_unlocked` False.

        Returns:
            A `ModuleUnlock`, with user_id, module_id, lesson_id, newly_unlocked.

        Raises:
            InvalidInput: an id of the wrong type.
            NotFound: no such student.
            StudentNotActive: the student is blocked or inactive.
            NotEligible: the last module is completed; nothing comes after it.

        Examples:
            >>> repository.unlock_next_module(user_id=student.user_id).module_id
            17
        """
        return self._perform(unlock_next_module_flow(self._services.context, user_id=user_id))

    @told
    def update_video_tracking(
        self,
        *,
        user_id: UUID | str,
        lesson_id: int,
        segments: Iterable[Segment | tuple[float, float]],
        position: float,
        client_duration: float | None = None,
    ) -> VideoProgress:
        """Take in what a player has played; give what is stored, and what of it counts.

        Args:
            user_id: the student.
            lesson_id: an unlocked lesson.
            segments: at most 200 stretches played, as `Segment(start, end)` or pairs, in seconds; empty is a keep-alive.
            position: where the player stands, in seconds ≥ 0; qualifies nobody.
            client_duration: the player's idea of the duration, in seconds; only compared, never believed.

        Returns:
            A `VideoProgress`, with user_id, lesson_id, segments, unique_seconds, counted_seconds, new_seconds,
            percentage, qualified, newly_qualified, status, held_back_seconds, warnings.

        Raises:
            InvalidInput: a segment or the position cannot be right; nothing of the call is stored.
            NotFound: no such student or lesson.
            ModuleLocked: the lesson's module is not unlocked for this student.
            StudentNotActive: the student is blocked or inactive.

        Examples:
            >>> progress = repository.update_video_tracking(
            ...     user_id=student.user_id, lesson_id=67, segments=[(0, 10), (10, 20.5)], position=20.5
            ... )
            >>> progress.unique_seconds, progress.percentage
            (20.5, 1)
        """
        return self._perform(
            update_video_tracking_flow(
                self._services.context,
                user_id=user_id,
                lesson_id=lesson_id,
                segments=segments,
                position=position,
                client_duration=client_duration,
            )
        )

    @told
    def search_watched_segments(
        self, *, lesson_id: int, segment: Segment | tuple[float, float], limit: int = 50
    ) -> list[UUID]:
        """Students whose stored set for a lesson holds exactly this segment, among those qualified to complete it.

        Exact containment is what the index serves; who watched a given second is another question.

        Args:
            lesson_id: the lesson.
            segment: `Segment(start, end)` or a pair, in seconds.
            limit: at most so many, 1–1000; by id.

        Returns:
            The ids of the students.

        Raises:
            InvalidInput: an argument that cannot be right.

        Examples:
            >>> repository.search_watched_segments(lesson_id=67, segment=(0, 1440))
            [UUID('…')]
        """
        return self._perform(search_watched_segments_flow(lesson_id=lesson_id, segment=segment, limit=limit))

    @told
    def list_lessons(self) -> list[Lesson]:
        """Every lesson, archived ones too, in the course's order.

        Returns:
            One `Lesson` a row, with lesson_id, module_id, title, duration_seconds, archived.

        Examples:
            >>> [(lesson.lesson_id, lesson.duration_seconds) for lesson in repository.list_lessons()]
            [(67, 1800), (68, 1800), (69, 1800)]
        """
        return self._perform(list_lessons_flow())

    @told
    def update_lesson(
        self,
        *,
        lesson_id: int,
        manager_id: UUID | str,
        title: str | None = None,
        duration_seconds: int | None = None,
    ) -> Lesson:
        """Change a lesson's title or duration, and log who did; called again it changes and logs nothing.

        A new duration is what counts from the next call of `update_video_tracking` on; who is qualified stays so.

        Args:
            lesson_id: the lesson.
            manager_id: who does it, an admin.
            title: 1–300 characters on one line; None leaves it.
            duration_seconds: the video's length, 1–86400; None leaves it. One that is too long can never be completed.

        Returns:
            The `Lesson` as it is now, with lesson_id, module_id, title, duration_seconds, archived.

        Raises:
            InvalidInput: an argument that cannot be right.
            NotFound: no such manager or lesson.
            Refused: the manager is no admin.

        Examples:
            >>> lesson = repository.update_lesson(lesson_id=67, manager_id=admin.user_id, duration_seconds=1214)
            >>> lesson.duration_seconds
            1214
        """
        return self._perform(
            update_lesson_flow(
                self._services.context,
                lesson_id=lesson_id,
                manager_id=manager_id,
                title=title,
                duration_seconds=duration_seconds,
            )
        )
