"""A student's course life by chance, against a model in plain Python; everything is looked at after each step."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.backend.flows.world import Clock, World, emptied, world
from tests.faults.caller import CALM, Caller, Trouble, Until
from tests.faults.figures import Figures
from tests.faults.model import FACTS, LESSON_OF, MODULE_OF, MODULES, Student, facts_of
from tests.faults.recount import broken
from tests.support.servers.admin_faults import Fault
from tests.support.servers.proxy import Verdict
from tripwire_db import (
    ModuleLocked,
    NotEligible,
    NotFound,
    StudentNotActive,
    TripwireError,
    VideoNotQualified,
)

LOST = (Verdict.CUT_BEFORE, Verdict.CUT_AFTER, Verdict.SWALLOW)
AUTH_FAULTS = (Fault.answer(503), Fault.nothing(), Fault.swallow(), Fault.failed_after(), Fault.garbage(done=True))
# Half of the calls go well, some of them in a process forked off; the others are struck.
troubles = st.one_of(
    st.just(CALM),
    st.builds(Trouble, forked=st.booleans()),
    st.builds(Trouble, st.sampled_from(LOST), st.sampled_from(Until), st.integers(0, 3), st.booleans()),
)
auth_troubles = st.one_of(
    troubles, st.builds(Trouble, st.sampled_from(AUTH_FAULTS), st.sampled_from(Until), st.integers(0, 1), st.booleans())
)
EMAILS = [f"s{n}@course.kz" for n in range(4)]
emails = st.sampled_from(EMAILS)
lessons = st.sampled_from([*MODULE_OF, 70])


class CourseLife(RuleBasedStateMachine):
    """One database, two managers, a few students, and a network that cannot be trusted."""

    kind: str
    url: str
    figures: Figures
    steps = 0

    @initialize()
    def begin(self) -> None:
        emptied(self.url)
        self.clock = Clock()
        self.opened = ExitStack()
        self.caller = self.opened.enter_context(Caller(self.kind, self.url, clock=self.clock))
        self.it: World = self.opened.enter_context(world("sync", self.url, clock=self.clock, auth=self.caller.auth))
        self.managers = [self.it.manager().user_id, self.it.manager().user_id]
        self.admin = self.it.manager(role="admin").user_id
        self.students: dict[str, Student] = {}
        self.gone: set[UUID] = set()
        self.passwords = (f"secret {n}" for n in range(1_000_000))
        for email in EMAILS[:3]:  # so that few steps meet nobody
            self.sell(email)

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()

    @contextmanager
    def refused(self, *errors: type[TripwireError]) -> Iterator[None]:
        with pytest.raises(errors):
            yield

    def sell(self, email: str, manager: int = 0, trouble: Trouble = CALM) -> None:
        """Sell the course to somebody who has never had it, or has it no more."""
        password, manager_id = next(self.passwords), self.managers[manager]
        asked = {"email": email.upper(), "full_name": "Some One", "password": password, "manager_id": manager_id}
        made = self.caller.call(trouble, "create_tripwire_user", **asked)
        assert made.created or trouble.fault is not None
        self.enrolled(Student(made.user_id, email, manager_id, password=password))

    def enrolled(self, student: Student) -> None:
        assert student.user_id not in self.gone, "an id came back"
        self.students[student.email] = student

    # -- studying -----------------------------------------------------------------------------------------------------

    @rule(
        email=emails,
        lesson=lessons,
        stretch=st.tuples(st.integers(0, 1_799_000), st.integers(1, 600_000)),
        elapsed=st.sampled_from([0, 0.25, 10, 60, 300]),
        trouble=troubles,
    )
    def heartbeat(self, email: str, lesson: int, stretch: tuple[int, int], elapsed: float, trouble: Trouble) -> None:
        start, length = stretch
        self._watch(email, lesson, (start, min(1_800_000, start + length)), elapsed, trouble)

    @rule(email=emails, trouble=troubles)
    def watch_to_the_end(self, email: str, trouble: Trouble) -> None:
        """So that the machine comes to where courses end."""
        if student := self.students.get(email):
            for _ in range(7):
                self._watch(email, max(student.videos), (0, 1_800_000), 120, trouble)

    def _watch(self, email: str, lesson: int, stretch: tuple[int, int], elapsed: float, trouble: Trouble) -> None:
        student = self.students.get(email)
        if student is None:
            return
        self.clock.advance(elapsed)
        asked = {
            "user_id": student.user_id,
            "lesson_id": lesson,
            "segments": [(stretch[0] / 1000, stretch[1] / 1000)],
            "position": 0,
        }
        if (refusal := self._may_not(student, lesson)) is not None:
            with self.refused(refusal):
                self.caller.call(trouble, "update_video_tracking", **asked)
            return
        seen = self.caller.call(trouble, "update_video_tracking", **asked)
        video = student.videos[lesson]
        video.watch([stretch], self.clock.now)
        assert (round(seen.counted_seconds * 1000), seen.qualified) == (video.counted, video.qualified)

    def _may_not(self, student: Student, lesson: int) -> type[TripwireError] | None:
        if lesson not in MODULE_OF:
            return NotFound
        if not student.may_study:
            return StudentNotActive
        return None if lesson in student.videos else ModuleLocked

    @rule(email=emails, lesson=lessons, trouble=troubles)
    def complete(self, email: str, lesson: int, trouble: Trouble) -> None:
        student = self.students.get(email)
        if student is None:
            return
        refusal = self._may_not(student, lesson)
        if refusal is None and lesson not in student.done and not student.videos[lesson].qualified:
            refusal = VideoNotQualified
        asked = {"user_id": student.user_id, "lesson_id": lesson}
        if refusal is not None:
            with self.refused(refusal):
                self.caller.call(trouble, "complete_lesson", **asked)
            return
        done = self.caller.call(trouble, "complete_lesson", **asked)
        assert trouble.fault is not None or done.already_completed is (lesson in student.done)
        if lesson not in student.done:
            student.complete(lesson)
        assert done.modules_completed == len(student.done)

    @rule(email=emails, trouble=troubles)
    def unlock(self, email: str, trouble: Trouble) -> None:
        student = self.students.get(email)
        if student is None:
            return
        if not student.may_study or len(student.done) == len(MODULES):
            with self.refused(StudentNotActive, NotEligible):
                self.caller.call(trouble, "unlock_next_module", user_id=student.user_id)
            return
        opened = self.caller.call(trouble, "unlock_next_module", user_id=student.user_id)
        assert (opened.lesson_id, opened.newly_unlocked) == (LESSON_OF[MODULES[len(student.done)]], False)

    # -- certificates -------------------------------------------------------------------------------------------------

    @rule(email=emails, trouble=troubles)
    def issue(self, email: str, trouble: Trouble) -> None:
        student = self.students.get(email)
        if student is None:
            return
        if not student.holds_certificate and (not student.may_study or len(student.done) < len(MODULES)):
            with self.refused(StudentNotActive, NotEligible):
                self.caller.call(trouble, "issue_certificate", user_id=student.user_id)
            return
        certificate = self.caller.call(trouble, "issue_certificate", user_id=student.user_id)
        if not student.holds_certificate:
            student.certificates.append(True)
        assert self.caller.repository.verify_certificate(code=certificate.verification_code).valid

    @rule(email=emails, trouble=troubles)
    def revoke(self, email: str, trouble: Trouble) -> None:
        student = self.students.get(email)
        if student is None:
            return
        asked = {"user_id": student.user_id, "reason": "a mistake"}
        if not student.certificates:
            with self.refused(NotFound):
                self.caller.call(trouble, "revoke_certificate", **asked)
            return
        certificate = self.caller.call(trouble, "revoke_certificate", **asked)
        student.certificates = [False for _ in student.certificates]
        assert self.caller.repository.verify_certificate(code=certificate.verification_code).revoked

    # -- looked at after each step ------------------------------------------------------------------------------------

    def look(self) -> None:
        """All of it, where no machine looks by itself."""
        self.the_database_says_what_the_model_says()
        self.nothing_is_out_of_step()
        self.everybody_logs_in_with_what_they_were_told()
        self.whoever_is_gone_is_gone()

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        if hasattr(self, "students"):
            rows = {row["user_id"]: facts_of(row) for row in self.it.connection.execute(FACTS)}
            assert rows == {student.user_id: student.facts() for student in self.students.values()}

    @invariant()
    def nothing_is_out_of_step(self) -> None:
        if hasattr(self, "students"):
            type(self).steps += 1
            self.figures.survived(f"fuzz, {self.kind}")
            assert broken(self.url) == []

    @invariant()
    def everybody_logs_in_with_what_they_were_told(self) -> None:
        for student in getattr(self, "students", {}).values():
            assert self.caller.api.users.logs_in(student.email, student.password)

    @invariant()
    def whoever_is_gone_is_gone(self) -> None:
        for user_id in getattr(self, "gone", ()):
            with pytest.raises(NotFound):
                self.it.repository.get_student(user_id=user_id)
