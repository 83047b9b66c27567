"""Build v2, the layout that was made by hand and is already in production.

A database of that layout is stamped here (`alembic stamp 20261101090000`) and upgraded with its rows; an empty one
gets the same layout first, so that both go one way from here. It is kept as it was found, faults included: defaults
and CHECKs on nullable columns, PostgreSQL's own names for constraints, eleven indexes that others cover, functions
that anybody may run, no row-level security. Every lint takes this revision as its baseline; the ones that follow mend
it.

Grants are those of Supabase's older default privileges: everything in `public` to anon, authenticated and
service_role. They are spelled out, since Supabase has granted nothing by itself from 2026 on.

The event trigger is left out where Supabase's own watcher stands, and, with a WARNING, where the role may not create
one: only a superuser may on plain PostgreSQL. `auth.users` and the roles come from Supabase, or from `tripwire-db
bootstrap`.

Revision: 20261101090000
Follows: nothing
"""

from revision_tools import Loss, execute, execute_file, refuse_loss

revision = "20261101090000"
down_revision = None
branch_labels = None
depends_on = None

LOSSES = (
    Loss("users", "FROM public.users"),
    Loss("students", "FROM public.tripwire_users"),
    Loss("profiles", "FROM public.tripwire_user_profile"),
    Loss("module unlocks", "FROM public.module_unlocks"),
    Loss("progress rows", "FROM public.student_progress"),
    Loss("video tracking rows", "FROM public.video_tracking"),
    Loss("achievements", "FROM public.user_achievements"),
    Loss("statistics rows", "FROM public.user_statistics"),
    Loss("log entries", "FROM public.sales_activity_log"),
)

REQUIREMENTS = """DO $requirements$
DECLARE
    missing text[] := ARRAY(
        SELECT 'role ' || wanted FROM unnest(ARRAY['anon', 'authenticated', 'service_role']) AS wanted
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted)
    );
BEGIN
    IF to_regclass('auth.users') IS NULL THEN
        missing := missing || 'table auth.users'::text;
    END IF;
    IF cardinality(missing) > 0 THEN
        RAISE EXCEPTION 'This server is neither Supabase nor prepared like it: % missing.',
            array_to_string(missing, ', ')
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Run tripwire-db bootstrap once, then upgrade again.';
    END IF;
END
$requirements$"""

