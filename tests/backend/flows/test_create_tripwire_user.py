"""Creating a student: ten steps, complete or not at all."""

import threading
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.backend.flows.world import Clock, World
from tripwire_db import EmailTaken, InvalidInput, NotFound

ACHIEVEMENTS = {
    ("first_module_complete", 0, 1, False),
    ("second_module_complete", 0, 1, False),
    ("third_module_complete", 0, 1, False),
    ("tripwire_graduate", 0, 3, False),
}


def test_every_row_of_a_new_student_is_what_the_design_says(clocked: World, clock: Clock):
    manager = clocked.manager(full_name="Dana K.")
    student = clocked.repository.create_tripwire_user(
        email="  Aigerim@Example.KZ ",
        full_name=" Aigerim S. ",
        manager_id=str(manager.user_id),
        password="secret-of-hers",
        price=Decimal("45000.50"),
    )
    assert (student.email, student.full_name) == ("aigerim@example.kz", "Aigerim S.")
    assert (student.manager_id, student.price, student.created) == (manager.user_id, Decimal("45000.50"), True)

    me, now = {"user_id": student.user_id}, clock.now
    user = clocked.row("users", id=student.user_id)
    assert (user["email"], user["full_name"], user["role"]) == ("aigerim@example.kz", "Aigerim S.", "student")
    sold = clocked.row("tripwire_users", **me)
    assert (sold["email"], sold["full_name"]) == ("aigerim@example.kz", "Aigerim S.")
    assert (sold["granted_by"], sold["manager_name"]) == (manager.user_id, "Dana K.")
    assert (sold["status"], sold["modules_completed"], sold["price"]) == ("active", 0, Decimal("45000.50"))
    assert (sold["welcome_email_sent"], sold["welcome_email_sent_at"], sold["created_at"]) == (False, None, now)
    profile = clocked.row("tripwire_user_profile", **me)
    assert (profile["total_modules"], profile["modules_completed"], profile["completion_percentage"]) == (3, 0, 0)
    assert (profile["certificate_issued"], profile["certificate_url"]) == (False, None)
    unlock = clocked.row("module_unlocks", **me)
    assert (unlock["module_id"], unlock["unlocked_at"]) == (16, now)
    progress = clocked.row("student_progress", **me)
    assert (progress["module_id"], progress["lesson_id"], progress["status"]) == (16, 67, "not_started")
    assert (progress["started_at"], progress["completed_at"]) == (None, None)
    video = clocked.row("video_tracking", **me)
    assert (video["lesson_id"], video["watched_segments"], video["video_duration_seconds"]) == (67, [], 1800)
    assert (video["counted_ms"], video["allowance_ms"], video["last_seen_at"]) == (0, 0, None)
    assert (video["watch_percentage"], video["is_qualified_for_completion"]) == (0, False)
    statistics = clocked.row("user_statistics", **me)
    assert (statistics["lessons_completed"], statistics["total_time_spent"]) == (0, 0)
    assert {
        (a["achievement_id"], a["current_value"], a["required_value"], a["is_completed"])
        for a in clocked.rows("user_achievements", **me)
    } == ACHIEVEMENTS
    log = clocked.row("sales_activity_log", target_user_id=student.user_id)
    assert (log["manager_id"], log["action_type"], log["created_at"]) == (manager.user_id, "user_created", now)
    assert log["details"] == {"email": "aigerim@example.kz", "full_name": "Aigerim S.", "price": 45000.5}
    auth = clocked.connection.execute("SELECT * FROM auth.users WHERE id = %s", [student.user_id]).fetchone()
    assert (auth["email"], auth["raw_app_meta_data"]) == ("aigerim@example.kz", {"tripwire": {"kind": "student"}})
    assert clocked.count("certificates") == 0


def test_the_price_is_5000_unless_given_and_may_be_nothing(it: World):
    assert it.student().price == Decimal(5000)
    assert it.student(price=0).price == 0
    assert it.student(price="19.90").price == Decimal("19.90")


def test_times_are_the_databases_where_there_is_no_clock(it: World):
    before = datetime.now(UTC)
    student = it.student()
    created = it.row("tripwire_users", user_id=student.user_id)["created_at"]
    assert abs((created - before).total_seconds()) < 30
    assert it.row("sales_activity_log", target_user_id=student.user_id)["created_at"] == created


def test_an_admin_may_sell_too(it: World):
    assert it.student(it.manager(role="admin")).created


@pytest.mark.parametrize("role", ["curator", "tech_support"])
def test_only_sales_managers_and_admins_may_sell(it: World, role: str):
    manager = it.manager(role=role)
    before = it.dump()
    with pytest.raises(NotFound, match="sales_manager or admin") as raised:
        it.student(manager)
    assert (raised.value.kind, raised.value.key) == ("manager", manager.user_id)
    assert it.dump() == before


def test_a_student_may_not_sell(it: World):
    student = it.student()
    before = it.dump()
    with pytest.raises(NotFound):
        it.student(manager_id=student.user_id)
    assert it.dump() == before


def test_an_unknown_manager_is_not_found_and_no_auth_user_stays(it: World):
    before = it.dump()
    with pytest.raises(NotFound):
        it.student(manager_id=uuid4())
    assert it.dump() == before


def test_called_again_it_returns_the_student_as_they_are_and_changes_nothing(it: World):
    manager = it.manager()
    first = it.student(manager, email="a@b.kz", full_name="First", price=100)
    it.complete(first.user_id, 67)
    before = it.dump()
    again = it.student(manager, email="A@B.kz", full_name="Second", price=900, password="another")
    assert (again.user_id, again.full_name, again.price, again.created) == (first.user_id, "First", 100, False)
    assert it.dump() == before


