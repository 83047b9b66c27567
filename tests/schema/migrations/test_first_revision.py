"""The first revision alone is v2, spelled out here as its description spells it."""

import psycopg
import pytest
from alembic.util import CommandError

from tests.conftest import MakeDatabase
from tests.schema.migrations.chain import BASELINE
from tripwire_db import migrations

TO_AUTH = "FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE"
USER = ("user_id", "uuid", True, None)
ID = ("id", "uuid", True, "gen_random_uuid()")
CREATED = ("created_at", "timestamp with time zone", False, "now()")
UPDATED = ("updated_at", "timestamp with time zone", False, "now()")

# table: column, type, NOT NULL, default
COLUMNS = {
    "users": [
        ("id", "uuid", True, None),
        ("email", "text", True, None),
        ("full_name", "text", False, None),
        ("role", "text", False, "'student'::text"),
        ("telegram_chat_id", "bigint", False, None),
        ("onboarding_completed", "boolean", False, "false"),
        CREATED,
        UPDATED,
    ],
    "tripwire_users": [
        ID,
        USER,
        ("email", "text", True, None),
        ("full_name", "text", True, None),
        ("granted_by", "uuid", False, None),
        ("manager_name", "text", False, None),
        ("status", "text", False, "'active'::text"),
        ("modules_completed", "integer", False, "0"),
        ("price", "numeric", False, "5000"),
        ("welcome_email_sent", "boolean", False, "false"),
        ("welcome_email_sent_at", "timestamp with time zone", False, None),
        CREATED,
        UPDATED,
    ],
    "tripwire_user_profile": [
        ID,
        USER,
        ("total_modules", "integer", False, "3"),
        ("modules_completed", "integer", False, "0"),
        ("completion_percentage", "numeric", False, "0"),
        ("certificate_issued", "boolean", False, "false"),
        ("certificate_url", "text", False, None),
        CREATED,
        UPDATED,
    ],
    "module_unlocks": [
        ID,
        USER,
        ("module_id", "integer", True, None),
        ("unlocked_at", "timestamp with time zone", False, "now()"),
    ],
    "student_progress": [
        ID,
        USER,
        ("module_id", "integer", True, None),
        ("lesson_id", "integer", True, None),
        ("status", "text", False, "'not_started'::text"),
        ("started_at", "timestamp with time zone", False, None),
        ("completed_at", "timestamp with time zone", False, None),
        CREATED,
        UPDATED,
    ],
    "video_tracking": [
        ID,
        USER,
        ("lesson_id", "integer", True, None),
        ("watched_segments", "jsonb", False, "'[]'::jsonb"),
        ("total_watched_seconds", "integer", False, "0"),
        ("video_duration_seconds", "integer", False, "0"),
        ("last_position_seconds", "integer", False, "0"),
        ("watch_percentage", "integer", False, "0"),
        ("is_qualified_for_completion", "boolean", False, "false"),
        CREATED,
        UPDATED,
    ],
    "user_achievements": [
        ID,
        USER,
        ("achievement_id", "text", True, None),
        ("current_value", "integer", False, "0"),
        ("required_value", "integer", False, "1"),
        ("is_completed", "boolean", False, "false"),
        ("completed_at", "timestamp with time zone", False, None),
        CREATED,
        UPDATED,
    ],
    "user_statistics": [
        USER,
        ("lessons_completed", "integer", False, "0"),
        ("total_time_spent", "integer", False, "0"),
        CREATED,
        UPDATED,
    ],
    "sales_activity_log": [
        ID,
        ("manager_id", "uuid", True, None),
        ("action_type", "text", True, None),
        ("target_user_id", "uuid", False, None),
        ("details", "jsonb", False, "'{}'::jsonb"),
        CREATED,
    ],
}

MODULES = "CHECK ((module_id = ANY (ARRAY[16, 17, 18])))"
LESSONS = "CHECK ((lesson_id = ANY (ARRAY[67, 68, 69])))"
MODULES_COMPLETED = "CHECK (((modules_completed >= 0) AND (modules_completed <= 3)))"

