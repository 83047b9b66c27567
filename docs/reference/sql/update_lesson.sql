-- update_lesson($1 manager_id, $2 at, $3 lesson_id, $4 title, $5 duration_seconds)
-- tripwire_db/flows/update_lesson.py

/* tripwire:update_lesson */
WITH manager AS MATERIALIZED (
       SELECT public.users.id, public.users.role
       FROM public.users
       WHERE public.users.id = CAST($1 AS uuid) AND public.users.role <> 'student'
     )
   , settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($2 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , lesson AS MATERIALIZED (
       SELECT public.lessons.id AS lesson_id
            , public.lessons.module_id
            , public.lessons.title
            , public.lessons.duration_seconds
            , public.lessons.archived
            , settings.at
       FROM settings INNER JOIN public.lessons ON public.lessons.id = CAST($3 AS integer)
       FOR NO KEY UPDATE OF lessons
     )
   , wanted AS MATERIALIZED (
       SELECT lesson.lesson_id
            , lesson.at
            , manager.id AS manager_id
            , CAST(NULL AS uuid) AS user_id
            , lesson.title AS old_title
            , lesson.duration_seconds AS old_duration_seconds
            , COALESCE(CAST($4 AS varchar), lesson.title) AS title
            , COALESCE(CAST($5 AS integer), lesson.duration_seconds) AS duration_seconds
       FROM lesson
            INNER JOIN manager ON manager.role = 'admin'
                              AND (COALESCE(CAST($4 AS varchar), lesson.title) <> lesson.title
                                OR COALESCE(CAST($5 AS integer), lesson.duration_seconds) <> lesson.duration_seconds)
     )
   , update_lesson AS (
       UPDATE public.lessons
       SET title = wanted.title, duration_seconds = wanted.duration_seconds
       FROM wanted
       WHERE public.lessons.id = wanted.lesson_id
       RETURNING public.lessons.id
     )
   , log_lesson AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT logged.manager_id
            , 'lesson_updated'
            , logged.user_id
            , jsonb_strip_nulls(jsonb_build_object('lesson_id'
                                                 , logged.lesson_id
                                                 , 'old_title'
                                                 , CASE
                                                     WHEN logged.old_title <> logged.title
                                                       THEN logged.old_title
                                                   END
                                                 , 'new_title'
                                                 , CASE
                                                     WHEN logged.old_title <> logged.title
                                                       THEN logged.title
                                                   END
                                                 , 'old_duration_seconds'
                                                 , CASE
                                                     WHEN logged.old_duration_seconds <> logged.duration_seconds
                                                       THEN logged.old_duration_seconds
                                                   END
                                                 , 'new_duration_seconds'
                                                 , CASE
                                                     WHEN logged.old_duration_seconds <> logged.duration_seconds
                                                       THEN logged.duration_seconds
                                                   END))
            , logged.at
       FROM (SELECT wanted.lesson_id
                  , wanted.at
                  , wanted.manager_id
                  , wanted.user_id
                  , wanted.old_title
                  , wanted.old_duration_seconds
                  , wanted.title
                  , wanted.duration_seconds
             FROM wanted INNER JOIN update_lesson ON TRUE) AS logged
       RETURNING public.sales_activity_log.id
     )
  SELECT manager.role AS manager_role
       , lesson.lesson_id
       , lesson.module_id
       , COALESCE(wanted.title, lesson.title) AS title
       , COALESCE(wanted.duration_seconds, lesson.duration_seconds) AS duration_seconds
       , lesson.archived
       , (SELECT count(*)
          FROM update_lesson) AS rows_update_lesson
       , (SELECT count(*)
          FROM log_lesson) AS rows_log_lesson
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM (SELECT 1) AS one
       LEFT JOIN manager ON TRUE
       LEFT JOIN lesson ON TRUE
       LEFT JOIN wanted ON TRUE;