def test_another_managers_student_is_taken(it: World):
    it.student(email="a@b.kz")
    other = it.manager()
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.student(other, email="a@b.kz")
    assert it.dump() == before


def test_the_email_of_a_manager_is_taken(it: World):
    manager = it.manager(email="dana@sales.kz")
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.student(manager, email="dana@sales.kz")
    assert it.dump() == before


def test_an_auth_user_that_is_not_ours_is_taken_and_stays(it: World):
    it.execute("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'stranger@example.kz')")
    manager = it.manager()
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.student(manager, email="stranger@example.kz")
    assert it.dump() == before


def test_an_email_that_only_the_rows_of_another_hold_is_taken_and_the_auth_user_goes(it: World):
    manager, other = it.manager(), it.student(email="old@b.kz")
    it.execute("UPDATE auth.users SET email = 'renamed@b.kz' WHERE id = %s", other.user_id)
    before = it.dump()
    with pytest.raises(EmailTaken):
        it.student(manager, email="old@b.kz")
    assert it.dump() == before


def test_an_auth_user_that_carries_our_mark_is_resumed(it: World):
    manager, lost = it.manager(), uuid4()
    it.execute(
        """INSERT INTO auth.users (id, email, raw_app_meta_data)
        VALUES (%s, 'half@made.kz', '{"tripwire": {"kind": "student"}}')""",
        lost,
    )
    student = it.student(manager, email="half@made.kz")
    assert (student.user_id, student.created) == (lost, True)
    assert it.count("user_achievements", user_id=lost) == 4


def test_a_half_made_student_with_only_a_users_row_is_completed(it: World):
    manager, lost = it.manager(), uuid4()
    it.execute(
        """INSERT INTO auth.users (id, email, raw_app_meta_data)
        VALUES (%s, 'half@made.kz', '{"tripwire": {"kind": "student"}}')""",
        lost,
    )
    it.execute("INSERT INTO users (id, email, full_name) VALUES (%s, 'half@made.kz', 'Half')", lost)
    assert it.student(manager, email="half@made.kz").created
    assert it.row("users", id=lost)["full_name"] == "Half"
    assert it.count("tripwire_users", user_id=lost) == 1


def test_a_clock_without_a_zone_is_refused_and_no_auth_user_stays(clocked: World, clock: Clock):
    manager = clocked.manager()
    before = clocked.dump()
    clock.now = clock.now.replace(tzinfo=None)
    with pytest.raises(InvalidInput, match="aware"):
        clocked.student(manager)
    assert clocked.dump() == before


def test_a_clock_that_fails_leaves_no_auth_user(make_world):
    broken = make_world(clock=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.manager()
    assert not broken.connection.execute("SELECT * FROM auth.users").fetchall()


def test_a_course_without_modules_sells_nothing(it: World):
    manager = it.manager()
    it.execute("UPDATE modules SET archived = true")
    before = it.dump()
    with pytest.raises(NotFound, match="none that is not archived"):
        it.student(manager)
    assert it.dump() == before


def test_one_email_sold_twice_at_once_by_one_manager_is_one_student(it: World):
    manager = it.manager()
    outcomes = it.at_once(
        "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'twice@b.kz')",
        [],
        *[lambda: it.student(manager, email="twice@b.kz")] * 2,
    )
    assert {outcome.user_id for outcome in outcomes} == {it.row("tripwire_users")["user_id"]}
    assert sum(outcome.created for outcome in outcomes) == 1
    assert it.count("user_achievements") == 4
    assert [action for action, _ in it.log(outcomes[0].user_id)] == ["user_created"]


def test_one_email_sold_at_once_by_two_managers_is_one_students_and_taken_for_the_other(it: World):
    managers = [it.manager(), it.manager()]
    outcomes = it.at_once(
        "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'twice@b.kz')",
        [],
        *[lambda m=manager: it.student(m, email="twice@b.kz") for manager in managers],
    )
    (winner,) = (outcome for outcome in outcomes if not isinstance(outcome, EmailTaken))
    assert it.row("tripwire_users")["granted_by"] == winner.manager_id
    assert it.connection.execute("SELECT count(*) AS n FROM auth.users").fetchone()["n"] == 3


def test_two_who_resume_one_half_made_student_at_once_make_one(it: World):
    manager, lost = it.manager(), uuid4()
    it.execute(
        """INSERT INTO auth.users (id, email, raw_app_meta_data)
        VALUES (%s, 'half@made.kz', '{"tripwire": {"kind": "student"}}')""",
        lost,
    )
    outcomes = it.at_once(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 0))",
        [str(lost)],
        *[lambda: it.student(manager, email="half@made.kz")] * 2,
    )
    assert [outcome.user_id for outcome in outcomes] == [lost, lost]
    assert sorted(outcome.created for outcome in outcomes) == [False, True]
    assert [action for action, _ in it.log(lost)] == ["user_created"]


def test_fifty_callers_with_one_email_make_one_student(it: World):
    manager, results = it.manager(), []
    threads = [
        threading.Thread(target=lambda: results.append(it.student(manager, email="fifty@b.kz"))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 50
    assert len({student.user_id for student in results}) == 1
    assert it.count("tripwire_users") == 1
    assert it.connection.execute("SELECT count(*) AS n FROM auth.users").fetchone()["n"] == 2
