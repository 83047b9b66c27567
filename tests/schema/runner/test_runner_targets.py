"""Which database: where its URL comes from, what a password may hold, and that nobody ever sees it."""

import secrets
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from alembic.config import Config
from psycopg.conninfo import conninfo_to_dict

from tests.schema.runner.chain import Chain
from tests.support.servers.postgres import Postgres
from tripwire_db.schema.runner.target import Target

AWKWARD = "p@ss%w:rd/100%41#;&'=+ ü"


@pytest.fixture
def login(postgres: Postgres) -> Iterator[Callable[[str], str]]:
    """Give a factory of superusers with a password of one's choice; returns the user's name."""
    names: list[str] = []

    def make(password: str) -> str:
        name = f"deployer_{secrets.token_hex(4)}"
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(
                    psycopg.sql.Identifier(name), psycopg.sql.Literal(password)
                )
            )
        names.append(name)
        return name

    yield make
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP ROLE {name}")


@pytest.fixture
def newest(login: Callable[[str], str], make_database: Callable[..., str], tmp_path: Path) -> Chain:
    # After login, so that the database is dropped before its owner.
    return Chain.make(tmp_path, make_database(migrated=None))


def _by_tcp(postgres: Postgres, chain: Chain, user: str, password: str) -> str:
    port = conninfo_to_dict(postgres.url(tcp=True))["port"]
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{_name(chain)}"


def _name(chain: Chain) -> str:
    return str(conninfo_to_dict(chain.url)["dbname"])


@pytest.mark.parametrize("write", [str, lambda password: quote(password, safe="")], ids=["as it is", "encoded"])
@pytest.mark.parametrize("password", ["p@ss%word", "s/l:a@sh%"])
def test_a_password_may_hold_at_signs_and_percents_and_is_never_shown(
    newest: Chain, postgres: Postgres, login: Callable[[str], str], password: str, write: Callable[[str], str]
) -> None:
    newest.add("CREATE TABLE public.a (id int)", down=("DROP TABLE public.a",))
    user = login(password)
    url = _by_tcp(postgres, newest, user, write(password))

    results = [
        newest.run("upgrade", "head", url=url),
        newest.run("-x", f"url={url}", "current", "-v", url=""),
        newest.run("downgrade", "base", TRIPWIRE_DATABASE_URL=url, url=""),
    ]

    assert [result.code for result in results] == [0, 0, 0], results
    for result in results:
        assert password not in result.said
        assert quote(password, safe="") not in result.said
    assert f"{user}@127.0.0.1" in results[0].err
    assert "TRIPWIRE_MIGRATIONS_URL" in results[0].err
    assert "TRIPWIRE_DATABASE_URL" in results[2].err


def test_an_awkward_password_encoded_works_and_a_wrong_one_is_not_shown(
    newest: Chain, postgres: Postgres, login: Callable[[str], str]
) -> None:
    newest.add("SELECT 1")
    user = login(AWKWARD)
    assert newest.run("upgrade", "head", url=_by_tcp(postgres, newest, user, quote(AWKWARD, safe=""))).code == 0

    wrong = newest.run("current", url=_by_tcp(postgres, newest, user, quote("wr@ng%secret", safe="")))

    assert wrong.code != 0
    assert "password authentication failed" in wrong.out
    assert "wr@ng" not in wrong.said
    assert "secret" not in wrong.said
    assert "check user and password in TRIPWIRE_MIGRATIONS_URL" in wrong.out
    assert "Traceback" not in wrong.said


def test_a_password_that_a_revision_s_error_repeats_is_masked(
    newest: Chain, postgres: Postgres, login: Callable[[str], str]
) -> None:
    user = login("swordfish@9")
    newest.add("DO $$ BEGIN RAISE WARNING 'dblink swordfish@9'; RAISE EXCEPTION 'user:swordfish@9@host'; END $$")
    result = newest.run("upgrade", "head", url=_by_tcp(postgres, newest, user, "swordfish@9"))
    assert result.code != 0
    assert "swordfish" not in result.said
    assert "***" in result.err


def test_a_password_that_is_a_word_of_every_message_does_not_garble_them(
    newest: Chain, postgres: Postgres, login: Callable[[str], str]
) -> None:
    newest.add("SELECT 1")
    user = login("x")
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"ALTER ROLE {user} PASSWORD '{user}'")
    result = newest.run("upgrade", "head", url=_by_tcp(postgres, newest, user, user))
    assert f"upgrade of {user}@127.0.0.1" in result.err


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:a@b@c@h/d", {"user": "u", "password": "a@b@c", "host": "h", "dbname": "d"}),
        ("postgres://u:100%@h:1/d", {"user": "u", "password": "100%", "host": "h", "port": "1", "dbname": "d"}),
        ("postgresql+psycopg2://u:%2541@h/d", {"user": "u", "password": "%41", "host": "h", "dbname": "d"}),
        ("postgresql://u:a%40b@h/d?sslmode=require", {"user": "u", "password": "a@b", "host": "h", "dbname": "d", "sslmode": "require"}),
        ("postgresql://u:wh?t@h/d?sslmode=require", {"user": "u", "password": "wh?t", "host": "h", "dbname": "d", "sslmode": "require"}),
        ("postgresql://u:pw9@h1:1,h2:2/d", {"user": "u", "password": "pw9", "host": "h1,h2", "port": "1,2", "dbname": "d"}),
        ("postgresql://u:pw9@[::1]:5/d", {"user": "u", "password": "pw9", "host": "::1", "port": "5", "dbname": "d"}),
        ("postgresql://u@/d?host=/run/pg&port=5", {"user": "u", "host": "/run/pg", "port": "5", "dbname": "d"}),
        ("postgresql://u:p%40@%2Frun%2Fpg/d", {"user": "u", "password": "p@", "host": "/run/pg", "dbname": "d"}),
        ("postgresql:///d?application_name=a@b", {"dbname": "d", "application_name": "a@b"}),
        ("postgresql://h/d?application_name=a@b", {"host": "h", "dbname": "d", "application_name": "a@b"}),
        ("postgresql://u%40x:pw9@h/d", {"user": "u@x", "password": "pw9", "host": "h", "dbname": "d"}),
        ("host=h dbname=d password='a b@%'", {"host": "h", "dbname": "d", "password": "a b@%"}),
    ],
)  # fmt: skip
def test_a_url_is_read_as_libpq_reads_it_and_more_kindly(url: str, expected: dict[str, str]) -> None:
    target = Target.find(Config(), url)
    assert target.parameters == expected
    assert expected.get("password", "no password") not in f"{target} {target!r} {target.url()!r}"


