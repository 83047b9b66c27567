"""A course's life by chance: sold, watched, sold again and deleted, from several processes, faults and deaths included."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.faults.caller import CALM, PASSING, Trouble, Until
from tests.faults.course_life import AUTH_FAULTS, EMAILS, LOST, CourseLife, auth_troubles, emails, lessons, troubles
from tests.faults.figures import Figures
from tests.faults.model import LESSON_OF, Student
from tests.faults.test_creation import writes_a_person
from tests.support.servers.admin_faults import Fault
from tests.support.servers.proxy import Request, Verdict
from tripwire_db import CreatedStudent, EmailTaken, TripwireError
from tripwire_db.engine import retry

# Python 3.12 and later warn of a fork beside threads, which is part of what is tried.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

managers = st.sampled_from([0, 1])
statuses = st.sampled_from(["active", "active", "inactive", "blocked", "completed"])
QUESTIONS = 20


class Sales(CourseLife):
    """What managers do, several at once, beside the studying."""

    @rule(email=emails, manager=managers, trouble=auth_troubles, half_made=st.booleans())
    def create(self, email: str, manager: int, trouble: Trouble, half_made: bool) -> None:
        known = self.students.get(email)
        if known is None:
            if half_made:  # another process was killed between auth and database
                mark = {"tripwire": {"kind": "student"}}
                self.caller.api.users.create(
                    {"id": str(uuid4()), "email": email, "password": "told to nobody", "app_metadata": mark}
                )
            self.sell(email, manager, trouble)
            assert not self.caller.api.users.logs_in(email, "told to nobody")
            return
        asked = {"email": email, "full_name": "Another", "password": "not theirs", "manager_id": self.managers[manager]}
        if known.manager_id != self.managers[manager]:
            with self.refused(EmailTaken):
                self.caller.call(trouble, "create_tripwire_user", **asked)
            return
        made = self.caller.call(trouble, "create_tripwire_user", **asked)
        assert (made.user_id, made.created) == (known.user_id, False)

    @rule(email=emails, status=statuses, trouble=troubles)
    def set_status(self, email: str, status: str, trouble: Trouble) -> None:
        if student := self.students.get(email):
            asked = {"user_id": student.user_id, "status": status, "manager_id": self.managers[0]}
            changed = self.caller.call(trouble, "set_student_status", **asked).changed
            assert student.set_status(status) is changed or trouble.fault is not None

    @rule(email=emails, sent=st.booleans(), trouble=troubles)
    def welcome(self, email: str, sent: bool, trouble: Trouble) -> None:
        if student := self.students.get(email):
            student.welcomed = student.welcomed or sent
            asked = {"user_id": student.user_id, "sent": sent}
            assert self.caller.call(trouble, "record_welcome_email", **asked).sent is student.welcomed

    @rule(email=emails, right=emails, by_admin=st.booleans(), trouble=auth_troubles)
    def correct(self, email: str, right: str, by_admin: bool, trouble: Trouble) -> None:
        student = self.students.get(email)
        if student is None:
            return
        by = self.admin if by_admin else student.manager_id
        asked = {"user_id": student.user_id, "manager_id": by, "email": right, "full_name": f"Once {email}"}
        if right != email and right in self.students:
            with self.refused(EmailTaken):
                self.caller.call(trouble, "correct_student", **asked)
            return
        found = self.caller.call(trouble, "correct_student", **asked)
        assert (found.user_id, found.email, found.full_name) == (student.user_id, right, f"Once {email}")
        del self.students[email]
        student.email = right
        self.students[right] = student

    @rule(email=emails, trouble=auth_troubles)
    def reset_password(self, email: str, trouble: Trouble) -> None:
        if student := self.students.get(email):
            password = next(self.passwords)
            asked = {"user_id": student.user_id, "password": password, "manager_id": student.manager_id}
            assert self.caller.call(trouble, "reset_password", **asked).user_id == student.user_id
            student.password = password

    @rule(email=emails, manager=managers, trouble=troubles)
    def reassign(self, email: str, manager: int, trouble: Trouble) -> None:
        student = self.students.get(email)
        if student is None or student.manager_id == self.managers[manager]:
            return
        asked = {
            "from_manager_id": student.manager_id,
            "to_manager_id": self.managers[manager],
            "manager_id": self.admin,
            "user_ids": [student.user_id],
        }
        passed = self.caller.call(trouble, "reassign_students", **asked).user_ids
        assert passed == (student.user_id,) or (trouble.fault is not None and not passed)
        student.manager_id = self.managers[manager]

    @rule(email=emails, trouble=auth_troubles)
    def delete(self, email: str, trouble: Trouble) -> None:
        if student := self.students.get(email):
            asked = self._leaving(student)
            assert self.caller.call(trouble, "delete_student", **asked).email == email
            assert not self.caller.call(CALM, "delete_student", **asked).deleted

    def _leaving(self, student: Student) -> dict[str, object]:
        """From here on the model knows them no more; give what deletes them."""
        del self.students[student.email]
        self.gone.add(student.user_id)
        return {"user_id": student.user_id, "manager_id": student.manager_id}

    @rule(
        email=emails, manager=managers, fault=st.sampled_from(AUTH_FAULTS), forked=st.booleans(), trouble=auth_troubles
    )
    def sell_again_before_a_deletion_is_finished(
        self, email: str, manager: int, fault: Fault, forked: bool, trouble: Trouble
    ) -> None:
        student = self.students.get(email)
        if student is None:
            return
        asked = self._leaving(student)
        with suppress(*PASSING):  # the rows are gone, of the auth user nobody knows
            self.caller.attempt(Trouble(fault, Until.HEALED, forked=forked), "delete_student", **asked)
        self.sell(email, manager, trouble)
        assert not self.caller.call(
            trouble, "delete_student", **asked
        ).deleted  # and whoever was sold to is still there

    # -- at once ------------------------------------------------------------------------------------------------------

    @rule(email=emails, manager=managers, forked=st.booleans())
    def delete_beside_a_sale(self, email: str, manager: int, forked: bool) -> None:
        student = self.students.get(email)
        if student is None:
            return
        password, manager_id = next(self.passwords), self.managers[manager]
        sale = {"email": email, "full_name": "Some One", "password": password, "manager_id": manager_id}
        deleted, sold = self.caller.at_once(
            [("delete_student", self._leaving(student)), ("create_tripwire_user", sale)], forked=forked
        )
        assert not isinstance(deleted, TripwireError), deleted
        if isinstance(sold, EmailTaken):
            assert manager_id != student.manager_id
            return
        assert isinstance(sold, CreatedStudent), sold
        if sold.user_id == student.user_id:  # the sale came first, and reported whom the deletion took then
            assert not sold.created
        else:
            self.enrolled(Student(sold.user_id, email, manager_id, password=password))

    @rule(email=emails, forked=st.booleans())
    def sell_three_times_at_once(self, email: str, forked: bool) -> None:
        if email in self.students:
            return
        passwords = [next(self.passwords) for _ in range(3)]
        asked = {"email": email, "full_name": "Some One", "manager_id": self.managers[0]}
        sold = self.caller.at_once(
            [("create_tripwire_user", {**asked, "password": password}) for password in passwords], forked=forked
        )
        assert all(isinstance(one, CreatedStudent) for one in sold), sold
        (user_id,) = {one.user_id for one in sold}
        (password,) = [password for one, password in zip(sold, passwords, strict=True) if one.created]
        self.enrolled(Student(user_id, email, self.managers[0], password=password))

    @rule(email=emails, verdict=st.sampled_from(LOST), trouble=auth_troubles)
    def sell_while_another_completes_it(self, email: str, verdict: Verdict, trouble: Trouble) -> None:
        """A call makes the auth user, another its rows; then the first one's statement is lost, each time it is tried."""
        if email in self.students:
            return
        losing, completing = next(self.passwords), next(self.passwords)
        asked = {"email": email, "full_name": "Some One", "manager_id": self.managers[0]}
        completed: list[CreatedStudent] = []

        def complete_meanwhile(request: Request) -> Verdict:
            if not writes_a_person(request):
                return Verdict.FORWARD
            if not completed:
                completed.append(self.it.repository.create_tripwire_user(**asked, password=completing))
            return verdict

        self.caller.restart()  # a statement prepared before would be told by its name alone
        self.caller.proxy.judge = complete_meanwhile
        with suppress(*PASSING):
            self.caller.attempt(CALM, "create_tripwire_user", **asked, password=losing)
        again = self.caller.call(trouble, "create_tripwire_user", **asked, password=losing)
        assert (completed[0].created, again.created, again.user_id) == (True, False, completed[0].user_id)
        self.enrolled(Student(again.user_id, email, self.managers[0], password=completing))

    @rule(email=emails, lesson=lessons, forked=st.booleans())
    def complete_three_times_at_once(self, email: str, lesson: int, forked: bool) -> None:
        student = self.students.get(email)
        if student is None or not student.may_complete(lesson):
            return
        asked = {"user_id": student.user_id, "lesson_id": lesson}
        done = self.caller.at_once([("complete_lesson", asked)] * 3, forked=forked)
        assert sorted(one.already_completed for one in done) == [False, True, True]
        student.complete(lesson)

    @rule()
    def ask_from_preloaded_processes(self) -> None:
        """A process for each student, all forked off one that has connections open: none is given another's answer."""
        asking = [
            (student, self.caller.fork(lambda call, student=student: _strangers(call, student)))
            for student in self.students.values()
        ]
        for student, _ in asking:
            assert self.caller.repository.get_student(user_id=student.user_id).student.user_id == student.user_id
        strangers = [child.result() for _, child in asking]
        self.figures.lost("strangers' answers", sum(count for count, _ in strangers))
        self.figures.survived("strangers' answers", QUESTIONS * len(asking))
        assert strangers == [(0, None)] * len(asking)


