"""Each kind of damage to the rows of a healthy database, with its findings and what must be true after the repair."""

from dataclasses import dataclass
from uuid import UUID

import psycopg

from tests.schema.doctor.people import People
from tripwire_db.schema.check.rows import rows

DROP_NOT_NULL = "ALTER TABLE public.{0} ALTER COLUMN {1} DROP NOT NULL"


@dataclass(frozen=True)
class Damage:
    """What is done to whom (`%(user)s`), which kinds of findings that makes, and what it must have become."""

    stage: str
    sql: str
    kinds: tuple[str, ...]
    after: str = "SELECT true"


# Counters, percentages.
COUNTERS = {
    "a counter of modules too high": Damage(
        "one",
        "UPDATE public.tripwire_users SET modules_completed = 3 WHERE user_id = %(user)s",
        ("modules_completed",),
        "SELECT modules_completed = 1 AND status = 'active' FROM public.tripwire_users WHERE user_id = %(user)s",
    ),
    "a counter of modules too low, of a graduate": Damage(
        "graduate",
        "UPDATE public.tripwire_users SET modules_completed = 2, status = 'active' WHERE user_id = %(user)s",
        ("modules_completed",),
        "SELECT modules_completed = 3 AND status = 'completed' FROM public.tripwire_users WHERE user_id = %(user)s",
    ),
    "a counter of a blocked student, who stays blocked": Damage(
        "blocked",
        "UPDATE public.tripwire_users SET modules_completed = 0 WHERE user_id = %(user)s",
        ("modules_completed",),
        "SELECT modules_completed = 1 AND status = 'blocked' FROM public.tripwire_users WHERE user_id = %(user)s",
    ),
    "a profile that shows 0 of 3": Damage(
        "two",
        "UPDATE public.tripwire_user_profile SET modules_completed = 0, completion_percentage = 0 WHERE user_id = %(user)s",
        ("profile",),
        "SELECT modules_completed = 2 AND completion_percentage = 66.67 FROM public.tripwire_user_profile "
        "WHERE user_id = %(user)s",
    ),
    "a percentage that was rounded by hand": Damage(
        "one",
        "UPDATE public.tripwire_user_profile SET completion_percentage = 40 WHERE user_id = %(user)s",
        ("profile",),
    ),
    "statistics that count a lesson twice, and time": Damage(
        "two",
        "UPDATE public.user_statistics SET lessons_completed = 4, total_time_spent = 9 WHERE user_id = %(user)s",
        ("statistics",),
        "SELECT lessons_completed = 2 AND total_time_spent = 3000 FROM public.user_statistics WHERE user_id = %(user)s",
    ),
    "an achievement that was earned and is not shown": Damage(
        "one",
        "UPDATE public.user_achievements SET current_value = 0, is_completed = false, completed_at = NULL "
        "WHERE user_id = %(user)s AND achievement_id = 'first_module_complete'",
        ("achievement",),
        "SELECT a.is_completed AND a.completed_at = p.completed_at FROM public.user_achievements a "
        "JOIN public.student_progress p USING (user_id) WHERE a.user_id = %(user)s AND p.lesson_id = 67 "
        "AND a.achievement_id = 'first_module_complete'",
    ),
    "an achievement that was never earned": Damage(
        "new",
        "UPDATE public.user_achievements SET current_value = 3, is_completed = true, completed_at = now() "
        "WHERE user_id = %(user)s AND achievement_id = 'tripwire_graduate'",
        ("achievement",),
    ),
    "seconds and a percentage that were not counted": Damage(
        "watching",
        "UPDATE public.video_tracking SET total_watched_seconds = 1800, watch_percentage = 100 WHERE user_id = %(user)s",
        ("video",),
        "SELECT total_watched_seconds = 700 AND watch_percentage = 38 AND counted_ms = 700250 "
        "FROM public.video_tracking WHERE user_id = %(user)s",
    ),
    "qualified but held": Damage(
        "qualified",
        "UPDATE public.video_tracking SET is_qualified_for_completion = false WHERE user_id = %(user)s",
        ("held_back",),
        "SELECT is_qualified_for_completion FROM public.video_tracking WHERE user_id = %(user)s",
    ),
}