def test_masking_leaves_a_word_alone_that_is_public_too() -> None:
    target = Target.find(Config(), "postgresql://postgres:postgres@h/postgres")
    assert (
        target.mask("user postgres, postgresql://postgres:postgres@h") == "user postgres, postgresql://postgres:***@h"
    )


def test_without_a_url_the_message_says_what_to_set(newest: Chain) -> None:
    newest.add("SELECT 1")
    result = newest.run("upgrade", "head", url="")
    assert result.code != 0
    assert "Set TRIPWIRE_MIGRATIONS_URL" in result.out
    assert "TRIPWIRE_DATABASE_URL" in result.out
    assert "-x url=postgresql:" in result.out
    assert "Traceback" not in result.said


def test_minus_x_comes_before_the_environment_and_migrations_before_the_application_s(newest: Chain) -> None:
    newest.add("SELECT 1")
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere"
    assert newest.run("-x", f"url={newest.url}", "current", url=nowhere).code == 0
    assert newest.run("current", TRIPWIRE_DATABASE_URL=nowhere).code == 0


def test_a_percent_in_sqlalchemy_url_of_the_ini_file_is_itself(newest: Chain, postgres: Postgres, login) -> None:
    newest.add("SELECT 1")
    user = login("50%off")
    with (newest.folder / "alembic.ini").open("a") as ini:
        ini.write(f"sqlalchemy.url = {_by_tcp(postgres, newest, user, '50%off')}\n")
    result = newest.run("upgrade", "head", url="")
    assert result.code == 0, result
    assert "URL from sqlalchemy.url" in result.err


@pytest.mark.parametrize(
    "url", ["mysql://u:hidden@h/d", "postgresql://u:hid#den@h:port/d", "postgresql://u:hidden@h/d?x=1"]
)
def test_a_url_that_cannot_be_read_is_refused_without_repeating_it(newest: Chain, url: str) -> None:
    newest.add("SELECT 1")
    result = newest.run("current", url=url)
    assert result.code != 0
    assert "TRIPWIRE_MIGRATIONS_URL" in result.out
    assert "hidden" not in result.said
    assert "hid#den" not in result.said
    assert "Traceback" not in result.said


def test_a_server_that_is_not_there_is_one_message(newest: Chain) -> None:
    newest.add("SELECT 1")
    result = newest.run("upgrade", "head", url="postgresql://u:hidden@127.0.0.1:1/d")
    assert result.code != 0
    assert "Cannot connect to u@127.0.0.1:1/d (URL from TRIPWIRE_MIGRATIONS_URL)" in result.out
    assert "hidden" not in result.said


@pytest.mark.parametrize("said", ["Tenant or user not found", "(ENOTFOUND) tenant/user postgres.x not found"])
def test_tenant_or_user_not_found_is_explained(newest: Chain, said: str) -> None:
    newest.add("SELECT 1")
    with _refusing(said) as port:
        result = newest.run("upgrade", "head", url=f"postgresql://postgres:hidden@127.0.0.1:{port}/postgres")
    assert result.code != 0
    assert said in result.out
    assert "postgres.<project-ref>" in result.out
    assert "TRIPWIRE_MIGRATIONS_URL" in result.out
    assert "hidden" not in result.said


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("lock-timeout=soon", "lock-timeout: 'soon' is no duration"),
        ("lock-timeout=0", "lock-timeout must be at least 1ms"),
        ("lock-attempts=0", "lock-attempts: '0' is no number of attempts"),
        ("statement-timeout=99d", "more than the 24 days"),
        ("lok-timeout=3s", "-x lok-timeout is not known here; there are: url, lock-timeout"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_done(newest: Chain, argument: str, words: str) -> None:
    newest.add("CREATE TABLE public.a ()")
    result = newest.upgrade("-x", argument)
    assert result.code != 0
    assert words in result.out
    assert "a" not in newest.tables()


@contextmanager
def _refusing(message: str) -> Iterator[int]:
    """Listen as Supabase's pooler does for a user it does not know: the refusal comes before any log-in."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = b"SFATAL\0VFATAL\0CXX000\0M" + message.encode() + b"\0\0"
        answer = b"E" + struct.pack("!I", len(body) + 4) + body

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    (length,) = struct.unpack("!I", client.recv(4))
                    (code,) = struct.unpack("!I", client.recv(length - 4)[:4])
                    if code in (80877103, 80877104):  # asks for TLS or GSS first
                        client.sendall(b"N")
                        client.recv(4096)
                    client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
