-- correct_student($1 at, $2 user_id, $3 manager_id, $4 email, $5 full_name, $6 price)
-- tripwire_db/flows/correct_student.py

/* tripwire:correct_student */
WITH settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , student AS MATERIALIZED (
       SELECT public.tripwire_users.id
            , public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by
            , public.tripwire_users.manager_name
            , public.tripwire_users.status
            , public.tripwire_users.modules_completed
            , public.tripwire_users.price
            , public.tripwire_users.welcome_email_sent
            , public.tripwire_users.welcome_email_sent_at
            , public.tripwire_users.created_at
            , public.tripwire_users.updated_at
            , settings.at
       FROM settings
            INNER JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($2 AS uuid)
       FOR UPDATE OF tripwire_users
     )
   , manager AS MATERIALIZED (
       SELECT public.users.id, public.users.role
       FROM public.users
       WHERE public.users.id = CAST($3 AS uuid) AND public.users.role <> 'student'
     )
   , gate AS MATERIALIZED (
       SELECT student.user_id
            , student.at
            , student.email AS old_email
            , student.full_name AS old_full_name
            , student.price AS old_price
            , COALESCE(CAST($4 AS varchar), student.email) AS email
            , COALESCE(CAST($5 AS varchar), student.full_name) AS full_name
            , COALESCE($6, student.price) AS price
       FROM student INNER JOIN manager ON manager.role = 'admin' OR student.granted_by = manager.id
       WHERE NOT(EXISTS (SELECT public.tripwire_users.id
                         FROM public.tripwire_users
                         WHERE public.tripwire_users.email = CAST($4 AS varchar)
                           AND public.tripwire_users.user_id <> CAST($2 AS uuid))
              OR EXISTS (SELECT public.users.id
                         FROM public.users
                         WHERE public.users.email = CAST($4 AS varchar)
                           AND public.users.id <> CAST($2 AS uuid)))
     )
   , update_student AS (
       UPDATE public.tripwire_users
       SET email = gate.email, full_name = gate.full_name, price = gate.price
       FROM gate
       WHERE public.tripwire_users.user_id = gate.user_id
         AND (gate.old_email <> gate.email
           OR gate.old_full_name <> gate.full_name
           OR gate.old_price <> gate.price)
       RETURNING public.tripwire_users.user_id
     )
   , update_user AS (
       UPDATE public.users
       SET email = COALESCE(CAST($4 AS varchar), public.users.email)
         , full_name = COALESCE(CAST($5 AS varchar), public.users.full_name)
       FROM gate
       WHERE public.users.id = gate.user_id
         AND (public.users.email <> COALESCE(CAST($4 AS varchar), public.users.email)
           OR (public.users.email IS NULL
           AND COALESCE(CAST($4 AS varchar), public.users.email) IS NOT NULL)
           OR public.users.full_name <> COALESCE(CAST($5 AS varchar), public.users.full_name)
           OR (public.users.full_name IS NULL
           AND COALESCE(CAST($5 AS varchar), public.users.full_name) IS NOT NULL))
       RETURNING public.users.id
     )
   , log_correction AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT logged.manager_id
            , 'user_corrected'
            , logged.user_id
            , jsonb_build_object('email', logged.email, 'full_name', logged.full_name) || jsonb_strip_nulls(jsonb_build_object('old_email'
                                                                                                                             , CASE
                                                                                                                                 WHEN logged.old_email <> logged.email
                                                                                                                                   THEN logged.old_email
                                                                                                                               END
                                                                                                                             , 'new_email'
                                                                                                                             , CASE
                                                                                                                                 WHEN logged.old_email <> logged.email
                                                                                                                                   THEN logged.email
                                                                                                                               END
                                                                                                                             , 'old_full_name'
                                                                                                                             , CASE
                                                                                                                                 WHEN logged.old_full_name <> logged.full_name
                                                                                                                                   THEN logged.old_full_name
                                                                                                                               END
                                                                                                                             , 'new_full_name'
                                                                                                                             , CASE
                                                                                                                                 WHEN logged.old_full_name <> logged.full_name
                                                                                                                                   THEN logged.full_name
                                                                                                                               END
                                                                                                                             , 'old_price'
                                                                                                                             , CASE
                                                                                                                                 WHEN logged.old_price <> logged.price
                                                                                                                                   THEN logged.old_price
                                                                                                                               END
                                                                                                                             , 'new_price'
                                                                                                                             , CASE
                                                                                                                                 WHEN logged.old_price <> logged.price
                                                                                                                                   THEN logged.price
                                                                                                                               END))
            , logged.at
       FROM (SELECT gate.user_id
                  , gate.at
                  , gate.old_email
                  , gate.old_full_name
                  , gate.old_price
                  , gate.email
                  , gate.full_name
                  , gate.price
                  , manager.id AS manager_id
             FROM gate INNER JOIN manager ON TRUE
             WHERE EXISTS (SELECT update_student.user_id
                           FROM update_student)
                OR EXISTS (SELECT update_user.id
                           FROM update_user)) AS logged
       RETURNING public.sales_activity_log.id
     )
  SELECT student.user_id AS student_id
       , manager.role AS manager_role
       , manager.role = 'admin' OR student.granted_by = manager.id AS permitted
       ,    EXISTS (SELECT public.tripwire_users.id
                    FROM public.tripwire_users
                    WHERE public.tripwire_users.email = CAST($4 AS varchar)
                      AND public.tripwire_users.user_id <> CAST($2 AS uuid))
         OR EXISTS (SELECT public.users.id
                    FROM public.users
                    WHERE public.users.email = CAST($4 AS varchar)
                      AND public.users.id <> CAST($2 AS uuid)) AS email_is_taken
       , student.id
       , student.user_id
       , COALESCE(gate.email, student.email) AS email
       , COALESCE(gate.full_name, student.full_name) AS full_name
       , student.manager_name
       , student.status
       , student.modules_completed
       , COALESCE(gate.price, student.price) AS price
       , student.welcome_email_sent
       , student.welcome_email_sent_at
       , student.created_at
       , student.granted_by AS manager_id
       , (SELECT max(public.video_tracking.last_seen_at)
          FROM public.video_tracking
          WHERE public.video_tracking.user_id = student.user_id) AS last_seen_at
       , (SELECT count(*)
          FROM update_student) AS rows_update_student
       , (SELECT count(*)
          FROM update_user) AS rows_update_user
       , (SELECT count(*)
          FROM log_correction) AS rows_log_correction
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM (SELECT 1) AS one LEFT JOIN student ON TRUE LEFT JOIN manager ON TRUE LEFT JOIN gate ON TRUE;
