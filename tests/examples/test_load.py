"""The example backend under load while its database is restarted and stopped for longer than anybody waits: no wrong answer, and each error has the right status."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.examples.backend import Backend, running
from tripwire_db import PostgresAuth, TripwireRepository, bootstrap, migrations
from tripwire_db.embedded import Cluster, scratch_cluster

SECONDS = 60
CALLERS = 6
PATIENCE = 120.0
# What may be told meanwhile, with the statuses that say to send it again.
PASSING = {(503, "Unavailable"), (502, "AuthFailed")}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    # What was acknowledged must outlive the crash of the server.
    with scratch_cluster(settings={"synchronous_commit": True}) as cluster:
        yield cluster


@pytest.fixture
def url(cluster: Cluster) -> str:
    url = cluster.create_database("course")
    bootstrap(url)
    migrations.upgrade(url, quiet=True)
    return url


@dataclass
class Seen:
    """What a caller was told, to be compared with the rows at the end."""

    answers: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    prices: dict[str, Decimal] = field(default_factory=dict)
    percentages: dict[str, int] = field(default_factory=dict)


class Caller:
    """One manager with students of their own, who asks for one thing after another and believes no wrong answer."""

    def __init__(self, backend: Backend, manager_id: object, number: int, told_to_wait: threading.Event) -> None:
        self.backend, self.manager_id = backend, str(manager_id)
        self.told_to_wait = told_to_wait
        self.seen = Seen()
        self._random = random.Random(number)
        self._manager = backend.client("manager", self.manager_id)
        self._students: dict[str, httpx.Client] = {}

    def work(self, over: threading.Event) -> Seen:
        acts = [
            self.sell,
            self.watch,
            self.watch,
            self.too_early,
            self.locked,
            self.nobody,
            self.bad,
            self.totals,
            self.go,
        ]
        while not over.is_set():
            self._random.choice(acts)()
        for act in acts:  # each once more, when all is well again
            act()
        return self.seen

    def ask(self, act: str, client: httpx.Client, method: str, path: str, *expected: int, **body: Any) -> Any:
        """Send it until it is not told to send it again; the answer must be one of those that are right."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = client.request(method, path, **body)
            told = answer.json() if answer.content else {}
            title = told.get("title", "") if answer.status_code >= 400 else ""
            self.seen.answers[act, answer.status_code, title] += 1
            if (answer.status_code, title) not in PASSING:
                break
            self.told_to_wait.set()
            assert answer.headers["retry-after"] == "1"
            assert time.monotonic() < deadline, f"{act} is never answered: {told}"
        assert answer.status_code in expected, f"{act}: {answer.status_code} {told}"
        return told

    def sell(self) -> None:
        new = {"email": f"{uuid4()}@course.kz", "full_name": "S", "price": str(self._random.randint(1, 9000))}
        told = self.ask("sell", self._manager, "POST", "/students", 201, 200, json=new)
        assert (told["email"], told["price"], told["manager_id"]) == (new["email"], new["price"], self.manager_id)
        self.seen.prices[told["user_id"]] = Decimal(new["price"])
        self._students[told["user_id"]] = self.backend.client("student", told["user_id"])

    def watch(self) -> None:
        student = self._anybody()
        start = self._random.randint(0, 1700)
        report = {"segments": [[start, start + 20]], "position": start + 20}
        told = self.ask("watch", self._students[student], "POST", "/me/lessons/67/progress", 200, json=report)
        assert told["user_id"] == student
        assert any(low <= start and start + 20 <= high for low, high in told["segments"])
        assert told["percentage"] >= self.seen.percentages.get(student, 0)
        self.seen.percentages[student] = told["percentage"]

    def too_early(self) -> None:
        student = self._anybody()
        told = self.ask("too early", self._students[student], "POST", "/me/lessons/67/completion", 409)
        assert (told["title"], told["fields"]["user_id"]) == ("VideoNotQualified", student)

    def locked(self) -> None:
        told = self.ask("locked", self._students[self._anybody()], "POST", "/me/lessons/69/completion", 409)
        assert (told["title"], told["fields"]["module_id"]) == ("ModuleLocked", 18)

    def nobody(self) -> None:
        user_id = str(uuid4())
        told = self.ask("nobody", self._manager, "GET", f"/students/{user_id}", 404)
        assert told["fields"] == {"kind": "student", "key": user_id}

    def bad(self) -> None:
        told = self.ask("bad", self._manager, "POST", "/students", 422, json={"email": "x", "full_name": "S"})
        assert told["fields"] == {"argument": "email"}

    def totals(self) -> None:
        told = self.ask("totals", self._manager, "GET", "/sales/stats", 200)
        assert told["total_students"] == len(self.seen.prices)
        assert Decimal(told["total_revenue"]) == sum(self.seen.prices.values())

    def go(self) -> None:
        student = self._anybody()
        self.ask("go", self._manager, "DELETE", f"/students/{student}", 204)
        del self.seen.prices[student], self._students[student]
        self.seen.percentages.pop(student, None)
        self.ask("go", self._manager, "GET", f"/students/{student}", 404)

    def _anybody(self) -> str:
        if not self._students:
            self.sell()
        return self._random.choice(list(self._students))


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_through_two_restarts_one_of_them_long_no_answer_is_wrong_and_each_error_has_the_right_status(
    cluster: Cluster, url: str
) -> None:
    over, told_to_wait = threading.Event(), threading.Event()
    with (
        PostgresAuth(url) as auth,
        TripwireRepository.connect(url, auth=auth) as repository,
        running({"TRIPWIRE_DATABASE_URL": url}) as backend,
        ThreadPoolExecutor(CALLERS) as threads,
    ):
        managers = [
            repository.create_manager(email=f"m{number}@sales.kz", full_name=f"M{number}").user_id
            for number in range(CALLERS)
        ]
        callers = [Caller(backend, manager_id, number, told_to_wait) for number, manager_id in enumerate(managers)]
        working = [threads.submit(caller.work, over) for caller in callers]
        try:
            over.wait(SECONDS / 3)
            cluster.restart("immediate")
            over.wait(SECONDS / 3)
            cluster.stop("fast")
            assert told_to_wait.wait(PATIENCE), "nobody was told that the database is away"
            cluster.start()
            over.wait(SECONDS / 3)
        finally:
            over.set()
        seen = [work.result() for work in working]

        told = sum((one.answers for one in seen), Counter())
        print(f"\n{told.total()} answers: {dict(sorted(told.items()))}")
        for manager_id, one in zip(managers, seen, strict=True):
            stats = repository.get_manager_stats(manager_id=manager_id)
            assert (stats.total_students, stats.total_revenue) == (len(one.prices), sum(one.prices.values()))
            for user_id, percentage in one.percentages.items():
                assert repository.get_student(user_id=user_id).video[0].watch_percentage >= percentage
        students = repository.list_students(limit=100, count=True)
        assert students.total == sum(len(one.prices) for one in seen)
