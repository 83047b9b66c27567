"""A marked student and their manager live the whole story on a real target, and everything of them is removed again."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tripwire_db.errors import StudentNotActive, TripwireError
from tripwire_db.operate import marked
from tripwire_db.operate.project_api import ProjectApi
from tripwire_db.repository import TripwireRepository
from tripwire_db.results import Certificate, Lesson
from tripwire_db.settings import Settings
from tripwire_db.video import WatchPolicy

STUDENT = f"smoke-student@{marked.DOMAIN}"
MANAGER = f"smoke-manager@{marked.DOMAIN}"
EMAILS = (STUDENT, MANAGER)

_PRICE = Decimal(4999)
_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the story that went well, and the seconds it took."""

    name: str
    seconds: float


class SmokeFailed(TripwireError):
    """A step of the story went wrong.

    Attributes:
        step: which one.
    """

    def __init__(self, step: str, why: object) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step


def smoke(
    environment: Mapping[str, str] | None = None,
    *,
    sign_in: bool = True,
    on_step: Callable[[Step], None] = lambda step: None,  # noqa: ARG005
) -> tuple[Step, ...]:
    """Let a marked student and manager live the whole story, and remove everything of theirs, their log rows too.

    What a killed run has left is removed first. However this ends, by an error or Ctrl-C too, it cleans up; what even
    that could not do, the next run does. Only a number of the certificates' sequence stays used.

    Args:
        environment: names to values, as `TripwireRepository.from_env` takes them; by default the process's own. Where it
            names a Supabase project, the student also signs in there, and PostgREST is asked.
        sign_in: False where nobody signs in with a password.
        on_step: told each step as it ends.

    Returns:
        The steps, in their order.

    Raises:
        SmokeFailed: a step went wrong; the message says which, and how.
        InvalidInput: a variable is missing or cannot be right.
        Refused: another trial is under way, or the schema is older than this package needs.
        Unavailable, AuthFailed: the target cannot be reached, or not everything could be removed.

    Examples:
        >>> [step.name for step in smoke()][:3]
        ['remove what an earlier run left', 'create the manager', 'create the student']
    """
    environment = dict(os.environ) if environment is None else environment
    step = _Steps(on_step)
    with marked.target(environment, kind="smoke") as at:
        with step("remove what an earlier run left"):
            marked.remove(at, EMAILS)
        try:
            with _repositories(at) as (repository, unlimited):
                _Story(repository, unlimited, _project_of(environment), step, sign_in=sign_in).live()
        finally:
            _remove(at, step)
    return tuple(step.done)


class _Steps:
    """Times steps, and says of an error in which one it was."""

    def __init__(self, on_step: Callable[[Step], None]) -> None:
        self.done: list[Step] = []
        self._on_step = on_step

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        except (TripwireError, _Unexpected) as error:
            raise SmokeFailed(name, error) from error
        self.done.append(Step(name, time.perf_counter() - began))
        self._on_step(self.done[-1])


class _Unexpected(Exception):
    """An answer is not what the story needs."""


def _expect(is_so: object, otherwise: str) -> None:
    if not is_so:
        raise _Unexpected(otherwise)