TABLES = """
CREATE TABLE public.users (
    id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    email text UNIQUE NOT NULL,
    full_name text,
    role text DEFAULT 'student' CHECK (role IN ('student', 'sales_manager', 'admin', 'curator', 'tech_support')),
    telegram_chat_id bigint,
    onboarding_completed boolean DEFAULT false,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE public.tripwire_users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid UNIQUE NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    email text NOT NULL,
    full_name text NOT NULL,
    granted_by uuid REFERENCES auth.users (id),
    manager_name text,
    status text DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'completed')),
    modules_completed integer DEFAULT 0 CHECK (modules_completed >= 0 AND modules_completed <= 3),
    price numeric DEFAULT 5000 CHECK (price >= 0),
    welcome_email_sent boolean DEFAULT false,
    welcome_email_sent_at timestamptz,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE public.tripwire_user_profile (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid UNIQUE NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    total_modules integer DEFAULT 3,
    modules_completed integer DEFAULT 0 CHECK (modules_completed >= 0 AND modules_completed <= 3),
    completion_percentage numeric DEFAULT 0 CHECK (completion_percentage >= 0 AND completion_percentage <= 100),
    certificate_issued boolean DEFAULT false,
    certificate_url text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE public.module_unlocks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    module_id integer NOT NULL CHECK (module_id IN (16, 17, 18)),
    unlocked_at timestamptz DEFAULT now(),
    UNIQUE (user_id, module_id)
);

CREATE TABLE public.student_progress (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    module_id integer NOT NULL CHECK (module_id IN (16, 17, 18)),
    lesson_id integer NOT NULL CHECK (lesson_id IN (67, 68, 69)),
    status text DEFAULT 'not_started' CHECK (status IN ('not_started', 'in_progress', 'completed')),
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (user_id, lesson_id)
);

CREATE TABLE public.video_tracking (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    lesson_id integer NOT NULL CHECK (lesson_id IN (67, 68, 69)),
    watched_segments jsonb DEFAULT '[]'::jsonb,
    total_watched_seconds integer DEFAULT 0 CHECK (total_watched_seconds >= 0),
    video_duration_seconds integer DEFAULT 0 CHECK (video_duration_seconds >= 0),
    last_position_seconds integer DEFAULT 0 CHECK (last_position_seconds >= 0),
    watch_percentage integer DEFAULT 0 CHECK (watch_percentage >= 0 AND watch_percentage <= 100),
    is_qualified_for_completion boolean DEFAULT false,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (user_id, lesson_id)
);

CREATE TABLE public.user_achievements (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    achievement_id text NOT NULL CHECK (achievement_id IN (
        'first_module_complete', 'second_module_complete', 'third_module_complete', 'tripwire_graduate'
    )),
    current_value integer DEFAULT 0,
    required_value integer DEFAULT 1,
    is_completed boolean DEFAULT false,
    completed_at timestamptz,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (user_id, achievement_id)
);

CREATE TABLE public.user_statistics (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    lessons_completed integer DEFAULT 0 CHECK (lessons_completed >= 0),
    total_time_spent integer DEFAULT 0 CHECK (total_time_spent >= 0),
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE public.sales_activity_log (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    manager_id uuid NOT NULL REFERENCES auth.users (id),
    action_type text NOT NULL CHECK (action_type IN (
        'user_created', 'user_status_updated', 'user_deleted', 'email_sent'
    )),
    target_user_id uuid REFERENCES auth.users (id),
    details jsonb DEFAULT '{}'::jsonb,
    created_at timestamptz DEFAULT now()
);
"""

INDEXES = """
CREATE INDEX idx_users_role ON public.users (role);
CREATE INDEX idx_users_email ON public.users (email);

CREATE INDEX idx_tripwire_users_user_id ON public.tripwire_users (user_id);
CREATE INDEX idx_tripwire_users_granted_by ON public.tripwire_users (granted_by);
CREATE INDEX idx_tripwire_users_status ON public.tripwire_users (status) WHERE status = 'active';
CREATE INDEX idx_tripwire_users_created_at ON public.tripwire_users (created_at DESC);

CREATE INDEX idx_tripwire_profile_user_id ON public.tripwire_user_profile (user_id);

CREATE INDEX idx_module_unlocks_user_id ON public.module_unlocks (user_id);
CREATE INDEX idx_module_unlocks_composite ON public.module_unlocks (user_id, module_id);

CREATE INDEX idx_student_progress_user_id ON public.student_progress (user_id);
CREATE INDEX idx_student_progress_composite ON public.student_progress (user_id, lesson_id);
CREATE INDEX idx_student_progress_status ON public.student_progress (user_id, status) WHERE status = 'completed';

CREATE INDEX idx_video_tracking_user_lesson ON public.video_tracking (user_id, lesson_id);
CREATE INDEX idx_video_tracking_segments ON public.video_tracking USING gin (watched_segments jsonb_path_ops);

CREATE INDEX idx_user_achievements_user_id ON public.user_achievements (user_id);
CREATE INDEX idx_user_achievements_composite ON public.user_achievements (user_id, achievement_id);

CREATE INDEX idx_sales_activity_manager_id ON public.sales_activity_log (manager_id);
CREATE INDEX idx_sales_activity_created_at ON public.sales_activity_log (created_at DESC);
CREATE INDEX idx_sales_activity_composite ON public.sales_activity_log (manager_id, created_at DESC);
CREATE INDEX idx_sales_activity_details ON public.sales_activity_log USING gin (details jsonb_path_ops);
"""

