-- set_student_status($1 at, $2 user_id, $3 manager_id, $4 status)
-- tripwire_db/flows/set_student_status.py

/* tripwire:set_student_status */
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
   , wanted AS MATERIALIZED (
       SELECT CASE
                WHEN CAST(CAST($4 AS varchar) AS text) = 'active'
                 AND student.modules_completed >= 3
                  THEN 'completed'
                ELSE CAST(CAST($4 AS varchar) AS text)
              END AS status
       FROM student
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
            , wanted.status AS new_status
       FROM student INNER JOIN manager ON TRUE INNER JOIN wanted ON student.status <> wanted.status
     )
   , update_status AS (
       UPDATE public.tripwire_users
       SET status = gate.new_status
       FROM gate
       WHERE public.tripwire_users.user_id = gate.user_id
       RETURNING public.tripwire_users.user_id
     )
   , log_status AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT logged.manager_id
            , 'user_status_updated'
            , logged.user_id
            , jsonb_build_object('email', logged.email, 'full_name', logged.full_name, 'old_status', logged.status, 'new_status', logged.new_status)
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
                  , gate.new_status
             FROM gate INNER JOIN update_status ON TRUE) AS logged
       RETURNING public.sales_activity_log.id
     )
  SELECT manager.id AS manager_id
       , wanted.status
       , update_status.user_id IS NOT NULL AS changed
       , (SELECT count(*)
          FROM update_status) AS rows_update_status
       , (SELECT count(*)
          FROM log_status) AS rows_log_status
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM student INNER JOIN wanted ON TRUE LEFT JOIN manager ON TRUE LEFT JOIN update_status ON TRUE;
