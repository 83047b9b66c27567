"""rpc_get_manager_activity: order, pages that lose nothing, and who an entry is about."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backend.sales import model, strategies
from tests.backend.sales.planting import Entry, plant_log, server_now

ACTIVITY = "SELECT * FROM public.rpc_get_manager_activity(%s, %s, %s, %s)"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), page_size=st.integers(1, 5), size=st.integers(0, 20))
def test_pages_give_every_row_once_and_newest_first_however_many_share_a_time(scratch, data, page_size, size):
    manager, other = uuid4(), uuid4()
    # Few times, a microsecond apart, so that most rows tie.
    times = st.integers(0, 3).map(lambda n: NOON + timedelta(microseconds=n))
    entries = [
        Entry(data.draw(st.sampled_from([manager, manager, other])), data.draw(times), id=data.draw(st.uuids()))
        for _ in range(size)
    ]
    entries = list({entry.id: entry for entry in entries}.values())
    with scratch() as connection:
        plant_log(connection, entries)
        found, before = [], (None, None)
        while page := connection.execute(ACTIVITY, [manager, page_size, *before]).fetchall():
            assert len(page) <= page_size
            found += [(row[6], row[0]) for row in page]
            assert len(found) <= len(entries)
            before = (page[-1][6], page[-1][0])
    assert found == sorted(((one.created_at, one.id) for one in entries if one.manager_id == manager), reverse=True)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), zone=st.sampled_from(strategies.ZONES))
def test_kinds_and_dates_leave_out_rows_and_move_none(scratch, data, zone):
    manager, kinds = uuid4(), ["user_created", "email_sent", "user_deleted"]
    with scratch() as connection:
        now = server_now(connection)
        moment = strategies.moments(now)
        entries = [
            Entry(manager, data.draw(moment), action_type=data.draw(st.sampled_from(kinds)), id=data.draw(st.uuids()))
            for _ in range(data.draw(st.integers(0, 15)))
        ]
        entries = list({entry.id: entry for entry in entries}.values())
        plant_log(connection, entries)
        days = data.draw(strategies.days(model.day_of(now, zone)), "days")
        asked = data.draw(st.none() | st.lists(st.sampled_from([*kinds, "nothing_like_it", None]), max_size=3), "kinds")
        call = "SELECT id FROM public.rpc_get_manager_activity(%s, %s, NULL, NULL, %s, %s, %s, %s)"
        found = connection.execute(call, [manager, 1000, asked, *days, zone]).fetchall()
    wanted = [one for one in model.on(entries, days, now, zone) if asked is None or one.action_type in asked]
    assert [row[0] for row in found] == [
        one.id for one in sorted(wanted, key=lambda one: (one.created_at, one.id), reverse=True)
    ]


def test_a_row_written_between_two_pages_moves_neither(scratch):
    manager = uuid4()
    with scratch() as connection:
        plant_log(connection, [Entry(manager, NOON + timedelta(seconds=n)) for n in range(4)])
        first = connection.execute(ACTIVITY, [manager, 2, None, None]).fetchall()
        plant_log(connection, [Entry(manager, NOON + timedelta(hours=1))])
        second = connection.execute(ACTIVITY, [manager, 2, first[-1][6], first[-1][0]]).fetchall()
    assert [row[6] for row in first + second] == [NOON + timedelta(seconds=n) for n in (3, 2, 1, 0)]


def test_a_time_without_an_id_means_strictly_older(scratch):
    manager = uuid4()
    with scratch() as connection:
        older = Entry(manager, NOON - timedelta(microseconds=1))
        plant_log(connection, [older, Entry(manager, NOON), Entry(manager, NOON)])
        found = connection.execute(ACTIVITY, [manager, 50, NOON, None]).fetchall()
    assert [row[0] for row in found] == [older.id]


def test_an_entry_names_its_target_as_they_were_on_that_day(scratch):
    manager, target = uuid4(), uuid4()
    with scratch() as connection:
        person(connection, target, "now@example.com", "Name of Today")
        details = {"email": "then@example.com", "full_name": "Name of Then", "price": 5000}
        plant_log(connection, [Entry(manager, NOON, details, target)])
        row = connection.execute(ACTIVITY, [manager, 1, None, None]).fetchone()
    assert row[1:6] == ("user_created", target, "then@example.com", "Name of Then", details)


@pytest.mark.parametrize("details", [{}, {"email": None, "reason": "typo"}, [], ["email", "full_name"]])
def test_an_entry_that_does_not_say_is_named_from_the_tables_while_the_person_is_there(scratch, details):
    manager, target = uuid4(), uuid4()
    with scratch() as connection:
        person(connection, target, "now@example.com", "Name of Today")
        plant_log(connection, [Entry(manager, NOON, details, target)])
        row = connection.execute(ACTIVITY, [manager, 1, None, None]).fetchone()
        assert row[3:6] == ("now@example.com", "Name of Today", details)
        connection.execute("DELETE FROM auth.users WHERE id = %s", [target])
        row = connection.execute(ACTIVITY, [manager, 1, None, None]).fetchone()
        assert row[2:6] == (target, None, None, details)


def test_a_student_is_named_as_the_sale_names_them(scratch):
    manager, target = uuid4(), uuid4()
    with scratch() as connection:
        person(connection, target, "account@example.com", None)
        connection.execute(
            "INSERT INTO public.tripwire_users (user_id, email, full_name) VALUES (%s, 'sale@example.com', 'Sold To')",
            [target],
        )
        plant_log(connection, [Entry(manager, NOON, {}, target)])
        row = connection.execute(ACTIVITY, [manager, 1, None, None]).fetchone()
    assert row[3:5] == ("sale@example.com", "Sold To")


def test_fifty_rows_unless_told_and_none_for_an_unknown_manager(scratch):
    manager = uuid4()
    with scratch() as connection:
        plant_log(connection, [Entry(manager, NOON) for _ in range(60)])
        short = "SELECT * FROM public.rpc_get_manager_activity(%s)"
        assert len(connection.execute(short, [manager]).fetchall()) == 50
        assert connection.execute(short, [uuid4()]).fetchall() == []


def person(connection, user_id, email, full_name):
    connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", [user_id, email])
    connection.execute(
        "INSERT INTO public.users (id, email, full_name) VALUES (%s, %s, %s)", [user_id, email, full_name]
    )
