-- create_tripwire_user($1 at, $2 user_id, $3 token, $4 manager_id, $5 email, $6 full_name, $7 price)
-- tripwire_db/flows/create_tripwire_user.py

/* tripwire:create_tripwire_user */
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
   , first_module AS MATERIALIZED (
       SELECT public.modules.id AS module_id
            , public.lessons.id AS lesson_id
            , public.lessons.duration_seconds
       FROM public.modules
            INNER JOIN public.lessons ON public.lessons.module_id = public.modules.id
                                     AND NOT public.lessons.archived
       WHERE NOT public.modules.archived
       ORDER BY public.modules.position, public.modules.id
       LIMIT 1
     )
   , facts AS MATERIALIZED (
       SELECT lock.at
            , manager.full_name AS manager_name
            , manager.role AS manager_role
            , auth_user.id IS NOT NULL AS auth_user_exists
            ,     COALESCE(auth_user.token, CAST(auth_user.id AS text)) = CAST($3 AS varchar)
              AND NOT auth_user.is_deleted AS is_of_this_call
            , EXISTS (SELECT public.sales_activity_log.id
                      FROM public.sales_activity_log
                      WHERE public.sales_activity_log.target_user_id = CAST($2 AS uuid)
                        AND public.sales_activity_log.action_type = 'user_deleted') AS was_deleted
            , public.users.role
            , public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by
            , public.tripwire_users.price
            , first_module.module_id
            , first_module.lesson_id
            , first_module.duration_seconds
       FROM lock
            LEFT JOIN public.users AS manager ON manager.id = CAST($4 AS uuid)
            LEFT JOIN LATERAL tripwire.find_auth_user(lock.user_id) AS auth_user ON TRUE
            LEFT JOIN public.users ON public.users.id = CAST($2 AS uuid)
            LEFT JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($2 AS uuid)
            LEFT JOIN first_module ON TRUE
     )
   , gate AS MATERIALIZED (
       SELECT facts.at
            , facts.manager_name
            , facts.manager_role
            , facts.auth_user_exists
            , facts.is_of_this_call
            , facts.was_deleted
            , facts.role
            , facts.user_id
            , facts.email
            , facts.full_name
            , facts.granted_by
            , facts.price
            , facts.module_id
            , facts.lesson_id
            , facts.duration_seconds
       FROM facts
       WHERE facts.manager_role IN ('sales_manager', 'admin')
         AND facts.is_of_this_call
         AND NOT facts.was_deleted
         AND facts.module_id IS NOT NULL
         AND facts.user_id IS NULL
         AND (facts.role IS NULL OR facts.role = 'student')
     )
   , insert_user AS (
       INSERT INTO public.users (id, email, full_name, role, created_at, updated_at)
       SELECT CAST($2 AS uuid)
            , CAST($5 AS varchar)
            , CAST($6 AS varchar)
            , 'student'
            , gate.at
            , gate.at
       FROM gate
       ON CONFLICT (id) DO NOTHING
       RETURNING public.users.id
     )
   , insert_student AS (
       INSERT INTO public.tripwire_users (user_id
                                        , email
                                        , full_name
                                        , granted_by
                                        , manager_name
                                        , price
                                        , created_at
                                        , updated_at)
       SELECT CAST($2 AS uuid)
            , CAST($5 AS varchar)
            , CAST($6 AS varchar)
            , CAST($4 AS uuid)
            , gate.manager_name
            , $7
            , gate.at
            , gate.at
       FROM gate
       ON CONFLICT (user_id) DO NOTHING
       RETURNING public.tripwire_users.user_id
               , public.tripwire_users.email
               , public.tripwire_users.full_name
               , public.tripwire_users.granted_by
               , public.tripwire_users.price
               , public.tripwire_users.created_at AS at
     )
   , insert_profile AS (
       INSERT INTO public.tripwire_user_profile (user_id, created_at, total_modules, updated_at)
       SELECT insert_student.user_id
            , insert_student.at
            , 3
            , insert_student.at
       FROM insert_student
       ON CONFLICT DO NOTHING
       RETURNING public.tripwire_user_profile.user_id
     )
   , unlock_first_module AS (
       INSERT INTO public.module_unlocks (user_id, module_id, unlocked_at)
       SELECT opening.user_id, opening.module_id, opening.at
       FROM (SELECT insert_student.user_id
                  , insert_student.at
                  , first_module.module_id
                  , first_module.lesson_id
                  , first_module.duration_seconds
             FROM insert_student INNER JOIN first_module ON TRUE) AS opening
       ON CONFLICT DO NOTHING
       RETURNING public.module_unlocks.user_id, public.module_unlocks.module_id
     )
   , insert_progress AS (
       INSERT INTO public.student_progress (user_id
                                          , module_id
                                          , lesson_id
                                          , status
                                          , created_at
                                          , updated_at)
       SELECT opening.user_id
            , opening.module_id
            , opening.lesson_id
            , 'not_started'
            , opening.at
            , opening.at
       FROM (SELECT insert_student.user_id
                  , insert_student.at
                  , first_module.module_id
                  , first_module.lesson_id
                  , first_module.duration_seconds
             FROM insert_student INNER JOIN first_module ON TRUE) AS opening
       ON CONFLICT DO NOTHING
       RETURNING public.student_progress.user_id
     )
   , insert_video_tracking AS (
       INSERT INTO public.video_tracking (user_id
                                        , lesson_id
                                        , video_duration_seconds
                                        , created_at
                                        , updated_at)
       SELECT opening.user_id
            , opening.lesson_id
            , opening.duration_seconds
            , opening.at
            , opening.at
       FROM (SELECT insert_student.user_id
                  , insert_student.at
                  , first_module.module_id
                  , first_module.lesson_id
                  , first_module.duration_seconds
             FROM insert_student INNER JOIN first_module ON TRUE) AS opening
       ON CONFLICT DO NOTHING
       RETURNING public.video_tracking.user_id
     )
   , insert_statistics AS (
       INSERT INTO public.user_statistics (user_id, created_at, updated_at)
       SELECT insert_student.user_id
            , insert_student.at
            , insert_student.at
       FROM insert_student
       ON CONFLICT DO NOTHING
       RETURNING public.user_statistics.user_id
     )
   , insert_achievements AS (
       INSERT INTO public.user_achievements (user_id
                                           , created_at
                                           , achievement_id
                                           , required_value
                                           , updated_at)
       SELECT insert_student.user_id
            , insert_student.at
            , achievement.achievement_id
            , achievement.required_value
            , insert_student.at
       FROM insert_student
            INNER JOIN unnest(ARRAY['first_module_complete', 'second_module_complete', 'third_module_complete', 'tripwire_graduate']
                            , ARRAY[1, 1, 1, 3]) AS achievement (achievement_id, required_value) ON TRUE
       ON CONFLICT DO NOTHING
       RETURNING public.user_achievements.user_id
     )
   , log_creation AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT insert_student.granted_by
            , 'user_created'
            , insert_student.user_id
            , jsonb_build_object('email', insert_student.email, 'full_name', insert_student.full_name, 'price', insert_student.price)
            , insert_student.at
       FROM insert_student
       RETURNING public.sales_activity_log.id
     )
  SELECT facts.manager_role
       , facts.auth_user_exists
       , facts.role
       , facts.module_id AS first_module_id
       , COALESCE(insert_student.user_id, facts.user_id) IS NOT NULL AS is_student
       , COALESCE(insert_student.email, facts.email) AS email
       , COALESCE(insert_student.full_name, facts.full_name) AS full_name
       , COALESCE(insert_student.granted_by, facts.granted_by) AS granted_by
       , COALESCE(insert_student.price, facts.price) AS price
       , insert_student.user_id IS NOT NULL AS created
       , gate.at IS NOT NULL AND insert_student.user_id IS NULL AS raced
       , (SELECT count(*)
          FROM insert_user) AS rows_insert_user
       , (SELECT count(*)
          FROM insert_student) AS rows_insert_student
       , (SELECT count(*)
          FROM insert_profile) AS rows_insert_profile
       , (SELECT count(*)
          FROM unlock_first_module) AS rows_unlock_first_module
       , (SELECT count(*)
          FROM insert_progress) AS rows_insert_progress
       , (SELECT count(*)
          FROM insert_video_tracking) AS rows_insert_video_tracking
       , (SELECT count(*)
          FROM insert_statistics) AS rows_insert_statistics
       , (SELECT count(*)
          FROM insert_achievements) AS rows_insert_achievements
       , (SELECT count(*)
          FROM log_creation) AS rows_log_creation
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM facts LEFT JOIN gate ON TRUE LEFT JOIN insert_student ON TRUE;
