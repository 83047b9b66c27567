"""`tripwire-db doctor` and `tripwire-db adopt`: exit codes, JSON, and what they never print."""

import psycopg

from tests.cli.conftest import run_command
from tests.conftest import MakeDatabase
from tests.schema.adopt.test_exact import unstamped
from tests.schema.doctor.people import make_people, open_repository
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations


def test_doctor_says_by_its_exit_code_whether_something_is_left_to_do(database_url: str) -> None:
    with open_repository(database_url) as repository:
        make_people(repository, 9)
    assert run_command("doctor", url=database_url).code == 0
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM public.user_statistics")

    found = run_command("doctor", "--json", url=database_url)
    assert found.code == 1
    assert {finding["state"] for finding in found.json["findings"]} == {"found"}

    mended = run_command("doctor", "--fix", "--json", url=database_url)
    assert mended.code == 0
    assert [(f["kind"], f["key"], f["wanted"]) for f in mended.json["findings"]] == [
        (f["kind"], f["key"], f["wanted"]) for f in found.json["findings"]
    ]
    assert {finding["state"] for finding in mended.json["findings"]} == {"mended"}
    assert run_command("doctor", "--json", url=database_url).json == {"healthy": True, "findings": []}


def test_wrong_use_is_told_apart() -> None:
    assert run_command("doctor", "--mend", url="postgresql://localhost/x").code == 2
    assert run_command("adopt", "--apply", url="mysql://localhost/x").code == 2


def test_adopt_reports_applies_and_leaves_an_adopted_database_alone(make_database: MakeDatabase) -> None:
    url = unstamped(make_database(migrated=BASELINE))
    with psycopg.connect(url) as connection:
        connection.execute(
            "ALTER TABLE public.tripwire_users ADD COLUMN generated_password text DEFAULT 'hunter2', "
            "ALTER COLUMN user_id DROP NOT NULL;"
            "INSERT INTO public.tripwire_users (email, full_name) VALUES ('ghost@mail.kz', 'Ghost')"
        )

    report = run_command("adopt", url=url)
    document = run_command("adopt", "--json", url=url)
    done = run_command("adopt", "--apply", url=url)
    again = run_command("adopt", "--apply", url=url)

    assert (report.code, document.code, done.code, again.code) == (1, 1, 0, 0)
    assert document.json["secrets"] == ["public.tripwire_users.generated_password"]
    assert [row["table"] for row in document.json["quarantined"]] == ["tripwire_users"]
    assert "clear text" in report.err
    assert "clear text" in done.err
    assert "1 row of tripwire_users moved to tripwire.quarantine" in done.out
    assert "under Alembic already" in again.out
    for ran in (report, document, done, again):
        assert "hunter2" not in ran.out + ran.err
        assert "ghost@" not in ran.out + ran.err
    assert migrations.current(url) == BASELINE
    assert run_command("adopt", url=url).code == 0
