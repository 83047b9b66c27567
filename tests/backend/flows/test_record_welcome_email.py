"""Recording that the welcome e-mail went out."""

from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import InvalidInput, NotFound


def test_an_email_that_went_out_is_marked_and_logged(clocked: World, clock: Clock):
    manager, other = clocked.manager(), clocked.manager()
    student = clocked.student(manager)
    clock.advance(60)
    before = clocked.row("tripwire_users")
    email = clocked.repository.record_welcome_email(user_id=student.user_id, sent=True, manager_id=other.user_id)
    assert (email.user_id, email.sent, email.sent_at, email.recorded) == (student.user_id, True, clock.now, True)
    after = clocked.row("tripwire_users")
    assert {name for name in after if after[name] != before[name]} == {
        "welcome_email_sent",
        "welcome_email_sent_at",
        "updated_at",
    }
    assert (after["welcome_email_sent"], after["welcome_email_sent_at"]) == (True, clock.now)
    log = clocked.row("sales_activity_log", action_type="email_sent")
    assert (log["manager_id"], log["target_user_id"]) == (other.user_id, student.user_id)
    assert (log["details"]["email"], log["details"]["full_name"]) == (student.email, student.full_name)


def test_the_seller_is_said_to_act_where_no_manager_is_given(it: World):
    manager = it.manager()
    student = it.student(manager)
    it.repository.record_welcome_email(user_id=student.user_id, sent=True)
    assert ("email_sent", manager.user_id) in it.log(student.user_id)


def test_an_email_that_failed_is_not_marked_and_changes_nothing(it: World):
    student = it.student()
    before = it.dump()
    email = it.repository.record_welcome_email(user_id=student.user_id, sent=False)
    assert (email.sent, email.sent_at, email.recorded) == (False, None, False)
    assert it.dump() == before


@pytest.mark.parametrize("sent", [True, False])
def test_what_has_gone_out_stays_with_the_time_of_the_first_call(clocked: World, clock: Clock, sent: bool):
    student = clocked.student()
    first = clocked.repository.record_welcome_email(user_id=student.user_id, sent=True)
    before = clocked.dump()
    clock.advance(60)
    again = clocked.repository.record_welcome_email(user_id=student.user_id, sent=sent)
    assert (again.sent, again.sent_at, again.recorded) == (True, first.sent_at, False)
    assert clocked.dump() == before


def test_what_is_unknown_is_refused_and_nothing_is_written(it: World):
    student = it.student()
    before = it.dump()
    with pytest.raises(NotFound) as raised:
        it.repository.record_welcome_email(user_id=uuid4(), sent=True)
    assert raised.value.kind == "student"
    for unknown in (uuid4(), student.user_id):
        with pytest.raises(NotFound) as raised:
            it.repository.record_welcome_email(user_id=student.user_id, sent=True, manager_id=unknown)
        assert raised.value.kind == "manager"
    for sent in (1, None, "yes"):
        with pytest.raises(InvalidInput):
            it.repository.record_welcome_email(user_id=student.user_id, sent=sent)
    assert it.dump() == before


def test_recorded_at_once_it_is_logged_once(it: World):
    student = it.student()
    outcomes = it.at_once_on(
        student.user_id, *[lambda: it.repository.record_welcome_email(user_id=student.user_id, sent=True)] * 3
    )
    assert sorted(email.recorded for email in outcomes) == [False, False, True]
    assert len({email.sent_at for email in outcomes}) == 1
    assert it.count("sales_activity_log", action_type="email_sent") == 1


def test_sent_again_it_is_logged_once_for_each_activity_id(clocked: World, clock: Clock):
    manager, other = clocked.manager(), clocked.manager()
    student = clocked.student(manager)
    first = clocked.repository.record_welcome_email(user_id=student.user_id, sent=True)
    ids = [uuid4(), uuid4()]
    for activity_id in ids:
        clock.advance(60)
        before = clocked.row("tripwire_users")
        again = clocked.repository.record_welcome_email(
            user_id=student.user_id, sent=True, manager_id=other.user_id, activity_id=str(activity_id)
        )
        assert (again.sent, again.sent_at, again.recorded) == (True, first.sent_at, True)
        log = clocked.row("sales_activity_log", id=activity_id)
        assert (log["action_type"], log["created_at"], log["manager_id"]) == ("email_sent", clock.now, other.user_id)
        assert log["details"] == {"email": student.email, "full_name": student.full_name, "email_type": "welcome"}
        assert clocked.row("tripwire_users") == before
        written = clocked.dump()
        for sent in (True, False):
            repeated = clocked.repository.record_welcome_email(
                user_id=student.user_id, sent=sent, activity_id=activity_id
            )
            assert (repeated.sent, repeated.sent_at, repeated.recorded) == (True, first.sent_at, False)
        assert clocked.dump() == written
    assert clocked.count("sales_activity_log", action_type="email_sent") == 3


def test_the_first_time_the_log_row_has_the_id_that_was_given(it: World):
    student, activity_id = it.student(), uuid4()
    failed = it.repository.record_welcome_email(user_id=student.user_id, sent=False, activity_id=activity_id)
    assert not failed.recorded
    assert it.count("sales_activity_log", id=activity_id) == 0
    assert it.repository.record_welcome_email(user_id=student.user_id, sent=True, activity_id=activity_id).recorded
    assert it.row("sales_activity_log", action_type="email_sent")["id"] == activity_id
    assert it.row("tripwire_users")["welcome_email_sent"]


def test_an_email_that_the_caller_has_logged_under_this_id_is_marked_and_not_logged_again(it: World):
    manager, activity_id = it.manager(), uuid4()
    student = it.student(manager)
    it.repository.log_activity(
        manager_id=manager.user_id, action_type="email_sent", target_user_id=student.user_id, activity_id=activity_id
    )
    email = it.repository.record_welcome_email(user_id=student.user_id, sent=True, activity_id=activity_id)
    assert (email.sent, email.recorded) == (True, True)
    assert it.count("sales_activity_log", action_type="email_sent") == 1


@pytest.mark.parametrize("sent_before", [False, True])
def test_recorded_at_once_under_one_id_it_is_logged_once(it: World, sent_before: bool):
    student, activity_id = it.student(), uuid4()
    if sent_before:
        it.repository.record_welcome_email(user_id=student.user_id, sent=True)

    def again():
        return it.repository.record_welcome_email(user_id=student.user_id, sent=True, activity_id=activity_id)

    outcomes = it.at_once_on(student.user_id, *[again] * 3)
    assert sorted(email.recorded for email in outcomes) == [False, False, True]
    assert it.count("sales_activity_log", id=activity_id) == 1
    assert it.count("sales_activity_log", action_type="email_sent") == 1 + sent_before
