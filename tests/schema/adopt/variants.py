"""Variants of v2 as they are found in the field: what is done to a database of five healthy students, and what follows."""

from dataclasses import dataclass, field

from tripwire_db.schema.course.sample_rows import MANAGERS, STUDENTS

A, B, C, D, E = STUDENTS
NOBODY = "00000000-0000-4000-8000-0000000000ee"
FREE = "ALTER TABLE public.{0} DROP CONSTRAINT {1};"


@dataclass(frozen=True)
class Variant:
    """What was done, which rows then go to the quarantine (table → reason), and what must be true at head."""

    sql: str
    quarantined: dict[str, str] = field(default_factory=dict)
    at_head: str = "SELECT true"


OBJECTS = {
    "the price is missing": Variant(
        "ALTER TABLE public.tripwire_users DROP COLUMN price",
        at_head="SELECT bool_and(price = 5000) FROM public.tripwire_users",
    ),
    "times and ids are missing": Variant(
        "ALTER TABLE public.user_achievements DROP COLUMN id, DROP COLUMN created_at, DROP COLUMN updated_at",
        at_head="SELECT count(DISTINCT id) = 20 FROM public.user_achievements",
    ),
    "more columns": Variant(
        "ALTER TABLE public.tripwire_users ADD COLUMN generated_password text NOT NULL DEFAULT 'hunter2', "
        "ADD COLUMN phone text, ADD COLUMN last_active_at timestamptz, ADD COLUMN amocrm_deal_id bigint DEFAULT 7;"
        "ALTER TABLE public.tripwire_users ALTER COLUMN generated_password DROP DEFAULT",
        at_head="SELECT bool_and(generated_password = 'hunter2' AND amocrm_deal_id = 7) FROM public.tripwire_users",
    ),
    "other tables, with what hangs from them": Variant(
        "CREATE TABLE public.tripwire_progress (id int PRIMARY KEY, user_id uuid REFERENCES public.tripwire_users (user_id), "
        "updated_at timestamptz);"
        "CREATE TRIGGER keep BEFORE UPDATE ON public.tripwire_progress "
        "FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();"
        f"INSERT INTO public.tripwire_progress VALUES (1, '{A}')",
        at_head="SELECT count(*) = 1 FROM public.tripwire_progress",
    ),
    "a table is missing": Variant("DROP TABLE public.user_statistics"),
    "foreign keys are missing": Variant(
        FREE.format("tripwire_users", "tripwire_users_granted_by_fkey")
        + FREE.format("student_progress", "student_progress_user_id_fkey")
        + FREE.format("sales_activity_log", "sales_activity_log_target_user_id_fkey")
        + FREE.format("sales_activity_log", "sales_activity_log_manager_id_fkey")
        + "ALTER TABLE public.sales_activity_log ALTER COLUMN manager_id DROP NOT NULL;"
        + f"UPDATE public.tripwire_users SET granted_by = '{NOBODY}' WHERE user_id = '{A}';"
        f"UPDATE public.student_progress SET user_id = '{NOBODY}' WHERE user_id = '{B}' AND lesson_id = 68;"
        f"UPDATE public.sales_activity_log SET manager_id = NULL, target_user_id = '{NOBODY}' WHERE target_user_id = '{A}'",
        {"student_progress": "no such row in auth.users"},
        f"SELECT granted_by IS NULL AND (SELECT count(*) = 1 FROM tripwire.quarantined_values WHERE column_name = 'granted_by' "
        f"AND was = '{NOBODY}') AND (SELECT count(*) = 5 FROM public.sales_activity_log) "
        f"FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "rules by other names, and wrong ones": Variant(
        "ALTER TABLE public.users RENAME CONSTRAINT users_email_key TO unique_mail;"
        "ALTER TABLE public.users RENAME CONSTRAINT users_pkey TO users_primary;"
        + FREE.format("users", "users_role_check")
        + "UPDATE public.users SET role = 'sales' WHERE role = 'sales_manager';"
        "ALTER TABLE public.users ADD CONSTRAINT valid_role CHECK (role IN ('student', 'sales'));"
        + FREE.format("tripwire_user_profile", "tripwire_user_profile_user_id_fkey")
        + "ALTER TABLE public.tripwire_user_profile ADD CONSTRAINT to_student FOREIGN KEY (user_id) "
        "REFERENCES public.tripwire_users (user_id) ON DELETE CASCADE;"
        + FREE.format("tripwire_users", "tripwire_users_price_check")
        + "ALTER TABLE public.tripwire_users ADD CONSTRAINT tripwire_users_price_check CHECK (price >= 0) NOT VALID",
        at_head="SELECT count(*) = 2 FROM public.users WHERE role = 'sales_manager'",
    ),
    "indexes that are missing, wrong, or in the way": Variant(
        "DROP INDEX public.idx_users_role; DROP INDEX public.idx_tripwire_users_status;"
        "CREATE INDEX idx_tripwire_users_status ON public.tripwire_users (status);"
        "CREATE INDEX idx_tripwire_users_active ON public.tripwire_users (email);"
        "ALTER INDEX public.idx_users_email RENAME TO users_mail"
    ),
    "functions that are missing, wrong, or of other names for their arguments": Variant(
        "DROP FUNCTION public.rpc_get_manager_stats(uuid); DROP FUNCTION public.rpc_get_sales_leaderboard(integer);"
        "CREATE FUNCTION public.rpc_get_sales_leaderboard(how_many integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        "CREATE OR REPLACE FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer) "
        "RETURNS boolean LANGUAGE sql AS 'SELECT true'"
    ),
    "triggers that are missing, disabled, or too many": Variant(
        "DROP TRIGGER update_users_updated_at ON public.users;"
        "ALTER TABLE public.tripwire_users DISABLE TRIGGER update_tripwire_users_updated_at;"
        "CREATE TRIGGER update_user_achievements_updated_at BEFORE UPDATE ON public.user_achievements "
        "FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()",
        at_head="SELECT bool_and(updated_at = '2026-01-02') FROM public.tripwire_users",
    ),
    "policies of old": Variant(
        "ALTER TABLE public.tripwire_users ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY own_price ON public.tripwire_users FOR UPDATE USING (true);"
        "ALTER TABLE public.tripwire_users FORCE ROW LEVEL SECURITY",
        at_head="SELECT count(*) = 0 FROM pg_policies WHERE policyname = 'own_price'",
    ),
    "columns of other types": Variant(
        "ALTER TABLE public.tripwire_users ALTER COLUMN price TYPE integer, ALTER COLUMN email TYPE varchar(200);"
        "ALTER TABLE public.video_tracking ALTER COLUMN watched_segments DROP DEFAULT;"
        "DROP INDEX public.idx_video_tracking_segments;"
        "ALTER TABLE public.video_tracking ALTER COLUMN watched_segments TYPE text USING watched_segments::text",
        at_head="""SELECT count(*) = 5 FROM public.video_tracking WHERE watched_segments = '[{"start": 0, "end": 1500}]'""",
    ),
}