class _Story:
    """The student's life, from the sale to the deletion."""

    def __init__(
        self,
        repository: TripwireRepository,
        unlimited: TripwireRepository,
        project: ProjectApi | None,
        step: _Steps,
        *,
        sign_in: bool,
    ) -> None:
        self._repository = repository
        self._unlimited = unlimited
        self._project = project
        self._step = step
        self._sign_in = sign_in
        self._password = secrets.token_urlsafe(24)

    def live(self) -> None:
        manager_id, student_id = self._sell()
        if self._project is not None:
            self._use(self._project, manager_id, student_id)
        certificate = self._study(student_id)
        self._report(manager_id)
        self._end(manager_id, student_id, certificate)

    def _sell(self) -> tuple[UUID, UUID]:
        with self._step("create the manager"):
            manager = self._repository.create_manager(email=MANAGER, full_name="Smoke Manager")
            _expect(manager.created, "somebody has the manager's e-mail already")
        with self._step("create the student"):
            student = self._repository.create_tripwire_user(
                email=STUDENT,
                full_name="Smoke Student",
                manager_id=manager.user_id,
                password=self._password,
                price=_PRICE,
            )
            _expect(student.created and student.price == _PRICE, "the student is not the one that was asked for")
        with self._step("create the student again"):
            again = self._repository.create_tripwire_user(
                email=STUDENT, full_name="Smoke Student", manager_id=manager.user_id
            )
            _expect(not again.created and again.user_id == student.user_id, "a second student was made")
        return manager.user_id, student.user_id

    def _use(self, project: ProjectApi, manager_id: UUID, student_id: UUID) -> None:
        if self._sign_in:
            with self._step("sign in as the student"):
                token = project.sign_in(STUDENT, self._password)
            with self._step("read as the student, by PostgREST"):
                rows = project.read("student_progress", token=token)
                _expect(rows, "the student does not see their own progress")
                _expect({row["user_id"] for row in rows} == {str(student_id)}, "the student sees rows of others")
        with self._step("ask for the manager's totals, by PostgREST"):
            totals = project.call("rpc_get_manager_stats", {"manager_id_param": str(manager_id)})
            _expect(
                [row["total_students"] for row in totals] == [1], "the manager's totals are not those of one student"
            )

    def _study(self, student_id: UUID) -> Certificate:
        with self._step("read the lessons"):
            lessons = [lesson for lesson in self._repository.list_lessons() if not lesson.archived]
            _expect(len(lessons) == 3, f"the course has {len(lessons)} lessons instead of three")
        with self._step("claim the whole first video at once"):
            progress = self._repository.update_video_tracking(
                user_id=student_id,
                lesson_id=lessons[0].lesson_id,
                segments=[(0, lessons[0].duration_seconds)],
                position=lessons[0].duration_seconds,
            )
            granted = min(WatchPolicy().first_grant_seconds, lessons[0].duration_seconds)
            _expect(progress.counted_seconds == granted, f"{progress.counted_seconds:g} s of it counted")
        certificate = None
        for lesson in lessons:
            certificate = self._complete(student_id, lesson)
        with self._step("verify the certificate"):
            _expect(certificate is not None, "the last lesson brought no certificate")
            assert certificate is not None  # noqa: S101 - for type checkers
            _expect(self._repository.verify_certificate(code=certificate.verification_code).valid, "it is not valid")
        return certificate

    def _complete(self, student_id: UUID, lesson: Lesson) -> Certificate | None:
        """Watch a lesson, with the limit to how fast one may watch switched off, and complete it."""
        with self._step(f"watch lesson {lesson.lesson_id}"):
            progress = self._unlimited.update_video_tracking(
                user_id=student_id,
                lesson_id=lesson.lesson_id,
                segments=[(0, lesson.duration_seconds)],
                position=lesson.duration_seconds,
            )
            _expect(progress.qualified, f"{progress.percentage} % of it counted")
        with self._step(f"complete lesson {lesson.lesson_id}"):
            completion = self._repository.complete_lesson(user_id=student_id, lesson_id=lesson.lesson_id)
            _expect(not completion.already_completed, "it was completed already")
        return completion.certificate

    def _report(self, manager_id: UUID) -> None:
        with self._step("report: leaderboard"):
            board = self._repository.get_sales_leaderboard(limit=1000)
            mine = [row.total_revenue for row in board if row.manager_id == manager_id]
            _expect(mine == [_PRICE] or (not mine and len(board) == 1000), "the sale is not in it")
        with self._step("report: chart"):
            chart = self._repository.get_sales_chart_data(manager_id=manager_id, days_back=2)
            _expect(sum(day.revenue for day in chart) == _PRICE, "the sale is not in it")
        with self._step("report: totals"):
            _expect(
                self._repository.get_manager_stats(manager_id=manager_id).completed_students == 1, "nobody completed"
            )
        with self._step("report: activity"):
            actions = {row.action_type for row in self._repository.get_manager_activity(manager_id=manager_id)}
            wanted = {"user_created", "lesson_completed", "module_unlocked", "certificate_issued"}
            _expect(wanted <= actions, f"it lacks {', '.join(sorted(wanted - actions))}")
        with self._step("report: students"):
            students = self._repository.list_students(manager_id=manager_id)
            _expect(
                [(row.email, row.status) for row in students] == [(STUDENT, "completed")], "the student is not in it"
            )

    def _end(self, manager_id: UUID, student_id: UUID, certificate: Certificate) -> None:
        with self._step("revoke the certificate"):
            self._repository.revoke_certificate(user_id=student_id, reason="smoke", manager_id=manager_id)
            _expect(
                self._repository.verify_certificate(code=certificate.verification_code).revoked, "it is not revoked"
            )
        with self._step("block the student"):
            self._repository.set_student_status(user_id=student_id, status="blocked", manager_id=manager_id)
            lesson_id = self._repository.list_lessons()[0].lesson_id
            try:
                self._repository.update_video_tracking(
                    user_id=student_id, lesson_id=lesson_id, segments=[(0, 1)], position=1
                )
            except StudentNotActive:
                pass
            else:
                raise SmokeFailed("block the student", "a blocked student may watch")
        with self._step("delete the student"):
            _expect(
                self._repository.delete_student(user_id=student_id, manager_id=manager_id).deleted, "nobody was deleted"
            )


@contextmanager
def _repositories(at: marked.Target) -> Iterator[tuple[TripwireRepository, TripwireRepository]]:
    """The repository as applications have it, and one that lets a video be watched at once."""
    small = {**at.arguments, "pool_size": _CONNECTIONS}
    with (
        TripwireRepository.connect(**small) as repository,
        TripwireRepository.connect(**small, policy=WatchPolicy(max_rate=None)) as unlimited,
    ):
        yield repository, unlimited


def _project_of(environment: Mapping[str, str]) -> ProjectApi | None:
    settings = Settings.from_env(environment)
    if settings.supabase_url is None or settings.service_role_key is None:
        return None
    return ProjectApi(settings.supabase_url, settings.service_role_key)


def _remove(at: marked.Target, step: _Steps) -> None:
    with step("remove everything"):
        marked.remove(at, EMAILS)
    with step("look whether anything is left"):
        left = marked.find(at, EMAILS)
        _expect(not left, f"{len(left.people)} people and {left.log_rows} rows of the log are left")
