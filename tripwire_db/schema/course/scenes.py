"""What the course says to its database: every statement of every flow, called so that it does something on the sample rows.

A release freezes these calls. Ids, codes and the clock are fixed, so that they are the same every time.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tripwire_db.auth import postgres
from tripwire_db.auth.protocol import Mark
from tripwire_db.engine.statement import Flow, FlowStatement, statements_in
from tripwire_db.flows import statements
from tripwire_db.flows.check_schema import check_schema
from tripwire_db.flows.complete_lesson import complete_lesson
from tripwire_db.flows.correct_student import Correction, correct_student, find_account, find_correctable
from tripwire_db.flows.create_manager import NewManager, create_manager
from tripwire_db.flows.create_tripwire_user import NewStudent, create_tripwire_user
from tripwire_db.flows.delete_student import delete_student
from tripwire_db.flows.issue_certificate import issue_certificate
from tripwire_db.flows.list_lessons import list_lessons
from tripwire_db.flows.log_activity import log_activity
from tripwire_db.flows.reassign_students import reassign_students
from tripwire_db.flows.record_welcome_email import record_welcome_email
from tripwire_db.flows.reset_password import reset_password
from tripwire_db.flows.revoke_certificate import revoke_certificate
from tripwire_db.flows.sales import (
    check_video_qualification,
    get_manager_activity,
    get_manager_stats,
    get_sales_chart_data,
    get_sales_leaderboard,
)
from tripwire_db.flows.search import search_watched_segments
from tripwire_db.flows.set_student_status import set_student_status
from tripwire_db.flows.shared.context import FlowContext
from tripwire_db.flows.students import get_student
from tripwire_db.flows.unlock_next_module import unlock_next_module
from tripwire_db.flows.update_lesson import update_lesson
from tripwire_db.flows.update_video_tracking import update_video_tracking
from tripwire_db.flows.verify_certificate import verify_certificate
from tripwire_db.schema.course.sample_rows import MANAGERS, STUDENTS
from tripwire_db.schema.releases.release import Call, Scene, Statement
from tripwire_db.video import WatchPolicy

_ANNA, _BORIS = map(UUID, MANAGERS)
_FIRST, _SECOND, _THIRD, _FOURTH, _LAST = map(UUID, STUDENTS)
_NEW = UUID("00000000-0000-4000-8000-0000000000c1")
_ADMIN = UUID("00000000-0000-4000-8000-0000000000c2")
_ENTRY = UUID("00000000-0000-4000-8000-0000000000c3")
_CODES = tuple(digit * 64 for digit in "12")

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CONTEXT = FlowContext(policy=WatchPolicy(max_rate=None), clock=lambda: _AT)
_SINCE, _UNTIL = date(2025, 12, 30), date(2026, 1, 3)
_WATCHED = [(0.0, 1700.0)]

_AUTH = statements_in(postgres)
_EVERY = statements() | _AUTH
_NAMES = {id(statement): name for name, statement in _EVERY.items()}

# For whichever of them a variant of a list takes.
_FILTERED_BY: dict[str, Any] = {
    "manager_id": _ANNA,
    "email_like": "%student%",
    "name_matches": "[Ss][Tt]udent",
    "modules_completed": 1,
    "since": _SINCE,
    "until": _UNTIL,
    "time_zone": "Asia/Almaty",
    "after_created_at": _AT,
    "after_id": _LAST,
    "limit": 20,
    "details": Jsonb({"email": "student1@mail.kz"}),
}


def scenes() -> tuple[Scene, ...]:
    """Every statement, called on the sample rows of the head of the chain; what a call needs is called before it."""
    return tuple(tuple(map(_call, flows)) for flows in (*_of_auth(), *_of_students(), *_of_managers(), *_that_read()))


def _of_auth() -> list[list[Flow[Any]]]:
    look_ups: list[Flow[Any]] = [
        _EVERY["find_auth_user_by_email"].flow(email="new@mail.kz"),
        _EVERY["find_auth_user_by_id"].flow(user_id=_NEW),
        _EVERY["lock_auth_user"].flow(user_id=_NEW, at=_AT),
        _EVERY["is_used"].flow(user_id=_NEW),
        _EVERY["schema_is_there"].flow(),
    ]
    change = _AUTH["update_auth_user"].flow(
        at=_AT, user_id=_NEW, email="newer@mail.kz", app_metadata=Jsonb({}), user_metadata=Jsonb({"full_name": "Newer"})
    )
    find = _AUTH["find_auth_user"].flow(user_id=_NEW)
    remove = _AUTH["delete_auth_user"].flow(at=_AT, user_id=_NEW)
    return [[_new_auth_user(_NEW, "new@mail.kz", Mark.STUDENT), *look_ups, change, find, remove]]


def _of_students() -> list[list[Flow[Any]]]:
    student = NewStudent(email="new@mail.kz", full_name="New", manager_id=_BORIS, price=Decimal(4000))
    correction = Correction(
        user_id=_SECOND, manager_id=_ANNA, full_name="Second", email="second@mail.kz", price=Decimal("4500.50")
    )
    return [
        [
            _new_auth_user(_NEW, student.email, Mark.STUDENT),
            create_tripwire_user(_CONTEXT, user_id=_NEW, token=_NEW, new=student),
            update_video_tracking(_CONTEXT, user_id=_NEW, lesson_id=67, segments=_WATCHED, position=1700),
            complete_lesson(_CONTEXT, user_id=_NEW, lesson_id=67),
            delete_student(_CONTEXT, user_id=_NEW, manager_id=_BORIS),
        ],
        [
            *_graduation(_LAST),
            revoke_certificate(_CONTEXT, user_id=_LAST, reason="name", manager_id=_ANNA),
            _with_code(issue_certificate(_CONTEXT, user_id=_LAST), 1),
            verify_certificate(code=_CODES[1]),
            verify_certificate(code=_CODES[0]),
        ],
        [unlock_next_module(_CONTEXT, user_id=_THIRD)],
        [
            find_correctable(correction=correction),
            correct_student(_CONTEXT, correction=correction),
            find_account(user_id=_SECOND),
        ],
        [set_student_status(_CONTEXT, user_id=_SECOND, status="blocked", manager_id=_ANNA)],
        [record_welcome_email(_CONTEXT, user_id=_SECOND, sent=True, manager_id=_ANNA, activity_id=_ENTRY)],
        [reset_password(_CONTEXT, user_id=_SECOND, manager_id=_ANNA, activity_id=_ENTRY)],
    ]


def _of_managers() -> list[list[Flow[Any]]]:
    admin = NewManager(email="admin@sale.kz", full_name="Admin", role="admin")
    admitted: list[Flow[Any]] = [
        _new_auth_user(_ADMIN, admin.email, Mark.MANAGER),
        create_manager(_CONTEXT, user_id=_ADMIN, token=_ADMIN, new=admin),
    ]
    return [
        [
            *admitted,
            reassign_students(
                _CONTEXT, from_manager_id=_ANNA, to_manager_id=_BORIS, manager_id=_ADMIN, user_ids=[_FIRST]
            ),
        ],
        [
            *admitted,
            update_lesson(_CONTEXT, lesson_id=68, manager_id=_ADMIN, title="Second", duration_seconds=1200),
        ],
        [
            log_activity(
                _CONTEXT,
                manager_id=_ANNA,
                action_type="email_sent",
                target_user_id=_FIRST,
                details={"subject": "Welcome"},
                activity_id=_ENTRY,
            )
        ],
        [get_sales_leaderboard(since=_SINCE, until=_UNTIL)],
        [get_sales_chart_data(manager_id=_ANNA, since=_SINCE, until=_UNTIL)],
        [get_manager_stats(manager_id=_ANNA, since=_SINCE, until=_UNTIL)],
        [get_manager_activity(manager_id=_ANNA, action_types=["user_created"], since=_SINCE, until=_UNTIL)],
    ]


def _that_read() -> list[list[Flow[Any]]]:
    varied: list[Flow[Any]] = [
        set_student_status(_CONTEXT, user_id=_SECOND, status="inactive", manager_id=_ANNA),
        set_student_status(_CONTEXT, user_id=_THIRD, status="blocked", manager_id=_ANNA),
        record_welcome_email(_CONTEXT, user_id=_FOURTH, sent=True),
        *_graduation(_LAST),
    ]
    lists: list[Flow[Any]] = [
        statement.flow(**{name: _FILTERED_BY[name] for name in statement.prepared[1]})
        for name, statement in statements().items()
        if name.partition(".")[0] in {"list_students", "search_activity"}
    ]
    return [
        [*varied, *lists],
        [get_student(user_id=_FIRST)],
        [list_lessons()],
        [check_schema()],
        [check_video_qualification(user_id=_FIRST, lesson_id=67)],
        [search_watched_segments(lesson_id=67, segment=(0, 1500))],
    ]


def _graduation(user_id: UUID) -> list[Flow[Any]]:
    """A student of the sample rows completes what is left."""
    return [
        flow
        for lesson_id in (68, 69)
        for flow in (
            update_video_tracking(_CONTEXT, user_id=user_id, lesson_id=lesson_id, segments=_WATCHED, position=1700),
            _with_code(complete_lesson(_CONTEXT, user_id=user_id, lesson_id=lesson_id), 0),
        )
    ]


def _new_auth_user(user_id: UUID, email: str, mark: Mark) -> Flow[Any]:
    return _AUTH["create_auth_user"].flow(
        at=_AT,
        user_id=user_id,
        email=email,
        app_metadata=Jsonb(mark.app_metadata),
        user_metadata=Jsonb({"full_name": "New"}),
    )


def _with_code(flow: Flow[Any], number: int) -> Flow[Any]:
    """The flow with a code for its certificate that is no secret."""
    code = {"verification_code": _CODES[number], "certificate_url": f"/certificates/{_CODES[number]}"}
    return Flow(flow.definition, {**flow.parameters, **code})


def _call(flow: Flow[Any]) -> Call:
    sql, parameters = flow.prepared()
    name = _NAMES[id(flow.definition)]
    changing = ("revision",) if name == "check_schema" else ()
    return Call(Statement(name, _source(flow.definition), sql.decode()), tuple(parameters), changing=changing)


def _source(statement: FlowStatement[Any]) -> str:
    code = statement.build.__code__
    return f"{statement.build.__module__.replace('.', '/')}.py:{code.co_firstlineno}"
