"""Issuing, revoking and checking certificates: a number is for ever."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import Certificate, InvalidInput, NotEligible, NotFound, StudentNotActive


def graduate_without(it: World, manager=None):
    """Somebody who completed everything and holds no certificate, as older backends left them."""
    student = it.graduate(manager)
    it.execute("DELETE FROM certificates WHERE user_id = %s", student.user_id)
    it.execute("UPDATE tripwire_user_profile SET certificate_issued = false, certificate_url = NULL")
    it.execute("DELETE FROM sales_activity_log WHERE action_type = 'certificate_issued'")
    return student


def issue(it: World, student) -> Certificate:
    return it.repository.issue_certificate(user_id=student.user_id)


def revoke(it: World, student, **arguments) -> Certificate:
    return it.repository.revoke_certificate(**{"user_id": student.user_id, "reason": "by mistake", **arguments})


# -- issuing --------------------------------------------------------------------------------------------------------------


def test_a_graduate_without_a_certificate_gets_one(clocked: World, clock: Clock):
    manager = clocked.manager()
    student = graduate_without(clocked, manager)
    clock.advance(60)
    certificate = issue(clocked, student)
    assert certificate.newly_issued
    row = clocked.row("certificates")
    for name in ("id", "user_id", "number", "verification_code", "url", "full_name", "issued_at"):
        assert getattr(certificate, name) == row[name]
    assert (row["full_name"], row["issued_at"], row["revoked_at"]) == (student.full_name, clock.now, None)
    profile = clocked.row("tripwire_user_profile")
    assert (profile["certificate_issued"], profile["certificate_url"]) == (True, certificate.url)
    log = clocked.row("sales_activity_log", action_type="certificate_issued")
    assert (log["manager_id"], log["target_user_id"]) == (manager.user_id, student.user_id)
    assert log["details"] == {
        "email": student.email,
        "full_name": student.full_name,
        "number": certificate.number,
    }


def test_a_certificates_url_is_the_base_and_its_code(make_world, kind: str):
    it = make_world(certificate_url="https://tripwire.kz/check")
    certificate = it.complete(it.student().user_id, 67, 68, 69).certificate
    assert certificate.url == f"https://tripwire.kz/check/{certificate.verification_code}"
    other = make_world(certificate_url="https://tripwire.kz/?code=")
    certificate = other.complete(
        other.student(email="b@c.kz", manager_id=it.manager(email="q@q.kz").user_id).user_id, 67, 68, 69
    ).certificate
    assert certificate.url == f"https://tripwire.kz/?code={certificate.verification_code}"


def test_codes_are_long_and_random_and_numbers_differ(it: World):
    manager = it.manager()
    certificates = [it.repository.issue_certificate(user_id=it.graduate(manager).user_id) for _ in range(5)]
    assert len({certificate.number for certificate in certificates}) == 5
    assert len({certificate.verification_code for certificate in certificates}) == 5
    assert all(len(certificate.verification_code) >= 32 for certificate in certificates)


def test_issued_again_it_is_the_same_with_the_same_number(it: World):
    student = it.graduate()
    before = it.dump()
    first, second = issue(it, student), issue(it, student)
    assert first == second
    assert not first.newly_issued
    assert it.dump() == before


@pytest.mark.parametrize("completed", [(), (67,), (67, 68)])
def test_missing_modules_are_refused_with_the_reason(it: World, completed: tuple[int, ...]):
    student = it.student()
    it.complete(student.user_id, *completed)
    before = it.dump()
    with pytest.raises(NotEligible, match=f"{len(completed)} of 3 modules"):
        issue(it, student)
    assert it.dump() == before


@pytest.mark.parametrize("status", ["blocked", "inactive"])
def test_a_blocked_or_inactive_graduate_gets_none_but_keeps_the_one_they_hold(it: World, status: str):
    held, without = it.graduate(), graduate_without(it, it.manager())
    held = it.graduate()
    it.execute("UPDATE tripwire_users SET status = %s", status)
    before = it.dump()
    with pytest.raises(StudentNotActive):
        issue(it, without)
    assert issue(it, held).user_id == held.user_id
    assert it.dump() == before


def test_a_certificate_keeps_the_name_as_it_was_on_the_day(it: World):
    student = it.graduate()
    it.execute("UPDATE tripwire_users SET full_name = 'Married Now'")
    assert issue(it, student).full_name == student.full_name
    revoke(it, student)
    assert issue(it, student).full_name == "Married Now"


def test_nobody_unknown_gets_one(it: World):
    with pytest.raises(NotFound):
        it.repository.issue_certificate(user_id=uuid4())


def test_issued_at_once_it_is_one(it: World):
    student = graduate_without(it)
    outcomes = it.at_once_on(student.user_id, *[lambda: issue(it, student)] * 3)
    assert {certificate.number for certificate in outcomes} == {it.row("certificates")["number"]}
    assert sorted(certificate.newly_issued for certificate in outcomes) == [False, False, True]
    assert it.count("sales_activity_log", action_type="certificate_issued") == 1


def test_issued_while_the_last_lesson_is_completed_it_is_one(it: World):
    student = it.student()
    it.complete(student.user_id, 67, 68)
    it.qualify(student.user_id, 69)
    done, issued = it.at_once_on(
        student.user_id,
        lambda: it.repository.complete_lesson(user_id=student.user_id, lesson_id=69),
        lambda: issue(it, student),
    )
    assert it.count("certificates") == 1
    assert done.certificate.number == it.row("certificates")["number"]
    assert isinstance(issued, NotEligible) or issued.number == done.certificate.number


# -- revoking -------------------------------------------------------------------------------------------------------------


def test_revoking_keeps_the_row_and_its_code_and_clears_the_profile_and_nothing_else(clocked: World, clock: Clock):
    manager, other = clocked.manager(), clocked.manager(role="admin")
    student = clocked.graduate(manager)
    held = issue(clocked, student)
    student_before = (
        clocked.rows("tripwire_users") + clocked.rows("user_achievements") + clocked.rows("user_statistics")
    )
    clock.advance(60)
    revoked = revoke(clocked, student, reason="  copied answers ", manager_id=other.user_id)
    assert (revoked.number, revoked.verification_code) == (held.number, held.verification_code)
    assert (revoked.revoked_at, revoked.revoked_reason) == (clock.now, "copied answers")
    assert not revoked.newly_issued
    row = clocked.row("certificates")
    assert (row["number"], row["revoked_at"], row["revoked_reason"]) == (held.number, clock.now, "copied answers")
    profile = clocked.row("tripwire_user_profile")
    assert (profile["certificate_issued"], profile["certificate_url"]) == (False, None)
    assert profile["modules_completed"] == 3
    assert student_before == (
        clocked.rows("tripwire_users") + clocked.rows("user_achievements") + clocked.rows("user_statistics")
    )
    log = clocked.row("sales_activity_log", action_type="certificate_revoked")
    assert (log["manager_id"], log["target_user_id"]) == (other.user_id, student.user_id)
    assert log["details"] == {
        "email": student.email,
        "full_name": student.full_name,
        "number": held.number,
        "reason": "copied answers",
    }


def test_the_seller_is_said_to_act_where_no_manager_is_given_and_nobody_where_they_are_gone(it: World):
    manager = it.manager()
    first, second = it.graduate(manager), it.graduate(manager)
    revoke(it, first)
    it.execute("DELETE FROM auth.users WHERE id = %s", manager.user_id)
    revoke(it, second)
    assert ("certificate_revoked", manager.user_id) in it.log(first.user_id)
    assert ("certificate_revoked", None) in it.log(second.user_id)


def test_revoked_again_it_stays_as_it_was(it: World):
    student = it.graduate()
    first = revoke(it, student)
    before = it.dump()
    assert revoke(it, student, reason="something else") == first
    assert it.dump() == before


def test_issuing_after_a_revocation_makes_a_new_one_and_the_old_stays_revoked(it: World):
    student = it.graduate()
    old = revoke(it, student)
    new = issue(it, student)
    assert new.newly_issued
    assert new.number != old.number
    assert new.verification_code != old.verification_code
    assert it.row("tripwire_user_profile")["certificate_url"] == new.url
    assert it.repository.verify_certificate(code=old.verification_code).revoked
    assert it.repository.verify_certificate(code=new.verification_code).valid
    assert revoke(it, student, reason="again").number == new.number


def test_completing_a_lesson_again_after_a_revocation_issues_nothing(it: World):
    student = it.graduate()
    revoke(it, student)
    before = it.dump()
    assert it.repository.complete_lesson(user_id=student.user_id, lesson_id=69).certificate is None
    assert it.dump() == before


def test_what_cannot_be_revoked_is_refused_and_nothing_is_written(it: World):
    student, graduate = it.student(), it.graduate()
    before = it.dump()
    with pytest.raises(NotFound) as raised:
        revoke(it, student)
    assert raised.value.kind == "certificate"
    with pytest.raises(NotFound) as raised:
        revoke(it, student, user_id=uuid4())
    assert raised.value.kind == "student"
    for unknown in (uuid4(), student.user_id):
        with pytest.raises(NotFound) as raised:
            revoke(it, graduate, manager_id=unknown)
        assert (raised.value.kind, raised.value.key) == ("manager", unknown)
    with pytest.raises(InvalidInput, match="reason"):
        revoke(it, graduate, reason="  ")
    assert it.dump() == before


def test_revoked_at_once_it_is_revoked_once(it: World):
    student = it.graduate()
    outcomes = it.at_once_on(
        student.user_id, *[lambda n=n: revoke(it, student, reason=f"reason {n}") for n in range(3)]
    )
    assert {certificate.revoked_reason for certificate in outcomes} == {it.row("certificates")["revoked_reason"]}
    assert it.count("sales_activity_log", action_type="certificate_revoked") == 1


def test_revoked_and_issued_at_once_ends_with_at_most_one_valid_and_a_profile_that_agrees(it: World):
    student = it.graduate()
    it.at_once_on(student.user_id, lambda: revoke(it, student), lambda: issue(it, student))
    valid = [row for row in it.rows("certificates") if row["revoked_at"] is None]
    assert len(valid) <= 1
    profile = it.row("tripwire_user_profile")
    assert profile["certificate_url"] == (valid[0]["url"] if valid else None)
    assert profile["certificate_issued"] == bool(valid)


# -- checking -------------------------------------------------------------------------------------------------------------


def test_a_code_is_valid_revoked_and_why_or_unknown(it: World):
    student = it.graduate()
    certificate = issue(it, student)
    valid = it.repository.verify_certificate(code=f" {certificate.verification_code} ")
    assert (valid.status, valid.valid, valid.revoked) == ("valid", True, False)
    assert (valid.number, valid.full_name, valid.issued_at) == (
        certificate.number,
        student.full_name,
        certificate.issued_at,
    )
    gone = revoke(it, student)
    revoked = it.repository.verify_certificate(code=certificate.verification_code)
    assert (revoked.status, revoked.valid, revoked.revoked) == ("revoked", False, True)
    assert (revoked.revoked_at, revoked.revoked_reason) == (gone.revoked_at, "by mistake")
    for code in (certificate.number, certificate.verification_code[:-1], "%", "' OR true --", "x" * 500):
        unknown = it.repository.verify_certificate(code=code)
        assert (unknown.status, unknown.number, unknown.full_name) == ("unknown", None, None)


def test_a_deleted_students_code_is_unknown(it: World):
    manager = it.manager()
    student = it.graduate(manager)
    code = issue(it, student).verification_code
    it.repository.delete_student(user_id=student.user_id, manager_id=manager.user_id)
    assert it.repository.verify_certificate(code=code).status == "unknown"