CONSTRAINTS = {
    "users": {
        "users_pkey": "PRIMARY KEY (id)",
        "users_email_key": "UNIQUE (email)",
        "users_id_fkey": "FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE",
        "users_role_check": (
            "CHECK ((role = ANY (ARRAY['student'::text, 'sales_manager'::text, 'admin'::text, 'curator'::text, "
            "'tech_support'::text])))"
        ),
    },
    "tripwire_users": {
        "tripwire_users_pkey": "PRIMARY KEY (id)",
        "tripwire_users_user_id_key": "UNIQUE (user_id)",
        "tripwire_users_user_id_fkey": TO_AUTH,
        "tripwire_users_granted_by_fkey": "FOREIGN KEY (granted_by) REFERENCES auth.users(id)",
        "tripwire_users_status_check": (
            "CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text, 'completed'::text])))"
        ),
        "tripwire_users_modules_completed_check": MODULES_COMPLETED,
        "tripwire_users_price_check": "CHECK ((price >= (0)::numeric))",
    },
    "tripwire_user_profile": {
        "tripwire_user_profile_pkey": "PRIMARY KEY (id)",
        "tripwire_user_profile_user_id_key": "UNIQUE (user_id)",
        "tripwire_user_profile_user_id_fkey": TO_AUTH,
        "tripwire_user_profile_modules_completed_check": MODULES_COMPLETED,
        "tripwire_user_profile_completion_percentage_check": (
            "CHECK (((completion_percentage >= (0)::numeric) AND (completion_percentage <= (100)::numeric)))"
        ),
    },
    "module_unlocks": {
        "module_unlocks_pkey": "PRIMARY KEY (id)",
        "module_unlocks_user_id_module_id_key": "UNIQUE (user_id, module_id)",
        "module_unlocks_user_id_fkey": TO_AUTH,
        "module_unlocks_module_id_check": MODULES,
    },
    "student_progress": {
        "student_progress_pkey": "PRIMARY KEY (id)",
        "student_progress_user_id_lesson_id_key": "UNIQUE (user_id, lesson_id)",
        "student_progress_user_id_fkey": TO_AUTH,
        "student_progress_module_id_check": MODULES,
        "student_progress_lesson_id_check": LESSONS,
        "student_progress_status_check": (
            "CHECK ((status = ANY (ARRAY['not_started'::text, 'in_progress'::text, 'completed'::text])))"
        ),
    },
    "video_tracking": {
        "video_tracking_pkey": "PRIMARY KEY (id)",
        "video_tracking_user_id_lesson_id_key": "UNIQUE (user_id, lesson_id)",
        "video_tracking_user_id_fkey": TO_AUTH,
        "video_tracking_lesson_id_check": LESSONS,
        "video_tracking_total_watched_seconds_check": "CHECK ((total_watched_seconds >= 0))",
        "video_tracking_video_duration_seconds_check": "CHECK ((video_duration_seconds >= 0))",
        "video_tracking_last_position_seconds_check": "CHECK ((last_position_seconds >= 0))",
        "video_tracking_watch_percentage_check": "CHECK (((watch_percentage >= 0) AND (watch_percentage <= 100)))",
    },
    "user_achievements": {
        "user_achievements_pkey": "PRIMARY KEY (id)",
        "user_achievements_user_id_achievement_id_key": "UNIQUE (user_id, achievement_id)",
        "user_achievements_user_id_fkey": TO_AUTH,
        "user_achievements_achievement_id_check": (
            "CHECK ((achievement_id = ANY (ARRAY['first_module_complete'::text, 'second_module_complete'::text, "
            "'third_module_complete'::text, 'tripwire_graduate'::text])))"
        ),
    },
    "user_statistics": {
        "user_statistics_pkey": "PRIMARY KEY (user_id)",
        "user_statistics_user_id_fkey": TO_AUTH,
        "user_statistics_lessons_completed_check": "CHECK ((lessons_completed >= 0))",
        "user_statistics_total_time_spent_check": "CHECK ((total_time_spent >= 0))",
    },
    "sales_activity_log": {
        "sales_activity_log_pkey": "PRIMARY KEY (id)",
        "sales_activity_log_manager_id_fkey": "FOREIGN KEY (manager_id) REFERENCES auth.users(id)",
        "sales_activity_log_target_user_id_fkey": "FOREIGN KEY (target_user_id) REFERENCES auth.users(id)",
        "sales_activity_log_action_type_check": (
            "CHECK ((action_type = ANY (ARRAY['user_created'::text, 'user_status_updated'::text, "
            "'user_deleted'::text, 'email_sent'::text])))"
        ),
    },
}

INDEXES = {
    "idx_users_role": "users USING btree (role)",
    "idx_users_email": "users USING btree (email)",
    "idx_tripwire_users_user_id": "tripwire_users USING btree (user_id)",
    "idx_tripwire_users_granted_by": "tripwire_users USING btree (granted_by)",
    "idx_tripwire_users_status": "tripwire_users USING btree (status) WHERE (status = 'active'::text)",
    "idx_tripwire_users_created_at": "tripwire_users USING btree (created_at DESC)",
    "idx_tripwire_profile_user_id": "tripwire_user_profile USING btree (user_id)",
    "idx_module_unlocks_user_id": "module_unlocks USING btree (user_id)",
    "idx_module_unlocks_composite": "module_unlocks USING btree (user_id, module_id)",
    "idx_student_progress_user_id": "student_progress USING btree (user_id)",
    "idx_student_progress_composite": "student_progress USING btree (user_id, lesson_id)",
    "idx_student_progress_status": "student_progress USING btree (user_id, status) WHERE (status = 'completed'::text)",
    "idx_video_tracking_user_lesson": "video_tracking USING btree (user_id, lesson_id)",
    "idx_video_tracking_segments": "video_tracking USING gin (watched_segments jsonb_path_ops)",
    "idx_user_achievements_user_id": "user_achievements USING btree (user_id)",
    "idx_user_achievements_composite": "user_achievements USING btree (user_id, achievement_id)",
    "idx_sales_activity_manager_id": "sales_activity_log USING btree (manager_id)",
    "idx_sales_activity_created_at": "sales_activity_log USING btree (created_at DESC)",
    "idx_sales_activity_composite": "sales_activity_log USING btree (manager_id, created_at DESC)",
    "idx_sales_activity_details": "sales_activity_log USING gin (details jsonb_path_ops)",
}

