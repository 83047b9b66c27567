"""What an error tells a program: fields, that survive a pool of processes, and no row in its traceback."""

import copy
import logging
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from uuid import UUID, uuid4

import pytest

from tests.backend.flows.world import World
from tripwire_db import (
    AuthFailed,
    CompensationFailed,
    ConstraintViolated,
    EmailTaken,
    InvalidInput,
    ModuleLocked,
    NotEligible,
    NotFound,
    Refused,
    StudentNotActive,
    TripwireError,
    Unavailable,
    VideoNotQualified,
    WatchPolicy,
)

SOMEBODY = UUID(int=7)
EVERY_ERROR = [
    TripwireError("x"),
    InvalidInput("x must be y", argument="x"),
    NotFound("student", SOMEBODY),
    NotFound("module", "to begin with", "there is none"),
    Refused("no"),
    ModuleLocked(user_id=SOMEBODY, lesson_id=68, module_id=17),
    VideoNotQualified(user_id=SOMEBODY, lesson_id=67, percentage=79, needed=80),
    StudentNotActive(user_id=SOMEBODY, status="blocked"),
    NotEligible(user_id=SOMEBODY, modules_completed=2, needed=3),
    NotEligible(user_id=SOMEBODY, modules_completed=3, needed=None),
    EmailTaken("taken", email="a@b.kz"),
    ConstraintViolated(
        flow="f",
        step="s",
        schema="public",
        table="t",
        constraint="c",
        column=None,
        sqlstate="23514",
        reason="must not be negative",
    ),
    Unavailable("away", applied=None),
    AuthFailed("away", applied=True),
    CompensationFailed(SOMEBODY, "a@b.kz", Unavailable("away", applied=False)),
]


def fields(error: TripwireError) -> dict[str, object]:
    return {name: str(value) if isinstance(value, Exception) else value for name, value in vars(error).items()}


def every_class(of: type[TripwireError] = TripwireError) -> set[type[TripwireError]]:
    return {of}.union(*(every_class(below) for below in of.__subclasses__()))


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_an_error_is_pickled_with_its_message_and_its_fields(error: TripwireError):
    error = copy.copy(error)
    error.add_note("seen by the worker")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert fields(again) == fields(error)


def test_every_class_of_error_is_tried():
    public = {kind for kind in every_class() if kind.__module__ == "tripwire_db.errors"}
    assert public - {type(error) for error in EVERY_ERROR} == {next(k for k in public if k.__name__ == "Conflict")}


def fails(index: int) -> None:
    """In another process."""
    raise EVERY_ERROR[index]


def test_an_error_comes_out_of_a_pool_of_processes_and_the_pool_lives_on():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for index, error in enumerate(EVERY_ERROR):
            with pytest.raises(type(error)) as raised:
                pool.submit(fails, index).result(60)
            assert fields(raised.value) == fields(error)


def test_a_refusal_tells_a_program_why_in_fields(make_world: Callable[..., World]):
    it = make_world(policy=WatchPolicy(max_rate=None, threshold=0.9))
    manager = it.manager()
    student = it.student(manager)
    them = {"user_id": student.user_id}
    call = it.repository

    def refusal(method: Callable[..., object], **arguments: object) -> dict[str, object]:
        with pytest.raises(TripwireError) as raised:
            method(**arguments)
        return vars(raised.value)

    call.update_video_tracking(**them, lesson_id=67, segments=[(0, 900)], position=900)
    locked = {**them, "lesson_id": 68, "module_id": 17}
    assert refusal(call.complete_lesson, **them, lesson_id=67) == {
        **them,
        "lesson_id": 67,
        "percentage": 50,
        "needed": 90,
    }
    assert refusal(call.complete_lesson, **them, lesson_id=68) == locked
    assert refusal(call.update_video_tracking, **them, lesson_id=68, segments=[], position=0) == locked
    assert refusal(call.issue_certificate, **them) == {**them, "modules_completed": 0, "needed": 3}
    assert refusal(call.create_manager, email=student.email, full_name="X") == {"email": student.email}
    other = it.manager()
    assert refusal(call.create_tripwire_user, email=student.email, full_name="X", manager_id=other.user_id) == {
        "email": student.email
    }
    nobody = uuid4()
    assert refusal(call.get_student, user_id=nobody) == {"kind": "student", "key": nobody}
    it.status(student.user_id, "inactive")
    assert refusal(call.complete_lesson, **them, lesson_id=67) == {**them, "status": "inactive"}
    for method in (call.unlock_next_module, call.issue_certificate):
        assert refusal(method, **them) == {**them, "status": "inactive"}
    graduate = it.graduate(manager)
    assert refusal(call.unlock_next_module, user_id=graduate.user_id) == {
        "user_id": graduate.user_id,
        "modules_completed": 3,
        "needed": None,
    }


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"email": "a@b"}, "email"),
        ({"full_name": ""}, "full_name"),
        ({"manager_id": 7}, "manager_id"),
        ({"price": -1}, "price"),
        ({"password": ""}, "password"),
    ],
)
def test_invalid_input_names_the_argument(it: World, arguments: dict[str, object], argument: str):
    with pytest.raises(InvalidInput) as raised:
        it.repository.create_tripwire_user(**{"email": "a@b.kz", "full_name": "A", "manager_id": SOMEBODY, **arguments})
    assert raised.value.argument == argument


def test_no_row_comes_to_light_in_the_traceback_that_a_log_shows(it: World, caplog: pytest.LogCaptureFixture):
    """The driver's error says `DETAIL: Failing row contains (…, a@secret.kz, …)`."""
    manager = it.manager()
    secrets = {"email": "a@secret.kz", "full_name": "Secret Name"}
    with it.planted("tripwire_users"):
        try:
            it.student(manager, **secrets)
        except ConstraintViolated as error:
            logging.getLogger("app").exception("could not create a student")
            told = traceback.format_exception(error)
            chain: BaseException | None = error
            while chain is not None:
                assert secrets["full_name"] not in str(chain)
                chain = chain.__cause__ or chain.__context__
        else:
            pytest.fail("the table takes no row")
    shown = "".join(told) + caplog.text
    assert "CheckViolation: SQLSTATE 23514" in shown, "a developer still sees what it was, and where"
    assert "DETAIL" not in shown
    assert not any(secret in shown for secret in secrets.values())
