"""Whatever cannot be right is refused with an error of ours, and the database is untouched."""

import contextlib
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.backend.flows.bad_values import BAD
from tests.backend.flows.scenes import METHODS
from tests.backend.flows.world import World
from tripwire_db import InvalidInput, TripwireError


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
        "check_schema": {},
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
