"""One function in the database that does it all: what the one statement replaced, and what the server can do at best."""

import re

from benchmarks.rivals.usual import COMPLETION, CREATION, LOCKED, LOG

ARGUMENTS = (
    "user_id uuid, email text, full_name text, manager_id uuid, price numeric, start integer, code text, url text"
)
NAMES = tuple(argument.split()[0] for argument in ARGUMENTS.split(", "))
GATE = LOCKED.replace(
    "SELECT status, modules_completed, email, full_name, granted_by",
    "SELECT status, modules_completed, email, full_name, granted_by INTO STRICT"
    " state, modules, given_email, given_full_name, given_manager_id",
)
BODIES = {
    "create_tripwire_user": (
        "SELECT full_name INTO STRICT given_manager_name FROM public.users WHERE id = %(manager_id)s",
        *CREATION,
    ),
    "complete_lesson": (
        GATE,
        "SELECT is_qualified_for_completion INTO STRICT may FROM public.video_tracking"
        " WHERE user_id = %(user_id)s AND lesson_id = 67",
        "IF state <> 'active' OR NOT may THEN RAISE EXCEPTION 'refused'; END IF",
        *COMPLETION,
    ),
    "update_video_tracking": (
        "SELECT true INTO STRICT may FROM public.tripwire_users AS t JOIN public.module_unlocks AS m USING (user_id)"
        " WHERE t.user_id = %(user_id)s AND t.status = 'active' AND m.module_id = 16 FOR UPDATE OF t",
        "SELECT watched_segments INTO STRICT segments FROM public.video_tracking"
        " WHERE user_id = %(user_id)s AND lesson_id = 67 FOR UPDATE",
        "SELECT jsonb_agg(jsonb_build_object('start', lower(r), 'end', upper(r) - 1) ORDER BY r), sum(upper(r) - 1 - lower(r))"
        " INTO segments, seconds FROM (SELECT unnest(range_agg(int4range(s, e + 1))) AS r FROM"
        " (SELECT (x ->> 'start')::int AS s, (x ->> 'end')::int AS e FROM jsonb_array_elements(segments) AS x"
        " UNION ALL SELECT %(start)s, %(start)s + 10) AS parts) AS united",
        "UPDATE public.video_tracking SET watched_segments = segments, total_watched_seconds = seconds,"
        " last_position_seconds = %(start)s, watch_percentage = least(100, seconds * 100 / 1800)"
        " WHERE user_id = %(user_id)s AND lesson_id = 67",
        "UPDATE public.user_statistics SET total_time_spent = total_time_spent + 10 WHERE user_id = %(user_id)s",
    ),
    "issue_certificate": (
        GATE,
        "PERFORM FROM public.certificates WHERE user_id = %(user_id)s AND revoked_at IS NULL",
        "IF found OR modules < 3 THEN RAISE EXCEPTION 'refused'; END IF",
        "INSERT INTO public.certificates (user_id, verification_code, url, full_name)"
        " VALUES (%(user_id)s, %(code)s, %(url)s, %(full_name)s) RETURNING number INTO given_number",
        "UPDATE public.tripwire_user_profile SET certificate_issued = true, certificate_url = %(url)s"
        " WHERE user_id = %(user_id)s",
        f"{LOG} (%(manager_id)s, 'certificate_issued', %(user_id)s,"
        " jsonb_build_object('email', %(email)s, 'full_name', %(full_name)s, 'number', %(number)s))",
    ),
    "log_activity": (
        "PERFORM FROM public.users WHERE id = %(manager_id)s AND role <> 'student'",
        "SELECT email, full_name INTO STRICT given_email, given_full_name FROM public.users WHERE id = %(user_id)s",
        f"{LOG} (%(manager_id)s, 'email_sent', %(user_id)s,"
        " jsonb_build_object('n', 1, 'email', %(email)s, 'full_name', %(full_name)s))",
    ),
}


def definition(name: str) -> str:
    """The statement that makes the function of a flow."""
    body = ";\n    ".join(re.sub(r"%\((\w+)\)s", r"given_\1", statement) for statement in BODIES[name])
    arguments = ", ".join(f"given_{argument}" for argument in ARGUMENTS.split(", "))
    return (
        f"CREATE OR REPLACE FUNCTION public.bench_{name}({arguments}) RETURNS void LANGUAGE plpgsql SET search_path = '' "
        f"AS $$ DECLARE given_manager_name text; given_number text; state text; modules integer; may boolean; "
        f"segments jsonb; seconds integer; BEGIN\n    {body};\nEND $$"
    )


def call(name: str) -> str:
    """The statement that calls it."""
    return f"SELECT public.bench_{name}({', '.join(f'%({argument})s' for argument in NAMES)})"
