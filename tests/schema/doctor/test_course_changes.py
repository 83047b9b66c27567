"""The course is data: what its owner changes is no damage."""

import psycopg
import pytest

from tests.schema.doctor.people import People, open_repository
from tripwire_db.schema.doctor import State, examine, mend

CHANGES = {
    "longer videos": "UPDATE public.lessons SET duration_seconds = 2400",
    "shorter videos": "UPDATE public.lessons SET duration_seconds = 600",
    "other titles": "UPDATE public.modules SET title = 'Welcome'; UPDATE public.lessons SET title = 'Hello'",
    "a lesson that is replaced": (
        "UPDATE public.lessons SET archived = true WHERE id = 67;"
        "INSERT INTO public.lessons (id, module_id, title) VALUES (70, 16, 'Lesson 1, anew')"
    ),
}
REPLACED_MODULE = """
UPDATE public.lessons SET archived = true WHERE id = 67;
UPDATE public.modules SET archived = true WHERE id = 16;
INSERT INTO public.modules (id, position, title) VALUES (19, 1, 'Module 1, anew');
INSERT INTO public.lessons (id, module_id, title) VALUES (71, 19, 'Lesson 1, anew');
"""


@pytest.mark.parametrize("name", CHANGES)
def test_a_course_that_was_changed_leaves_healthy_students_healthy(name: str, course: tuple[str, People]) -> None:
    url, people = course
    with psycopg.connect(url) as connection:
        connection.execute(CHANGES[name])
    with open_repository(url) as repository:
        repository.create_tripwire_user(email="later@mail.kz", full_name="Later", manager_id=people.manager_id)

    assert examine(url) == ()


def test_whoever_has_only_a_module_that_is_taught_no_more_is_stuck(course: tuple[str, People]) -> None:
    url, people = course
    with psycopg.connect(url) as connection:
        connection.execute(REPLACED_MODULE)

    findings = examine(url)

    assert {finding.user_id for finding in findings} == {
        people.one(stage) for stage in ("new", "watching", "qualified")
    }
    assert {finding.kind for finding in findings} == {"unlock_missing", "progress_missing", "video_missing"}
    assert {result.state for result in mend(url, findings)} == {State.MENDED}
    assert examine(url) == ()
    with open_repository(url) as repository:
        repository.update_video_tracking(user_id=people.one("new"), lesson_id=71, segments=[(0, 10)], position=10)
