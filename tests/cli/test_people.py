"""Students, managers and certificates from the command line, on a real database."""

import csv
import io
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import psycopg
import pytest

from tests.cli.conftest import Run
from tripwire_db.repository import TripwireRepository
from tripwire_db.results import CreatedManager, CreatedStudent


def test_a_manager_and_a_student_are_made_and_shown(run: Run):
    manager = run("manager", "create", "Dana@Example.com", "--full-name", "Dana K.", "--json")
    made = run(
        "student", "create", "Aigerim@Example.com", "--full-name", "Aigerim S.", "--manager", "dana@example.com",
        "--price", "4500.50", "--json",
    )  # fmt: skip

    assert manager.code == made.code == 0
    assert manager.json["role"] == "sales_manager"
    assert made.json["created"] is True
    assert made.json["price"] == 4500.5
    assert made.json["manager_id"] == manager.json["user_id"]
    shown = run("student", "show", "aigerim@example.com")
    assert shown.code == 0
    assert "Aigerim S." in shown.out
    assert "4 500.50 KZT" in shown.out
    assert "sold by Dana K." in shown.out
    assert "module 16 opened" in shown.out


def test_making_somebody_again_says_who_is_there(run: Run, student: CreatedStudent):
    again = run(
        "student", "create", "aigerim@example.com", "--full-name", "Somebody else", "--manager", "dana@example.com"
    )

    assert again.code == 0
    assert again.out.startswith("Was there already")
    assert str(student.user_id) in again.out


def test_people_are_named_by_id_or_by_email(run: Run, student: CreatedStudent):
    by_id = run("student", "show", student.user_id, "--json")
    by_email = run("student", "show", " AIGERIM@example.com", "--json")

    assert by_id.json == by_email.json
    assert by_id.json["student"]["email"] == "aigerim@example.com"
    assert by_id.json["achievements"][0]["achievement_id"] == "first_module_complete"


def test_a_manager_is_no_student_and_a_student_no_manager(run: Run, student: CreatedStudent, manager: CreatedManager):
    assert run("student", "show", "dana@example.com").code == 1
    stats = run("stats", "aigerim@example.com")

    assert stats.code == 1
    assert "no manager aigerim@example.com" in stats.err


def test_a_password_comes_by_standard_input_and_is_never_shown(run: Run, database_url: str):
    made = run("manager", "create", "dana@example.com", "--full-name", "Dana K.", "--password-stdin", stdin="s3cret!\n")
    empty = run("manager", "create", "erlan@example.com", "--full-name", "Erlan B.", "--password-stdin")
    long = run(
        "manager", "create", "erlan@example.com", "--full-name", "E.", "--password-stdin", stdin="s3cret!" * 20 + "\n"
    )

    assert made.code == 0
    assert empty.code == long.code == 2
    assert "standard input has no password" in empty.err
    assert "s3cret!" not in made.out + made.err + long.out + long.err
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM auth.users").fetchone() == (1,)


def test_the_way_to_the_certificate(run: Run, student: CreatedStudent, watch: Callable[..., None]):
    refused = run("student", "complete", "aigerim@example.com", 67)
    assert refused.code == 1
    assert "has not watched enough of lesson 67" in refused.err
    assert refused.out == ""

    for lesson_id, module_id in ((67, 17), (68, 18)):
        watch(student, lesson_id)
        done = run("student", "complete", "aigerim@example.com", lesson_id)
        assert done.code == 0
        assert f"Module {module_id} is open." in done.out
    unlocked = run("student", "unlock", "aigerim@example.com", "--json")
    assert unlocked.json["module_id"] == 18
    assert unlocked.json["newly_unlocked"] is False
    too_early = run("certificate", "issue", "aigerim@example.com")
    assert too_early.code == 1
    assert "2 of 3 modules" in too_early.err

    watch(student, 69)
    last = run("student", "complete", "aigerim@example.com", 69, "--json")
    assert last.json["modules_completed"] == 3
    number = last.json["certificate"]["number"]
    assert number in run("student", "show", "aigerim@example.com").out
    assert run("student", "complete", "aigerim@example.com", 69).out.startswith("Lesson 69 was completed already")
    assert run("certificate", "issue", "aigerim@example.com", "--json").json["number"] == number


