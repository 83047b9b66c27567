"""E-mails and names: normalized, and with nothing in them that nobody sees."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripwire_db.errors import InvalidInput
from tripwire_db.validation import MAX_EMAIL, parse_email, parse_name


@given(
    name=st.from_regex(r"[A-Za-z0-9.+_-]{1,30}", fullmatch=True),
    domain=st.sampled_from(["B.kz", "пример.РФ", "x-y.Co.uk"]),
)
def test_an_email_is_lower_case_and_stays_so(name: str, domain: str):
    email = parse_email("x", f" {name}@{domain} ")
    assert email == f"{name}@{domain}".lower()
    assert parse_email("x", email) == email


def test_the_two_ways_to_write_an_accent_are_one_email():
    assert parse_email("x", "jose\u0301@b.kz") == parse_email("x", "jos\u00e9@b.kz")


UNSEEN = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf")]
BLANK = ["\u115f", "\u1160", "\u2800", "\u3164", "\uffa0", "\u2028", "\u2029"]
MODIFIERS = ["\u034f", "\u17b4", "\u180b", "\ufe0f", "\U000e0100"]


def test_a_character_that_nobody_sees_is_in_no_email_and_in_no_name():
    for character in [*UNSEEN, *BLANK]:
        for check in (parse_email, parse_name):
            with pytest.raises(InvalidInput):
                check("x", f"a{character}b@e.kz")
    for character in MODIFIERS:
        with pytest.raises(InvalidInput, match="e-mail"):
            parse_email("x", f"a{character}b@e.kz")


@pytest.mark.parametrize(
    "name", ["Əлия Ұ.", "José Ñandú-O'Brien", "李 小龍", "Нұрсұлтан Әбішұлы", "آرش", "Dana ❤️", "  Dana\n"]
)
def test_a_name_in_any_script_is_a_name(name: str):
    assert parse_name("x", name) == name.strip()


@pytest.mark.parametrize("name", ["Андре\u0438\u0306", "Jose\u0301", "\u1112\u1161\u11ab"])
def test_the_two_ways_to_write_a_letter_are_one_name(name: str):
    assert parse_name("x", name) == unicodedata.normalize("NFC", name)
    assert len(parse_name("x", name)) < len(name)


def test_a_name_of_300_letters_may_come_in_pieces():
    assert parse_name("x", "й" * 300) == parse_name("x", unicodedata.normalize("NFD", "й" * 300)) == "й" * 300


@pytest.mark.parametrize("email", ["a@b..kz", "a@.b.kz", "a@b.kz.", "a@-b.kz", "a@b-.kz", "a@b.-kz", "a@b.kz-", "a@kz"])
def test_an_email_has_a_domain_of_labels(email: str):
    with pytest.raises(InvalidInput, match="e-mail"):
        parse_email("x", email)


def test_an_email_is_short_enough_in_the_form_that_is_stored():
    domain = "@b.kz"
    assert parse_email("x", "İ" * ((MAX_EMAIL - len(domain)) // 2) + domain)
    with pytest.raises(InvalidInput, match="longer"):
        parse_email("x", "İ" * (MAX_EMAIL - len(domain)) + domain)
