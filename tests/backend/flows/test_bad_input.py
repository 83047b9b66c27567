"""Whatever cannot be right is refused with an error of ours, and the database is untouched."""

import base64
import contextlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.backend.flows.scenes import METHODS
from tests.backend.flows.world import Clock, World
from tripwire_db import InvalidInput, TripwireError

NAN, INFINITY = float("nan"), float("inf")
HUGE = "x" * 10_000_000
INJECTION = "Robert'); DROP TABLE public.tripwire_users; --"

NO_ID = [None, "", "abc", 7, 1.5, True, b"x" * 16, [], {}, "0" * 31, "' OR true --", "\x00" * 36, HUGE, object()]
NO_OPTIONAL_ID = NO_ID[1:]
NO_EMAIL = [
    None,
    "",
    " ",
    "a",
    "a@",
    "@b.kz",
    "a@b",
    "a@b.",
    "a b@c.kz",
    "a@b@c.kz",
    "a@b.kz\x00",
    "a\x00@b.kz",
    "a@b.kz, c@d.kz",
    "<a@b.kz>",
    "\ud800@b.kz",
    "a@b.kz'; DROP TABLE users; --",
    "x" * 250 + "@b.kz",
    HUGE + "@b.kz",
    7,
    True,
    b"a@b.kz",
    ["a@b.kz"],
    "a@b..kz",
    "a@b-.kz",
    "a\u200b@b.kz",
    "a\u202e@b.kz",
    "a\u00ad@b.kz",
    "\ufeffa@b.kz",
    "a\x1b@b.kz",
    "a@b.\nkz",
    "İ" * 200 + "@b.kz",
]
NO_NAME = ["x" * 301, "Da\u200bna", "Dana\u202e", "Da\u00adna", "\ufeffDana", "Da\nna", "Dana\x1b[2J", "Da\x9bna"]
NO_TEXT = [None, "", " \t\n ", 7, True, b"name", ["name"], "a\x00b", "\ud800", "\udfff x", HUGE, "x" * 5000]
NO_PASSWORD = ["", 7, True, b"secret", "a\x00b", "\ud800", "x" * 73, "ә" * 37, HUGE]
NO_PRICE = [
    -1,
    Decimal("-0.01"),
    NAN,
    INFINITY,
    -INFINITY,
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    "NaN",
    "",
    "free",
    "1; DROP TABLE users",
    "5000\x00",
    True,
    [],
    {},
    b"5",
    1j,
    10**13,
    10**5000,
    Decimal("1e400"),
    Decimal("0.001"),
    "9" * 100_000,
]
NO_LESSON = [None, "", "67", 67.0, True, [], 2**31, -(2**31) - 1, 10**400, NAN, HUGE]
NO_LIMIT = [None, 0, -1, 1001, 2**63, True, "10", 10.0, NAN, []]
NO_DETAILS = [
    7,
    "text",
    b"{}",
    [],
    True,
    {"n": NAN},
    {"n": INFINITY},
    {"x": object()},
    {"x": {1, 2}},
    {"x": b"bytes"},
    {"x": Decimal(1)},
    {"x": datetime.now(UTC)},
    {"x": UUID(int=1)},
    {"a\x00": 1},
    {"x": "a\x00b"},
    {"x": ["\ud800"]},
    {"\udfff": 1},
    {7: 1},
    {"x": "y" * 70_000},
    {"x": HUGE},
    {"x": 10**5000},
]
DEEP: dict = {}
for _ in range(100_000):
    DEEP = {"x": DEEP}
SIXTY_FIVE: list = []
for _ in range(63):
    SIXTY_FIVE = [SIXTY_FIVE]
CIRCLE: dict = {}
CIRCLE["x"] = CIRCLE
NO_ACTION = [None, "", "USER_CREATED", "coffee", 7, True, [], ["email_sent"], HUGE]
NO_STATUS = [None, "", "Active", "asleep", 7, True, [], HUGE]
NO_ZONE = ["", " ", "Mars/Base", "Asia/Almaty; DROP TABLE users", 5, None, "x" * 65, "a\x00b", HUGE]
NO_DAY = [0, "", "2026-01-01", datetime.now(UTC), True, [], INFINITY, HUGE]
NO_FLAG = [0, 1, "true", [], NAN]
# Places of pages: nothing, a row's id or time, what only looks like one, another list's, one out of time, one too long.
NO_PLACE = [
    7,
    "",
    "x",
    uuid4(),
    datetime.now(UTC),
    True,
    b"x" * 34,
    "2026-01-01",
    "x" * 34,
    "ә" * 34,
    "\ud800" * 34,
    "A" * 34,
    base64.urlsafe_b64encode(b"x" + bytes(24)).decode(),
    *(base64.urlsafe_b64encode(letter + b"\x7f" + bytes(23)).decode() for letter in (b"a", b"s")),
    HUGE,
]
NO_DAYS = {"since": NO_DAY, "until": NO_DAY, "time_zone": NO_ZONE}

