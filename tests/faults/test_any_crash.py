"""Any flow, any fault of the connection: nothing is lost, nothing is doubled, and the error says what is known."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import pytest

from tests.backend.flows.both import opened
from tests.backend.flows.world import World
from tests.faults.acts import READING, WRITING, Act
from tests.faults.figures import Figures
from tests.faults.recount import broken
from tests.support.servers.proxy import Proxy, Verdict
from tripwire_db import AuthFailed, CompensationFailed, PostgresAuth, TripwireError, Unavailable
from tripwire_db.engine import retry

AT_ONCE = 24
CALLERS_PATIENCE = 30.0
"""Seconds for which a caller calls again once the connection is healed."""


def refused(proxy: Proxy, times: int | None) -> None:
    """No connection comes about."""
    if times is None:
        proxy.refusing = True
    else:
        proxy.refuse(times)


def struck(verdict: Verdict) -> Callable[[Proxy, int | None], None]:
    """This happens to each request, or to the next so many."""

    def strike(proxy: Proxy, times: int | None) -> None:
        if times is None:
            proxy.judge = lambda _: verdict
        else:
            proxy.plan(*[verdict] * times)

    return strike


def delayed(proxy: Proxy, times: int | None) -> None:
    """The network is slow, but not too slow."""
    proxy.delay = 0.02


FAULTS = {
    "refused": refused,
    "cut before": struck(Verdict.CUT_BEFORE),
    "cut after": struck(Verdict.CUT_AFTER),
    "answer swallowed, cut": struck(Verdict.SWALLOW),
    "answer swallowed, open": struck(Verdict.HANG),
    "black hole": struck(Verdict.BLACK_HOLE),
    "arrives after all gave up": struck(Verdict.HOLD),
    "delayed": delayed,
}


@dataclass(frozen=True)
class Trial:
    """One fault: `times` it strikes, None until it is healed."""

    act: Act
    fault: str
    times: int | None

    def __str__(self) -> str:
        return f"{self.act.name}, {self.fault}, {'every time' if self.times is None else f'{self.times} ×'}"


def tried(trial: Trial, kind: str, it: World) -> str:
    """Try one fault in a repository behind a proxy of its own; give what went wrong, or nothing."""
    act = trial.act
    asked = act.arguments(it)

    def effects() -> int | None:
        return None if act.effects is None else act.effects(it, asked)

    before = effects()
    with (
        Proxy(it.url) as proxy,
        PostgresAuth(it.url) as auth,
        opened(kind, proxy.url, auth=auth, pool_size=2) as repository,
    ):
        FAULTS[trial.fault](proxy, trial.times)
        failure: TripwireError | None = None
        try:
            act.call(repository, asked)
        except (Unavailable, CompensationFailed, AuthFailed) as error:
            failure = error
        between = effects()
        if trial.times is not None and failure is not None:
            return f"did not survive: {failure!r}"
        if failure is not None and (wrong := misjudged(failure, before, between, trial.fault)):
            return f"{wrong}: {failure!r}"
        proxy.heal()
        answer = retried_by_the_caller(lambda: act.call(repository, asked))
        proxy.release()
        if act.effects is None:
            expected = act.call(it.repository, asked)
            return "" if answer == expected else f"{answer!r} instead of {expected!r}"
        return "" if (before, effects()) == (0, 1) else f"took effect {effects()} times"


def retried_by_the_caller(call: Callable[[], object]) -> object:
    """Call again, as the errors say; a repository whose patience was shortened for the test may need more than once."""
    deadline = time.monotonic() + CALLERS_PATIENCE
    while True:
        try:
            return call()
        except (Unavailable, CompensationFailed, AuthFailed):
            if time.monotonic() > deadline:
                raise


def misjudged(failure: TripwireError, before: int | None, after: int | None, fault: str) -> str:
    """What is wrong with what an error says of itself."""
    cause = failure.cause if isinstance(failure, CompensationFailed) else failure
    applied = getattr(cause, "applied", "unsaid")
    took_effect = before != after
    if applied not in (True, False, None):
        return "does not say whether it took effect"
    if applied is not None and applied != took_effect:
        return f"says {applied}, and it is {took_effect}"
    if fault == "refused" and applied is not False:
        return "does not know that what was never sent has no effect"
    return "" if "again" in str(failure) else "does not say what to do"


def campaign(trials: list[Trial], kind: str, it: World, figures: Figures) -> None:
    """Try them all, many at once: each has a student of its own, and most of the time is spent waiting."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(lambda trial: outcome_of(trial, kind, it), trials))
    bad = [f"{trial}: {wrong}" for trial, wrong in zip(trials, outcomes, strict=True) if wrong]
    bad += broken(it.url)
    figures.lost(f"connection, {kind}", len(bad))
    figures.survived(f"connection, {kind}", len(trials) - len(bad))
    assert not bad, "\n".join(bad)


def outcome_of(trial: Trial, kind: str, it: World) -> str:
    try:
        return tried(trial, kind, it)
    except Exception as error:  # noqa: BLE001 - one trial's end is not the end of the others
        return repr(error)


@pytest.fixture(params=[1, None], ids=["once", "until it is healed"])
def times(
    request: pytest.FixtureRequest, hasty: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> int | None:
    """How often a fault strikes; one that stays is given up after a second, one that passes is survived on any machine."""
    hasty(0.6)
    times: int | None = request.param
    if times is None:
        monkeypatch.setattr(retry, "RETRY_WINDOW_SECONDS", 1.0)
    return times


def test_whatever_happens_to_the_connection_a_call_takes_effect_once(
    kind: str, times: int | None, it: World, figures: Figures
):
    campaign([Trial(*trial, times) for trial in product(WRITING, FAULTS)], kind, it, figures)


def test_whatever_happens_to_the_connection_a_look_gives_the_truth(
    kind: str, times: int | None, it: World, figures: Figures
):
    it.graduate()
    best = it.manager()
    for _ in range(3):  # none of the sellers whom other trials make meanwhile comes before them on the leaderboard
        it.student(best)
    campaign([Trial(*trial, times) for trial in product(READING, FAULTS)], kind, it, figures)


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_with_its_real_patience_too(kind: str, it: World, figures: Figures, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.faults.test_any_crash.AT_ONCE", 40)
    campaign([Trial(*trial) for trial in product(WRITING, FAULTS, (1, None))], kind, it, figures)