def test_a_certificate_is_verified_until_it_is_revoked(run: Run, graduate: CreatedStudent):
    code = run("certificate", "issue", graduate.user_id, "--json").json["verification_code"]
    valid = run("certificate", "verify", code)
    assert valid.code == 0
    assert valid.out.startswith("Valid")
    assert "Aigerim S." in valid.out

    revoked = run("certificate", "revoke", graduate.user_id, "--reason", "payment refunded")
    assert revoked.code == 0
    after = run("certificate", "verify", code, "--json")
    assert after.code == 1
    assert (after.json["status"], after.json["revoked_reason"]) == ("revoked", "payment refunded")
    assert "payment refunded" in run("certificate", "verify", code).out
    unknown = run("certificate", "verify", "no-such-code")
    assert unknown.code == 1
    assert unknown.out == "Unknown: no certificate has this code.\n"


def test_a_students_status_changes_once(run: Run, student: CreatedStudent):
    first = run("student", "status", "aigerim@example.com", "blocked", "--manager", "dana@example.com")
    second = run("student", "status", "aigerim@example.com", "blocked", "--manager", "dana@example.com")

    assert first.out == "aigerim@example.com is blocked.\n"
    assert second.out == "aigerim@example.com was already blocked.\n"
    wrong = run("student", "status", "aigerim@example.com", "asleep", "--manager", "dana@example.com")
    assert wrong.code == 2
    assert "active, inactive, completed, blocked" in wrong.err


def test_a_student_is_corrected(run: Run, student: CreatedStudent, repository: TripwireRepository):
    said = run(
        "student", "correct", "aigerim@example.com", "--manager", "dana@example.com",
        "--email", "Aigerim.S@Example.com", "--full-name", "Aigerim Serik", "--price", "4500.50",
    )  # fmt: skip
    assert said.code == 0
    assert said.out.startswith("The student is now")
    assert "Aigerim Serik" in said.out
    assert "4 500.50 KZT" in said.out
    shown = run("student", "correct", student.user_id, "--manager", "dana@example.com", "--price", "1", "--json").json
    assert (shown["email"], shown["price"]) == ("aigerim.s@example.com", 1)
    assert repository.list_students()[0].full_name == "Aigerim Serik"
    nothing = run("student", "correct", student.user_id, "--manager", "dana@example.com")
    assert nothing.code == 2
    assert "--full-name, --email or --price" in nothing.err


def test_students_pass_to_another_manager(run: Run, student: CreatedStudent, repository: TripwireRepository):
    other = repository.create_manager(email="erlan@example.com", full_name="Erlan B.", role="admin")
    pass_on = ("student", "reassign", "--from", "dana@example.com", "--to", "erlan@example.com", "--manager")
    refused = run(*pass_on, "dana@example.com")
    assert refused.code == 1
    assert "is no admin" in refused.err
    named = run(*pass_on, "erlan@example.com", "aigerim@example.com", "--json")
    assert named.json["user_ids"] == [str(student.user_id)]
    assert repository.list_students()[0].manager_id == other.user_id
    assert run(*pass_on, "erlan@example.com").out == "0 students passed from dana@example.com to erlan@example.com.\n"


def test_a_students_password_is_set_from_standard_input_and_never_shown(run: Run, student: CreatedStudent):
    set_it = ("student", "password", "aigerim@example.com", "--manager", "dana@example.com")
    done = run(*set_it, "--password-stdin", stdin="s3cret!\n")
    assert done.code == 0
    assert done.out == "aigerim@example.com has a new password.\n"
    assert "s3cret!" not in done.out + done.err
    assert run("activity", "dana@example.com", "--json").json[0]["action_type"] == "password_reset"
    without = run(*set_it)
    assert without.code == 2
    assert "--password-stdin" in without.err


def test_a_student_is_deleted_when_that_is_said_twice(
    run: Run, student: CreatedStudent, repository: TripwireRepository
):
    unsure = run("student", "delete", "aigerim@example.com", "--manager", "dana@example.com")
    assert unsure.code == 2
    assert "--yes" in unsure.err
    assert repository.list_students()

    sure = run("student", "delete", "aigerim@example.com", "--manager", "dana@example.com", "--yes")
    again = run("student", "delete", student.user_id, "--manager", "dana@example.com", "--yes")
    assert sure.out == "aigerim@example.com is deleted.\n"
    assert again.out == "aigerim@example.com was deleted before.\n"
    assert not repository.list_students()


