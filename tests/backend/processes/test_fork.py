"""After a fork each process has connections, locks and threads of its own: nobody is given another's answer."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.backend.flows.world import World
from tests.support.forking import fork, in_child
from tests.support.servers.admin_api import AdminApi
from tripwire_db import AsyncTripwireRepository, PostgresAuth, RedisCache, SupabaseAuth, TripwireRepository
from tripwire_db.auth import Mark
from tripwire_db.engine.statement import FlowStatement, StatementBuilder
from tripwire_db.tables import tripwire_users

# Python 3.12 and later warn of a fork beside threads, which is what these tests are about.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

WORKERS = 3
REQUESTS = 1000


def own_answers(repository: TripwireRepository, student: UUID, threads: int = 2) -> int:
    """Ask as a web worker does, from several threads, always for one student; count the answers about this one."""

    def ask(_: int) -> bool:
        return repository.get_student(user_id=student).student.user_id == student

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(ask, range(REQUESTS)))


def test_three_preloaded_workers_answer_three_thousand_requests_with_each_students_own_data(it: World):
    with PostgresAuth(it.url) as auth, TripwireRepository.connect(it.url, auth=auth, pool_size=2) as repository:
        manager = it.manager()
        students = [it.student(manager).user_id for _ in range(WORKERS)]
        repository.get_student(user_id=students[0])  # the preloading parent has a connection open
        workers = [fork(lambda student=student: own_answers(repository, student)) for student in students]
        assert own_answers(repository, students[0]) == REQUESTS  # the parent works on meanwhile
        assert [worker.result() for worker in workers] == [REQUESTS] * WORKERS
        assert repository.get_student(user_id=students[0]).student.user_id == students[0]


def test_an_async_repository_used_before_the_fork_gives_each_child_its_own_answers(it: World):
    manager = it.manager()
    students = [it.student(manager).user_id for _ in range(WORKERS)]

    async def ask(repository: AsyncTripwireRepository, student: UUID, times: int) -> int:
        answers = await asyncio.gather(*(repository.get_student(user_id=student) for _ in range(times)))
        return sum(answer.student.user_id == student for answer in answers)

    async def main() -> None:
        with PostgresAuth(it.url) as auth:
            async with AsyncTripwireRepository.connect(it.url, auth=auth, pool_size=2) as repository:
                assert await ask(repository, students[0], 4) == 4
                # Forked while the parent's loop runs and its connections are lent out.
                busy = asyncio.create_task(ask(repository, students[0], 300))
                await asyncio.sleep(0)
                children = [fork(lambda student=student: run_child(repository, student)) for student in students]
                assert await busy == 300
                loop = asyncio.get_running_loop()
                results = [await loop.run_in_executor(None, child.result) for child in children]
                assert results == [300] * WORKERS
                assert await ask(repository, students[0], 4) == 4

    def run_child(repository: AsyncTripwireRepository, student: UUID) -> int:
        async def child() -> int:
            async with repository:
                return await ask(repository, student, 300)

        return asyncio.run(child())

    asyncio.run(main())


@pytest.mark.parametrize("also_close", [False, True])
def test_a_connection_lent_out_at_the_fork_stays_the_parents_whatever_the_child_does(it: World, also_close: bool):
    with PostgresAuth(it.url) as auth, TripwireRepository.connect(it.url, auth=auth, pool_size=1) as repository:
        student = it.student()
        asked = {"user_id": student.user_id}
        with repository._database._connection() as connection:
            before = connection.info.backend_pid

            def child() -> int:
                if also_close:
                    connection.close()
                    repository.close()
                repository.get_student(**asked)
                with repository._database._connection() as own:
                    return own.info.backend_pid

            assert in_child(child) != before
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row == (before,)
        assert repository.get_student(**asked)


class ForkingAuth(PostgresAuth):
    """Forks while a deletion holds its transaction open; where it does is up to whoever forks, so the test decides."""

    child_says: int | None = None
    parent_hears: int | None = None

    def delete_user(self, id: UUID) -> bool:  # noqa: A002
        reading, writing = os.pipe()
        if os.fork() == 0:
            self.child_says = writing
            return True
        os.close(writing)
        self.parent_hears = reading
        return super().delete_user(id)


def test_a_call_forked_in_its_middle_says_so_in_the_child_and_ends_well_in_the_parent(it: World):
    """What the child has of it is a copy with its parent's connection, which it may neither commit nor roll back."""
    student = it.student()
    auth = ForkingAuth(it.url)
    repository = TripwireRepository.connect(it.url, auth=auth)
    here, said = os.getpid(), ""
    try:
        said = repr(repository.delete_student(user_id=student.user_id, manager_id=student.manager_id))
    except BaseException as error:
        said = repr(error)
        if os.getpid() == here:
            raise
    finally:
        if os.getpid() != here:
            assert auth.child_says is not None
            os.write(auth.child_says, said.encode())
            os._exit(0)
    assert auth.parent_hears is not None
    with os.fdopen(auth.parent_hears) as pipe:
        assert "forked in the middle of a call" in pipe.read()
    os.wait()
    assert it.connection.execute("SELECT FROM auth.users WHERE id = %s", [student.user_id]).fetchall() == []
    repository.close()
    auth.close()


