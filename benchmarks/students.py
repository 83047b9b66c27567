"""Students in the state that a call is measured in, made in one statement, by the number."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tripwire_db import PostgresAuth, TripwireRepository
from tripwire_db.flows.shared.context import FlowContext

COURSE = FlowContext()
WATCHING = 64
"""So many students of each contestant watch a video in turn."""

MAKE = """
WITH new AS (SELECT id, id || '@course.test' AS email FROM unnest(%(ids)s::uuid[]) AS id),
auth AS (INSERT INTO auth.users (id, email) SELECT id, email FROM new),
rows AS (SELECT * FROM new WHERE %(kind)s <> 'auth'),
person AS (INSERT INTO public.users (id, email, full_name) SELECT id, email, 'New Student' FROM rows),
student AS (
    INSERT INTO public.tripwire_users (user_id, email, full_name, granted_by, manager_name, status, modules_completed)
    SELECT id, email, 'New Student', %(manager_id)s, 'Dana K.', %(status)s, %(modules)s FROM rows),
profile AS (
    INSERT INTO public.tripwire_user_profile (user_id, modules_completed, completion_percentage)
    SELECT id, %(modules)s, round(%(modules)s * 100.0 / 3, 2) FROM rows),
unlock AS (
    INSERT INTO public.module_unlocks (user_id, module_id)
    SELECT id, 16 + n FROM rows, generate_series(0, least(%(modules)s, 2)) AS n),
progress AS (
    INSERT INTO public.student_progress (user_id, module_id, lesson_id, status, started_at, completed_at)
    SELECT id, 16 + n, 67 + n, CASE WHEN n < %(modules)s THEN 'completed' ELSE 'in_progress' END, now(),
        CASE WHEN n < %(modules)s THEN now() END
    FROM rows, generate_series(0, least(%(modules)s, 2)) AS n),
video AS (
    INSERT INTO public.video_tracking (user_id, lesson_id, video_duration_seconds, is_qualified_for_completion)
    SELECT id, 67, 1800, %(kind)s <> 'watching' FROM rows),
statistics AS (INSERT INTO public.user_statistics (user_id, lessons_completed) SELECT id, %(modules)s FROM rows)
INSERT INTO public.user_achievements (user_id, achievement_id, required_value)
SELECT id, name, needed FROM rows, unnest(
    ARRAY['first_module_complete', 'second_module_complete', 'third_module_complete', 'tripwire_graduate'],
    ARRAY[1, 1, 1, 3]) AS achievement (name, needed)
"""


@dataclass
class Students:
    """Makes students of one kind, and remembers who was given to whom."""

    url: str
    connection: psycopg.Connection[Any]
    auth: PostgresAuth
    manager_id: UUID
    kind: str = "auth"
    """`auth`: an auth user without rows; `watching`: the first lesson is open; `qualified`: its video is watched;
    `graduate`: all is completed, without a certificate."""
    given: dict[str, list[UUID]] = field(default_factory=dict)
    _calls: Counter[str] = field(default_factory=Counter)

    def make(self, ids: Sequence[UUID]) -> None:
        """Make students with these ids."""
        modules = 3 if self.kind == "graduate" else 0
        values = {"ids": list(ids), "kind": self.kind, "manager_id": self.manager_id, "modules": modules}
        self.connection.execute(MAKE, {**values, "status": "completed" if modules else "active"})

    def values(self, contestant: str) -> dict[str, Any]:
        """What the next call of a contestant is given: everything that any flow asks for."""
        return self.many(contestant, 1)[0]

    def many(self, contestant: str, calls: int) -> list[dict[str, Any]]:
        """The same for so many calls."""
        theirs = self.given.setdefault(contestant, [])
        first = self._calls[contestant]
        self._calls[contestant] += calls
        watching = self.kind == "watching"
        if not watching or not theirs:
            new = [uuid4() for _ in range(WATCHING if watching else calls)]
            self.make(new)
            theirs += new
        numbers = range(first, first + calls)
        return [self._values(theirs[number % WATCHING if watching else number], number) for number in numbers]

    def _values(self, user_id: UUID, number: int) -> dict[str, Any]:
        code = f"{uuid4().hex}{uuid4().hex}"
        return {
            "user_id": user_id,
            "email": f"{user_id}@course.test",
            "full_name": "New Student",
            "manager_id": self.manager_id,
            "price": Decimal(5000),
            "start": number // WATCHING * 10 % 1780,
            "code": code,
            "url": f"/certificates/{code}",
        }

    def calls(self, contestant: str) -> int:
        """How many calls a contestant was given values for."""
        return self._calls[contestant]


@contextmanager
def seller_in(url: str) -> Iterator[Callable[[str], Students]]:
    """Put a manager into a migrated database, and give what makes their students, by kind."""
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth, pool_size=2) as repository,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        manager = repository.create_manager(email=f"{uuid4()}@course.test", full_name="Dana K.")
        yield lambda kind: Students(url, connection, auth, manager.user_id, kind)