TRIGGERS = """
CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_tripwire_users_updated_at BEFORE UPDATE ON public.tripwire_users
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_tripwire_profile_updated_at BEFORE UPDATE ON public.tripwire_user_profile
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_student_progress_updated_at BEFORE UPDATE ON public.student_progress
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_video_tracking_updated_at BEFORE UPDATE ON public.video_tracking
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_user_statistics_updated_at BEFORE UPDATE ON public.user_statistics
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
"""

FUNCTIONS = (
    "update_updated_at_column_v1",
    "pgrst_watch_v1",
    "rpc_get_sales_leaderboard_v1",
    "rpc_get_sales_chart_data_v1",
    "rpc_get_manager_stats_v1",
    "rpc_get_manager_activity_v1",
    "rpc_check_video_qualification_v1",
)

GRANTS = """
GRANT ALL ON TABLE
    public.users, public.tripwire_users, public.tripwire_user_profile, public.module_unlocks, public.student_progress,
    public.video_tracking, public.user_achievements, public.user_statistics, public.sales_activity_log
    TO anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION
    public.update_updated_at_column(),
    public.pgrst_watch(),
    public.rpc_get_sales_leaderboard(integer),
    public.rpc_get_sales_chart_data(uuid, integer),
    public.rpc_get_manager_stats(uuid),
    public.rpc_get_manager_activity(uuid, integer),
    public.rpc_check_video_qualification(uuid, integer)
    TO anon, authenticated, service_role;
"""

# Asking for the privilege beforehand would be wrong on hosted Supabase, where `postgres` is no superuser and still may.
EVENT_TRIGGER = """DO $watch$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'pgrst_ddl_watch' AND evtenabled <> 'D') THEN
        RETURN;
    END IF;
    CREATE EVENT TRIGGER pgrst_watch ON ddl_command_end EXECUTE FUNCTION public.pgrst_watch();
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'Event trigger pgrst_watch was left out: role % may not create event triggers.', current_user
            USING HINT = 'PostgREST is told at the end of each run; after DDL by hand: NOTIFY pgrst, ''reload schema''.';
END
$watch$"""

DROP_EVENT_TRIGGER = """DO $watch$
DECLARE
    owner name := (
        SELECT pg_catalog.pg_get_userbyid(evtowner) FROM pg_catalog.pg_event_trigger
        WHERE evtname = 'pgrst_watch' AND evtfoid = to_regprocedure('public.pgrst_watch()')
    );
BEGIN
    IF owner IS NULL THEN
        RETURN;
    END IF;
    IF NOT pg_catalog.pg_has_role(owner, 'USAGE') THEN
        RAISE EXCEPTION 'Event trigger pgrst_watch belongs to %, so % cannot drop it.', owner, current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('Run the downgrade as %I, or let it drop the event trigger first.', owner);
    END IF;
    DROP EVENT TRIGGER pgrst_watch;
END
$watch$"""


def upgrade() -> None:
    execute(REQUIREMENTS)
    execute(TABLES)
    execute(INDEXES)
    for function in FUNCTIONS:
        execute_file(function)
    execute(TRIGGERS)
    execute(GRANTS)
    execute(EVENT_TRIGGER)


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(DROP_EVENT_TRIGGER)
    execute(
        """
        DROP TABLE
            public.users, public.tripwire_users, public.tripwire_user_profile, public.module_unlocks,
            public.student_progress, public.video_tracking, public.user_achievements, public.user_statistics,
            public.sales_activity_log;
        DROP FUNCTION
            public.update_updated_at_column(),
            public.pgrst_watch(),
            public.rpc_get_sales_leaderboard(integer),
            public.rpc_get_sales_chart_data(uuid, integer),
            public.rpc_get_manager_stats(uuid),
            public.rpc_get_manager_activity(uuid, integer),
            public.rpc_check_video_qualification(uuid, integer);
        """
    )