def test_students_are_listed_page_by_page(run: Run, repository: TripwireRepository, manager: CreatedManager):
    for number in range(5):
        repository.create_tripwire_user(
            email=f"s{number}@example.com", full_name=f"Student {number}", manager_id=manager.user_id, price=Decimal(1)
        )

    first = run("student", "list", "--limit", 2, "--json").json
    second = run("student", "list", "--limit", 2, "--after", first[-1]["email"], "--json").json
    third = run("student", "list", "--limit", 2, "--after", second[-1]["user_id"], "--json").json
    assert [one["email"][:2] for one in first + second + third] == ["s4", "s3", "s2", "s1", "s0"]
    table = run("student", "list", "--limit", 2, "--manager", "dana@example.com")
    assert "More: --after s3@example.com" in table.out
    assert run("student", "list", "--search", "STUDENT 3", "--json").json[0]["email"] == "s3@example.com"
    assert run("student", "list", "--status", "blocked").out == "No students.\n"
    assert run("student", "list", "--manager", uuid.uuid4(), "--json").json == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("student", "show", "nobody@example.com"), "no student nobody@example.com"),
        (("student", "show", "00000000-0000-4000-8000-000000000000"), "no student 00000000"),
        (("student", "complete", "aigerim@example.com", "70"), "no lesson 70"),
        (("certificate", "revoke", "aigerim@example.com", "--reason", "none"), "none has been issued"),
    ],
)
def test_whoever_is_not_there_is_told_so(run: Run, student: CreatedStudent, arguments: tuple[str, ...], said: str):
    ran = run(*arguments)

    assert ran.code == 1
    assert said in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("student", "show", "somebody"),
        ("student", "create", "no-email", "--full-name", "A", "--manager", "dana@example.com"),
        ("student", "create", "a@b.kz", "--full-name", " ", "--manager", "dana@example.com"),
        ("student", "create", "a@b.kz", "--full-name", "A", "--manager", "dana@example.com", "--price", "-1"),
        ("student", "create", "a@b.kz", "--full-name", "A", "--manager", "dana@example.com", "--price", "much"),
        ("student", "create", "a@b.kz", "--full-name", "A" * 10_000, "--manager", "dana@example.com"),
        ("student", "create", "a@b.kz", "--full-name", "A"),
        ("student", "complete", "aigerim@example.com", "first"),
        ("student", "list", "--limit", "0"),
        ("student", "list", "--status", "asleep"),
        ("manager", "create", "a@b.kz", "--full-name", "A", "--role", "student"),
        ("certificate", "revoke", "aigerim@example.com", "--reason", ""),
        ("certificate", "verify", ""),
        ("lesson", "set", "67"),
        ("lesson", "set", "first", "--manager", "dana@example.com"),
        ("lesson", "set", "67", "--manager", "dana@example.com", "--duration", "0"),
        ("lesson", "set", "67", "--manager", "dana@example.com", "--title", ""),
        ("leaderboard", "--limit", "1001"),
        ("chart", "dana@example.com", "--days", "0"),
        ("chart", "dana@example.com", "--time-zone", "Asia/Nowhere"),
        ("stats", "dana@example.com", "--time-zone", ""),
        ("activity", "dana@example.com", "--limit", "-3"),
        ("activity", "dana@example.com", "--action", "coffee"),
        ("activity", "dana@example.com", "--before", "the-next-page"),
        ("student", "list", "--after", "the-next-page"),
        ("student", "list", "--modules", "4"),
        ("student", "list", "--json", "--csv"),
        ("student", "list", "--since", "yesterday"),
        ("leaderboard", "--since", "20260101"),
        ("leaderboard", "--since", "2026-02-30"),
        ("leaderboard", "--since", "2026-02-03", "--until", "2026-02-02"),
        ("stats", "--period", "year"),
        ("chart", "--period", "today", "--since", "2026-01-01"),
        ("chart", "--since", "2001-01-01"),
        ("student", "list", "--period", "today", "--time-zone", "Asia/Nowhere"),
        ("student", "walk"),
        ("nothing",),
        ("leaderboard", "--unknown"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_told_and_nothing_is_written(
    run: Run, student: CreatedStudent, arguments: tuple[str, ...], database_url: str
):
    ran = run(*arguments)

    assert ran.code == 2
    assert ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM auth.users").fetchone() == (2,)


@pytest.fixture
def three(repository: TripwireRepository, manager: CreatedManager, watch: Callable[..., None]) -> list[CreatedStudent]:
    """Three students, oldest first: one with a module, one who got the e-mail, one with a name like a formula."""
    students = [
        repository.create_tripwire_user(email=f"s{number}@example.com", full_name=name, manager_id=manager.user_id)
        for number, name in enumerate(["Aigerim S.", "Timur P.", '=HYPERLINK("https://evil.kz";"Dana, K.")'])
    ]
    watch(students[0], 67)
    repository.complete_lesson(user_id=students[0].user_id, lesson_id=67)
    repository.record_welcome_email(user_id=students[1].user_id, sent=True)
    return students


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("--modules", 1), ["s0"]),
        (("--no-certificate",), ["s2", "s1", "s0"]),
        (("--certificate",), []),
        (("--welcome-email",), ["s1"]),
        (("--no-welcome-email", "--modules", 0), ["s2"]),
        (("--period", "today", "--search", "s"), ["s2", "s1", "s0"]),
        (("--period", "yesterday"), []),
        (("--until", "2026-01-01"), []),
        (("--since", "2026-01-01", "--time-zone", "UTC"), ["s2", "s1", "s0"]),
    ],
)
def test_students_are_listed_by_each_filter(run: Run, three: list[CreatedStudent], filters: tuple, found: list[str]):
    assert [one["email"][:2] for one in run("student", "list", *filters, "--json").json] == found
    page = run("student", "list", *filters, "--limit", 1, "--page-json").json
    assert (len(page["rows"]), page["total"]) == (min(len(found), 1), len(found))
    if page["next"]:
        following = run("student", "list", *filters, "--after", page["next"], "--json").json
        assert [one["email"][:2] for one in following] == found[1:]


