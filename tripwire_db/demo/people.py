"""Whom the demo is about: names, e-mails, and a plan for each student, all of it decided by the seed."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal

DOMAIN = "demo.example"
"""Whoever has an e-mail here belongs to a demo, and is removed by the next one."""

DAYS = 38
"""Sales are spread over so many days, today included: more than the 30 of the chart."""

MANAGERS = ("Dana Akhmetova", "Yerlan Bekov", "Saule Kim")
_SHARES = (45, 33, 22)  # of the sales, in percent

_FIRST_NAMES = (
    "Aigerim Aliya Alina Amina Anel Arman Aruzhan Asel Askar Azamat Bekzat Botagoz Damir Dana Daniyar Diana Dias Elena "
    "Ermek Gaukhar Gulnara Ilyas Inkar Kamila Kanat Karina Laura Madi Madina Malika Marat Maria Miras Nazerke Nikita "
    "Nurlan Olzhas Polina Ruslan Sabina Saltanat Sanzhar Sergey Timur Togzhan Viktoria Yerassyl Zarina Zhanel Zhanna"
).split()
_LAST_NAMES = (
    "Abdrakhman Abenov Akhmet Amanov Bairam Baizak Dosym Esen Galiev Ibrayev Ismail Ivanchenko Kaliyev Karim Kassym "
    "Kenzhe Kim Li Mukan Nazar Nurgali Omar Ospan Pak Petrenko Rakhim Sadyk Saparov Sarsen Seitkali Serik Tleu Tsoi "
    "Tulegen Umar Zhaksylyk Zhumabek Zhunus"
).split()
_PRICES = (Decimal(5000),) * 7 + (Decimal(4500), Decimal(3900), Decimal(6000))

STYLES = ("steady", "rewinds", "seeks", "two tabs", "double speed", "claims it all")
"""How a lesson is watched; see `viewer`."""
_STYLE_WEIGHTS = (34, 24, 18, 12, 8, 4)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One evening in front of a lesson.

    Attributes:
        at: when it begins.
        style: how is watched.
        until: leave at this percentage of the lesson; 100 stays until it can be completed.
    """

    at: datetime
    style: str
    until: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What one student does.

    Attributes:
        index: 0 is the student whose journey is told.
        full_name: theirs.
        email: theirs, in the demo's domain.
        manager: who sells, by its place in `MANAGERS`.
        sold_at: when.
        price: in KZT.
        lessons: for each lesson begun, its sittings; one whose last goes on until 100 is completed.
        ending: what the manager does in the end: nothing, `inactive`, `blocked`, or `refunded`, which blocks and
            revokes the certificate.
        ends_at: when that is.
    """

    index: int
    full_name: str
    email: str
    manager: int
    sold_at: datetime
    price: Decimal
    lessons: tuple[tuple[Sitting, ...], ...]
    ending: str
    ends_at: datetime


def manager_email(full_name: str) -> str:
    """A manager's e-mail in the demo's domain."""
    return f"{full_name.lower().replace(' ', '.')}@{DOMAIN}"


def plans(students: int, seed: int, now: datetime, zone: tzinfo) -> list[Plan]:
    """A plan for each student. The same seed gives the same people, on days counted back from today.

    Args:
        students: how many.
        seed: decides everything but the date.
        now: nothing happens later than this.
        zone: whose midnights part the days.
    """
    return [_plan(index, random.Random(f"{seed}:{index}"), now, zone) for index in range(students)]  # noqa: S311


def _plan(index: int, chance: random.Random, now: datetime, zone: tzinfo) -> Plan:
    hero = index == 0
    first, last = chance.choice(_FIRST_NAMES), chance.choice(_LAST_NAMES)
    # Sales grow slowly, and a campaign two weeks ago brought more.
    weights = [DAYS + 14 - day + (45 if 12 <= day <= 14 else 0) for day in range(DAYS)]
    days_ago = 24 if hero else chance.choices(range(DAYS), weights)[0]
    local = now.astimezone(zone)
    part = chance.random()
    midnight = datetime.combine(local.date() - timedelta(days=days_ago), time(), zone)
    sold_at = midnight + (local - midnight) * part if days_ago == 0 else midnight + timedelta(hours=9 + 12 * part)
    lessons = _hero_lessons(midnight) if hero else _lessons(chance, midnight, days_ago)
    ending = "" if hero else _ending(chance, lessons, days_ago)
    return Plan(
        index=index,
        full_name="Aigerim Sadyk" if hero else f"{first} {last}",
        email=f"aigerim.sadyk@{DOMAIN}" if hero else f"{first}.{last}.{index}@{DOMAIN}".lower(),
        manager=0 if hero else chance.choices(range(len(MANAGERS)), _SHARES)[0],
        sold_at=sold_at.astimezone(UTC),
        price=chance.choice(_PRICES),
        lessons=lessons,
        ending=ending,
        ends_at=(midnight + timedelta(days=days_ago - 1, hours=22, minutes=30 * part)).astimezone(UTC),
    )


def _evening(midnight: datetime, day: int, chance: random.Random) -> datetime:
    return (midnight + timedelta(days=day, hours=18, minutes=chance.uniform(0, 150))).astimezone(UTC)


def _hero_lessons(midnight: datetime) -> tuple[tuple[Sitting, ...], ...]:
    def at(day: int, hour: int, minute: int) -> datetime:
        return (midnight + timedelta(days=day, hours=hour, minutes=minute)).astimezone(UTC)

    return (
        (Sitting(at(1, 19, 5), "rewinds", 45), Sitting(at(2, 20, 40), "steady", 100)),
        (Sitting(at(5, 18, 30), "seeks", 100),),
        (Sitting(at(9, 21, 10), "claims it all", 20), Sitting(at(12, 19, 20), "two tabs", 100)),
    )


def _lessons(chance: random.Random, midnight: datetime, days_ago: int) -> tuple[tuple[Sitting, ...], ...]:
    """How far a student comes: nobody watches today, and one evening is one sitting."""
    evenings = max(0, days_ago - 1)
    completed = chance.choices((3, 2, 1, 0), (52, 16, 17, 15))[0]
    last_part = chance.choice((0, 0, 15, 35, 55, 75)) if completed < 3 else 0
    splits = [chance.random() < 0.3 for _ in range(3)]  # a lesson in two evenings
    sittings: list[tuple[int, str, int]] = []  # lesson, style, until
    for lesson in range(completed):
        style = chance.choices(STYLES, _STYLE_WEIGHTS)[0]
        if splits[lesson]:
            sittings.append((lesson, chance.choice(STYLES[:3]), chance.randint(25, 60)))
        sittings.append((lesson, style, 100))
    if last_part:
        sittings.append((completed, chance.choice(STYLES), last_part))
    sittings = sittings[:evenings]
    latest = min(evenings, 2 * len(sittings) + 6)
    days = sorted(chance.sample(range(1, latest + 1), len(sittings)))
    lessons: list[list[Sitting]] = []
    for day, (lesson, style, until) in zip(days, sittings, strict=True):
        if lesson == len(lessons):
            lessons.append([])
        lessons[lesson].append(Sitting(_evening(midnight, day, chance), style, until))
    return tuple(tuple(evenings_of) for evenings_of in lessons)


def _ending(chance: random.Random, lessons: tuple[tuple[Sitting, ...], ...], days_ago: int) -> str:
    if days_ago < 10:
        return ""
    draw = chance.random()
    if len(lessons) == 3 and lessons[-1][-1].until == 100:
        return "refunded" if draw < 0.03 else ""
    return "blocked" if draw < 0.08 else "inactive" if draw < 0.22 else ""
