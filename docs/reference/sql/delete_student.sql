-- delete_student($1 at, $2 user_id, $3 manager_id)
-- tripwire_db/flows/delete_student.py

/* tripwire:delete_student */
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
   , manager AS MATERIALIZED (
       SELECT public.users.id, public.users.full_name
       FROM public.users
       WHERE public.users.id = CAST($3 AS uuid) AND public.users.role <> 'student'
     )
   , gate AS MATERIALIZED (
       SELECT student.user_id
            , student.email
            , student.full_name
            , student.granted_by
            , student.status
            , student.modules_completed
            , student.welcome_email_sent
            , student.welcome_email_sent_at
            , student.at
            , manager.id AS manager_id
       FROM student
            INNER JOIN manager ON TRUE
            LEFT JOIN public.users ON public.users.id = student.user_id
       WHERE public.users.role IS NULL OR public.users.role = 'student'
     )
   , delete_certificates AS (
       DELETE FROM public.certificates
       USING gate
       WHERE public.certificates.user_id = gate.user_id
       RETURNING public.certificates.user_id
     )
   , delete_achievements AS (
       DELETE FROM public.user_achievements
       USING gate
       WHERE public.user_achievements.user_id = gate.user_id
       RETURNING public.user_achievements.user_id
     )
   , delete_statistics AS (
       DELETE FROM public.user_statistics
       USING gate
       WHERE public.user_statistics.user_id = gate.user_id
       RETURNING public.user_statistics.user_id
     )
   , delete_video_tracking AS (
       DELETE FROM public.video_tracking
       USING gate
       WHERE public.video_tracking.user_id = gate.user_id
       RETURNING public.video_tracking.user_id
     )
   , delete_progress AS (
       DELETE FROM public.student_progress
       USING gate
       WHERE public.student_progress.user_id = gate.user_id
       RETURNING public.student_progress.user_id
     )
   , delete_unlocks AS (
       DELETE FROM public.module_unlocks
       USING gate
       WHERE public.module_unlocks.user_id = gate.user_id
       RETURNING public.module_unlocks.user_id
     )
   , delete_profile AS (
       DELETE FROM public.tripwire_user_profile
       USING gate
       WHERE public.tripwire_user_profile.user_id = gate.user_id
       RETURNING public.tripwire_user_profile.user_id
     )
   , delete_student AS (
       DELETE FROM public.tripwire_users
       USING gate
       WHERE public.tripwire_users.user_id = gate.user_id
       RETURNING public.tripwire_users.user_id
     )
   , delete_user AS (
       DELETE FROM public.users
       USING gate
       WHERE public.users.id = gate.user_id
       RETURNING public.users.id
     )
   , log_deletion AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT logged.manager_id
            , 'user_deleted'
            , logged.user_id
            , jsonb_build_object('email', logged.email, 'full_name', logged.full_name)
            , logged.at
       FROM (SELECT gate.user_id
                  , gate.email
                  , gate.full_name
                  , gate.granted_by
                  , gate.status
                  , gate.modules_completed
                  , gate.welcome_email_sent
                  , gate.welcome_email_sent_at
                  , gate.at
                  , gate.manager_id
             FROM gate INNER JOIN delete_student ON TRUE) AS logged
       RETURNING public.sales_activity_log.id
     )
  SELECT manager.id IS NOT NULL AS manager_known
       , student.user_id
       , remembered.id AS logged_id
       , current_user_row.role
       , COALESCE(current_user_row.role = 'student', TRUE) AS is_student
       , COALESCE(student.email, remembered.details ->> 'email') AS email
       , COALESCE(student.full_name, remembered.details ->> 'full_name') AS full_name
       , delete_student.user_id IS NOT NULL AS deleted
       ,    (gate.user_id IS NOT NULL AND delete_student.user_id IS NULL)
         OR (student.user_id IS NULL
         AND EXISTS (SELECT *
                     FROM public.tripwire_users
                     WHERE public.tripwire_users.user_id = CAST($2 AS uuid))) AS raced
       , (SELECT count(*)
          FROM delete_certificates) AS rows_delete_certificates
       , (SELECT count(*)
          FROM delete_achievements) AS rows_delete_achievements
       , (SELECT count(*)
          FROM delete_statistics) AS rows_delete_statistics
       , (SELECT count(*)
          FROM delete_video_tracking) AS rows_delete_video_tracking
       , (SELECT count(*)
          FROM delete_progress) AS rows_delete_progress
       , (SELECT count(*)
          FROM delete_unlocks) AS rows_delete_unlocks
       , (SELECT count(*)
          FROM delete_profile) AS rows_delete_profile
       , (SELECT count(*)
          FROM delete_student) AS rows_delete_student
       , (SELECT count(*)
          FROM delete_user) AS rows_delete_user
       , (SELECT count(*)
          FROM log_deletion) AS rows_log_deletion
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM (SELECT 1) AS one
       LEFT JOIN manager ON TRUE
       LEFT JOIN student ON TRUE
       LEFT JOIN (SELECT public.sales_activity_log.id
                       , public.sales_activity_log.details
                  FROM public.sales_activity_log
                  WHERE public.sales_activity_log.target_user_id = CAST($2 AS uuid)
                    AND public.sales_activity_log.action_type = 'user_deleted'
                  ORDER BY public.sales_activity_log.created_at DESC
                  LIMIT 1) AS remembered ON TRUE
       LEFT JOIN (SELECT public.users.role
                  FROM public.users
                  WHERE public.users.id = CAST($2 AS uuid)) AS current_user_row ON TRUE
       LEFT JOIN gate ON TRUE
       LEFT JOIN delete_student ON TRUE;
