"""Arguments are checked before anything is sent; no server is needed for that."""

import json
import math
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripwire_db.errors import InvalidInput
from tripwire_db.validation import (
    MAX_DETAILS_DEPTH,
    parse_choice,
    parse_details,
    parse_email,
    parse_flag,
    parse_integer,
    parse_name,
    parse_optional_uuid,
    parse_password,
    parse_price,
    parse_text,
    parse_time,
    parse_uuid,
)
from tripwire_db.video import (
    MAX_SEGMENTS,
    WatchPolicy,
    milliseconds,
    parse_client_duration,
    parse_position,
    parse_segments,
    segments_in_ms,
)

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
    lambda value: parse_name("x", value),
    parse_position,
    parse_client_duration,
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
        stripped = unicodedata.normalize("NFC", text).strip()
        assert not stripped or len(stripped) > 20 or "\x00" in stripped or _has_surrogates(stripped)
    else:
        assert taken == unicodedata.normalize("NFC", text).strip()
        assert taken.encode()


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


class Odd(str):
    """A string whose methods say what they like."""

    __slots__ = ()

    def strip(self, *_: object) -> str:
        return "\x00"

    lower = upper = encode = __str__ = __repr__ = strip

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("active")

    def __len__(self) -> int:
        return 1


class OddInteger(int):
    def __le__(self, other: object) -> bool:
        return True

    __ge__ = __lt__ = __gt__ = __le__

    def __index__(self) -> int:
        return 7


class OddFloat(float):
    def __float__(self) -> float:
        return 7.0

    def __repr__(self) -> str:
        return "7"

    __str__ = __repr__


def test_what_a_subclass_says_of_itself_is_not_believed():
    """Tried with a string whose strip() gave a NUL."""
    taken = [
        parse_text("x", Odd(" a "), longest=20),
        parse_name("x", Odd(" a ")),
        parse_email("x", Odd("A@b.kz")),
        parse_password(Odd("secret")),
        parse_choice("x", Odd("b"), ("a", "b")),
    ]
    assert [(type(text), "".join(text)) for text in taken] == [
        (str, "a"),
        (str, "a"),
        (str, "a@b.kz"),
        (str, "secret"),
        (str, "b"),
    ]
    assert parse_price(Odd("12")) == 12
    assert parse_price(OddFloat(2.5)) == Decimal("2.5")
    assert parse_position(OddFloat(2.5)) == 2
    assert parse_uuid("x", Odd(UUID(int=5))) == UUID(int=5)
    for check in (lambda: parse_integer("x", OddInteger(2**40)), lambda: parse_choice("x", Odd("z"), ("a", "b"))):
        with pytest.raises(InvalidInput):
            check()


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


def test_details_too_deep_behind_more_parts_than_may_be_stored_are_refused_too():
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    try:
        for parts in ([0] * 70_000, [[]] * 65_534):
            with pytest.raises(InvalidInput, match="is larger than"):
                parse_details("x", {"deep": deep, "wide": parts})
    finally:
        while isinstance(deep, list):  # level by level, since collecting it recurses, too
            deep = deep.pop()


def test_details_are_nested_no_deeper_than_what_reads_them_back_can_follow():
    deep: object = 1
    for _ in range(MAX_DETAILS_DEPTH - 1):
        deep = [deep]
    assert parse_details("x", {"x": deep}) == {"x": deep}
    for deeper in ({"x": [deep]}, {"x": {"y": deep}}, {"x": (deep,)}):
        with pytest.raises(InvalidInput, match="64 levels"):
            parse_details("x", deeper)


def test_details_have_strings_for_keys_at_every_level():
    with pytest.raises(InvalidInput, match="keys"):
        parse_details("x", {"lessons": [{67: True}]})


def test_details_are_a_copy_which_nobody_changes_after_the_look():
    given = {"list": [1]}
    taken = parse_details("x", given)
    given["list"].append(math.nan)
    assert taken == {"list": [1]}


@pytest.mark.parametrize("hours", [-1, 0, 5])
@pytest.mark.parametrize("year", [1, 9999])
def test_a_time_at_the_edge_of_the_calendar_is_refused(year: int, hours: int):
    """With an offset it is a year further on for the server, which writes what no driver can read."""
    edge = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="years 2 to 9998"):
        parse_time("x", edge.replace(tzinfo=timezone(timedelta(hours=hours))))


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
