"""Correcting a student's name, e-mail or price: auth user and rows alike, or neither."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tests.support.auth_service import AuthService
from tripwire_db import (
    AuthFailed,
    CompensationFailed,
    ConstraintViolated,
    CreatedStudent,
    EmailTaken,
    NotFound,
    Refused,
    TripwireError,
)
from tripwire_db.auth import EmailExists


@pytest.fixture
def auth(module_url: str) -> AuthService:
    return AuthService(module_url)


@pytest.fixture
def it(make_world: Callable[..., World], auth: AuthService, clock: Clock) -> World:
    return make_world(auth=auth, clock=clock)


def auth_user(it: World, user_id: UUID) -> tuple[str, str]:
    """E-mail and name, as the auth service has them."""
    row = it.connection.execute(
        "SELECT email, raw_user_meta_data->>'full_name' AS name FROM auth.users WHERE id = %s", [user_id]
    ).fetchone()
    assert row is not None
    return row["email"], row["name"]


def rows(it: World, user_id: UUID) -> set[tuple[str, str]]:
    """E-mail and name, as both of our tables have them."""
    both = (it.row("tripwire_users", user_id=user_id), it.row("users", id=user_id))
    return {(row["email"], row["full_name"]) for row in both}


def refuse(method: str, auth: AuthService, *, after: int = 0) -> None:
    """Let the auth service refuse every request of a kind, after so many."""
    seen = 0

    def refusal(asked: str) -> None:
        nonlocal seen
        if asked == method:
            seen += 1
            if seen > after:
                raise AuthFailed("told to refuse; call again", applied=False)

    auth.before = refusal


def heal(auth: AuthService) -> None:
    auth.before = auth.after = lambda _: None


def test_name_email_and_price_are_corrected_everywhere_and_logged_once(it: World, clock: Clock):
    seller = it.manager()
    student = it.student(seller)
    clock.advance(60)
    found = it.repository.correct_student(
        user_id=student.user_id,
        manager_id=seller.user_id,
        full_name="Aigerim S.",
        email="New@Course.KZ",
        price="4500.5",
    )
    assert (found.user_id, found.email, found.full_name, found.price) == (
        student.user_id,
        "new@course.kz",
        "Aigerim S.",
        Decimal("4500.5"),
    )
    assert found == it.repository.get_student(user_id=student.user_id).student
    assert rows(it, student.user_id) == {auth_user(it, student.user_id)} == {("new@course.kz", "Aigerim S.")}
    log = it.row("sales_activity_log", action_type="user_corrected")
    assert (log["manager_id"], log["target_user_id"], log["created_at"]) == (seller.user_id, student.user_id, clock.now)
    assert log["details"] == {
        "email": "new@course.kz",
        "full_name": "Aigerim S.",
        "old_email": student.email,
        "new_email": "new@course.kz",
        "old_full_name": student.full_name,
        "new_full_name": "Aigerim S.",
        "old_price": 5000,
        "new_price": 4500.5,
    }


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ({"full_name": "Only Name"}, {"full_name"}),
        ({"email": "only@email.kz"}, {"email"}),
        ({"price": 0}, {"price"}),
    ],
)
def test_what_is_not_given_stays_as_it_is(it: World, clock: Clock, asked: dict[str, Any], changed: set[str]):
    seller = it.manager()
    student = it.student(seller)
    before = it.row("tripwire_users")
    clock.advance(60)
    it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, **asked)
    after = it.row("tripwire_users")
    assert {name for name in after if after[name] != before[name]} == {*changed, "updated_at"}
    details = it.row("sales_activity_log", action_type="user_corrected")["details"]
    assert set(details) == {"email", "full_name", *(f"{when}_{name}" for when in ("old", "new") for name in changed)}
    assert rows(it, student.user_id) == {auth_user(it, student.user_id)}


@pytest.mark.parametrize("asked", [{}, {"full_name": "Same"}, {"email": "SAME@course.kz"}, {"price": "5000.00"}])
def test_nothing_changed_is_no_error_and_no_row_of_the_log(it: World, asked: dict[str, Any]):
    seller = it.manager()
    student = it.student(seller, full_name="Same", email="same@course.kz")
    before = it.dump()
    found = it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, **asked)
    assert (found.full_name, found.email, found.price) == ("Same", "same@course.kz", 5000)
    assert it.dump() == before


def test_a_certificate_keeps_the_name_of_its_day_and_progress_stays(it: World):
    seller = it.manager()
    student = it.graduate(seller)
    kept = ("certificates", "tripwire_user_profile", "student_progress", "user_achievements")
    before = {table: it.rows(table) for table in kept}
    it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, full_name="Married Name")
    assert {table: it.rows(table) for table in kept} == before
    assert it.row("certificates")["full_name"] == student.full_name


def test_the_seller_and_an_admin_may_and_nobody_else(it: World, auth: AuthService):
    seller, other, curator, admin = it.manager(), it.manager(), it.manager(role="curator"), it.manager(role="admin")
    student = it.student(seller)
    before, asked_before = it.dump(), list(auth.made)
    for stranger in (other, curator):
        for asked in ({"full_name": "X"}, {"email": "x@y.kz"}, {"price": 1}):
            with pytest.raises(Refused, match="ask whoever sold the student, or an admin"):
                it.repository.correct_student(user_id=student.user_id, manager_id=stranger.user_id, **asked)
    for asked in ({"full_name": "X"}, {"price": 1}):
        for nobody in (uuid4(), student.user_id):
            with pytest.raises(NotFound, match="no manager"):
                it.repository.correct_student(user_id=student.user_id, manager_id=nobody, **asked)
        with pytest.raises(NotFound, match="no student"):
            it.repository.correct_student(user_id=uuid4(), manager_id=admin.user_id, **asked)
    assert (it.dump(), auth.made) == (before, asked_before)
    for who in (seller, admin):
        named = f"Named by {who.role}"
        it.repository.correct_student(user_id=student.user_id, manager_id=who.user_id, full_name=named)
        assert it.row("tripwire_users")["full_name"] == named


def test_an_email_that_somebody_else_has_is_refused_and_nothing_changes(it: World):
    seller = it.manager()
    student, other = it.student(seller), it.student(seller)
    stranger = uuid4()
    it.execute("INSERT INTO auth.users (id, email) VALUES (%s, 'stranger@else.kz')", stranger)
    before = it.dump()
    for taken in (other.email, other.email.upper(), seller.email, "stranger@else.kz"):
        with pytest.raises(EmailTaken) as raised:
            it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, email=taken)
        assert raised.value.email == taken.lower()
    assert it.dump() == before


def test_what_the_student_has_already_and_what_others_did_stands_in_no_way(it: World):
    seller = it.manager()
    student, other = it.student(seller), it.student(seller)
    it.repository.update_video_tracking(user_id=other.user_id, lesson_id=67, segments=[(0, 9)], position=9)
    asked = {"email": student.email, "full_name": "New", "price": 4000}
    found = it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, **asked)
    assert {name: getattr(found, name) for name in asked} == asked
    assert found == it.repository.get_student(user_id=student.user_id).student
    assert found.last_seen_at is None


def test_an_email_that_only_rows_of_ours_have_is_taken_before_the_auth_service_is_asked(it: World, auth: AuthService):
    seller = it.manager()
    student, other = it.student(seller), it.student(seller)
    it.execute("UPDATE tripwire_users SET email = 'rows@only.kz' WHERE user_id = %s", other.user_id)
    asked_before = list(auth.made)
    with pytest.raises(EmailTaken):
        it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, email="rows@only.kz")
    assert auth.made == asked_before


def test_an_email_taken_in_our_rows_meanwhile_is_taken_and_the_auth_user_put_back(it: World, auth: AuthService):
    seller = it.manager()
    student, other = it.student(seller), it.student(seller)
    said = auth_user(it, student.user_id)
    auth.after = lambda _: it.execute(
        "UPDATE tripwire_users SET email = 'now@taken.kz' WHERE user_id = %s", other.user_id
    )
    with pytest.raises(EmailTaken):
        it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, email="now@taken.kz")
    assert rows(it, student.user_id) == {said} == {auth_user(it, student.user_id)}


def test_where_the_auth_service_refuses_nothing_is_changed(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller)
    before = it.dump()
    refuse("update_user", auth)
    with pytest.raises(AuthFailed, match="told to refuse"):
        it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, full_name="New", price=1)
    assert it.dump() == before


@pytest.mark.parametrize(
    "asked", [{"email": "new@course.kz"}, {"full_name": "New"}, {"email": "new@course.kz", "price": 1}]
)
def test_where_the_rows_are_refused_the_auth_user_is_put_back(it: World, asked: dict[str, Any]):
    seller = it.manager()
    _other, student = it.student(seller), it.student(seller)
    before = it.dump()
    with it.planted("sales_activity_log"), pytest.raises(ConstraintViolated) as raised:
        it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, **asked)
    assert raised.value.step == "log_correction"
    assert it.dump() == before


def test_where_it_cannot_be_put_back_that_is_told_and_calling_again_corrects_both(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller)
    asked = {"user_id": student.user_id, "manager_id": seller.user_id, "email": "new@course.kz", "full_name": "New"}
    refuse("update_user", auth, after=1)
    with (
        it.planted("sales_activity_log"),
        pytest.raises(CompensationFailed, match="call again to correct both") as raised,
    ):
        it.repository.correct_student(**asked)
    assert raised.value.auth_user_id == student.user_id
    assert isinstance(raised.value.cause, ConstraintViolated)
    heal(auth)
    it.repository.correct_student(**asked)
    assert rows(it, student.user_id) == {("new@course.kz", "New")} == {auth_user(it, student.user_id)}
    assert it.log(student.user_id).count(("user_corrected", seller.user_id)) == 1


def test_an_unclear_answer_about_an_email_is_settled_by_a_look_at_who_has_it(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller)

    def lost(_: str) -> None:
        raise EmailExists(AuthFailed("the answer was lost; call again", applied=None), certain=False)

    auth.after = lost
    it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, email="new@course.kz")
    assert it.row("tripwire_users")["email"] == "new@course.kz"
    heal(auth)
    auth.before = lost
    with pytest.raises(AuthFailed, match="the answer was lost") as raised:
        it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, email="newer@course.kz")
    assert raised.value.applied is None
    assert it.row("tripwire_users")["email"] == "new@course.kz"


def test_nothing_of_the_student_is_locked_while_the_auth_service_is_waited_for(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller)
    watched: list[Any] = []

    def meanwhile(_: str) -> None:
        it.execute("SET lock_timeout = '1ms'")
        it.execute("UPDATE tripwire_users SET modules_completed = 1 WHERE user_id = %s", student.user_id)
        watched.append(True)

    auth.before = meanwhile
    found = it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, full_name="New")
    assert watched
    assert (found.full_name, found.modules_completed) == ("New", 1)


def test_a_student_who_is_deleted_meanwhile_is_not_found_and_nothing_is_left(it: World, auth: AuthService):
    seller = it.manager()
    student = it.student(seller)

    def deleted(asked: str) -> None:
        if asked == "update_user":
            heal(auth)
            it.execute("DELETE FROM tripwire_users WHERE user_id = %s", student.user_id)

    auth.before = deleted
    with pytest.raises(NotFound):
        it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, email="new@course.kz")
    assert ("user_corrected", seller.user_id) not in it.log(student.user_id)


def test_of_corrections_at_once_auth_user_and_rows_have_the_same_one(it: World):
    seller = it.manager()
    student = it.student(seller)

    def correct(number: int) -> None:
        it.repository.correct_student(
            user_id=student.user_id, manager_id=seller.user_id, full_name=f"Name {number}", email=f"{number}@course.kz"
        )

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(correct, range(6)))
    assert rows(it, student.user_id) == {auth_user(it, student.user_id)}
    assert it.log(student.user_id).count(("user_corrected", seller.user_id)) == 6


def test_a_correction_that_waited_for_another_keeps_what_that_one_wrote(it: World):
    seller = it.manager()
    student = it.student(seller)
    asked = {"user_id": student.user_id, "manager_id": seller.user_id}
    found = it.behind(
        f"UPDATE tripwire_users SET price = 4000 WHERE user_id = '{student.user_id}'",
        lambda: it.repository.correct_student(**asked, full_name="New"),
    )
    assert (found.price, found.full_name) == (4000, "New")
    row = it.row("tripwire_users")
    assert (row["price"], row["full_name"]) == (4000, "New")
    assert "old_price" not in it.row("sales_activity_log", action_type="user_corrected")["details"]


def test_two_students_who_want_one_email_at_once_end_with_one_who_has_it(it: World):
    seller = it.manager()
    students = [it.student(seller) for _ in range(4)]

    def correct(student: CreatedStudent) -> str:
        try:
            it.repository.correct_student(user_id=student.user_id, manager_id=seller.user_id, email="one@course.kz")
        except TripwireError as error:
            return type(error).__name__
        return "corrected"

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(correct, students))
    assert outcomes == ["EmailTaken"] * 3 + ["corrected"]
    for student in students:
        assert rows(it, student.user_id) == {auth_user(it, student.user_id)}