BAD: dict[str, dict[str, list]] = {
    "create_tripwire_user": {
        "email": NO_EMAIL,
        "full_name": [*NO_TEXT, *NO_NAME],
        "manager_id": NO_ID,
        "password": NO_PASSWORD,
        "price": NO_PRICE,
    },
    "create_manager": {
        "email": NO_EMAIL,
        "full_name": [*NO_TEXT, *NO_NAME],
        "password": NO_PASSWORD,
        "role": [None, "", "student", "Admin", "root", 7, True, [], HUGE],
    },
    "complete_lesson": {"user_id": NO_ID, "lesson_id": NO_LESSON},
    "unlock_next_module": {"user_id": NO_ID},
    "update_video_tracking": {"user_id": NO_ID, "lesson_id": NO_LESSON},
    "issue_certificate": {"user_id": NO_ID},
    "log_activity": {
        "manager_id": NO_OPTIONAL_ID,
        "action_type": NO_ACTION,
        "target_user_id": NO_OPTIONAL_ID,
        "details": [*NO_DETAILS, DEEP, CIRCLE, {"x": SIXTY_FIVE}],
        "activity_id": NO_OPTIONAL_ID,
    },
    "get_sales_leaderboard": {"limit": NO_LIMIT, **NO_DAYS},
    "get_sales_chart_data": {
        "manager_id": NO_OPTIONAL_ID,
        "days_back": [None, 0, -1, 3661, 2**63, True, "30", 30.0],
        **NO_DAYS,
    },
    "get_manager_stats": {"manager_id": NO_OPTIONAL_ID, **NO_DAYS},
    "get_manager_activity": {
        "manager_id": NO_ID,
        "limit": NO_LIMIT,
        "before": NO_PLACE,
        "action_types": [7, "email_sent", [], ["coffee"], [None], ["email_sent"] * 100, {"email_sent": 1}, HUGE],
        **NO_DAYS,
    },
    "set_student_status": {"user_id": NO_ID, "status": NO_STATUS, "manager_id": NO_ID},
    "delete_student": {"user_id": NO_ID, "manager_id": NO_ID},
    "correct_student": {
        "user_id": NO_ID,
        "manager_id": NO_ID,
        "full_name": [*NO_TEXT[1:], *NO_NAME],
        "email": NO_EMAIL[1:],
        "price": NO_PRICE,
    },
    "reassign_students": {
        "from_manager_id": NO_ID,
        "to_manager_id": NO_ID,
        "manager_id": NO_ID,
        "user_ids": [
            [],
            (),
            set(),
            7,
            True,
            str(UUID(int=1)),
            UUID(int=1),
            [None],
            ["abc"],
            {"a": 1},
            HUGE,
            [[]] * 10_001,
        ],
    },
    "reset_password": {"user_id": NO_ID, "password": [None, *NO_PASSWORD], "manager_id": NO_ID},
    "revoke_certificate": {"user_id": NO_ID, "reason": NO_TEXT, "manager_id": NO_OPTIONAL_ID},
    "verify_certificate": {"code": NO_TEXT},
    "search_activity": {
        "details": [*NO_DETAILS, DEEP, CIRCLE, {"x": SIXTY_FIVE}],
        "manager_id": NO_OPTIONAL_ID,
        "limit": NO_LIMIT,
    },
    "search_watched_segments": {
        "lesson_id": NO_LESSON,
        "segment": [None, 7, "05", (0,), (0, 1, 2), (5, 5), (5, 4), (-1, 5), (NAN, 5), (0, INFINITY), (False, True)],
        "limit": NO_LIMIT,
    },
    "record_welcome_email": {
        "user_id": NO_ID,
        "sent": [None, *NO_FLAG],
        "manager_id": NO_OPTIONAL_ID,
        "activity_id": NO_OPTIONAL_ID,
    },
    "list_lessons": {},
    "update_lesson": {
        "lesson_id": NO_LESSON,
        "manager_id": NO_ID,
        "title": [*NO_TEXT[1:], *NO_NAME],
        "duration_seconds": [0, -1, 86_401, 2**31, 10**400, True, "1800", 1800.0, NAN, []],
    },
    "get_student": {"user_id": NO_ID},
    "list_students": {
        "manager_id": NO_OPTIONAL_ID,
        "status": NO_STATUS[1:],
        "search": NO_TEXT[1:],
        "modules_completed": [-1, 4, 2**31, 10**400, True, "3", 3.0, NAN, []],
        "certificate": NO_FLAG,
        "welcome_email_sent": NO_FLAG,
        **NO_DAYS,
        "limit": NO_LIMIT,
        "after": NO_PLACE,
        "count": [None, *NO_FLAG],
    },
}