ROWS = {
    "blocked students": Variant(
        FREE.format("tripwire_users", "tripwire_users_status_check")
        + f"UPDATE public.tripwire_users SET status = 'blocked' WHERE user_id IN ('{A}', '{B}')",
        at_head="SELECT count(*) = 2 FROM public.tripwire_users WHERE status = 'blocked'",
    ),
    "blocked students under v2's own rule, NOT VALID, one without user_id": Variant(
        FREE.format("tripwire_users", "tripwire_users_status_check")
        + "ALTER TABLE public.tripwire_users ALTER COLUMN user_id DROP NOT NULL;"
        f"UPDATE public.tripwire_users SET status = 'blocked', user_id = NULL WHERE user_id = '{A}';"
        "ALTER TABLE public.tripwire_users ADD CONSTRAINT tripwire_users_status_check "
        "CHECK (status IN ('active', 'inactive', 'completed')) NOT VALID",
        at_head=f"SELECT status = 'blocked' FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "the role sales": Variant(
        FREE.format("users", "users_role_check")
        + "UPDATE public.users SET role = 'sales' WHERE role = 'sales_manager'",
        at_head="SELECT count(*) = 2 FROM public.users WHERE role = 'sales_manager'",
    ),
    "JSON strings for segments": Variant(
        "UPDATE public.video_tracking SET watched_segments = to_jsonb(watched_segments::text)",
        at_head="""SELECT count(*) = 5 FROM public.video_tracking WHERE watched_segments = '[{"start": 0, "end": 1500}]'""",
    ),
    "a JSON string of nonsense": Variant(
        f"""UPDATE public.video_tracking SET watched_segments = '"[0, 1"' WHERE user_id = '{A}' AND lesson_id = 67""",
        {"video_tracking": "a string that holds no JSON array"},
    ),
    "mixed-case e-mails": Variant(
        "UPDATE public.users SET email = initcap(email); UPDATE public.tripwire_users SET email = upper(email)",
        at_head="SELECT bool_and(email = lower(email)) FROM public.tripwire_users",
    ),
    "user_id is NULL, and the e-mail tells who it is": Variant(
        "ALTER TABLE public.tripwire_users ALTER COLUMN user_id DROP NOT NULL;"
        f"UPDATE public.tripwire_users SET user_id = NULL, email = upper(email) WHERE user_id IN ('{A}', '{B}')",
        at_head="SELECT count(*) = 5 AND count(user_id) = 5 FROM public.tripwire_users",
    ),
    "user_id is NULL, and nobody has the e-mail": Variant(
        "ALTER TABLE public.tripwire_users ALTER COLUMN user_id DROP NOT NULL;"
        "INSERT INTO public.tripwire_users (user_id, email, full_name) VALUES (NULL, 'ghost@mail.kz', 'Ghost')",
        {"tripwire_users": "no user_id, and no auth user with this e-mail is free"},
    ),
    "e-mails of users that differ only by case": Variant(
        f"UPDATE public.users SET email = (SELECT upper(email) FROM public.users WHERE id = '{B}') WHERE id = '{A}'",
        {"users": "the same e-mail as another row"},
        # The row that matches auth.users stays; the other user was a student, and gets a row again by doctor.
        f"SELECT (SELECT row ->> 'id' FROM tripwire.quarantine) = '{A}' "
        f"AND EXISTS (SELECT FROM public.users WHERE id = '{B}')",
    ),
    "one person twice, neither of whom auth.users knows by that e-mail": Variant(
        f"UPDATE public.tripwire_users SET email = 'One@mail.kz', created_at = '2025-01-01' WHERE user_id = '{B}';"
        f"UPDATE public.tripwire_users SET email = 'one@mail.kz' WHERE user_id = '{A}'",
        {"tripwire_users": "the same e-mail as another row"},
        f"SELECT row ->> 'user_id' = '{A}' FROM tripwire.quarantine",
    ),
    "rows that v2's unique keys forbid": Variant(
        FREE.format("student_progress", "student_progress_user_id_lesson_id_key")
        + "INSERT INTO public.student_progress (user_id, module_id, lesson_id, status, created_at) "
        f"VALUES ('{A}', 16, 67, 'in_progress', '2020-01-01')",
        {"student_progress": "the same user_id, lesson_id as another row"},
        f"SELECT status = 'completed' FROM public.student_progress WHERE user_id = '{A}' AND lesson_id = 67",
    ),
    "lesson 67 with module 18, and completed_at without completed": Variant(
        f"UPDATE public.student_progress SET module_id = 18 WHERE user_id = '{C}' AND lesson_id = 67;"
        f"UPDATE public.student_progress SET completed_at = now() WHERE user_id = '{D}' AND lesson_id = 68",
        {"student_progress": ""},
    ),
    "a status that nobody knows": Variant(
        FREE.format("tripwire_users", "tripwire_users_status_check")
        + f"UPDATE public.tripwire_users SET status = 'asleep' WHERE user_id = '{E}'",
        {"tripwire_users": "an unknown status"},
    ),
    "a row without its auth user": Variant(
        FREE.format("user_statistics", "user_statistics_user_id_fkey")
        + f"INSERT INTO public.user_statistics (user_id) VALUES ('{NOBODY}')",
        {"user_statistics": "no such row in auth.users"},
    ),
    "no name and no e-mail, which others know": Variant(
        "ALTER TABLE public.tripwire_users ALTER COLUMN full_name DROP NOT NULL, ALTER COLUMN email DROP NOT NULL;"
        f"UPDATE public.tripwire_users SET full_name = NULL, email = NULL WHERE user_id = '{A}'",
        at_head=f"SELECT full_name = 'Student1' AND email = 'student1@mail.kz' FROM public.tripwire_users WHERE user_id = '{A}'",
    ),
    "a seller without a users row": Variant(
        f"DELETE FROM public.users WHERE id = '{MANAGERS[0]}'",
        at_head=f"SELECT role = 'sales_manager' FROM public.users WHERE id = '{MANAGERS[0]}'",
    ),
    "names whose letters come in pieces": Variant(
        f"UPDATE public.tripwire_users SET full_name = normalize('Андрей Ёлкин', NFD) WHERE user_id = '{A}';"
        f"UPDATE public.users SET full_name = normalize('Андрей Ёлкин', NFD) WHERE id = '{A}'",
        at_head=f"SELECT t.full_name = 'Андрей Ёлкин' AND u.full_name = 'Андрей Ёлкин' "
        f"FROM public.tripwire_users t JOIN public.users u ON u.id = t.user_id WHERE u.id = '{A}'",
    ),
    "log entries of older kinds": Variant(
        FREE.format("sales_activity_log", "sales_activity_log_action_type_check")
        + "UPDATE public.sales_activity_log SET action_type = 'status_changed' "
        f"WHERE target_user_id IN ('{A}', '{B}');"
        f"UPDATE public.sales_activity_log SET action_type = 'course_completed' WHERE target_user_id = '{C}';"
        f"UPDATE public.sales_activity_log SET action_type = 'student_created' WHERE target_user_id = '{D}';"
        "ALTER TABLE public.sales_activity_log ADD CONSTRAINT sales_activity_log_action_type_check CHECK (action_type IN "
        "('user_created', 'status_changed', 'student_created', 'course_completed'))",
        at_head="SELECT array_agg(action_type ORDER BY target_user_id) = '{user_status_updated, user_status_updated, "
        "course_completed, user_created, user_created}' AND (SELECT count(*) = 4 FROM tripwire.quarantined_values "
        "WHERE was IN ('status_changed', 'course_completed', 'student_created')) FROM public.sales_activity_log",
    ),
    "log entries of newer kinds": Variant(
        FREE.format("sales_activity_log", "sales_activity_log_action_type_check")
        + "UPDATE public.sales_activity_log SET action_type = 'lesson_completed'",
        at_head="SELECT count(*) = 5 FROM public.sales_activity_log WHERE action_type = 'lesson_completed'",
    ),
}
VARIANTS = OBJECTS | ROWS
