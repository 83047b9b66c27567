"""A whole course life by chance, faults and crashes included, against a model; everything is looked at after each step."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.backend.flows.both import opened
from tests.backend.flows.world import Clock, World, emptied, world
from tests.faults.figures import Figures
from tests.faults.model import FACTS, LESSON_OF, MODULE_OF, MODULES, Student, facts_of
from tests.faults.recount import broken
from tests.support.servers.proxy import Proxy, Verdict
from tripwire_db import (
    AuthFailed,
    CompensationFailed,
    EmailTaken,
    ModuleLocked,
    NotEligible,
    NotFound,
    PostgresAuth,
    StudentNotActive,
    TripwireError,
    Unavailable,
    VideoNotQualified,
)
from tripwire_db.engine import retry

LOST = (Verdict.CUT_BEFORE, Verdict.CUT_AFTER, Verdict.SWALLOW)
# Most calls go well; some are struck once, some until the caller's retry, some by the end of the process.
faults = st.one_of(
    st.none(), st.none(), st.tuples(st.sampled_from(LOST), st.sampled_from(["once", "until healed", "crash"]))
)
EMAILS = [f"s{n}@course.kz" for n in range(4)]
emails = st.sampled_from(EMAILS)
lessons = st.sampled_from([*MODULE_OF, 70])
statuses = st.sampled_from(["active", "active", "inactive", "blocked", "completed"])
Fault = tuple[Verdict, str] | None


class CourseLife(RuleBasedStateMachine):
    """One database, one or two managers, a few students, and a network that cannot be trusted."""

    kind: str
    url: str
    figures: Figures
    steps = 0

    @initialize()
    def begin(self) -> None:
        emptied(self.url)
        self.clock = Clock()
        self.opened = ExitStack()
        self.proxy = self.opened.enter_context(Proxy(self.url))
        self.auth = self.opened.enter_context(PostgresAuth(self.url))
        self.it: World = self.opened.enter_context(world("sync", self.url, clock=self.clock))
        self.started = self.opened.enter_context(ExitStack())
        self._start()
        self.managers = [self.it.manager(), self.it.manager()]
        self.students: dict[str, Student] = {}
        self.gone: dict[Any, str] = {}
        for email in EMAILS[:3]:  # so that few steps meet nobody
            self.create(email, 0, None, half_made=False)

    def _start(self) -> None:
        repository = opened(self.kind, self.proxy.url, auth=self.auth, pool_size=2, clock=self.clock)
        self.repository = self.started.enter_context(repository)

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()

    def call(self, fault: Fault, method: str, **asked: Any) -> Any:
        """Call through the fault, and again, as a caller does, where it was not survived."""
        if fault is None:
            return getattr(self.repository, method)(**asked)
        verdict, how = fault
        if how == "once":
            self.proxy.plan(verdict)
        else:
            self.proxy.judge = lambda _: verdict
        try:
            return getattr(self.repository, method)(**asked)
        except (Unavailable, CompensationFailed, AuthFailed):
            assert how != "once"
            self.proxy.heal()
            if how == "crash":
                self.started.close()
                self._start()
            return getattr(self.repository, method)(**asked)
        finally:
            self.proxy.heal()
            self.figures.survived(f"fuzz, {self.kind}")

    @contextmanager
    def refused(self, *errors: type[TripwireError]) -> Iterator[None]:
        with pytest.raises(errors):
            yield

    # -- people -------------------------------------------------------------------------------------------------------

    @rule(email=emails, manager=st.sampled_from([0, 1]), fault=faults, half_made=st.booleans())
    def create(self, email: str, manager: int, fault: Fault, half_made: bool) -> None:
        manager_id = self.managers[manager].user_id
        asked = {"email": email.upper(), "full_name": "Some One", "manager_id": manager_id}
        known = self.students.get(email)
        if known is None and half_made:
            # Another process was killed between auth and database.
            self.it.execute(
                """INSERT INTO auth.users (id, email, raw_app_meta_data)
                VALUES (%s, %s, '{"tripwire": {"kind": "student"}}')""",
                uuid4(),
                email,
            )
        if known is not None and known.manager_id != manager_id:
            with self.refused(EmailTaken):
                self.call(fault, "create_tripwire_user", **asked)
            return
        made = self.call(fault, "create_tripwire_user", **asked)
        if known is None:
            assert made.created or fault is not None
            self.gone.pop(made.user_id, None)
            self.students[email] = Student(made.user_id, email, manager_id)
        else:
            assert (made.user_id, made.created) == (known.user_id, False)

    @rule(email=emails, status=statuses, fault=faults)
    def set_status(self, email: str, status: str, fault: Fault) -> None:
        if student := self.students.get(email):
            asked = {"user_id": student.user_id, "status": status, "manager_id": self.managers[0].user_id}
            changed = self.call(fault, "set_student_status", **asked).changed
            assert changed is (student.status != status) or fault is not None
            student.status = status

    @rule(email=emails, fault=faults)
    def delete(self, email: str, fault: Fault) -> None:
        if student := self.students.pop(email, None):
            asked = {"user_id": student.user_id, "manager_id": student.manager_id}
            assert self.call(fault, "delete_student", **asked).email == email
            assert not self.call(None, "delete_student", **asked).deleted
            self.gone[student.user_id] = email

    @rule(email=emails, sent=st.booleans(), fault=faults)
    def welcome(self, email: str, sent: bool, fault: Fault) -> None:
        if student := self.students.get(email):
            student.welcomed = student.welcomed or sent
            assert self.call(fault, "record_welcome_email", user_id=student.user_id, sent=sent).sent is student.welcomed

    # -- studying -----------------------------------------------------------------------------------------------------

    @rule(
        email=emails,
        lesson=lessons,
        stretch=st.tuples(st.integers(0, 1_799_000), st.integers(1, 600_000)),
        elapsed=st.sampled_from([0, 0.25, 10, 60, 300]),
        fault=faults,
    )
    def heartbeat(self, email: str, lesson: int, stretch: tuple[int, int], elapsed: float, fault: Fault) -> None:
        start, length = stretch
        self._watch(email, lesson, (start, min(1_800_000, start + length)), elapsed, fault)

    @rule(email=emails, fault=faults)
    def watch_to_the_end(self, email: str, fault: Fault) -> None:
        """So that the machine comes to where courses end."""
        if student := self.students.get(email):
            for _ in range(7):
                self._watch(email, max(student.videos), (0, 1_800_000), 120, fault)

    def _watch(self, email: str, lesson: int, stretch: tuple[int, int], elapsed: float, fault: Fault) -> None:
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
                self.call(fault, "update_video_tracking", **asked)
            return
        seen = self.call(fault, "update_video_tracking", **asked)
        video = student.videos[lesson]
        video.watch([stretch], self.clock.now)
        assert (round(seen.counted_seconds * 1000), seen.qualified) == (video.counted, video.qualified)

    def _may_not(self, student: Student, lesson: int) -> type[TripwireError] | None:
        if lesson not in MODULE_OF:
            return NotFound
        if not student.may_study:
            return StudentNotActive
        return None if lesson in student.videos else ModuleLocked

    @rule(email=emails, lesson=lessons, fault=faults)
    def complete(self, email: str, lesson: int, fault: Fault) -> None:
        student = self.students.get(email)
        if student is None:
            return
        refusal = self._may_not(student, lesson)
        if refusal is None and lesson not in student.done and not student.videos[lesson].qualified:
            refusal = VideoNotQualified
        asked = {"user_id": student.user_id, "lesson_id": lesson}
        if refusal is not None:
            with self.refused(refusal):
                self.call(fault, "complete_lesson", **asked)
            return
        done = self.call(fault, "complete_lesson", **asked)
        assert fault is not None or done.already_completed is (lesson in student.done)
        if lesson not in student.done:
            student.complete(lesson)
        assert done.modules_completed == len(student.done)

    @rule(email=emails, fault=faults)
    def unlock(self, email: str, fault: Fault) -> None:
        student = self.students.get(email)
        if student is None:
            return
        if not student.may_study or len(student.done) == len(MODULES):
            with self.refused(StudentNotActive, NotEligible):
                self.call(fault, "unlock_next_module", user_id=student.user_id)
            return
        opened = self.call(fault, "unlock_next_module", user_id=student.user_id)
        assert (opened.lesson_id, opened.newly_unlocked) == (LESSON_OF[MODULES[len(student.done)]], False)

    # -- certificates -------------------------------------------------------------------------------------------------

    @rule(email=emails, fault=faults)
    def issue(self, email: str, fault: Fault) -> None:
        student = self.students.get(email)
        if student is None:
            return
        if not student.holds_certificate and (not student.may_study or len(student.done) < len(MODULES)):
            with self.refused(StudentNotActive, NotEligible):
                self.call(fault, "issue_certificate", user_id=student.user_id)
            return
        certificate = self.call(fault, "issue_certificate", user_id=student.user_id)
        if not student.holds_certificate:
            student.certificates.append(True)
        assert self.repository.verify_certificate(code=certificate.verification_code).valid

    @rule(email=emails, fault=faults)
    def revoke(self, email: str, fault: Fault) -> None:
        student = self.students.get(email)
        if student is None:
            return
        asked = {"user_id": student.user_id, "reason": "a mistake"}
        if not student.certificates:
            with self.refused(NotFound):
                self.call(fault, "revoke_certificate", **asked)
            return
        certificate = self.call(fault, "revoke_certificate", **asked)
        student.certificates = [False for _ in student.certificates]
        assert self.repository.verify_certificate(code=certificate.verification_code).revoked

    # -- looked at after each step ------------------------------------------------------------------------------------

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        if hasattr(self, "students"):
            rows = {row["user_id"]: facts_of(row) for row in self.it.connection.execute(FACTS)}
            assert rows == {student.user_id: student.facts() for student in self.students.values()}

    @invariant()
    def nothing_is_out_of_step(self) -> None:
        if hasattr(self, "students"):
            type(self).steps += 1
            assert broken(self.url) == []

    @invariant()
    def whoever_is_gone_is_gone(self) -> None:
        for user_id in getattr(self, "gone", ()):
            with pytest.raises(NotFound):
                self.it.repository.get_student(user_id=user_id)


def fuzz(kind: str, url: str, figures: Figures, *, examples: int, steps: int, derandomize: bool) -> int:
    machine = type("CourseLife", (CourseLife,), {"kind": kind, "url": url, "figures": figures})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=derandomize,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return int(machine.steps)


@pytest.fixture
def impatient(hasty: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 0.5)


def test_a_course_life_by_chance(kind: str, url: str, impatient: None, figures: Figures):
    fuzz(kind, url, figures, examples=5, steps=25, derandomize=True)


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_a_thousand_steps_of_course_lives(kind: str, url: str, impatient: None, figures: Figures):
    assert fuzz(kind, url, figures, examples=60, steps=50, derandomize=False) >= 1000
