"""Settings: what the environment says, checked, and shown without secrets."""

import base64
import json
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from tripwire_db.errors import InvalidInput
from tripwire_db.settings import Settings, libpq_url, mask_url, sqlalchemy_url

DATABASE = "postgresql://app:s3cret@db.example:5432/course"


def jwt(role: str) -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"role": role}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.c2lnbmF0dXJl"


def connect_arguments(url: str) -> dict[str, object]:
    engine = sqlalchemy.create_engine(sqlalchemy_url(url))
    _, arguments = engine.dialect.create_connect_args(engine.url)
    return arguments


def test_without_variables_nothing_is_set():
    assert Settings.from_env({}) == Settings()


def test_empty_variables_count_as_not_set():
    assert Settings.from_env({"TRIPWIRE_DATABASE_URL": "", "TRIPWIRE_POOLER": "  "}) == Settings()


def test_every_variable_is_read():
    settings = Settings.from_env(
        {
            "TRIPWIRE_DATABASE_URL": "postgres://app@pooler:6543/course",
            "TRIPWIRE_MIGRATIONS_URL": DATABASE,
            "TRIPWIRE_REPORTS_URL": "postgres://app@replica/course",
            "TRIPWIRE_POOL_SIZE": "7",
            "TRIPWIRE_POOLER": "transaction",
            "TRIPWIRE_SUPABASE_URL": "https://ref.supabase.co/",
            "TRIPWIRE_SERVICE_ROLE_KEY": jwt("service_role"),
            "TRIPWIRE_REDIS_URL": "redis://localhost:6379/0",
            "TRIPWIRE_CERTIFICATE_URL": "https://course.example/certificates/",
            "TRIPWIRE_EMBEDDED_DIR": "/srv/embedded",
        }
    )
    assert settings == Settings(
        database_url="postgresql://app@pooler:6543/course",
        migrations_url=DATABASE,
        reports_url="postgresql://app@replica/course",
        pool_size=7,
        transaction_pooler=True,
        supabase_url="https://ref.supabase.co",
        service_role_key=jwt("service_role"),
        redis_url="redis://localhost:6379/0",
        certificate_url="https://course.example/certificates",
        embedded_dir=Path("/srv/embedded"),
    )


