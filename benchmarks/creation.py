"""Creation of a student by the repository, and by what people would use instead, on one server in one run."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, registry

from benchmarks.measuring import Bound, Contestant, Section, figure, interleaved, ranked
from benchmarks.people import People
from tests.support.servers.finding import ServerMissing
from tests.support.servers.postgrest import postgrest
from tests.support.servers.proxy import Proxy
from tripwire_db import AsyncTripwireRepository, TripwireRepository
from tripwire_db.tables import metadata

OURS = "this repository"
BARE = "the same statement by bare psycopg"
TEN = "ten statements in a transaction, psycopg"
REST = "supabase-py's client through PostgREST, a call a table"
NETWORKS = {0: 2.5, 1: None, 5: None, 20: 10.0}
"""Milliseconds of network for a round trip → how many times faster than ten statements creation must be."""
REST_BOUND = 5.0

# What creation writes, one INSERT after another; the tenth statement looks the manager up, as the flow does.
LOOK_UP = "SELECT full_name FROM public.users WHERE id = %(manager_id)s"
INSERTS = (
    "INSERT INTO public.users (id, email, full_name, role) VALUES (%(user_id)s, %(email)s, %(full_name)s, 'student')",
    "INSERT INTO public.tripwire_users (user_id, email, full_name, granted_by, manager_name, price)"
    " VALUES (%(user_id)s, %(email)s, %(full_name)s, %(manager_id)s, %(manager_name)s, %(price)s)",
    "INSERT INTO public.tripwire_user_profile (user_id, total_modules) VALUES (%(user_id)s, 3)",
    "INSERT INTO public.module_unlocks (user_id, module_id) VALUES (%(user_id)s, 16)",
    "INSERT INTO public.student_progress (user_id, module_id, lesson_id) VALUES (%(user_id)s, 16, 67)",
    "INSERT INTO public.video_tracking (user_id, lesson_id, video_duration_seconds) VALUES (%(user_id)s, 67, 1800)",
    "INSERT INTO public.user_statistics (user_id) VALUES (%(user_id)s)",
    "INSERT INTO public.user_achievements (user_id, achievement_id, required_value) VALUES"
    " (%(user_id)s, 'first_module_complete', 1), (%(user_id)s, 'second_module_complete', 1),"
    " (%(user_id)s, 'third_module_complete', 1), (%(user_id)s, 'tripwire_graduate', 3)",
    "INSERT INTO public.sales_activity_log (manager_id, action_type, target_user_id, details) VALUES"
    " (%(manager_id)s, 'user_created', %(user_id)s,"
    " jsonb_build_object('email', %(email)s::text, 'full_name', %(full_name)s::text, 'price', %(price)s::numeric))",
)
ROWS = "SELECT " + " + ".join(
    f"(SELECT count(*) FROM public.{table} WHERE {column} = %(user_id)s)"
    for table, column in {
        "users": "id",
        "tripwire_users": "user_id",
        "tripwire_user_profile": "user_id",
        "module_unlocks": "user_id",
        "student_progress": "user_id",
        "video_tracking": "user_id",
        "user_statistics": "user_id",
        "user_achievements": "user_id",
        "sales_activity_log": "target_user_id",
    }.items()
)
ROWS_OF_A_STUDENT = 12


def _function() -> str:
    """The function that does it all, which the one statement replaced."""
    names = {
        "user_id": "p1",
        "email": "p2",
        "full_name": "p3",
        "manager_id": "p4",
        "price": "p5",
        "manager_name": "seller",
    }
    body = ";\n".join(insert % {name: f"{new}" for name, new in names.items()} for insert in _plain(INSERTS))
    look_up = (_plain((LOOK_UP,))[0] % names).replace("full_name FROM", "full_name INTO seller FROM")
    return (
        "CREATE OR REPLACE FUNCTION public.bench_create(p1 uuid, p2 text, p3 text, p4 uuid, p5 numeric) RETURNS void "
        f"LANGUAGE plpgsql SET search_path = '' AS $$ DECLARE seller text; BEGIN {look_up}; {body}; END $$"
    )


def _plain(statements: tuple[str, ...]) -> list[str]:
    return [statement.replace("::text", "").replace("::numeric", "") for statement in statements]


class Contestants:
    """Ways to create a student, each from a prepared auth user on; all write the same twelve rows."""

    def __init__(self, people: People, url: str, stack: ExitStack) -> None:
        self.people = people
        options = {"auth": people.auth, "pool_size": 1}
        self.ours = stack.enter_context(TripwireRepository.connect(url, **options))
        self.bare = stack.enter_context(psycopg.connect(url, autocommit=True))
        self.engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
        stack.callback(self.engine.dispose)
        self.runner = stack.enter_context(asyncio.Runner())
        self.aio = AsyncTripwireRepository.connect(url, **options)
        stack.callback(lambda: self.runner.run(self.aio.close()))
        people.connection.execute(_function())  # type: ignore[arg-type]
        self.classes = self._mapped()
        self.made: list[UUID] = []

    @staticmethod
    def _mapped() -> dict[str, type]:
        mapping = registry()
        classes = {table.name: type(table.name, (), {}) for table in metadata.sorted_tables}
        for table in metadata.sorted_tables:
            mapping.map_imperatively(classes[table.name], table)
        return classes

    def values(self) -> dict[str, Any]:
        """What a creation is given, its auth user made."""
        user_id, email = self.people.auth_user()
        self.made.append(user_id)
        return {
            "user_id": user_id,
            "email": email,
            "full_name": "New Student",
            "manager_id": self.people.manager.user_id,
            "price": Decimal(5000),
        }

    def all(self) -> dict[str, Contestant]:
        """Each by its name."""

        def each(act: Callable[[dict[str, Any]], Any]) -> Contestant:
            def prepare() -> Callable[[], Any]:
                values = self.values()
                return lambda: act(values)

            return prepare

        return {
            OURS: each(lambda values: self.ours._database.run(self.people.creation(**values))),  # noqa: SLF001
            f"{OURS}, asyncio": each(self._awaited),
            BARE: each(self._bare),
            "one function in the database": each(self._function),
            "psycopg's pipeline": each(self._pipeline),
            TEN: each(self._ten),
            "SQLAlchemy's ORM, unit of work": each(self._orm),
        }

    def _awaited(self, values: dict[str, Any]) -> Any:
        return self.runner.run(self.aio._database.run(self.people.creation(**values)))  # noqa: SLF001

    def _bare(self, values: dict[str, Any]) -> Any:
        flow = self.people.creation(**values)
        return self.bare.execute(flow.sql().encode(), dict(flow.parameters), prepare=True).fetchall()

    def _function(self, values: dict[str, Any]) -> None:
        self.bare.execute(
            "SELECT public.bench_create(%(user_id)s, %(email)s, %(full_name)s, %(manager_id)s, %(price)s)",
            values,
            prepare=True,
        )

    def _ten(self, values: dict[str, Any]) -> None:
        with self.bare.transaction():
            row = self.bare.execute(LOOK_UP, values).fetchone()
            values["manager_name"] = row[0] if row else None
            for insert in INSERTS:
                self.bare.execute(insert.encode(), values)

    def _pipeline(self, values: dict[str, Any]) -> None:
        with self.bare.pipeline():
            self._ten(values)

    def _orm(self, values: dict[str, Any]) -> None:
        make, user_id = self.classes, values["user_id"]

        def row(table: str, **columns: Any) -> Any:
            made = make[table]()
            for name, value in columns.items():
                setattr(made, name, value)
            return made

        with Session(self.engine) as session:
            seller = session.get(make["users"], values["manager_id"]).full_name  # type: ignore[union-attr]
            person = {"email": values["email"], "full_name": values["full_name"]}
            sold = {"granted_by": values["manager_id"], "manager_name": seller, "price": values["price"]}
            session.add_all(
                [
                    row("users", id=user_id, role="student", **person),
                    row("tripwire_users", user_id=user_id, **person, **sold),
                    row("tripwire_user_profile", user_id=user_id, total_modules=3),
                    row("module_unlocks", user_id=user_id, module_id=16),
                    row("student_progress", user_id=user_id, module_id=16, lesson_id=67),
                    row("video_tracking", user_id=user_id, lesson_id=67, video_duration_seconds=1800),
                    row("user_statistics", user_id=user_id),
                    *(
                        row("user_achievements", user_id=user_id, achievement_id=name, required_value=needed)
                        for name, needed in ACHIEVEMENTS.items()
                    ),
                    row(
                        "sales_activity_log",
                        manager_id=values["manager_id"],
                        action_type="user_created",
                        target_user_id=user_id,
                        details={**person, "price": 5000},
                    ),
                ]
            )
            session.commit()

    def check(self) -> None:
        """Each has made the rows of a student, no more and no fewer."""
        for user_id in self.made:
            row = self.people.connection.execute(ROWS.encode(), {"user_id": user_id}).fetchone()
            if row is None or row[0] != ROWS_OF_A_STUDENT:
                raise AssertionError(f"a contestant wrote {row} rows of {ROWS_OF_A_STUDENT}")
        self.made.clear()


ACHIEVEMENTS = {
    "first_module_complete": 1,
    "second_module_complete": 1,
    "third_module_complete": 1,
    "tripwire_graduate": 3,
}


@contextmanager
def _through_postgrest(contestants: Contestants) -> Iterator[Contestant]:
    """What most Supabase backends do: one HTTP call a table, by the client that supabase-py has for it."""
    from postgrest import SyncPostgrestClient

    with postgrest(contestants.people.url) as server:
        token = {"Authorization": f"Bearer {server.token('service_role')}"}
        with SyncPostgrestClient(server.url, headers=token) as client:

            def act(values: dict[str, Any]) -> None:
                user_id, manager_id = str(values["user_id"]), str(values["manager_id"])
                found = client.table("users").select("full_name").eq("id", manager_id).single().execute().data
                person = {"email": values["email"], "full_name": values["full_name"]}
                sold = {"granted_by": manager_id, "manager_name": found["full_name"], "price": 5000}  # type: ignore[call-overload,index]
                rows: list[tuple[str, Any]] = [
                    ("users", {"id": user_id, "role": "student", **person}),
                    ("tripwire_users", {"user_id": user_id, **person, **sold}),
                    ("tripwire_user_profile", {"user_id": user_id, "total_modules": 3}),
                    ("module_unlocks", {"user_id": user_id, "module_id": 16}),
                    ("student_progress", {"user_id": user_id, "module_id": 16, "lesson_id": 67}),
                    ("video_tracking", {"user_id": user_id, "lesson_id": 67, "video_duration_seconds": 1800}),
                    ("user_statistics", {"user_id": user_id}),
                    (
                        "user_achievements",
                        [
                            {"user_id": user_id, "achievement_id": name, "required_value": needed}
                            for name, needed in ACHIEVEMENTS.items()
                        ],
                    ),
                    (
                        "sales_activity_log",
                        {
                            "manager_id": manager_id,
                            "action_type": "user_created",
                            "target_user_id": user_id,
                            "details": person,
                        },
                    ),
                ]
                for table, row in rows:
                    client.table(table).insert(row).execute()

            def prepare() -> Callable[[], Any]:
                values = contestants.values()
                return lambda: act(values)

            yield prepare


def sections(people: People, *, quick: bool) -> Iterator[Section]:
    """One for each distance of the network."""
    for network, bound in NETWORKS.items():
        if quick and bound is None:
            continue
        yield _section(people, network, bound, runs=20 if network else 60 if quick else 200)


def _section(people: People, network: int, bound: float | None, runs: int) -> Section:
    section = Section(
        f"Creation, {network} ms of network",
        "The twelve rows of a student. The auth user is there already. The network's delay is that of a round trip; it "
        "stands between client and database.",
        ("how", "median, ms", "middle half, ms", "beside ours"),
    )
    with ExitStack() as stack:
        # Without delay nothing stands between: a proxy's own time would count for each of twelve round trips.
        proxy = stack.enter_context(Proxy(people.url)) if network else None
        contestants = Contestants(people, proxy.url if proxy else people.url, stack)
        every = contestants.all()
        if not network:
            try:
                every[REST] = stack.enter_context(_through_postgrest(contestants))
            except ServerMissing as missing:
                section.failures.append(f"{REST}: {missing}")
        if proxy:
            proxy.delay = network / 2000
        times = interleaved(every, runs)
        if proxy:
            proxy.delay = 0.0
        contestants.check()
    section.rows = list(ranked(times, OURS))
    section.bars = sorted(((name, found.median) for name, found in times.items()), key=lambda bar: bar[1])
    if bound is not None:
        gain = times[TEN].median / times[OURS].median
        what = f"creation beside ten statements, {network} ms of network ({figure(times[OURS].median)} ms)"
        section.bounds.append(Bound(what, gain, bound, at_least=True))
    if REST in times:
        gain = times[REST].median / times[OURS].median
        section.bounds.append(Bound("creation beside supabase-py's client", gain, REST_BOUND, at_least=True))
    return section
