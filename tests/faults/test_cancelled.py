"""A task that is cancelled, at any point: no connection is left over, and the caller's retry is right."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.backend.flows.world import World
from tests.faults.figures import Figures
from tests.faults.recount import Sessions
from tests.support.servers.admin_api import AdminApi
from tests.support.servers.proxy import Proxy, Verdict
from tripwire_db import AsyncTripwireRepository, PostgresAuth, SupabaseAuth
from tripwire_db.engine import retry


@pytest.fixture
def proxy_before(it: World) -> Iterator[Proxy]:
    with Proxy(it.url) as proxy:
        yield proxy


@asynccontextmanager
async def opened(url: str, it: World, **options: Any) -> Any:
    with PostgresAuth(it.url) as auth:
        async with AsyncTripwireRepository.connect(url, **{"auth": auth, "pool_size": 2, **options}) as repository:
            yield repository


async def until(true: Callable[[], bool]) -> None:
    """Wait for what is announced by nothing, such as how far a statement has come in the server."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def cancel_when(true: Callable[[], bool], call: Awaitable[Any]) -> None:
    """Begin a call, wait until it has come so far, cancel it, and see it end as cancelled."""
    task = asyncio.ensure_future(call)
    await until(true)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await task
    assert task.cancelled()


def waiting(it: World) -> bool:
    found = it.connection.execute(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return bool(found["n"])


async def test_while_it_waits_for_a_lock(it: World, sessions: Sessions, figures: Figures):
    student = it.student()
    it.qualify(student.user_id, 67)
    before = it.dump()
    async with opened(it.url, it) as repository:
        with it.held("SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE", student.user_id):
            await cancel_when(lambda: waiting(it), repository.complete_lesson(user_id=student.user_id, lesson_id=67))
            assert not waiting(it)  # the server has stopped too
        assert it.dump() == before
        assert (await repository.complete_lesson(user_id=student.user_id, lesson_id=67)).modules_completed == 1
    figures.survived("cancelled tasks")


async def test_while_all_connections_are_in_use(it: World, figures: Figures):
    student = it.student()
    async with opened(it.url, it, pool_size=1) as repository:
        with it.held("SELECT 1 FROM tripwire_users WHERE user_id = %s FOR UPDATE", student.user_id):
            asked = {"user_id": student.user_id, "sent": True}
            first = asyncio.ensure_future(repository.record_welcome_email(**asked))
            await until(lambda: waiting(it))
            begun = asyncio.Event()

            async def second() -> Any:
                begun.set()
                return await repository.get_student(user_id=student.user_id)

            await cancel_when(begun.is_set, second())
        assert (await first).recorded
        assert (await repository.get_student(user_id=student.user_id)).student.welcome_email_sent
    figures.survived("cancelled tasks")


async def test_while_it_connects_to_a_server_that_never_says_a_word(it: World, proxy_before: Proxy, figures: Figures):
    student = it.student()
    async with opened(proxy_before.url, it) as repository:
        proxy_before.mute = True
        await cancel_when(lambda: proxy_before.open_connections == 1, repository.get_student(user_id=student.user_id))
        proxy_before.heal()
        assert await repository.get_student(user_id=student.user_id)
        await until(lambda: proxy_before.open_connections == 1)  # the other end takes a moment to notice
    figures.survived("cancelled tasks")


@pytest.mark.parametrize("verdict", [Verdict.HANG, Verdict.BLACK_HOLE, Verdict.HOLD])
async def test_while_no_answer_comes(verdict: Verdict, it: World, proxy_before: Proxy, figures: Figures):
    student = it.student()
    it.qualify(student.user_id, 67)
    asked = {"user_id": student.user_id, "lesson_id": 67}
    async with opened(proxy_before.url, it) as repository:
        proxy_before.plan(verdict)
        await cancel_when(lambda: proxy_before.round_trips == 1, repository.complete_lesson(**asked))
        assert (await repository.complete_lesson(**asked)).modules_completed == 1
        proxy_before.release()
        assert (await repository.complete_lesson(**asked)).modules_completed == 1
    figures.survived("cancelled tasks")


async def test_between_auth_and_database(it: World, proxy_before: Proxy, figures: Figures):
    """The auth user is there, the rows are not; as after a crash, the next call with the e-mail resumes."""
    asked = {"email": "late@course.kz", "full_name": "Late", "manager_id": it.manager().user_id}
    async with opened(proxy_before.url, it) as repository:
        proxy_before.mute = True
        await cancel_when(lambda: proxy_before.open_connections == 1, repository.create_tripwire_user(**asked))
        proxy_before.heal()
        assert it.count("tripwire_users") == 0
        assert (await repository.create_tripwire_user(**asked)).created
    figures.survived("cancelled tasks")


async def test_while_the_auth_user_is_being_made(it: World, figures: Figures):
    asked = {"email": "late@course.kz", "full_name": "Late", "manager_id": it.manager().user_id}
    begun, go_on = threading.Event(), threading.Event()
    with AdminApi(it.url) as api, SupabaseAuth(api.url, api.service_role_key) as auth:

        def hold(method: str, _: str) -> None:
            begun.set()
            assert go_on.wait(10)

        api.decide = hold
        async with opened(it.url, it, auth=auth) as repository:
            await cancel_when(begun.is_set, repository.create_tripwire_user(**asked))
            api.heal()
            retried = asyncio.ensure_future(repository.create_tripwire_user(**asked))
            go_on.set()
            assert (await retried).email == "late@course.kz"
            assert (await repository.create_tripwire_user(**asked)).created is False
    figures.survived("cancelled tasks")


async def test_a_compensation_that_is_cancelled_is_done_to_its_end_under_its_lock(
    it: World, proxy_before: Proxy, hasty: None, monkeypatch: pytest.MonkeyPatch, figures: Figures
):
    """Its HTTP call cannot be taken back: let go of the lock before it ends, and it removes a student made meanwhile."""
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 0.0)
    asked = {"email": "late@course.kz", "full_name": "Late", "manager_id": it.manager().user_id}
    deleting, go_on = threading.Event(), threading.Event()
    with AdminApi(it.url) as api, SupabaseAuth(api.url, api.service_role_key) as auth:

        def hold_the_deletion(method: str, _: str) -> None:
            if method == "DELETE":
                deleting.set()
                assert go_on.wait(10)

        api.decide = hold_the_deletion
        async with opened(proxy_before.url, it, auth=auth) as repository:
            proxy_before.judge = lambda r: Verdict.CUT_BEFORE if "log_creation" in r.text else Verdict.FORWARD
            task = asyncio.ensure_future(repository.create_tripwire_user(**asked))
            await asyncio.to_thread(deleting.wait, 10)
            task.cancel()
            coming = asyncio.ensure_future(asyncio.to_thread(it.repository.create_tripwire_user, **asked))
            await asyncio.to_thread(it.wait_for_locks, 1)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            student = await coming
    assert [row["user_id"] for row in it.rows("tripwire_users")] == [student.user_id]
    figures.survived("cancelled tasks")


async def test_a_hundred_calls_cancelled_at_any_moment(it: World, sessions: Sessions, figures: Figures):
    manager = it.manager()
    async with opened(it.url, it, pool_size=5) as repository:

        def new(n: int) -> Awaitable[Any]:
            return repository.create_tripwire_user(
                email=f"n{n}@course.kz", full_name=f"N {n}", manager_id=manager.user_id
            )

        async def cancelled(n: int) -> None:
            task = asyncio.ensure_future(new(n))
            await asyncio.sleep(n / 1000)  # each a little later than the one before: at another point of the call
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        await asyncio.gather(*[cancelled(n) for n in range(100)])
        students = await asyncio.gather(*[new(n) for n in range(100)])
        assert len({student.user_id for student in students}) == 100
        assert not sessions.in_transaction()
    assert it.count("tripwire_users") == 100
    figures.survived("cancelled tasks", 100)
