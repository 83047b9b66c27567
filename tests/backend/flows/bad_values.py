"""For every argument of every method: values that cannot be right."""

import base64
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

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
    "check_schema": {},
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