TRIGGERS = {
    "users": "update_users_updated_at",
    "tripwire_users": "update_tripwire_users_updated_at",
    "tripwire_user_profile": "update_tripwire_profile_updated_at",
    "student_progress": "update_student_progress_updated_at",
    "video_tracking": "update_video_tracking_updated_at",
    "user_statistics": "update_user_statistics_updated_at",
}

# function: arguments, SECURITY DEFINER, settings
FUNCTIONS = {
    "rpc_get_sales_leaderboard": ("limit_count integer DEFAULT 10", True, ["search_path=public"]),
    "rpc_get_sales_chart_data": ("manager_id_param uuid, days_back integer DEFAULT 30", True, ["search_path=public"]),
    "rpc_get_manager_stats": ("manager_id_param uuid", True, ["search_path=public"]),
    "rpc_get_manager_activity": (
        "manager_id_param uuid, limit_count integer DEFAULT 50",
        True,
        ["search_path=public"],
    ),
    "rpc_check_video_qualification": ("user_id_param uuid, lesson_id_param integer", True, ["search_path=public"]),
    "update_updated_at_column": ("", False, None),
    "pgrst_watch": ("", False, None),
}


@pytest.fixture
def v2(make_database: MakeDatabase) -> psycopg.Connection:
    with psycopg.connect(make_database(migrated=BASELINE)) as connection:
        yield connection


def test_it_has_v2s_tables_and_columns(v2: psycopg.Connection) -> None:
    found: dict[str, list[tuple[str, str, bool, str | None]]] = {}
    for table, *column in v2.execute(
        """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity
        ORDER BY c.relname, a.attnum
        """
    ):
        found.setdefault(table, []).append(tuple(column))

    assert found == COLUMNS


def test_it_has_v2s_constraints_by_postgresqls_own_names(v2: psycopg.Connection) -> None:
    found: dict[str, dict[str, str]] = {}
    for table, name, definition in v2.execute(
        """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND convalidated
        """
    ):
        found.setdefault(table, {})[name] = definition

    assert found == CONSTRAINTS


def test_it_has_v2s_twenty_indexes(v2: psycopg.Connection) -> None:
    found = {
        name: definition.split(" ON public.")[1]
        for name, definition in v2.execute(
            """
            SELECT c.relname, pg_get_indexdef(i.indexrelid)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE c.relnamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u'))
            """
        )
    }

    assert found == INDEXES


@pytest.mark.plain_server
def test_it_has_v2s_triggers_and_event_trigger(v2: psycopg.Connection) -> None:
    found = dict(
        v2.execute(
            """
            SELECT tgrelid::regclass::text, tgname FROM pg_trigger
            WHERE NOT tgisinternal AND tgfoid = 'public.update_updated_at_column()'::regprocedure AND tgenabled = 'O'
            """
        ).fetchall()
    )

    assert found == TRIGGERS
    assert v2.execute("SELECT evtname, evtevent, evtfoid::regproc::text FROM pg_event_trigger").fetchall() == [
        ("pgrst_watch", "ddl_command_end", "pgrst_watch")
    ]


def test_it_has_v2s_functions_and_anybody_may_run_them(v2: psycopg.Connection) -> None:
    found = {
        name: (arguments, definer, settings)
        for name, arguments, definer, settings in v2.execute(
            """
            SELECT proname, pg_get_function_arguments(oid), prosecdef, proconfig
            FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
                AND has_function_privilege('anon', oid, 'EXECUTE')
                AND has_function_privilege('authenticated', oid, 'EXECUTE')
                AND has_function_privilege('service_role', oid, 'EXECUTE')
            """
        )
    }

    assert found == FUNCTIONS
    assert v2.execute("SELECT * FROM public.rpc_get_sales_leaderboard()").fetchall() == []
    assert len(v2.execute("SELECT * FROM public.rpc_get_sales_chart_data(gen_random_uuid(), 7)").fetchall()) == 7
    assert v2.execute("SELECT * FROM public.rpc_get_manager_stats(gen_random_uuid())").fetchall() == [
        (0, 0, 0, 0, 0, 0, 0)
    ]
    assert v2.execute("SELECT * FROM public.rpc_get_manager_activity(gen_random_uuid())").fetchall() == []
    assert v2.execute("SELECT public.rpc_check_video_qualification(gen_random_uuid(), 67)").fetchone() == (False,)


def test_a_server_without_the_roles_is_told_to_be_bootstrapped(make_database: MakeDatabase) -> None:
    url = make_database(migrated=None)

    with pytest.raises(CommandError, match=r"table auth\.users missing.*tripwire-db bootstrap"):
        migrations.upgrade(url)
