"""Arguments are checked before anything is sent; no server is needed for that."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripwire_db.errors import InvalidInput
from tripwire_db.validation import (
    MAX_PRICE,
    parse_choice,
    parse_details,
    parse_email,
    parse_flag,
    parse_integer,
    parse_optional_uuid,
    parse_password,
    parse_price,
    parse_text,
    parse_time,
    parse_uuid,
)
from tripwire_db.video import MAX_SEGMENTS, WatchPolicy, milliseconds, parse_segments, seconds_from, segments_in_ms

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.decimals(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
)
CHECKS = [
    lambda value: parse_uuid("x", value),
    lambda value: parse_text("x", value, longest=20),
    lambda value: parse_email("x", value),
    parse_password,
    parse_price,
    lambda value: parse_integer("x", value),
    lambda value: parse_choice("x", value, ("a", "b")),
    lambda value: parse_flag("x", value),
    lambda value: parse_details("x", value),
    lambda value: parse_time("x", value),
    lambda value: seconds_from("x", value),
    segments_in_ms,
]


@given(check=st.sampled_from(CHECKS), value=ANYTHING)
def test_whatever_comes_in_is_taken_or_refused_as_invalid_input(check, value):
    try:
        check(value)
    except InvalidInput as refusal:
        assert len(str(refusal)) < 300  # noqa: PT017 - either is right


@given(value=st.uuids())
def test_a_uuid_and_its_string_are_the_same(value: UUID):
    assert parse_uuid("x", value) is value
    assert parse_uuid("x", str(value)) == value
    assert parse_optional_uuid("x", str(value).upper()) == value
    assert parse_optional_uuid("x", None) is None


@given(text=st.text(max_size=40))
def test_a_text_is_stripped_storable_and_neither_empty_nor_too_long(text: str):
    try:
        taken = parse_text("x", text, longest=20)
    except InvalidInput:
        stripped = text.strip()
        assert not stripped or len(stripped) > 20 or "\x00" in stripped or _has_surrogates(stripped)
    else:
        assert taken == text.strip()
        assert taken.encode()


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


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


@given(price=st.decimals(min_value=0, max_value=MAX_PRICE, places=2))
def test_a_price_keeps_its_value_exactly(price: Decimal):
    assert parse_price(price) == price
    assert parse_price(str(price)) == price
    assert not parse_price(price).is_signed()


@pytest.mark.parametrize(("value", "price"), [(None, None), (0, 0), (-0.0, 0), (19.9, Decimal("19.90")), ("1e3", 1000)])
def test_a_price_may_be_written_in_several_ways(value, price):
    assert parse_price(value) == price


@pytest.mark.parametrize(
    "value", [-1, Decimal("-0.01"), math.nan, math.inf, "NaN", True, 0.001, MAX_PRICE + 1, "free", []]
)
def test_what_is_no_price_is_refused(value):
    with pytest.raises(InvalidInput, match="price"):
        parse_price(value)


def test_a_password_is_at_most_72_bytes_and_never_part_of_a_message():
    assert parse_password("x" * 72) == "x" * 72
    for password in ("hush" * 19, "hush\x00", "hush\ud800"):
        with pytest.raises(InvalidInput) as raised:
            parse_password(password)
        assert "hush" not in str(raised.value)


@given(value=st.integers())
def test_an_integer_is_what_an_integer_column_holds(value: int):
    if -(2**31) <= value < 2**31:
        assert parse_integer("x", value) == value
    else:
        with pytest.raises(InvalidInput):
            parse_integer("x", value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(details=st.dictionaries(st.text(), JSON, max_size=4))
def test_details_are_taken_as_they_are_unless_jsonb_cannot_hold_them(details):
    encoded = json.dumps(details, ensure_ascii=False)
    if "\x00" in json.dumps(details) or _has_surrogates(encoded) or any("\x00" in text for text in _texts(details)):
        with pytest.raises(InvalidInput):
            parse_details("x", details)
    else:
        assert parse_details("x", details) == details


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    return [text for part in value for text in _texts(part)] if isinstance(value, list) else []


def test_a_text_that_looks_like_an_escaped_nul_is_no_nul():
    assert parse_details("x", {"path": "C:\\u0000"}) == {"path": "C:\\u0000"}


def test_a_time_must_be_aware():
    now = datetime.now(UTC)
    assert parse_time("x", now) is now
    with pytest.raises(InvalidInput, match="aware"):
        parse_time("x", now.replace(tzinfo=None))


@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 7_200_000), st.integers(1, 100_000)).map(lambda p: (p[0], p[0] + p[1])),
        max_size=MAX_SEGMENTS,
    )
)
def test_milliseconds_survive_being_sent_as_seconds(pairs: list[tuple[int, int]]):
    starts, ends = segments_in_ms([(start / 1000, end / 1000) for start, end in pairs])
    assert list(zip(starts, ends, strict=True)) == pairs


@given(seconds=st.floats(0, 1e6))
def test_rounding_is_to_the_nearest_millisecond(seconds: float):
    assert abs(milliseconds(seconds) - seconds * 1000) <= 0.5


@given(stored=st.lists(JSON, max_size=5))
def test_whatever_an_older_backend_stored_can_be_read(stored):
    assert all(part.start is not None and part.end is not None for part in parse_segments(stored))


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0},
        {"threshold": 1.01},
        {"threshold": math.nan},
        {"threshold": True},
        {"threshold": "0.8"},
        {"gap_seconds": -0.1},
        {"gap_seconds": math.inf},
        {"max_rate": 0},
        {"max_rate": -1},
        {"max_rate": math.nan},
        {"first_grant_seconds": -1},
        {"idle_cap_seconds": None},
    ],
)
def test_a_policy_that_cannot_be_right_is_refused(wrong: dict[str, object]):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        WatchPolicy(**wrong)


def test_a_policy_has_the_numbers_of_the_design():
    assert WatchPolicy() == WatchPolicy(
        threshold=0.80, gap_seconds=1.0, max_rate=2.0, first_grant_seconds=30.0, idle_cap_seconds=120.0
    )
