"""One row or value for each loss that a downgrade of the course declares; `check` and the tests plant them."""

from tripwire_db.schema.course.sample_rows import MANAGERS, STUDENTS

_STRANGER = "00000000-0000-4000-8000-0000000000ff"

_COURSE_GROWS = """
INSERT INTO public.modules (id, position, title) VALUES (19, 4, 'Module 4') ON CONFLICT DO NOTHING;
INSERT INTO public.lessons (id, module_id, title) VALUES (70, 19, 'Lesson 4') ON CONFLICT DO NOTHING;
"""

LOST_ROWS = {
    ("20261103090000", "certificates"): (
        f"INSERT INTO public.certificates (user_id, number, url, full_name) VALUES ('{STUDENTS[0]}', 'TW-1', 'u', 'n')"
        " ON CONFLICT DO NOTHING"
    ),
    ("20261103090000", "counter of certificate numbers (numbers would be given twice)"): (
        "SELECT nextval('tripwire.certificate_number_seq')"
    ),
    ("20261103090000", "modules that are not as they came"): "UPDATE public.modules SET title = 'Mine' WHERE id = 16",
    ("20261103090000", "lessons that are not as they came"): (
        "UPDATE public.lessons SET duration_seconds = 60 WHERE id = 67"
    ),
    ("20261104090000", "video tracking rows with counted time that the stored total does not give"): (
        f"UPDATE public.video_tracking SET last_seen_at = now() WHERE user_id = '{STUDENTS[0]}' AND lesson_id = 67"
    ),
    ("20261106090000", "students whose status 'blocked' would become 'inactive'"): (
        f"UPDATE public.tripwire_users SET status = 'blocked' WHERE user_id = '{STUDENTS[0]}'"
    ),
    ("20261106090000", "log entries of newer kinds"): (
        f"INSERT INTO public.sales_activity_log (manager_id, action_type) VALUES ('{MANAGERS[0]}', 'lesson_completed')"
    ),
    ("20261105150000", "log entries without a manager who still exists"): (
        "INSERT INTO public.sales_activity_log (action_type) VALUES ('user_deleted')"
    ),
    ("20261105150000", "log entries whose target is gone and would be forgotten"): (
        "INSERT INTO public.sales_activity_log (manager_id, target_user_id, action_type) "
        f"VALUES ('{MANAGERS[0]}', '{_STRANGER}', 'user_deleted')"
    ),
    ("20261110090000", "unlocks of modules beyond 16-18"): (
        f"{_COURSE_GROWS} INSERT INTO public.module_unlocks (user_id, module_id) VALUES ('{STUDENTS[0]}', 19)"
    ),
    ("20261110090000", "progress rows beyond modules 16-18 or lessons 67-69"): (
        f"{_COURSE_GROWS} INSERT INTO public.student_progress (user_id, module_id, lesson_id) VALUES ('{STUDENTS[0]}', 19, 70)"
    ),
    ("20261110090000", "video tracking rows beyond lessons 67-69"): (
        f"{_COURSE_GROWS} INSERT INTO public.video_tracking (user_id, lesson_id) VALUES ('{STUDENTS[0]}', 70)"
    ),
    ("20261126104328", "log entries about corrections, reassignments, lessons and completed courses"): (
        "INSERT INTO public.sales_activity_log (action_type) VALUES ('user_corrected')"
    ),
    ("20261126115801", "sets as they were when the video qualified, where more has been watched since"): (
        f"""UPDATE public.video_tracking SET qualified_segments = '[{{"start": 0, "end": 1440}}]'
        WHERE user_id = '{STUDENTS[0]}' AND lesson_id = 67"""
    ),
}
"""By revision and the loss that it declares: SQL that makes one thing which only the newer layout can hold."""