def test_migrations_fall_back_to_the_application_s_database():
    assert Settings.from_env({"TRIPWIRE_DATABASE_URL": DATABASE}).migrations_url == DATABASE


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"TRIPWIRE_DATABASE_URL": "mysql://app:s3cret@host/db"}, "TRIPWIRE_DATABASE_URL.*mysql"),
        ({"TRIPWIRE_DATABASE_URL": "s3cret"}, "TRIPWIRE_DATABASE_URL.*no URL"),
        ({"TRIPWIRE_MIGRATIONS_URL": DATABASE + "?pgbouncer=s3cret"}, r"TRIPWIRE_MIGRATIONS_URL.*\(pgbouncer\)"),
        ({"TRIPWIRE_MIGRATIONS_URL": "postgresql://a:s3cret@[::1/db"}, "TRIPWIRE_MIGRATIONS_URL.*libpq"),
        ({"TRIPWIRE_POOLER": "s3cret"}, "TRIPWIRE_POOLER.*transaction"),
        ({"TRIPWIRE_SUPABASE_URL": "https://ref.supabase.co"}, "TRIPWIRE_SERVICE_ROLE_KEY is not set"),
        ({"TRIPWIRE_SERVICE_ROLE_KEY": "s3cret"}, "TRIPWIRE_SUPABASE_URL is not set"),
        ({"TRIPWIRE_SUPABASE_URL": "s3cret"}, "TRIPWIRE_SUPABASE_URL.*https://"),
        ({"TRIPWIRE_SUPABASE_URL": "https://[s3cret"}, "TRIPWIRE_SUPABASE_URL.*https://"),
        ({"TRIPWIRE_SERVICE_ROLE_KEY": jwt("anon")}, "key for browsers"),
        ({"TRIPWIRE_SERVICE_ROLE_KEY": "sb_publishable_s3cret"}, "key for browsers"),
        ({"TRIPWIRE_REDIS_URL": "http://s3cret"}, "TRIPWIRE_REDIS_URL.*redis://"),
        ({"TRIPWIRE_CERTIFICATE_URL": "s3cret"}, "TRIPWIRE_CERTIFICATE_URL.*https://"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(environment: dict[str, str], says: str):
    with pytest.raises(InvalidInput, match=says) as caught:
        Settings.from_env(environment)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_repr_shows_no_secret():
    settings = Settings.from_env(
        {
            "TRIPWIRE_DATABASE_URL": DATABASE,
            "TRIPWIRE_SUPABASE_URL": "https://ref.supabase.co",
            "TRIPWIRE_SERVICE_ROLE_KEY": "sb_secret_s3cret",
            "TRIPWIRE_REDIS_URL": "redis://:s3cret@localhost",
        }
    )
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        (DATABASE, "postgresql://app:***@db.example:5432/course"),
        ("postgresql://app@db/course", "postgresql://app@db/course"),
        ("postgresql:///course?host=/run&password=s3cret&user=x", "postgresql:///course?host=/run&password=***&user=x"),
        ("postgresql://a:s3@cr:et%@h1:1,h2:2/db", "postgresql://a:***@h1:1,h2:2/db"),
        ("postgresql://a:s3?cret@h/db", "postgresql://a:***@h/db"),
        ("redis://:s3cret@localhost:6379/0", "redis://:***@localhost:6379/0"),
        ("host=h password='s3 cret' user=x", "host=h password=*** user=x"),
        ("host=h password=s3cret", "host=h password=***"),
    ],
)
def test_masking_hides_passwords_and_nothing_else(url: str, masked: str):
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (DATABASE, {"user": "app", "password": "s3cret", "host": "db.example", "port": 5432, "dbname": "course"}),
        ("postgres://app@db/course", {"user": "app", "host": "db", "dbname": "course"}),
        ("postgresql+psycopg://app@db/course", {"user": "app", "host": "db", "dbname": "course"}),
        ("postgresql://app@/course?host=/run/pg&port=5433", {"host": "/run/pg", "port": "5433", "dbname": "course"}),
        ("postgresql://app@%2Frun%2Fpg/course", {"host": "/run/pg", "dbname": "course"}),
        ("postgresql://a:p%25%40ss@db/course", {"password": "p%@ss"}),
        ("postgresql://a:p%@s/s@db/course", {"password": "p%@s/s"}),
        ("postgresql://a@[::1]:5/course", {"host": "::1", "port": 5}),
        ("postgresql://a@h1:1,h2:2/course?target_session_attrs=any", {"host": "h1,h2", "port": "1,2"}),
        (
            "postgresql://a@h/c?sslmode=require&application_name=x%20y",
            {"sslmode": "require", "application_name": "x y"},
        ),
        ("postgresql://postgres.ref:x@pooler:6543/postgres", {"user": "postgres.ref", "port": 6543}),
        ("postgresql+asyncpg://app@db/course", {"user": "app", "host": "db", "dbname": "course"}),
        ("service=course", {"service": "course"}),
        ("postgresql://?service=course", {"service": "course"}),
        (
            "host=db user=app password='a b:/@=' dbname=course",
            {"host": "db", "password": "a b:/@=", "dbname": "course"},
        ),
    ],
)
def test_every_form_of_url_reaches_the_driver_unchanged(url: str, expected: dict[str, object]):
    arguments = connect_arguments(url)
    assert {name: arguments.get(name) for name in expected} == expected


@given(password=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="%?"), min_size=1))
def test_any_password_survives_bare(password: str):
    assert conninfo_to_dict(libpq_url(f"postgresql://app:{password}@db/course"))["password"] == password


@given(password=st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1))
def test_any_password_survives_encoded(password: str):
    encoded = sqlalchemy.URL.create("postgresql", "app", password, "db", database="course")
    url = encoded.render_as_string(hide_password=False)
    assert sqlalchemy_url(url).password == password
    assert conninfo_to_dict(libpq_url(url))["password"] == password


def test_a_refused_url_leaves_no_trace_of_the_driver_s_message():
    with pytest.raises(InvalidInput) as caught:
        sqlalchemy_url("postgresql://a:s3cret@h/db?nonsense=s3cret")
    assert not isinstance(caught.value.__cause__, psycopg.Error)
    assert "s3cret" not in str(caught.value)