# Rows that are missing.
MISSING = {
    f"no {table}": Damage(stage, f"DELETE FROM public.{table} WHERE {person} = %(user)s", kinds)
    for table, person, stage, kinds in (
        ("users", "id", "two", ("user_missing",)),
        ("tripwire_user_profile", "user_id", "graduate", ("profile_missing",)),
        ("user_statistics", "user_id", "two", ("statistics_missing",)),
        ("user_achievements", "user_id", "two", ("achievement_missing",)),
        ("module_unlocks", "user_id", "two", ("unlock_missing",)),
        ("video_tracking", "user_id", "new", ("video_missing",)),
        ("student_progress", "user_id", "new", ("progress_missing",)),
    )
} | {
    "stuck before the next module, with nothing of it": Damage(
        "one",
        "DELETE FROM public.module_unlocks WHERE user_id = %(user)s AND module_id = 17;"
        "DELETE FROM public.student_progress WHERE user_id = %(user)s AND lesson_id = 68;"
        "DELETE FROM public.video_tracking WHERE user_id = %(user)s AND lesson_id = 68",
        ("unlock_missing", "progress_missing", "video_missing"),
        "SELECT count(*) = 2 FROM public.module_unlocks WHERE user_id = %(user)s",
    ),
    "stuck before the first module": Damage(
        "new",
        "DELETE FROM public.module_unlocks WHERE user_id = %(user)s;"
        "DELETE FROM public.student_progress WHERE user_id = %(user)s;"
        "DELETE FROM public.video_tracking WHERE user_id = %(user)s",
        ("unlock_missing", "progress_missing", "video_missing"),
    ),
    "a student in tripwire_users and nowhere else": Damage(
        "new",
        ";".join(
            f"DELETE FROM public.{table} WHERE user_id = %(user)s"
            for table in (
                "tripwire_user_profile",
                "module_unlocks",
                "student_progress",
                "video_tracking",
                "user_achievements",
                "user_statistics",
            )
        )
        + ";DELETE FROM public.users WHERE id = %(user)s",
        (
            "user_missing",
            "unlock_missing",
            "progress_missing",
            "video_missing",
            "profile_missing",
            "statistics_missing",
            "achievement_missing",
        ),
    ),
    "a seller without a users row": Damage(
        "new",
        "DELETE FROM public.users WHERE email = 'dana@sales.kz'",
        ("user_missing",),
        "SELECT role = 'sales_manager' FROM public.users WHERE email = 'dana@sales.kz'",
    ),
}

# What constraints forbid, where they were dropped.
FORBIDDEN = {
    "no e-mail in users": Damage(
        "new",
        DROP_NOT_NULL.format("users", "email") + ";UPDATE public.users SET email = NULL WHERE id = %(user)s",
        ("email",),
    ),
    "no e-mail of a student": Damage(
        "new",
        DROP_NOT_NULL.format("tripwire_users", "email")
        + ";UPDATE public.tripwire_users SET email = NULL WHERE user_id = %(user)s",
        ("email",),
    ),
    "e-mails in mixed case": Damage(
        "new",
        "ALTER TABLE public.users DROP CONSTRAINT ck_users_email_lower;"
        "ALTER TABLE public.tripwire_users DROP CONSTRAINT ck_tripwire_users_email_lower;"
        "UPDATE public.users SET email = initcap(email) WHERE id = %(user)s;"
        "UPDATE public.tripwire_users SET email = upper(email) WHERE user_id = %(user)s",
        ("email", "email"),
    ),
    "a JSON string for segments": Damage(
        "watching",
        "ALTER TABLE public.video_tracking DROP CONSTRAINT ck_video_tracking_watched_segments;"
        "UPDATE public.video_tracking SET watched_segments = to_jsonb(watched_segments::text) WHERE user_id = %(user)s",
        ("segments",),
        """SELECT watched_segments = '[{"start": 0, "end": 700.25}]' FROM public.video_tracking WHERE user_id = %(user)s""",
    ),
    "a student without user_id": Damage(
        "one",
        DROP_NOT_NULL.format("tripwire_users", "user_id")
        + ";UPDATE public.tripwire_users SET user_id = NULL WHERE user_id = %(user)s",
        ("auth_user_missing",),
        "SELECT email = (SELECT email FROM auth.users WHERE id = %(user)s) FROM public.tripwire_users WHERE user_id = %(user)s",
    ),
    "a student without user_id and without rows": Damage(
        "new",
        DROP_NOT_NULL.format("tripwire_users", "user_id")
        + ";UPDATE public.tripwire_users SET user_id = NULL WHERE user_id = %(user)s;"
        "DELETE FROM public.tripwire_user_profile WHERE user_id = %(user)s",
        ("auth_user_missing", "profile_missing"),
    ),
}

