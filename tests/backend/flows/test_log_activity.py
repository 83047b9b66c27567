"""Writing rows of the activity log that no other flow writes, and reading them back."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import InvalidInput, NotFound
from tripwire_db.choices import ACTION_TYPES


def test_a_row_tells_who_did_what_to_whom(clocked: World, clock: Clock):
    manager = clocked.manager()
    student = clocked.student(manager)
    clock.advance(60)
    activity = clocked.repository.log_activity(
        manager_id=manager.user_id,
        action_type="password_reset",
        target_user_id=student.user_id,
        details={"by": ["phone", 7, None], "email": "what the caller says"},
    )
    row = clocked.row("sales_activity_log", action_type="password_reset")
    assert (row["id"], row["manager_id"], row["target_user_id"]) == (activity.id, manager.user_id, student.user_id)
    assert (row["created_at"], activity.created_at) == (clock.now, clock.now)
    assert row["details"] == {
        "by": ["phone", 7, None],
        "email": student.email,
        "full_name": student.full_name,
    }
    assert activity.details == row["details"]
    assert (activity.target_user_email, activity.target_user_name) == (student.email, student.full_name)
    assert (activity.manager_id, activity.action_type) == (manager.user_id, "password_reset")


@pytest.mark.parametrize("action_type", ACTION_TYPES)
def test_every_kind_of_action_can_be_logged(it: World, action_type: str):
    assert it.repository.log_activity(manager_id=None, action_type=action_type).action_type == action_type


def test_the_system_may_act_and_nobody_may_be_meant(it: World):
    activity = it.repository.log_activity(manager_id=None, action_type="email_sent")
    assert (activity.manager_id, activity.target_user_id, activity.target_user_email) == (None, None, None)
    assert activity.details == {}


def test_a_target_who_is_gone_can_still_be_named(it: World):
    gone = uuid4()
    activity = it.repository.log_activity(
        manager_id=None, action_type="email_sent", target_user_id=gone, details={"email": "gone@b.kz"}
    )
    assert (activity.target_user_id, activity.target_user_email) == (gone, "gone@b.kz")


def test_called_again_with_its_id_it_returns_the_row_and_writes_nothing(it: World):
    manager, activity_id = it.manager(), uuid4()
    first = it.repository.log_activity(
        manager_id=manager.user_id, action_type="email_sent", details={"n": 1}, activity_id=activity_id
    )
    before = it.dump()
    again = it.repository.log_activity(
        manager_id=manager.user_id, action_type="password_reset", details={"n": 2}, activity_id=str(activity_id)
    )
    assert again == first
    assert it.dump() == before


def test_without_an_id_each_call_is_a_row(it: World):
    for _ in range(2):
        it.repository.log_activity(manager_id=None, action_type="email_sent")
    assert it.count("sales_activity_log") == 2


def test_what_cannot_be_is_refused_and_nothing_is_written(it: World):
    student = it.student()
    before = it.dump()
    for manager_id in (uuid4(), student.user_id):
        with pytest.raises(NotFound) as raised:
            it.repository.log_activity(manager_id=manager_id, action_type="email_sent")
        assert (raised.value.kind, raised.value.key) == ("manager", manager_id)
    with pytest.raises(InvalidInput, match="action_type must be one of user_created"):
        it.repository.log_activity(manager_id=None, action_type="coffee")
    assert it.dump() == before


def test_one_id_twenty_times_at_once_is_one_row(it: World):
    activity_id = uuid4()
    with ThreadPoolExecutor(20) as pool:
        rows = list(
            pool.map(
                lambda _: it.repository.log_activity(
                    manager_id=None, action_type="email_sent", activity_id=activity_id
                ),
                range(20),
            )
        )
    assert len({row.created_at for row in rows}) == 1
    assert it.count("sales_activity_log") == 1


def test_one_id_twice_behind_a_barrier_is_one_row(it: World):
    activity_id = uuid4()
    first, second = it.at_once(
        "INSERT INTO sales_activity_log (id, action_type) VALUES (%s, 'email_sent')",
        [activity_id],
        *[lambda: it.repository.log_activity(manager_id=None, action_type="email_sent", activity_id=activity_id)] * 2,
    )
    assert first == second
    assert it.count("sales_activity_log") == 1


def test_what_a_manager_did_comes_back_newest_first_page_by_page(clocked: World, clock: Clock):
    manager = clocked.manager()
    written = []
    for _ in range(10):
        written.append(clocked.repository.log_activity(manager_id=manager.user_id, action_type="email_sent").id)
        clock.advance(len(written) % 3)  # some share their time
    seen, page = [], clocked.repository.get_manager_activity(manager_id=manager.user_id, limit=3)
    while page:
        seen += page
        page = clocked.repository.get_manager_activity(manager_id=manager.user_id, limit=3, before=page[-1])
    assert {row.id for row in seen} == set(written)
    assert len(seen) == 10
    assert [(row.created_at, row.id) for row in seen] == sorted(
        ((row.created_at, row.id) for row in seen), reverse=True
    )
