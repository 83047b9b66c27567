"""Between auth and database: what a creation leaves behind, and what its error knows, wherever it is interrupted."""

from collections.abc import Callable, Iterator

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.faults.figures import Figures
from tests.support.servers.proxy import Proxy, Request, Verdict
from tripwire_db import PostgresAuth, Unavailable
from tripwire_db.engine import retry

LOST = (Verdict.CUT_BEFORE, Verdict.CUT_AFTER, Verdict.SWALLOW, Verdict.HANG, Verdict.BLACK_HOLE, Verdict.HOLD)


def writes_a_person(request: Request) -> bool:
    """The statement of a creation, and no other, such as that of its compensation."""
    return "log_creation" in request.text


def strike(verdict: Verdict) -> Callable[[Request], Verdict]:
    return lambda request: verdict if writes_a_person(request) else Verdict.FORWARD


@pytest.fixture
def behind(kind: str, it: World, hasty: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Proxy, World]]:
    """A repository behind a proxy, which alone is struck: the auth service is well."""
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 0.5)
    with (
        Proxy(it.url) as proxy,
        PostgresAuth(it.url) as auth,
        opened(kind, proxy.url, auth=auth) as repository,
    ):
        yield proxy, World(it.url, repository, it.connection)


@pytest.mark.parametrize("verdict", LOST)
def test_a_creation_whose_statement_is_lost_each_time_is_looked_after_and_its_error_knows(
    verdict: Verdict, behind: tuple[Proxy, World], it: World, figures: Figures
):
    proxy, struck = behind
    asked = {"email": "lost@course.kz", "full_name": "Lost", "manager_id": it.manager().user_id}
    proxy.judge = strike(verdict)
    with pytest.raises(Unavailable) as raised:
        struck.repository.create_tripwire_user(**asked)
    there = it.count("tripwire_users") == 1
    if verdict in {Verdict.SWALLOW, Verdict.HANG}:
        assert there
    if verdict is not Verdict.CUT_AFTER:  # where it is a matter of luck
        assert there is (verdict in {Verdict.SWALLOW, Verdict.HANG})
    assert raised.value.applied is there
    assert ("everything was written" if there else "nothing was written") in str(raised.value)
    assert "calling again" in str(raised.value)
    auth_users = it.connection.execute("SELECT email FROM auth.users WHERE email = 'lost@course.kz'").fetchall()
    assert len(auth_users) == there

    proxy.heal()
    student = struck.repository.create_tripwire_user(**asked)
    proxy.release()
    assert student.created is not there
    assert it.log(student.user_id) == [("user_created", asked["manager_id"])]
    figures.survived("creation, its statement lost")


@pytest.mark.parametrize("verdict", LOST)
def test_a_manager_is_looked_after_in_the_same_way(verdict: Verdict, behind: tuple[Proxy, World], it: World):
    proxy, struck = behind
    asked = {"email": "lost@sales.kz", "full_name": "Lost"}
    proxy.judge = strike(verdict)
    with pytest.raises(Unavailable) as raised:
        struck.repository.create_manager(**asked)
    there = it.count("users") == 1
    assert raised.value.applied is there
    proxy.heal()
    assert struck.repository.create_manager(**asked).created is not there
    proxy.release()
    assert it.count("users") == 1
