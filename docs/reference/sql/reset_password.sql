-- reset_password($1 manager_id, $2 at, $3 user_id, $4 activity_id)
-- tripwire_db/flows/reset_password.py

/* tripwire:reset_password */
WITH manager AS MATERIALIZED (
       SELECT public.users.id, public.users.role
       FROM public.users
       WHERE public.users.id = CAST($1 AS uuid) AND public.users.role <> 'student'
     )
   , settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($2 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , student AS MATERIALIZED (
       SELECT public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by
            , settings.at
       FROM settings
            INNER JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($3 AS uuid)
     )
   , gate AS MATERIALIZED (
       SELECT student.user_id
            , student.email
            , student.full_name
            , student.granted_by
            , student.at
            , manager.id AS manager_id
       FROM student INNER JOIN manager ON manager.role = 'admin' OR student.granted_by = manager.id
     )
   , log_reset AS (
       INSERT INTO public.sales_activity_log (id
                                            , manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT CAST($4 AS uuid)
            , gate.manager_id
            , 'password_reset'
            , gate.user_id
            , jsonb_build_object('email', gate.email, 'full_name', gate.full_name)
            , gate.at
       FROM gate
       ON CONFLICT (id) DO NOTHING
       RETURNING public.sales_activity_log.id
     )
  SELECT student.user_id AS student_id
       , manager.role AS manager_role
       , manager.role = 'admin' OR student.granted_by = manager.id AS permitted
       , COALESCE(CASE WHEN log_reset.id IS NOT NULL THEN gate.at END, before.created_at) AS logged_at
       , gate.at IS NOT NULL AND log_reset.id IS NULL AND before.created_at IS NULL AS raced
       , (SELECT count(*)
          FROM log_reset) AS rows_log_reset
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM (SELECT 1) AS one
       LEFT JOIN student ON TRUE
       LEFT JOIN manager ON TRUE
       LEFT JOIN gate ON TRUE
       LEFT JOIN log_reset ON TRUE
       LEFT JOIN (SELECT public.sales_activity_log.created_at
                  FROM public.sales_activity_log
                  WHERE public.sales_activity_log.id = CAST($4 AS uuid)) AS before ON TRUE;
