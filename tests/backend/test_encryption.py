"""A remote server that may be sent secrets in the clear is warned of, once."""

import logging

import pytest

from tripwire_db import PostgresAuth, SupabaseAuth, TripwireRepository
from tripwire_db.postgres import encryption


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(encryption, "_WARNED", set())
    monkeypatch.delenv("PGSSLMODE", raising=False)
    caplog.set_level(logging.WARNING, logger="tripwire_db")
    return caplog


def open_repository(url: str, **arguments: str) -> None:
    with PostgresAuth(url) as auth, TripwireRepository.connect(url, auth=auth, **arguments):
        pass


@pytest.mark.parametrize("mode", ["", "?sslmode=prefer", "?sslmode=disable", "?sslmode=allow"])
def test_a_remote_database_url_that_need_not_encrypt_is_warned_of_once(warnings: pytest.LogCaptureFixture, mode: str):
    for _ in range(2):
        open_repository(f"postgresql://app:hush@db.example/course{mode}")
    (record,) = warnings.records
    assert record.levelno == logging.WARNING
    assert "db.example" in record.getMessage()
    assert "sslmode=require" in record.getMessage()
    assert "hush" not in record.getMessage()


def test_the_url_of_reports_is_looked_at_too(warnings: pytest.LogCaptureFixture):
    open_repository("postgresql://app@localhost/course", reports_url="postgresql://app@replica.example/course")
    assert ["replica.example" in record.getMessage() for record in warnings.records] == [True]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app@db.example/course?sslmode=require",
        "postgresql://app@db.example/course?sslmode=verify-full",
        "postgresql://app@localhost/course",
        "postgresql://app@127.0.0.2:5433/course",
        "postgresql://app@[::1]/course",
        "postgresql://app@/course?host=/run/postgresql",
        "postgresql://app@/course",
    ],
)
def test_an_encrypted_or_local_database_is_no_reason_to_warn(warnings: pytest.LogCaptureFixture, url: str):
    open_repository(url)
    assert warnings.records == []


def test_a_plain_http_url_that_takes_the_service_key_elsewhere_is_warned_of_once(warnings: pytest.LogCaptureFixture):
    for _ in range(2):
        SupabaseAuth("http://supabase.example:8000", "a-service-role-key").close()
    (record,) = warnings.records
    assert "supabase.example" in record.getMessage()
    assert "a-service-role-key" not in record.getMessage()


@pytest.mark.parametrize("url", ["https://ref.supabase.co", "http://127.0.0.1:54321", "http://localhost:54321"])
def test_https_and_a_local_stack_are_no_reason_to_warn(warnings: pytest.LogCaptureFixture, url: str):
    SupabaseAuth(url, "a-service-role-key").close()
    assert warnings.records == []
