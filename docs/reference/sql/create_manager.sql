-- create_manager($1 at, $2 user_id, $3 token, $4 email, $5 full_name, $6 role)
-- tripwire_db/flows/create_manager.py

/* tripwire:create_manager */
WITH settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , lock AS MATERIALIZED (
       SELECT pg_advisory_xact_lock(hashtextextended(CAST(CAST($2 AS uuid) AS text), 0)) AS taken
            , CAST($2 AS uuid) AS user_id
            , settings.at
       FROM settings
     )
   , facts AS MATERIALIZED (
       SELECT lock.at
            , auth_user.id IS NOT NULL AS auth_user_exists
            ,     COALESCE(auth_user.token, CAST(auth_user.id AS text)) = CAST($3 AS varchar)
              AND NOT auth_user.is_deleted AS is_of_this_call
            ,    public.users.id IS NULL
              OR (public.users.role = 'student'
              AND auth_user.kind = 'manager'
              AND NOT(EXISTS (SELECT public.tripwire_users.user_id
                              FROM public.tripwire_users
                              WHERE public.tripwire_users.user_id = CAST($2 AS uuid))
                   OR EXISTS (SELECT public.tripwire_user_profile.user_id
                              FROM public.tripwire_user_profile
                              WHERE public.tripwire_user_profile.user_id = CAST($2 AS uuid))
                   OR EXISTS (SELECT public.module_unlocks.user_id
                              FROM public.module_unlocks
                              WHERE public.module_unlocks.user_id = CAST($2 AS uuid))
                   OR EXISTS (SELECT public.student_progress.user_id
                              FROM public.student_progress
                              WHERE public.student_progress.user_id = CAST($2 AS uuid))
                   OR EXISTS (SELECT public.video_tracking.user_id
                              FROM public.video_tracking
                              WHERE public.video_tracking.user_id = CAST($2 AS uuid))
                   OR EXISTS (SELECT public.user_statistics.user_id
                              FROM public.user_statistics
                              WHERE public.user_statistics.user_id = CAST($2 AS uuid))
                   OR EXISTS (SELECT public.user_achievements.user_id
                              FROM public.user_achievements
                              WHERE public.user_achievements.user_id = CAST($2 AS uuid))
                   OR EXISTS (SELECT public.certificates.user_id
                              FROM public.certificates
                              WHERE public.certificates.user_id = CAST($2 AS uuid)))) AS is_free
            , public.users.email
            , public.users.full_name
            , public.users.role
       FROM lock
            LEFT JOIN LATERAL tripwire.find_auth_user(lock.user_id) AS auth_user ON TRUE
            LEFT JOIN public.users ON public.users.id = CAST($2 AS uuid)
     )
   , gate AS MATERIALIZED (
       SELECT facts.at
            , facts.auth_user_exists
            , facts.is_of_this_call
            , facts.is_free
            , facts.email
            , facts.full_name
            , facts.role
       FROM facts
       WHERE facts.is_of_this_call AND facts.is_free
     )
   , insert_user AS (
       INSERT INTO public.users (id, email, full_name, role, created_at, updated_at)
       SELECT CAST($2 AS uuid)
            , CAST($4 AS varchar)
            , CAST($5 AS varchar)
            , CAST($6 AS varchar)
            , gate.at
            , gate.at
       FROM gate
       ON CONFLICT (id)
          DO UPDATE
            SET email = excluded.email, full_name = excluded.full_name, role = excluded.role
            WHERE public.users.role = 'student'
       RETURNING public.users.id AS user_id
               , public.users.email
               , public.users.full_name
               , public.users.role
               , public.users.created_at AS at
     )
   , log_creation AS (
       INSERT INTO public.sales_activity_log (action_type, target_user_id, details, created_at)
       SELECT 'user_created'
            , insert_user.user_id
            , jsonb_build_object('email', insert_user.email, 'full_name', insert_user.full_name, 'role', insert_user.role)
            , insert_user.at
       FROM insert_user
       RETURNING public.sales_activity_log.id
     )
  SELECT facts.auth_user_exists
       , facts.is_free
       , COALESCE(insert_user.email, facts.email) AS email
       , COALESCE(insert_user.full_name, facts.full_name) AS full_name
       , COALESCE(insert_user.role, facts.role) AS role
       , insert_user.user_id IS NOT NULL AS created
       , gate.at IS NOT NULL AND insert_user.user_id IS NULL AS raced
       , (SELECT count(*)
          FROM insert_user) AS rows_insert_user
       , (SELECT count(*)
          FROM log_creation) AS rows_log_creation
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM facts LEFT JOIN gate ON TRUE LEFT JOIN insert_user ON TRUE;