CERTIFICATES = {
    "completed without a certificate": Damage(
        "graduate",
        "DELETE FROM public.certificates WHERE user_id = %(user)s;"
        "UPDATE public.tripwire_user_profile SET certificate_issued = false, certificate_url = NULL WHERE user_id = %(user)s",
        ("certificate_missing",),
        "SELECT p.certificate_issued AND p.certificate_url = c.url FROM public.certificates c "
        "JOIN public.tripwire_user_profile p USING (user_id) WHERE c.user_id = %(user)s",
    ),
    "two certificates": Damage(
        "graduate",
        "DROP INDEX public.uq_certificates_user_id_valid;"
        "INSERT INTO public.certificates (user_id, url, full_name) VALUES (%(user)s, 'https://c.kz/2', 'Twice')",
        ("certificate_twice",),
        "SELECT count(*) = 2 AND count(*) FILTER (WHERE revoked_at IS NOT NULL AND full_name = 'Twice') = 1 "
        "FROM public.certificates WHERE user_id = %(user)s",
    ),
    "a certificate that the profile does not show": Damage(
        "graduate",
        "UPDATE public.tripwire_user_profile SET certificate_issued = false, certificate_url = NULL WHERE user_id = %(user)s",
        ("certificate_in_profile",),
    ),
    "a profile that shows a revoked certificate": Damage(
        "revoked",
        "UPDATE public.tripwire_user_profile SET certificate_issued = true, certificate_url = 'https://c.kz/old' "
        "WHERE user_id = %(user)s",
        ("certificate_in_profile",),
    ),
    "a certificate that was never recorded": Damage(
        "graduate",
        "DELETE FROM public.certificates WHERE user_id = %(user)s",
        ("certificate_in_profile",),
        "SELECT c.url = p.certificate_url FROM public.certificates c JOIN public.tripwire_user_profile p USING (user_id) "
        "WHERE user_id = %(user)s",
    ),
    "a graduate who has lost everything but the progress": Damage(
        "graduate",
        "UPDATE public.tripwire_users SET modules_completed = 0, status = 'active' WHERE user_id = %(user)s;"
        "DELETE FROM public.tripwire_user_profile WHERE user_id = %(user)s;"
        "DELETE FROM public.user_achievements WHERE user_id = %(user)s;"
        "DELETE FROM public.certificates WHERE user_id = %(user)s",
        ("modules_completed", "profile_missing", "achievement_missing", "certificate_missing"),
        "SELECT p.certificate_issued AND p.certificate_url = c.url AND p.completion_percentage = 100 "
        "FROM public.certificates c JOIN public.tripwire_user_profile p USING (user_id) WHERE c.user_id = %(user)s",
    ),
}

# What was changed in the auth service alone.
CHANGED_IN_AUTH = {
    "an e-mail that was changed there": Damage(
        "one",
        "UPDATE auth.users SET email = 'new@mail.kz' WHERE id = %(user)s",
        ("email_changed",),
        "SELECT u.email = 'new@mail.kz' AND t.email = u.email FROM public.users u "
        "JOIN public.tripwire_users t ON t.user_id = u.id WHERE u.id = %(user)s",
    ),
    "an e-mail that was changed there, and in one table only": Damage(
        "one",
        "UPDATE auth.users SET email = 'newer@mail.kz' WHERE id = %(user)s;"
        "UPDATE public.users SET email = 'newer@mail.kz' WHERE id = %(user)s",
        ("email_changed",),
        "SELECT email = 'newer@mail.kz' FROM public.tripwire_users WHERE user_id = %(user)s",
    ),
    "a manager's e-mail that was changed there": Damage(
        "one",
        "UPDATE auth.users SET email = 'new.dana@sales.kz' WHERE email = 'dana@sales.kz'",
        ("email_changed",),
        "SELECT count(*) = 1 FROM public.users WHERE email = 'new.dana@sales.kz' AND role = 'sales_manager'",
    ),
}

