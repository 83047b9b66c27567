"""What is tried again, how often, and what is said in the end; and how a URL becomes a connection. No server is needed."""

import logging
from types import SimpleNamespace

import psycopg
import pytest
from psycopg import errors

from tripwire_db.engine import retry
from tripwire_db.engine.connection import connection_arguments
from tripwire_db.engine.retry import Attempts
from tripwire_db.errors import InvalidInput, Unavailable
from tripwire_db.flows.issue_certificate import issue_certificate
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.flows.verify_certificate import verify_certificate

SECRET = "hush-hush"
WRITING = issue_certificate(FlowContext(), user_id="00000000-0000-0000-0000-000000000001")
GONE = psycopg.OperationalError("server closed the connection unexpectedly")
READING = verify_certificate(code="x")


def attempted(flow=WRITING, *, sent: bool = True) -> Attempts:
    attempts = Attempts(flow.name, flow.definition.writes, started=retry.time.monotonic())
    attempts.begin()
    if sent:
        attempts.sending(flow)
    return attempts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that attempts see, in its only item."""
    now = [1000.0]
    monkeypatch.setattr(retry, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def until_given_up(attempts: Attempts, error: psycopg.Error, clock: list[float], *, sent: bool = True) -> Unavailable:
    """Meet the same error at every attempt, until there is no other."""
    while True:
        try:
            clock[0] += attempts.backoff(error)
        except Unavailable as failure:
            return failure
        attempts.begin()
        if sent:
            attempts.sending(WRITING)


@pytest.mark.parametrize("error", [errors.SerializationFailure("x"), errors.DeadlockDetected("x"), GONE])
def test_what_may_pass_is_tried_again_after_a_growing_delay_for_fifteen_seconds(error, clock: list[float]):
    attempts = attempted()
    delays = [attempts.backoff(error)]
    for _ in range(5):
        attempts.begin()
        attempts.sending(WRITING)
        delays.append(attempts.backoff(error))
    assert all(0.05 * 2**n <= delay <= 0.1 * 2**n for n, delay in enumerate(delays[:4]))
    assert all(0.5 <= delay <= 1.0 for delay in delays[4:])
    failure = until_given_up(attempts, error, clock)
    assert clock[0] == 1015.0  # the last attempt is made when the time is up, not a second before
    assert "attempts in 15.0 s" in str(failure)


def test_a_deadlock_leaves_no_doubt_that_nothing_was_written(clock: list[float]):
    assert until_given_up(attempted(), errors.DeadlockDetected("x"), clock).applied is False


def test_a_lost_connection_leaves_open_whether_a_write_took_effect(clock: list[float]):
    failure = until_given_up(attempted(), GONE, clock)
    assert failure.applied is None
    assert "not known" in str(failure)


@pytest.mark.parametrize(("flow", "sent"), [(READING, True), (WRITING, False)])
def test_nothing_was_written_where_nothing_was_sent_or_nothing_writes(flow, sent: bool, clock: list[float]):
    refused = psycopg.OperationalError("connection refused")
    assert until_given_up(attempted(flow, sent=sent), refused, clock, sent=False).applied is False


def test_a_server_that_is_read_only_after_a_lost_connection_is_a_standby_on_its_way_up(clock: list[float]):
    attempts = attempted()
    attempts.backoff(GONE)
    attempts.begin()
    attempts.sending(WRITING)
    assert until_given_up(attempts, errors.ReadOnlySqlTransaction("x"), clock)
    assert clock[0] == 1015.0


def test_a_server_that_is_read_only_is_asked_once_more_and_no_longer(clock: list[float]):
    assert until_given_up(attempted(), errors.ReadOnlySqlTransaction("x"), clock)
    assert clock[0] < 1001.0


@pytest.mark.parametrize(
    "text", ["password authentication failed for user", "Tenant or user not found", "no password supplied"]
)
def test_what_trying_again_cannot_help_is_told_at_once(text: str):
    with pytest.raises(Unavailable, match="gave up after one attempt"):
        attempted(sent=False).backoff(psycopg.OperationalError(f"connection failed: {text}"))


def test_what_is_no_error_of_the_driver_passes_through():
    with pytest.raises(ZeroDivisionError):
        attempted().backoff(ZeroDivisionError())


@pytest.mark.parametrize("url", [None, 7, "", "mysql://a@b/c", f"postgresql://a:{SECRET}@[::1/db"])
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InvalidInput) as raised:
        connection_arguments(url)
    assert SECRET not in str(raised.value) + caplog.text


@pytest.mark.parametrize(
    ("url", "told", "prepared"),
    [
        ("postgresql://a@h/db", None, True),
        ("postgresql://a@h:6543/db", None, False),
        ("postgresql://a@h:6543/db", False, True),
        ("postgresql://a@h:5432/db", True, False),
        ("postgresql://a@/db?host=/run/postgresql&port=6543", None, False),
    ],
)
def test_behind_a_transaction_pooler_nothing_is_prepared(url: str, told: bool | None, prepared: bool):
    assert (connection_arguments(url, told)["prepare_threshold"] is not None) == prepared
