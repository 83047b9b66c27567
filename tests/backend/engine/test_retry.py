"""What is tried again, how often, and what is said in the end; and how a URL becomes a connection. No server is needed."""

import logging

import psycopg
import pytest
from psycopg import errors

from tripwire_db.engine.database import connection_arguments
from tripwire_db.engine.retry import MAX_ATTEMPTS, Attempts
from tripwire_db.errors import InvalidInput, Unavailable
from tripwire_db.flows.issue_certificate import issue_certificate
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.flows.verify_certificate import verify_certificate

SECRET = "hush-hush"
WRITING = issue_certificate(FlowContext(), user_id="00000000-0000-0000-0000-000000000001")
READING = verify_certificate(code="x")


def attempted(flow=WRITING, *, sent: bool = True) -> Attempts:
    attempts = Attempts(flow.name, flow.definition.writes)
    attempts.begin()
    if sent:
        attempts.sending(flow)
    return attempts


@pytest.mark.parametrize("error", [errors.SerializationFailure("x"), errors.DeadlockDetected("x")])
def test_a_serialization_failure_and_a_deadlock_are_tried_again_after_a_growing_delay(error):
    attempts = attempted()
    delays = []
    for _ in range(MAX_ATTEMPTS - 1):
        delays.append(attempts.backoff(error))
        attempts.begin()
        attempts.sending(WRITING)
    assert all(0.05 * 2**n <= delay <= 0.1 * 2**n for n, delay in enumerate(delays))
    with pytest.raises(Unavailable, match=f"gave up after {MAX_ATTEMPTS} attempts") as raised:
        attempts.backoff(error)
    assert raised.value.applied is False


def test_a_lost_connection_leaves_open_whether_a_write_took_effect():
    attempts = attempted()
    for _ in range(MAX_ATTEMPTS - 1):
        attempts.backoff(psycopg.OperationalError("server closed the connection unexpectedly"))
        attempts.begin()
        attempts.sending(WRITING)
    with pytest.raises(Unavailable, match="not known") as raised:
        attempts.backoff(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert raised.value.applied is None


@pytest.mark.parametrize(("flow", "sent"), [(READING, True), (WRITING, False)])
def test_nothing_was_written_where_nothing_was_sent_or_nothing_writes(flow, sent: bool):
    attempts = attempted(flow, sent=sent)
    for _ in range(MAX_ATTEMPTS - 1):
        attempts.backoff(psycopg.OperationalError("connection refused"))
        attempts.begin()
    with pytest.raises(Unavailable) as raised:
        attempts.backoff(psycopg.OperationalError("connection refused"))
    assert raised.value.applied is False


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
