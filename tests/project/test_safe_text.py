"""Text that others wrote cannot steer a terminal, nor carry a secret into a log."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripwire_db.errors import NotFound, Refused
from tripwire_db.safe_text import UNSAFE, printable, without_literals, without_passwords
from tripwire_db.schema.runner.errors import MigrationError
from tripwire_db.schema.runner.sessions import Session

SECRET = "hush"


def test_what_is_taken_out_is_what_unicode_calls_control_format_and_separator_and_half_a_character():
    kept = {"\t", "\n"}
    expected = {
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and chr(code) not in kept
    }
    assert {chr(code) for code in range(0x110000) if UNSAFE.match(chr(code))} >= expected
    assert not re.search(UNSAFE, "Əлия Ұ. 李 O'Neil, 5 000 ₸ – 🎓")


def test_a_run_of_them_is_one_mark_and_a_line_stays_one_line():
    assert printable("A\x1b[2J\u202e\u2066B\nC") == "A�[2J�B\nC"
    assert printable("A\r\n\tB", one_line=True) == "A�B"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://app:{SECRET}@db/course",
        f"postgresql://app:p@{SECRET}:x@db:5432/course",
        f"postgresql://app:it's{SECRET}@db/course",
        f'postgresql://app:"{SECRET}"@db/course',
        f"redis://:{SECRET}@cache:6379/0",
        f"postgresql:/app:{SECRET}@db/course",
        f"host=db user=app password={SECRET}",
        f"host=db password = '{SECRET} x' user=app",
        f"postgresql://db/course?user=app&password={SECRET}",
    ],
)
def test_no_password_of_a_url_is_told_whoever_repeats_it(url: str):
    told = [
        without_passwords(url),
        str(NotFound("manager", url)),
        str(Refused(f"no {url}, is there")),
    ]
    told.append(str(MigrationError(f"Can't locate revision identified by '{url}'")))
    assert not [text for text in told if SECRET in text]
    assert all("db" in text or "cache" in text for text in told)


def test_an_example_stays_readable():
    hint = "it looks like postgresql://user:password@host:5432/database"
    assert without_passwords(hint) == hint


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("ALTER ROLE app PASSWORD 'hush'", "ALTER ROLE app PASSWORD ?"),
        ("SELECT 'it''s hush', 1", "SELECT ?, ?"),
        ("SELECT E'a\\nhush'", "SELECT ?"),
        ("SELECT e'hush', U&'hush', X'00', $$hush$$, $a$ hush $$ $a$ FROM t", "SELECT ?, U&?, ?, ?, ? FROM t"),
        ("SELECT 'never ends hush", "SELECT ?"),
        ("SELECT $$never ends hush", "SELECT ?"),
        ("SELECT 'C:\\', 'hush'", "SELECT ? …"),
        ("SELECT 'it\\'s hush'", "SELECT ? …"),
        ("UPDATE t SET pin = 1234, r = 1.5e-3 WHERE a1 = $1", "UPDATE t SET pin = ?, r = ?-? WHERE a1 = $1"),
        (
            "/* hush /* nested */ hush */ LOCK TABLE \"my 'table'\" -- hush\n IN SHARE MODE",
            "LOCK TABLE \"my 'table'\" IN SHARE MODE",
        ),
        ("SELECT 1 /* hush", "SELECT ?"),
        ('SELECT "col" FROM "hidden', 'SELECT "col" FROM "hidden'),
    ],
)
def test_a_statement_is_shown_without_its_literals(sql: str, shown: str):
    assert without_literals(sql) == shown


@given(secret=st.text(min_size=1, max_size=20), before=st.sampled_from(["", "'x', ", "$$y$$, ", "/* z */ "]))
def test_whatever_a_text_holds_none_of_it_is_shown(secret: str, before: str):
    quoted = secret.replace("'", "''")
    shown = without_literals(f"SELECT {before}'s3cr3t{quoted}s3cr3t' FROM people")
    assert "s3cr3t" not in shown
    assert shown.startswith("SELECT")


@given(sql=st.text(max_size=80))
def test_anything_is_a_statement_to_be_shown(sql: str):
    assert "\n" not in without_literals(sql)


def test_another_session_is_told_without_literals_and_its_message_without_control_characters():
    session = Session(
        7,
        "app\u202e",
        f"psql\x1b]0;{SECRET}\x07",
        None,
        None,
        "active",
        3.0,
        f"ALTER ROLE \x1b[2Ja PASSWORD '{SECRET}'",
    )
    assert f"PASSWORD '{SECRET}'" not in str(session)
    message = str(MigrationError(f"upgrade failed: blocked by {session}"))
    assert message.endswith("query: ALTER ROLE �[?Ja PASSWORD ?")
    assert not UNSAFE.search(message)
