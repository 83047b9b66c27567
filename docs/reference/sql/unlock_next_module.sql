-- unlock_next_module($1 at, $2 user_id)
-- tripwire_db/flows/unlock_next_module.py

/* tripwire:unlock_next_module */
WITH settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , student AS MATERIALIZED (
       SELECT public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by
            , public.tripwire_users.status
            , public.tripwire_users.modules_completed
            , public.tripwire_users.welcome_email_sent
            , public.tripwire_users.welcome_email_sent_at
            , settings.at
       FROM settings
            INNER JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($2 AS uuid)
       FOR UPDATE OF tripwire_users
     )
   , highest_completed AS MATERIALIZED (
       SELECT student.user_id
            , COALESCE(public.modules.position, -2147483648) AS module_position
            , COALESCE(public.modules.id, -2147483648) AS module_id
            , COALESCE(public.modules.archived, FALSE) AS module_archived
       FROM student
            LEFT JOIN (public.student_progress
                       INNER JOIN public.modules ON public.modules.id = public.student_progress.module_id)
               ON public.student_progress.user_id = CAST($2 AS uuid)
              AND public.student_progress.status = 'completed'
       ORDER BY public.modules.position DESC NULLS LAST, public.modules.id DESC
       LIMIT 1
     )
   , next_module AS MATERIALIZED (
       SELECT highest_completed.user_id
            , public.modules.id AS module_id
            , public.lessons.id AS lesson_id
            , public.lessons.duration_seconds
       FROM highest_completed
            INNER JOIN public.modules ON CASE
                                           WHEN highest_completed.module_archived
                                             THEN public.modules.position > highest_completed.module_position
                                           ELSE (public.modules.position, public.modules.id) > (highest_completed.module_position, highest_completed.module_id)
                                         END
                                      OR (public.modules.id <> highest_completed.module_id
                                      AND NOT EXISTS (SELECT *
                                                      FROM public.student_progress, public.modules AS passed_module
                                                      WHERE public.student_progress.user_id = CAST($2 AS uuid)
                                                        AND public.student_progress.status = 'completed'
                                                        AND passed_module.id = public.student_progress.module_id
                                                        AND passed_module.position = public.modules.position))
            INNER JOIN public.lessons ON public.lessons.module_id = public.modules.id
                                     AND NOT public.lessons.archived
       WHERE NOT public.modules.archived
       ORDER BY CASE
                  WHEN highest_completed.module_archived
                    THEN public.modules.position > highest_completed.module_position
                  ELSE (public.modules.position, public.modules.id) > (highest_completed.module_position, highest_completed.module_id)
                END DESC
              , public.modules.position
              , public.modules.id
       LIMIT 1
     )
   , opening AS MATERIALIZED (
       SELECT next_module.user_id
            , next_module.module_id
            , next_module.lesson_id
            , next_module.duration_seconds
            , student.at
       FROM next_module
            INNER JOIN student ON student.status IN ('active', 'completed')
            LEFT JOIN public.module_unlocks ON public.module_unlocks.user_id = CAST($2 AS uuid)
                                           AND public.module_unlocks.module_id = next_module.module_id
       WHERE public.module_unlocks.id IS NULL
     )
   , unlock_module AS (
       INSERT INTO public.module_unlocks (user_id, module_id, unlocked_at)
       SELECT opening.user_id, opening.module_id, opening.at
       FROM opening
       ON CONFLICT DO NOTHING
       RETURNING public.module_unlocks.user_id, public.module_unlocks.module_id
     )
   , open_progress AS (
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
       FROM opening
       ON CONFLICT DO NOTHING
       RETURNING public.student_progress.user_id
     )
   , open_video_tracking AS (
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
       FROM opening
       ON CONFLICT DO NOTHING
       RETURNING public.video_tracking.user_id
     )
   , log_unlock AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT unlocked.granted_by
            , 'module_unlocked'
            , unlocked.user_id
            , jsonb_build_object('email', unlocked.email, 'full_name', unlocked.full_name, 'module_id', unlocked.module_id)
            , unlocked.at
       FROM (SELECT student.user_id
                  , student.email
                  , student.full_name
                  , student.granted_by
                  , student.status
                  , student.modules_completed
                  , student.welcome_email_sent
                  , student.welcome_email_sent_at
                  , student.at
                  , unlock_module.module_id
             FROM student INNER JOIN unlock_module ON TRUE) AS unlocked
       RETURNING public.sales_activity_log.id
     )
  SELECT student.status
       , student.modules_completed
       , next_module.module_id
       , next_module.lesson_id
       , unlock_module.module_id IS NOT NULL AS newly_unlocked
       , opening.module_id IS NOT NULL AND unlock_module.module_id IS NULL AS raced
       , (SELECT count(*)
          FROM unlock_module) AS rows_unlock_module
       , (SELECT count(*)
          FROM open_progress) AS rows_open_progress
       , (SELECT count(*)
          FROM open_video_tracking) AS rows_open_video_tracking
       , (SELECT count(*)
          FROM log_unlock) AS rows_log_unlock
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM student
       LEFT JOIN next_module ON TRUE
       LEFT JOIN opening ON TRUE
       LEFT JOIN unlock_module ON TRUE;