DAMAGE = COUNTERS | MISSING | FORBIDDEN | CERTIFICATES | CHANGED_IN_AUTH
FOR_A_PERSON = {
    "two e-mails that were exchanged there": Damage(
        "one",
        "UPDATE auth.users SET email = 'x@mail.kz' WHERE email = 'student0@mail.kz';"
        "UPDATE auth.users SET email = 'student0@mail.kz' WHERE id = %(user)s;"
        "UPDATE auth.users SET email = 'student3@mail.kz' WHERE email = 'x@mail.kz'",
        ("email_changed",),
    ),
    "an auth user with a phone alone": Damage(
        "one", "UPDATE auth.users SET email = NULL, phone = '77' WHERE id = %(user)s", ("email_changed",)
    ),
    "a student whose auth user was softly deleted": Damage(
        "one",
        "UPDATE auth.users SET email = 'xQ1z', deleted_at = now(), raw_app_meta_data = '{}' WHERE id = %(user)s",
        ("auth_user_deleted",),
    ),
    "a manager whose auth user was softly deleted": Damage(
        "one",
        "UPDATE auth.users SET email = 'xQ1z', deleted_at = now(), raw_app_meta_data = '{}' WHERE email = 'dana@sales.kz'",
        ("auth_user_deleted",),
    ),
    "a student who is banned there": Damage(
        "one", "UPDATE auth.users SET banned_until = 'infinity' WHERE id = %(user)s", ("auth_user_banned",)
    ),
    "a manager who is banned there": Damage(
        "one",
        "UPDATE auth.users SET banned_until = now() + interval '1 day' WHERE email = 'dana@sales.kz'",
        ("auth_user_banned",),
    ),
    "videos that were tracked with the player's own duration": Damage(
        "one",
        "UPDATE public.video_tracking SET video_duration_seconds = 1214, last_seen_at = NULL WHERE lesson_id = 67",
        ("duration",),
    ),
    "an auth user of ours without rows": Damage(
        "new", "DELETE FROM public.tripwire_users WHERE user_id = %(user)s", ("half_made",)
    ),
    "a manager's auth user without rows": Damage(
        "new", "DELETE FROM public.users WHERE email = 'boss@sales.kz'", ("half_made",)
    ),
    "a student's rows without the student": Damage(
        "one",
        "UPDATE auth.users SET raw_app_meta_data = '{}' WHERE id = %(user)s;"
        "DELETE FROM public.tripwire_users WHERE user_id = %(user)s",
        ("student_missing",),
    ),
    "rows whose auth user is gone": Damage(
        "new",
        "ALTER TABLE public.user_statistics DROP CONSTRAINT fk_user_statistics_user_id;"
        "INSERT INTO public.user_statistics (user_id) VALUES (gen_random_uuid())",
        ("auth_user_missing",),
    ),
    "an e-mail that another row has in lower case": Damage(
        "one",
        "ALTER TABLE public.tripwire_users DROP CONSTRAINT ck_tripwire_users_email_lower;"
        "UPDATE public.tripwire_users SET email = (SELECT upper(email) FROM public.users WHERE id <> %(user)s "
        "AND id IN (SELECT user_id FROM public.tripwire_users) LIMIT 1) WHERE user_id = %(user)s",
        ("email",),
    ),
    "a JSON string of nonsense": Damage(
        "watching",
        "ALTER TABLE public.video_tracking DROP CONSTRAINT ck_video_tracking_watched_segments;"
        """UPDATE public.video_tracking SET watched_segments = '"[0, 1"' WHERE user_id = %(user)s""",
        ("segments",),
    ),
    "two profiles": Damage(
        "new",
        "ALTER TABLE public.tripwire_user_profile DROP CONSTRAINT uq_tripwire_user_profile_user_id;"
        "INSERT INTO public.tripwire_user_profile (user_id) VALUES (%(user)s)",
        ("duplicate",),
    ),
    "a graduate whose progress is gone": Damage(
        "graduate",
        "UPDATE public.student_progress SET status = 'in_progress', completed_at = NULL "
        "WHERE user_id = %(user)s AND lesson_id = 69",
        ("modules_completed", "profile", "statistics", "achievement"),
    ),
    "a blocked graduate without a certificate": Damage(
        "graduate",
        "DELETE FROM public.certificates WHERE user_id = %(user)s;"
        "UPDATE public.tripwire_user_profile SET certificate_issued = false, certificate_url = NULL WHERE user_id = %(user)s;"
        "UPDATE public.tripwire_users SET status = 'blocked' WHERE user_id = %(user)s",
        ("certificate_missing",),
    ),
}


def plant(url: str, damage: Damage, people: People, number: int = 0) -> UUID:
    user = people.at[damage.stage][number]
    with psycopg.connect(url) as connection:
        for statement in damage.sql.split(";"):
            given = {"user": user} if "%(user)s" in statement else None
            connection.execute(statement, given)
    return user


def told(url: str, query: str, user: UUID) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute(query, {"user": user} if "%(user)s" in query else None).fetchone()
    return row == (True,)


def email_of(url: str, user: UUID) -> str:
    with psycopg.connect(url) as connection:
        (email,) = connection.execute("SELECT email FROM auth.users WHERE id = %s", [user]).fetchone()
    return email


def rows_of_others(url: str, *touched: UUID | str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        return {
            table: [line for line in lines if not any(str(one) in line for one in touched)]
            for table, lines in rows(connection).items()
        }
