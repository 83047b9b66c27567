"""`student import`: whom a file makes, what it refuses, and that it may be killed and run again."""

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Run, run_command
from tests.support.servers.proxy import Proxy, Request, Verdict
from tripwire_db.repository import TripwireRepository
from tripwire_db.results import CreatedManager

HEAD = "email,full_name,price\n"
Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "students.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def imported(run: Run, write: Write, manager: CreatedManager) -> Callable[..., object]:
    return lambda content, *more: run("student", "import", write(content), "--manager", manager.email, *more)


def students(repository: TripwireRepository) -> set[tuple[str, str, Decimal]]:
    return {(one.email, one.full_name, one.price) for one in repository.list_students(limit=1000)}


EVERYBODY = {
    ("aigerim@example.com", "Әйгерім, С.", Decimal(5000)),
    ("timur@example.com", 'Timur "T" P.', Decimal("4500.50")),
}


@pytest.mark.parametrize(
    "content",
    [
        HEAD + 'Aigerim@example.com,"Әйгерім, С.",\n timur@example.com ,"Timur ""T"" P.",4500.50\n',
        '\ufeffEMAIL;Full_Name;price\r\n\r\naigerim@example.com;Әйгерім, С.;\r\ntimur@example.com;"Timur ""T"" P.";4500.5',
        'price;full_name;email\r;Әйгерім, С.;aigerim@example.com\r4500.50;"Timur ""T"" P.";timur@example.com\r',
    ],
    ids=["commas", "semicolons, a mark, blank lines, Windows", "another order, old Mac"],
)
def test_a_file_makes_its_students_and_again_nobody(imported, repository: TripwireRepository, content: str):
    first, again = imported(content), imported(content, "--json")

    assert (first.code, again.code) == (0, 0)
    assert "Students: 2 created, 0 there already, 0 refused.\n" in first.out
    assert again.json == {"created": 0, "existing": 2, "refused": [], "left": 0, "stopped": None}
    assert students(repository) == EVERYBODY


def test_without_a_price_it_is_the_courses(imported, repository: TripwireRepository):
    assert imported("email,full_name\na@example.com,A\n").code == 0
    assert students(repository) == {("a@example.com", "A", Decimal(5000))}


def test_rows_that_cannot_be_right_are_told_by_line_and_the_others_are_made(
    imported, repository: TripwireRepository, manager: CreatedManager
):
    other = repository.create_manager(email="erlan@example.com", full_name="Erlan")
    repository.create_tripwire_user(email="theirs@example.com", full_name="Theirs", manager_id=other.user_id)
    ran = imported(
        HEAD
        + "good@example.com,Good,\n"
        + "theirs@example.com,Theirs,\n"
        + 'no-email,"Two\nlines",\n'
        + "A@example.com,,\n"
        + "a@example.com,The first that is right,1\n"
        + "a@EXAMPLE.com,Again,2\n"
        + "dear@example.com,Dear,-1\n"
        + "comma@example.com,Comma,4500,50\n"
        + "short@example.com,Short\n"
        + "manager,Manager,\n"
        + "dana@example.com,Dana,\n",
        "--json",
    )

    assert ran.code == 1
    assert ran.json["created"] == 2
    refused = {row["line"]: row["reason"] for row in ran.json["refused"]}
    assert list(refused) == [3, 4, 6, 8, 9, 10, 11, 12, 13]
    assert "use another e-mail (docs: errors/email-taken)" in refused[3]
    assert "is no e-mail address" in refused[4]
    assert "full_name must not be empty" in refused[6]
    assert refused[8] == "repeats the e-mail of line 7"
    assert "price must not be negative" in refused[9]
    assert (refused[10], refused[11]) == ("has 4 fields, and the head line 3", "has 2 fields, and the head line 3")
    made = {("good@example.com", "Good", Decimal(5000)), ("a@example.com", "The first that is right", Decimal(1))}
    assert students(repository) == {*made, ("theirs@example.com", "Theirs", Decimal(5000))}
    shown = imported(HEAD + "no-email,A\x1b[2J,\n")
    assert "Refused" in shown.out
    assert "\x1b[2J" not in shown.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"email,full_name\na@b.kz,\xc4ibek\n", "line 2 is not UTF-8"),
        ("", "must name the columns"),
        ("email,name\na@b.kz,A\n", "line 1 must name the columns"),
        ("\nemail,full_name,prise\na@b.kz,A,1\n", "line 2 must name the columns"),
        ("email,email,full_name\n", "each once"),
        ("email,full_name,password\na@b.kz,A,s3cret!\n", "passwords are not imported"),
        ('email,full_name\na@b.kz,A\nc@d.kz,"C\ne@f.kz,E\n', "line 3 is no CSV"),
        ('email,full_name\na@b.kz,"A"A\n', "line 2 is no CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_wrong_use_and_makes_nobody(
    imported, repository: TripwireRepository, content: str | bytes, said: str
):
    ran = imported(content)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "s3cret!" not in ran.err
    assert not repository.list_students()


