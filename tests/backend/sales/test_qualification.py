"""rpc_check_video_qualification: the stored flag, and nothing but the flag."""

from uuid import uuid4

import pytest

QUALIFIED = "SELECT public.rpc_check_video_qualification(%s, %s)"


@pytest.mark.parametrize("qualified", [True, False])
def test_it_is_the_flag_that_completing_a_lesson_reads(scratch, qualified):
    student = uuid4()
    with scratch() as connection:
        connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, 'student@example.com')", [student])
        # A percentage that says the opposite: it is shown to people, and decides nothing.
        connection.execute(
            "INSERT INTO public.video_tracking (user_id, lesson_id, is_qualified_for_completion, watch_percentage)"
            " VALUES (%s, 67, %s, %s)",
            [student, qualified, 0 if qualified else 100],
        )
        assert connection.execute(QUALIFIED, [student, 67]).fetchone() == (qualified,)
        assert connection.execute(QUALIFIED, [student, 68]).fetchone() == (False,)


def test_it_is_false_for_an_unknown_student_or_lesson(scratch):
    with scratch() as connection:
        assert connection.execute(QUALIFIED, [uuid4(), 67]).fetchone() == (False,)
        assert connection.execute(QUALIFIED, [uuid4(), 2**31 - 1]).fetchone() == (False,)
