"""list_students on random rows: every filter, page after page, as plain Python picks, sorts and counts them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backend.sales import model, strategies
from tests.backend.sales.model import Sale
from tests.backend.sales.planting import plant, server_now
from tests.backend.sales.strategies import ZONES
from tripwire_db import InvalidInput
from tripwire_db.engine.within import Within
from tripwire_db.flows.students import list_students


@dataclass(frozen=True)
class More:
    """What a list asks of a student beside the sale."""

    welcome_email_sent: bool
    certificates: tuple[bool, ...]
    seen: tuple[datetime | None, ...]

    @property
    def certified(self) -> bool:
        return True in self.certificates


def plant_more(connection, more: dict[Sale, More]) -> None:
    for sale, one in more.items():
        connection.execute(
            "UPDATE public.tripwire_users SET welcome_email_sent = %s WHERE id = %s", [one.welcome_email_sent, sale.id]
        )
        for valid in one.certificates:
            connection.execute(
                "INSERT INTO public.certificates (user_id, url, full_name, revoked_at, revoked_reason)"
                " VALUES (%s, '/c', 'Student', CASE WHEN %s THEN NULL ELSE now() END, CASE WHEN %s THEN NULL ELSE 'x' END)",
                [sale.id, valid, valid],
            )
        for lesson_id, at in zip((67, 68, 69), one.seen, strict=False):
            connection.execute(
                "INSERT INTO public.video_tracking (user_id, lesson_id, last_seen_at) VALUES (%s, %s, %s)",
                [sale.id, lesson_id, at],
            )


def more(now: datetime) -> st.SearchStrategy[More]:
    return st.builds(
        More,
        welcome_email_sent=st.booleans(),
        certificates=st.sampled_from([(), (), (True,), (False,), (False, True), (False, False)]),
        seen=st.lists(st.none() | st.integers(0, 99).map(lambda n: now - timedelta(seconds=n)), max_size=3).map(tuple),
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data(), zone=st.sampled_from(ZONES), limit=st.integers(1, 9))
def test_every_filter_and_page_is_what_python_picks_from_the_rows(scratch, data, zone, limit):
    with scratch() as connection:
        now = server_now(connection)
        sellers = data.draw(strategies.sellers, "sellers")
        sales = data.draw(strategies.sales(sellers, now), "sales")
        others = {sale: data.draw(more(now)) for sale in sales}
        plant(connection, sellers, sales)
        plant_more(connection, others)
        asked = {
            "manager_id": data.draw(st.none() | st.sampled_from([seller.id for seller in sellers]), "manager"),
            "status": data.draw(st.none() | st.sampled_from(["active", "inactive", "completed", "blocked"])),
            "search": data.draw(st.none() | st.sampled_from(["STUDENT", "a", "nobody"]), "search"),
            "modules_completed": data.draw(st.none() | st.integers(0, 3), "modules"),
            "certificate": data.draw(st.none() | st.booleans(), "certificate"),
            "welcome_email_sent": data.draw(st.none() | st.booleans(), "e-mail"),
        }
        # Most filters are left out, so that something is found.
        asked = {name: value for name, value in asked.items() if data.draw(st.integers(0, 3), name) == 0}
        since, until = data.draw(strategies.days(model.day_of(now, zone)), "days")
        every = {**asked, "since": since, "until": until, "time_zone": zone, "limit": limit, "count": True}
        run = Within(connection).run
        pages = [run(list_students(**every))]
        while pages[-1].next:
            # By the name of the place or by the last row: they are the same place.
            last = pages[-1].next if len(pages) % 2 else pages[-1][-1]
            pages.append(run(list_students(**every, after=last)))

    def wanted(sale: Sale) -> bool:
        one = others[sale]
        told = {
            "manager_id": sale.seller_id,
            "status": sale.status,
            "modules_completed": sale.modules_completed,
            "certificate": one.certified,
            "welcome_email_sent": one.welcome_email_sent,
        }
        text = asked.get("search")
        found = text is None or any(text.lower() in part.lower() for part in (f"{sale.id}@students.test", "Student"))
        return found and all(asked[name] in (None, value) for name, value in told.items() if name in asked)

    expected = sorted(
        (sale for sale in model.on(sales, (since, until), now, zone) if wanted(sale)),
        key=lambda sale: (sale.created_at, sale.id),
        reverse=True,
    )
    assert [student.id for page in pages for student in page] == [sale.id for sale in expected]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert {page.total for page in pages} == {len(expected)}
    last_seen = [max((at for at in others[sale].seen if at), default=None) for sale in expected]
    assert [student.last_seen_at for page in pages for student in page] == last_seen


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_with_its_first_moment_in_every_zone_whatever_the_clocks_do(scratch, zone):
    changes = [at.astimezone(ZoneInfo(zone)).date() for at in strategies.CLOCK_CHANGES]
    days = {day + timedelta(days=off) for day in [*changes, date(2026, 7, 1)] for off in (-1, 0, 1)}
    with scratch() as connection:
        for day in days:
            begins, ends = connection.execute(
                "SELECT begins, ends FROM tripwire.range_of_days(%s, %s, %s)", [day, day, zone]
            ).fetchone()
            assert model.day_of(begins, zone) == model.day_of(ends - timedelta(seconds=1), zone) == day
            assert model.day_of(begins - timedelta(seconds=1), zone) < day < model.day_of(ends, zone)


def test_days_that_only_the_server_can_judge_are_invalid_input(scratch):
    for zone in ("Mars/Olympus", "UTC+6", "ALMT", "Almaty5"):
        with scratch() as connection:
            # As the planner reads a table that it knows to be empty: no row, and nothing compared with the days.
            connection.execute("SET LOCAL enable_indexscan = off")
            connection.execute("SET LOCAL enable_bitmapscan = off")
            with pytest.raises(InvalidInput, match="time_zone must be the name of an IANA time zone"):
                Within(connection).run(list_students(since=date(2026, 1, 1), time_zone=zone))