def test_auth_objects_used_before_the_fork_serve_each_child(it: World):
    with AdminApi(it.url) as api, PostgresAuth(it.url) as rows, SupabaseAuth(api.url, api.service_role_key) as service:
        for auth in (rows, service):
            used = uuid4()
            auth.create_user(id=used, email=f"{used}@x.kz", password=None, full_name="X", mark=Mark.STUDENT)

            def find(auth: Any = auth, used: UUID = used) -> bool:
                found = [auth.find_user(used) for _ in range(50)]
                auth.close()
                return all(user is not None and user.id == used for user in found)

            children = [fork(find) for _ in range(WORKERS)]
            assert find()
            assert all(child.result() for child in children)


def test_locks_that_other_threads_hold_at_the_fork_do_not_hold_up_the_child(it: World, redis_url: str):
    """Of the auth object, of the cache, of the pool, and of a statement that is just being built."""
    with (
        AdminApi(it.url) as api,
        SupabaseAuth(api.url, api.service_role_key) as auth,
        RedisCache(redis_url) as cache,
        TripwireRepository.connect(it.url, auth=auth, leaderboard_cache=cache) as repository,
    ):
        repository.get_sales_leaderboard()
        building, forked = threading.Event(), threading.Event()

        def build(b: StatementBuilder) -> None:
            if threading.current_thread() is other:
                building.set()
                forked.wait(60)
            b.report(tripwire_users.select())

        slow = FlowStatement("slow", build, lambda rows, _: len(rows))

        def hold() -> None:
            pool = repository._database.engine.pool
            with auth._lock, cache._lock, pool._pool.mutex, pool._overflow_lock:  # type: ignore[attr-defined]
                assert slow.sql

        def child() -> int:
            repository.get_sales_leaderboard()
            with pytest.raises(LookupError):
                repository.get_student(user_id=uuid4())
            manager = repository.create_manager(email="child@sales.kz", full_name="C")
            assert auth.find_user(manager.user_id)
            return repository._database.run(slow.flow())

        other = threading.Thread(target=hold)
        other.start()
        try:
            assert building.wait(60)
            assert in_child(child) == 0
        finally:
            forked.set()
            other.join()


def test_a_cache_used_before_the_fork_answers_in_the_child_and_can_be_closed_there(it: World, redis_url: str):
    with (
        RedisCache(redis_url, wait=0.2) as cache,
        PostgresAuth(it.url) as auth,
        TripwireRepository.connect(it.url, auth=auth, leaderboard_cache=cache) as repository,
    ):
        it.manager()
        shown = repository.get_sales_leaderboard()

        def child() -> Any:
            rows = [repository.get_sales_leaderboard() for _ in range(20)]
            loop = cache._loop
            assert loop is not None  # of its own: Redis was asked
            cache.close()
            return rows

        assert in_child(child) == [shown] * 20
        inherited = cache._loop
        assert inherited is not None
        assert in_child(inherited.close) is None  # as the interpreter's end would have it closed
        assert repository.get_sales_leaderboard() == shown
        assert cache._loop is inherited


def test_a_flight_of_the_parents_is_not_waited_for_in_the_child(it: World, redis_url: str):
    """The parent's thread that computes for all does not exist in the child."""
    with RedisCache(redis_url, wait=0.1) as cache:
        computing, forked = threading.Event(), threading.Event()

        def compute() -> list[Any]:
            computing.set()
            forked.wait(60)
            return []

        leader = threading.Thread(target=cache.get_or_compute, args=("k", compute))
        leader.start()
        try:
            assert computing.wait(60)
            assert in_child(lambda: cache.get_or_compute("k", list)) == []
        finally:
            forked.set()
            leader.join()


def test_the_servers_connections_are_the_sum_of_the_processes_pools(it: World):
    """`pool_size` bounds one repository in one process; a PostgresAuth has a pool of its own beside it."""

    def connections() -> int:
        with psycopg.connect(it.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mine'"
            ).fetchone()
            assert row is not None
            return int(row[0])

    url = f"{it.url}&application_name=mine"
    manager = it.manager()
    with PostgresAuth(url, pool_size=2) as auth, TripwireRepository.connect(url, auth=auth, pool_size=3) as repository:

        def busy(tag: str, count: Callable[[], int] = connections) -> int:
            def create(n: int) -> None:
                repository.create_tripwire_user(email=f"{tag}{n}@course.kz", full_name="N", manager_id=manager.user_id)

            with ThreadPoolExecutor(20) as threads:
                list(threads.map(create, range(40)))
            return count()

        assert busy("a") <= 5
        assert in_child(lambda: busy("b")) <= 10
