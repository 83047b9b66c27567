"""What commands print: plain when piped, readable at 80 columns, and never obeyed by a terminal."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.cli.conftest import run_command, run_process
from tripwire_db.cli import output
from tripwire_db.repository import TripwireRepository
from tripwire_db.results import CreatedManager, CreatedStudent, SalesDay
from tripwire_db.video import Segment

ESCAPE = "\x1b"


def on_a_terminal(*arguments: str, url: str, columns: int, **environment: str) -> str:
    """What a command shows on a terminal of so many columns."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "TERM"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "tripwire_db.cli", *arguments],
        stdin=there,
        stdout=there,
        stderr=there,
        env={**known, "TERM": "xterm-256color", "TRIPWIRE_DATABASE_URL": url, **environment},
    )
    os.close(there)
    shown = b""
    while True:
        try:
            part = os.read(here, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(here)
    assert process.wait(60) == 0, shown
    return shown.decode()


@pytest.mark.parametrize(
    ("command", "columns"),
    [
        ("leaderboard", 80),
        ("leaderboard", 120),
        ("student list", 80),
        ("student show aigerim@example.com", 80),
        ("activity dana@example.com", 80),
    ],
)
def test_tables_fit_the_terminal_and_lose_nothing(
    database_url: str, graduate: CreatedStudent, command: str, columns: int
):
    shown = on_a_terminal(*command.split(), url=database_url, columns=columns, NO_COLOR="1", TERM="dumb")

    assert max(len(line.rstrip("\r")) for line in shown.splitlines()) <= columns
    assert "…" not in shown
    assert "dana@example.com" in shown or "aigerim@example.com" in shown


@pytest.mark.parametrize("columns", [20, 32, 48, 60, 72, 80])
def test_a_narrow_terminal_loses_words_and_never_digits(
    database_url: str, repository: TripwireRepository, manager: CreatedManager, columns: int
):
    """At 48 columns 2 766 400 became "2 766 4"."""
    student = repository.create_tripwire_user(
        email="aigerim@example.com", full_name="Aigerim S.", manager_id=manager.user_id, price=Decimal("2766400.25")
    )
    told = "".join(
        on_a_terminal(*command, url=database_url, columns=columns, NO_COLOR="1", TERM="dumb")
        for command in (("leaderboard",), ("student", "list"), ("activity", "dana@example.com"))
    ).replace("\r", "")
    # What the terminal itself folds is on the screen, if not on one line.
    assert told.count("2 766 400.25") == 2
    sold_at = repository.get_student(user_id=student.user_id).student.created_at.astimezone(ZoneInfo("Asia/Almaty"))
    assert f"{sold_at:%Y-%m-%d}" in told
    assert "…" not in told


def test_colour_is_for_terminals_that_want_it(database_url: str, graduate: CreatedStudent):
    command = ("student", "show", "aigerim@example.com")

    assert f"{ESCAPE}[32m" in on_a_terminal(*command, url=database_url, columns=80)
    assert f"{ESCAPE}[32m" not in on_a_terminal(*command, url=database_url, columns=80, NO_COLOR="1")
    assert ESCAPE not in run_process(*command, url=database_url).out


def test_what_is_piped_is_not_folded(database_url: str, repository: TripwireRepository, manager: CreatedManager):
    email = f"{'very.' * 10}long.address@a.rather.long.domain.example.com"
    repository.create_tripwire_user(
        email=email, full_name="A student with a name of some length", manager_id=manager.user_id
    )

    assert f"A student with a name of some length  {email}" in run_process("student", "list", url=database_url).out


def test_names_cannot_steer_a_terminal_nor_pass_for_markup(
    database_url: str, repository: TripwireRepository, manager: CreatedManager
):
    name = f"[red]A{ESCAPE}[2J\x9b2J\r\nB[/red] :smile:\u202e\u2066\u200b\ufeff\u2028\U000e0041"
    repository.create_tripwire_user(email="a@example.com", full_name="A", manager_id=manager.user_id)
    with psycopg.connect(database_url) as connection:  # as an older release let in
        connection.execute("UPDATE tripwire_users SET full_name = %s", [name])
        connection.execute(
            "UPDATE sales_activity_log SET details = details || jsonb_build_object('full_name', %s::text, 'x', %s::text)",
            [name, name],
        )

    shown = run_command("student", "list", url=database_url).out
    document = run_command("student", "list", "--json", url=database_url)

    assert "[red]A�[2J�2J�B[/red] :smile:�" in shown
    everything = shown + document.out + run_command("activity", "dana@example.com", url=database_url).out
    for command in (("activity", "dana@example.com", "--json"), ("student", "show", "a@example.com")):
        everything += run_command(*command, url=database_url).out
    assert everything.count(":smile:") >= 5
    assert not [c for c in everything if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    assert document.json[0]["full_name"] == name


def test_details_that_an_older_release_nested_too_deep_are_printed(
    database_url: str, repository: TripwireRepository, manager: CreatedManager
):
    repository.log_activity(manager_id=manager.user_id, action_type="email_sent")
    with psycopg.connect(database_url) as connection:
        deep = '{"x": ' + "[" * 900 + "]" * 900 + "}"
        connection.execute("UPDATE sales_activity_log SET details = %s::text::jsonb", [deep])

    ran = run_process("activity", "dana@example.com", "--json", url=database_url)
    table = run_process("activity", "dana@example.com", url=database_url)

    assert (ran.code, table.code) == (0, 0), ran.err + table.err
    assert ran.out.count("[") >= 900


def test_a_terminal_without_unicode_gets_no_traceback(
    database_url: str, repository: TripwireRepository, manager: CreatedManager
):
    repository.create_tripwire_user(email="a@example.com", full_name="Айгерім", manager_id=manager.user_id)

    table = run_process("student", "list", url=database_url, PYTHONIOENCODING="ascii")
    document = run_process("student", "list", "--json", url=database_url, PYTHONIOENCODING="ascii")
    shown = run_process("student", "show", "a@example.com", url=database_url, PYTHONIOENCODING="ascii")

    assert table.code == document.code == shown.code == 0
    assert document.json[0]["full_name"] == "Айгерім"
    assert "...................." in shown.out


def test_json_holds_every_kind_of_value_exactly():
    almaty = timezone(timedelta(hours=5))
    value = {
        "id": UUID(int=1),
        "money": [Decimal(5000), Decimal("4999.50"), Decimal("1E+3")],
        "at": datetime(2026, 3, 1, 5, tzinfo=almaty),
        "day": SalesDay(date(2026, 3, 1), 0, Decimal(0)),
        "segments": (Segment(0, 1.5),),
        "none": None,
        "flag": True,
    }

    assert json.loads(json.dumps(output.plain(value))) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "money": [5000, 4999.5, 1000],
        "at": datetime(2026, 3, 1, tzinfo=UTC).isoformat(),
        "day": {"date": "2026-03-01", "students_created": 0, "revenue": 0},
        "segments": [{"start": 0, "end": 1.5}],
        "none": None,
        "flag": True,
    }
    with pytest.raises(TypeError, match="set has no form in JSON"):
        output.plain({1})


def test_money_percentages_and_positions_are_written_as_people_read_them():
    assert output.money(Decimal(1_250_000)) == "1 250 000"
    assert output.money(Decimal("-0.5")) == "-0.50"
    assert output.percent(Decimal("66.6667")) == "66.7 %"
    assert output.clock(3661.9) == "61:01"
    assert output.moment(datetime(2026, 3, 1, 20, tzinfo=UTC)) == "2026-03-02 01:00"
    assert output.moment(None) == "–"