def test_an_import_for_nobody_or_from_nowhere_makes_nobody(run: Run, write: Write, repository: TripwireRepository):
    file = write(HEAD + "a@example.com,A,\n")

    assert run("student", "import", file, "--manager", "00000000-0000-4000-8000-000000000000").code == 1
    assert run("student", "import", file, "--manager", "nobody@example.com").code == 1
    assert run("student", "import", file.with_name("nothing.csv"), "--manager", "nobody@example.com").code == 2
    assert not repository.list_students()


def test_an_import_that_was_killed_goes_on_and_makes_nobody_twice(
    database_url: str, write: Write, repository: TripwireRepository, manager: CreatedManager
):
    file = write(HEAD + "".join(f"s{n}@example.com,Student {n},{n}\n" for n in range(200)))
    requests, stuck = itertools.count(), threading.Event()

    def judge(_: Request) -> Verdict:
        """Let some students be made, then leave everybody in the middle of a call."""
        if next(requests) < 150:
            return Verdict.FORWARD
        stuck.set()
        return Verdict.BLACK_HOLE

    with Proxy(database_url) as proxy:
        proxy.judge = judge
        command = ["student", "import", str(file), "--manager", manager.email, "--database-url", proxy.url]
        with subprocess.Popen([sys.executable, "-m", "tripwire_db.cli", *command]) as process:
            assert stuck.wait(60)
            process.kill()
    made = repository.list_students(limit=1, count=True).total
    assert made is not None
    assert 0 < made < 200

    ran = run_command("student", "import", file, "--manager", manager.email, "--json", url=database_url)
    assert ran.code == 0
    assert ran.json["created"] + ran.json["existing"] == 200
    assert ran.json["existing"] >= made
    assert students(repository) == {(f"s{n}@example.com", f"Student {n}", Decimal(n)) for n in range(200)}
    with psycopg.connect(database_url) as connection:
        people = "SELECT count(*), count(DISTINCT email) FROM auth.users"
        assert connection.execute(people).fetchone() == (201, 201)
        logged = "SELECT count(*) FROM sales_activity_log WHERE action_type = 'user_created' AND details ? 'price'"
        assert connection.execute(logged).fetchone() == (200,)


def test_a_database_that_is_away_stops_the_import_which_then_goes_on(
    imported, database_url: str, repository: TripwireRepository
):
    content = HEAD + "".join(f"s{n}@example.com,S,\n" for n in range(40)) + "no-email,S,\n"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE user_statistics RENAME TO elsewhere")
        stopped = imported(content)
        connection.execute("ALTER TABLE elsewhere RENAME TO user_statistics")

    assert stopped.code == 1
    assert "Students: 0 created, 0 there already, 1 refused, 40 left.\n" in stopped.out
    assert "the schema is not the one this package needs: run `tripwire-db upgrade`" in stopped.err
    assert "Run the same command again" in stopped.err
    again = imported(content, "--json").json
    assert (again["created"], again["left"], again["stopped"]) == (40, 0, None)
    assert len(repository.list_students(limit=100)) == 40


def test_an_auth_service_that_is_away_stops_the_import_before_every_row_has_failed(
    run: Run, write: Write, manager: CreatedManager, repository: TripwireRepository
):
    file = write(HEAD + "".join(f"s{n}@example.com,S,\n" for n in range(60)))
    nowhere = {"TRIPWIRE_SUPABASE_URL": "http://127.0.0.1:9", "TRIPWIRE_SERVICE_ROLE_KEY": "s3cret!"}
    ran = run("student", "import", file, "--manager", manager.user_id, "--json", **nowhere)

    assert ran.code == 1
    assert ran.json["created"] == 0
    assert 8 <= len(ran.json["refused"]) < 60
    assert ran.json["left"] == 60 - len(ran.json["refused"])
    assert "s3cret!" not in ran.out + ran.err
    assert not repository.list_students()