def _strangers(call: Callable[..., Any], student: Student) -> int:
    answers = [call("get_student", {"user_id": student.user_id}).student for _ in range(QUESTIONS)]
    return sum((answer.user_id, answer.email) != (student.user_id, student.email) for answer in answers)


def fuzz(kind: str, url: str, figures: Figures, *, examples: int, steps: int, derandomize: bool) -> int:
    machine = type("CourseLife", (Sales,), {"kind": kind, "url": url, "figures": figures})
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
    hasty(8.0)  # no answer here is late, only lost: a busy machine must not look like a fault
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 0.5)


def test_a_course_life_by_chance(kind: str, url: str, impatient: None, figures: Figures):
    fuzz(kind, url, figures, examples=5, steps=25, derandomize=True)


@pytest.mark.parametrize("forked", [False, True], ids=["threads", "forked"])
def test_each_race_of_sales_deletions_and_completions(
    kind: str, url: str, impatient: None, figures: Figures, forked: bool
):
    """To which chance seldom comes in a short run."""
    new, old, studying, leaving = EMAILS[3], EMAILS[0], EMAILS[1], EMAILS[2]
    life = type("CourseLife", (Sales,), {"kind": kind, "url": url, "figures": figures})()
    life.begin()
    try:
        for lesson in LESSON_OF.values():
            life.sell_three_times_at_once(new, forked)
            life.delete_beside_a_sale(new, 0, forked)
            life.delete_beside_a_sale(old, 1, forked)
            life.watch_to_the_end(studying, CALM)
            life.complete_three_times_at_once(studying, lesson, forked)
            life.look()
        for verdict in LOST:
            life.create(new, 0, Trouble(forked=forked), half_made=True)
            life.look()
            life.delete(new, CALM)
            life.sell_while_another_completes_it(new, verdict, CALM)
            life.look()
            life.delete(new, CALM)
        for fault in AUTH_FAULTS:
            life.correct(old, new, False, Trouble(fault, Until.ONCE, forked=forked))
            life.reset_password(new, Trouble(fault, Until.ONCE, forked=forked))
            life.look()
            life.correct(new, old, True, Trouble(fault, Until.KILLED))
            life.sell_again_before_a_deletion_is_finished(leaving, 1, fault, forked, CALM)
            life.look()
        life.ask_from_preloaded_processes()
    finally:
        life.teardown()
    assert life.students[studying].holds_certificate


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_a_thousand_steps_of_course_lives(kind: str, url: str, impatient: None, figures: Figures):
    assert fuzz(kind, url, figures, examples=30, steps=50, derandomize=False) >= 1000
