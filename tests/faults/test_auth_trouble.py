"""Trouble with the auth service, through the real supabase client, crossed with trouble of the database."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.faults.acts import WRITING, Act
from tests.faults.figures import Figures
from tests.faults.recount import broken
from tests.faults.test_any_crash import retried_by_the_caller
from tests.faults.test_creation import strike, writes_a_person
from tests.support.servers.admin_api import AdminApi
from tests.support.servers.admin_faults import Fault
from tests.support.servers.proxy import Proxy, Request, Verdict
from tripwire_db import CompensationFailed, SupabaseAuth, TripwireError, Unavailable
from tripwire_db.engine import retry
from tripwire_db.engine.statement import FlowStatement
from tripwire_db.flows.shared import auth_user

AT_ONCE = 16
PATIENCE = 0.5

FAULTS = (
    Fault.answer(422, "validation_failed"),
    Fault.answer(429, "over_request_rate_limit"),
    Fault.answer(500, "unexpected_failure"),
    Fault.answer(503),
    Fault.nothing(),
    Fault.swallow(),
    Fault.garbage(),
    Fault.garbage(done=True),
    Fault.failed_after(),
    Fault.late(),
    Fault.hang(),
    Fault.trickle(),
    Fault.twice(),
    Fault.answered_twice(),
    Fault.other_user(),
)
IN_DOUBT = (Fault.answer(503), Fault.swallow(), Fault.failed_after(), Fault.late())
WITH_AUTH = tuple(act for act in WRITING if act.has_auth)
CHANGES = WITH_AUTH[3:]
OF_ROWS = ("log_creation", "log_deletion", "log_correction", "log_reset")


@dataclass(frozen=True)
class Trial:
    """What the auth service does to a request of this method, and the connection to the statement that writes the rows."""

    act: Act
    method: str
    fault: Fault
    verdict: Verdict | None

    def __str__(self) -> str:
        return f"{self.act.name}, {self.method} {self.fault.name}, rows {self.verdict and self.verdict.name}"


@contextmanager
def with_supabase(kind: str, it: World) -> Iterator[tuple[AdminApi, Proxy, Any]]:
    """An Admin API, a proxy before the database, and a repository that uses both."""
    with (
        AdminApi(it.url) as api,
        Proxy(it.url) as proxy,
        SupabaseAuth(api.url, api.service_role_key, timeout=PATIENCE) as auth,
        opened(kind, proxy.url, auth=auth) as repository,
    ):
        yield api, proxy, repository


def tried(trial: Trial, kind: str, it: World) -> str:
    asked = trial.act.arguments(it)
    with with_supabase(kind, it) as (api, proxy, repository):
        api.script(trial.method, trial.fault)
        if trial.verdict is not None:
            verdict = trial.verdict
            proxy.judge = lambda r: verdict if any(step in r.text for step in OF_ROWS) else Verdict.FORWARD
        try:
            trial.act.call(repository, asked)
        except TripwireError as error:
            if wrong := unhelpful(error):
                return f"{wrong}: {error!r}"
        api.heal()
        proxy.heal()
        retried_by_the_caller(lambda: trial.act.call(repository, asked))
        proxy.release()
    assert trial.act.effects is not None
    effects = trial.act.effects(it, asked)
    return "" if effects == 1 else f"took effect {effects} times"


def unhelpful(error: TripwireError) -> str:
    if isinstance(error, CompensationFailed) and str(error.auth_user_id) not in str(error):
        return "does not name the auth user left behind"
    told = ("again", "refused e-mail or password", "check", "wait")
    return "" if any(word in str(error) for word in told) else "does not say what to do"


def outcome_of(trial: Trial, kind: str, it: World) -> str:
    try:
        return tried(trial, kind, it)
    except Exception as error:  # noqa: BLE001 - one trial's end is not the end of the others
        return repr(error)


def campaign(trials: list[Trial], kind: str, it: World, figures: Figures) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(lambda trial: outcome_of(trial, kind, it), trials))
    bad = [f"{trial}: {wrong}" for trial, wrong in zip(trials, outcomes, strict=True) if wrong]
    bad += broken(it.url)
    figures.lost(f"auth service, {kind}", len(bad))
    figures.survived(f"auth service, {kind}", len(trials) - len(bad))
    assert not bad, "\n".join(bad)


@pytest.fixture
def impatient(hasty: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    hasty(PATIENCE)
    monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 1.0)


def test_whatever_the_auth_service_does_a_retry_ends_in_exactly_one(
    kind: str, it: World, impatient: None, figures: Figures
):
    """Each fault once where it comes first, and those that leave most in doubt at each other request."""
    student, manager, deletion = WITH_AUTH[:3]
    trials = [
        *product([student], ["POST"], FAULTS, [None]),
        *product([student, manager], ["POST"], IN_DOUBT, [Verdict.SWALLOW]),
        # With the rows refused each time, what is tried is the deletion of the auth user: compensation.
        *product([student], ["DELETE"], IN_DOUBT, [Verdict.CUT_BEFORE]),
        *product([deletion], ["DELETE"], IN_DOUBT, [None]),
        *product(CHANGES, ["PUT"], IN_DOUBT, [None, Verdict.SWALLOW]),
    ]
    campaign([Trial(*trial) for trial in trials], kind, it, figures)


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_each_step_of_auth_crossed_with_each_cut_of_the_database(
    kind: str, it: World, impatient: None, figures: Figures
):
    verdicts = [None, *(verdict for verdict in Verdict if verdict is not Verdict.FORWARD)]
    trials = [
        *product(WITH_AUTH[:3], ("POST", "GET", "DELETE"), FAULTS, verdicts),
        # A statement that is held holds the lock of its transaction, too: see the test of the lock.
        *product(CHANGES, ("PUT",), FAULTS, [verdict for verdict in verdicts if verdict is not Verdict.HOLD]),
    ]
    campaign([Trial(*trial) for trial in trials], kind, it, figures)


def test_a_compensation_that_fails_names_the_auth_user_left_behind_and_the_next_call_resumes_it(
    kind: str, it: World, impatient: None, figures: Figures
):
    manager = it.manager()
    asked = {"email": "left@course.kz", "full_name": "Left", "manager_id": manager.user_id}
    with with_supabase(kind, it) as (api, proxy, repository):
        proxy.judge = strike(Verdict.CUT_BEFORE)
        api.always("DELETE", Fault.answer(500, "unexpected_failure"))
        with pytest.raises(CompensationFailed, match="doctor") as raised:
            repository.create_tripwire_user(**asked)
        (left,) = it.connection.execute("SELECT id FROM auth.users WHERE email = 'left@course.kz'").fetchall()
        assert raised.value.auth_user_id == left["id"]
        assert isinstance(raised.value.cause, Unavailable)
        api.heal()
        proxy.heal()
        student = repository.create_tripwire_user(**asked)
    assert (student.user_id, student.created) == (left["id"], True)
    figures.survived("compensation that fails")


@pytest.mark.parametrize("act", CHANGES, ids=lambda act: act.name)
def test_a_transaction_whose_caller_is_cut_off_gives_the_lock_back(
    kind: str, it: World, impatient: None, monkeypatch: pytest.MonkeyPatch, act: Act
):
    monkeypatch.setattr(auth_user, "IDLE_SECONDS", 1)
    lock = auth_user._LOCK
    monkeypatch.setattr(auth_user, "_LOCK", FlowStatement(lock.name, lock.build, lock.decode))
    asked = act.arguments(it)
    with with_supabase(kind, it) as (_, proxy, repository):
        proxy.judge = lambda r: Verdict.HOLD if any(step in r.text for step in OF_ROWS) else Verdict.FORWARD
        with pytest.raises((Unavailable, CompensationFailed)):
            act.call(repository, asked)
        proxy.heal()  # what is held stays held, on a connection that the server thinks alive
        retried_by_the_caller(lambda: act.call(repository, asked))
    assert act.effects is not None
    assert act.effects(it, asked) == 1
    assert broken(it.url) == []


def test_a_creation_of_the_auth_user_that_comes_after_the_retry_makes_no_second(kind: str, it: World, impatient: None):
    manager = it.manager()
    asked = {"email": "twice@course.kz", "full_name": "Twice", "manager_id": manager.user_id}
    with with_supabase(kind, it) as (api, _, repository):
        api.script("POST", Fault.overdue())
        with pytest.raises(TripwireError):
            repository.create_tripwire_user(**asked)
        student = repository.create_tripwire_user(**asked)
        overdue = api.made("POST")[0]
        api.release()
        _await(lambda: overdue.statuses == [422])
        assert repository.create_tripwire_user(**asked).user_id == student.user_id


def test_a_student_whom_another_call_completed_is_not_compensated_away(kind: str, it: World, impatient: None):
    """The auth user was made by the call that failed, and completed by another before it could be removed again."""
    manager = it.manager()
    asked = {"email": "shared@course.kz", "full_name": "Shared", "manager_id": manager.user_id}
    with with_supabase(kind, it) as (_, proxy, repository):
        completed: list[Any] = []

        def complete_meanwhile(request: Request) -> Verdict:
            if not writes_a_person(request):
                return Verdict.FORWARD
            if not completed:
                completed.append(it.repository.create_tripwire_user(**asked))
            return Verdict.CUT_BEFORE

        proxy.judge = complete_meanwhile
        with pytest.raises(Unavailable) as raised:
            repository.create_tripwire_user(**asked)
        assert raised.value.applied is True
        proxy.heal()
        student = repository.create_tripwire_user(**asked)
    assert (completed[0].created, student.created) == (True, False)
    assert student.user_id == completed[0].user_id


def test_a_call_that_comes_during_a_compensation_waits_for_it_and_makes_a_student_that_stays(
    kind: str, it: World, impatient: None, figures: Figures
):
    manager = it.manager()
    asked = {"email": "shared@course.kz", "full_name": "Shared", "manager_id": manager.user_id}
    with with_supabase(kind, it) as (api, proxy, repository):
        proxy.judge = strike(Verdict.CUT_BEFORE)
        deleting, go_on = threading.Event(), threading.Event()

        def hold_the_deletion(method: str, _: str) -> None:
            if method == "DELETE":
                deleting.set()
                assert go_on.wait(10)

        api.decide = hold_the_deletion
        with ThreadPoolExecutor(2) as threads:
            failing = threads.submit(repository.create_tripwire_user, **asked)
            assert deleting.wait(10)
            coming = threads.submit(it.repository.create_tripwire_user, **asked)
            it.wait_for_locks(1)  # for the lock that the compensation holds
            assert it.count("tripwire_users") == 0
            go_on.set()
            with pytest.raises(Unavailable) as raised:
                failing.result(30)
            student = coming.result(30)
        assert raised.value.applied is False
    assert student.created
    assert [row["user_id"] for row in it.rows("tripwire_users")] == [student.user_id]
    figures.survived("a call during another's compensation")


def _await(true: Callable[[], bool]) -> None:
    deadline = threading.Event()
    for _ in range(500):
        if true():
            return
        deadline.wait(0.01)  # what another server does is announced by nothing
    raise AssertionError("it did not happen within 5 s")