@pytest.fixture
def good(it: World) -> dict[str, dict[str, object]]:
    """Arguments with which each method would succeed."""
    manager = it.manager()
    student = it.graduate(manager)
    them, me = {"user_id": student.user_id}, {"manager_id": manager.user_id}
    return {
        "create_tripwire_user": {"email": "new@b.kz", "full_name": "New", **me},
        "create_manager": {"email": "new@b.kz", "full_name": "New"},
        "complete_lesson": {**them, "lesson_id": 67},
        "unlock_next_module": them,
        "update_video_tracking": {**them, "lesson_id": 67, "segments": [(0, 10)], "position": 0},
        "issue_certificate": them,
        "log_activity": {**me, "action_type": "email_sent"},
        "get_sales_leaderboard": {},
        "get_sales_chart_data": me,
        "get_manager_stats": me,
        "get_manager_activity": me,
        "set_student_status": {**them, **me, "status": "blocked"},
        "delete_student": {**them, **me},
        "correct_student": {**them, **me, "full_name": "New"},
        "reassign_students": {
            "from_manager_id": manager.user_id,
            "to_manager_id": it.manager().user_id,
            "manager_id": it.manager(role="admin").user_id,
        },
        "reset_password": {**them, **me, "password": "correct horse"},
        "revoke_certificate": {**them, "reason": "why"},
        "verify_certificate": {"code": "x"},
        "search_activity": {"details": {}},
        "search_watched_segments": {"lesson_id": 67, "segment": (0, 10)},
        "record_welcome_email": {**them, "sent": True},
        "list_lessons": {},
        "update_lesson": {"lesson_id": 67, "manager_id": it.manager(role="admin").user_id, "duration_seconds": 1214},
        "get_student": them,
        "list_students": {"since": date(2026, 1, 1)},
    }


def shown(value: object) -> str:
    try:
        return f"{value!r:.80}"
    except (RecursionError, ValueError):
        return f"a {type(value).__name__} that cannot be shown"


@pytest.mark.parametrize("method", METHODS)
def test_bad_input_is_invalid_input_and_leaves_the_database_untouched(it: World, good, method: str):
    before = it.dump()
    call = getattr(it.repository, method)
    for argument, values in BAD[method].items():
        for value in values:
            try:
                with pytest.raises(InvalidInput) as raised:
                    call(**{**good[method], argument: value})
            except BaseException:
                print(f"{argument} = {shown(value)}")
                raise
            assert len(str(raised.value)) < 500, "a message does not repeat what was sent"
    assert it.dump() == before


def test_every_argument_of_every_method_is_tried_with_bad_values():
    elsewhere = {"segments", "position", "client_duration"}  # tests/video
    for method, arguments in METHODS.items():
        assert set(BAD[method]) == {argument.partition("=")[0] for argument in arguments.split()} - elsewhere


@pytest.mark.parametrize("method", METHODS)
def test_arguments_that_are_missing_or_unknown_are_a_type_error_and_nothing_is_written(it: World, good, method: str):
    before = it.dump()
    call = getattr(it.repository, method)
    with pytest.raises(TypeError):
        call(**good[method], surprise=1)
    for argument in good[method]:
        if f"{argument}=" not in METHODS[method]:
            with pytest.raises(TypeError):
                call(**{name: value for name, value in good[method].items() if name != argument})
    assert it.dump() == before