def test_a_page_of_students_tells_how_many_there_are_and_who_was_seen(run: Run, three: list[CreatedStudent]):
    counted = run("student", "list", "--limit", 2, "--count").out

    assert "2 of 3. More: --after s1@example.com" in counted
    assert "Last seen" in counted
    assert run("student", "list", "--certificate", "--count").out == "No students. 0 of 0.\n"


def test_csv_is_read_back_as_it_is_and_runs_no_formula(run: Run, three: list[CreatedStudent]):
    rows = list(csv.DictReader(io.StringIO(run("student", "list", "--csv").out)))
    document = run("student", "list", "--json").json

    assert [row["email"] for row in rows] == [one["email"] for one in document]
    assert rows[0]["full_name"] == "'" + document[0]["full_name"]
    assert (rows[2]["modules_completed"], rows[2]["price"], rows[2]["welcome_email_sent"]) == ("1", "5000", "false")
    assert rows[0]["last_seen_at"] == ""
    assert datetime.fromisoformat(rows[2]["last_seen_at"]).tzinfo is not None
    empty = run("student", "list", "--status", "blocked", "--csv").out
    assert empty.splitlines() == [",".join(document[0])]


def test_an_admin_sets_a_lessons_title_and_length(run: Run, repository: TripwireRepository, manager: CreatedManager):
    repository.create_manager(email="root@example.com", full_name="Root", role="admin")
    change = ("lesson", "set", 67, "--title", "Beginnings", "--duration", 1214)

    refused = run(*change, "--manager", "dana@example.com")
    assert (refused.code, refused.out) == (1, "")
    assert "is no admin" in refused.err
    assert run(*change, "--manager", "root@example.com").out == "Lesson 67, Beginnings: 20:14 (1214 s).\n"
    assert run(*change, "--manager", "root@example.com", "--json").json["duration_seconds"] == 1214
    assert run("lesson", "set", 70, "--manager", "root@example.com").code == 1
    (first, *others) = run("lesson", "list", "--json").json
    assert first == {
        "lesson_id": 67,
        "module_id": 16,
        "title": "Beginnings",
        "duration_seconds": 1214,
        "archived": False,
    }
    assert [one["title"] for one in others] == ["Lesson 2", "Lesson 3"]
    assert "Beginnings" in run("lesson", "list").out
    assert run("lesson", "list", "--csv").out.splitlines()[1] == "67,16,Beginnings,1214,false"