@pytest.mark.parametrize(
    "name", [INJECTION, 'O\'Neil "the" $1 %s %(name)s :x', "Әйгерім 🎓", "a" * 300, "\\", "{}", "NULL", "a  b"]
)
def test_a_name_is_stored_as_it_is_whatever_it_looks_like(it: World, name: str):
    manager = it.manager(full_name=name)
    student = it.student(manager, full_name=name)
    assert it.row("tripwire_users")["full_name"] == name
    assert it.row("tripwire_users")["manager_name"] == name
    assert it.repository.list_students(search=name[:300])[0].user_id == student.user_id
    assert it.repository.get_student(user_id=student.user_id).student.full_name == name
    it.complete(student.user_id, 67, 68, 69)
    assert it.row("certificates")["full_name"] == name


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 - without a zone, as it must not be
        None,
        "2026-01-01T00:00:00Z",
        1_767_225_600,
    ],
)
def test_a_clock_that_gives_no_aware_time_is_refused_by_every_flow_that_writes(make_world, kind: str, moment):
    good_times = make_world()
    manager = good_times.manager()
    student = good_times.graduate(manager)
    broken = make_world(clock=lambda: moment).repository
    them, me = {"user_id": student.user_id}, {"manager_id": manager.user_id}
    before = good_times.dump()
    for method, arguments in {
        "create_tripwire_user": {"email": "new@b.kz", "full_name": "New", **me},
        "create_manager": {"email": "new@b.kz", "full_name": "New"},
        "complete_lesson": {**them, "lesson_id": 67},
        "unlock_next_module": them,
        "update_video_tracking": {**them, "lesson_id": 67, "segments": [(0, 10)], "position": 0},
        "issue_certificate": them,
        "log_activity": {**me, "action_type": "email_sent"},
        "set_student_status": {**them, **me, "status": "blocked"},
        "delete_student": {**them, **me},
        "correct_student": {**them, **me, "full_name": "New"},
        "reassign_students": {
            "from_manager_id": manager.user_id,
            "to_manager_id": UUID(int=1),
            "manager_id": manager.user_id,
        },
        "reset_password": {**them, **me, "password": "correct horse"},
        "revoke_certificate": {**them, "reason": "why"},
        "record_welcome_email": {**them, "sent": True},
        "update_lesson": {"lesson_id": 67, **me},
    }.items():
        with pytest.raises(InvalidInput, match="clock"):
            getattr(broken, method)(**arguments)
    assert good_times.dump() == before


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
@pytest.mark.parametrize("edge", [datetime(2, 1, 2), datetime(9998, 12, 30, 23, 59)])  # noqa: DTZ001 - the zone follows
def test_what_a_clock_wrote_can_be_read_in_every_zone(clocked: World, clock: Clock, edge: datetime, zone: timezone):
    manager = clocked.manager()
    clock.now = edge.replace(tzinfo=zone)
    student = clocked.student(manager)
    for session_zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        clocked.execute(f"SET TIME ZONE '{session_zone}'")
        assert clocked.row("tripwire_users", user_id=student.user_id)["created_at"] == clock.now
    assert [found.created_at for found in clocked.repository.list_students()] == [clock.now]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
    ],
)
def test_a_clock_at_the_edge_of_the_calendar_is_refused_and_nothing_is_written(
    clocked: World, clock: Clock, moment: datetime
):
    student = clocked.student()
    before = clocked.dump()
    clock.now = moment
    for call in (
        lambda: clocked.repository.update_video_tracking(
            user_id=student.user_id, lesson_id=67, segments=[(0, 10)], position=0
        ),
        clocked.student,
        clocked.manager,
    ):
        with pytest.raises(InvalidInput, match="the clock's time must be in the years 2 to 9998"):
            call()
    assert clocked.dump() == before


RANDOM = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.uuids()
    | st.decimals()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_argument_whatever_it_is_brings_out_an_error_that_is_not_ours(it: World, good, data):
    method = data.draw(st.sampled_from(sorted(name for name, arguments in METHODS.items() if arguments)))
    argument = data.draw(st.sampled_from([argument.partition("=")[0] for argument in METHODS[method].split()]))
    value = data.draw(RANDOM | st.text(alphabet=st.characters(), max_size=400))
    with contextlib.suppress(TripwireError):  # a value may happen to be a good one
        getattr(it.repository, method)(**{**good[method], argument: value})
