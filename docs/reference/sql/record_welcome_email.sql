-- record_welcome_email($1 at, $2 user_id, $3 manager_id, $4 activity_id, $5 sent)
-- tripwire_db/flows/record_welcome_email.py

/* tripwire:record_welcome_email */
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
   , actor AS MATERIALIZED (
       SELECT COALESCE(manager.id, student.granted_by) AS id, TRUE AS known
       FROM student LEFT JOIN manager ON TRUE
       WHERE CAST($3 AS uuid) IS NULL OR manager.id IS NOT NULL
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
            , actor.id AS actor_id
            , COALESCE(CAST($4 AS uuid), gen_random_uuid()) AS log_id
       FROM student INNER JOIN actor ON TRUE
       WHERE $5 AND (NOT student.welcome_email_sent OR CAST($4 AS uuid) IS NOT NULL)
     )
   , mark_sent AS (
       UPDATE public.tripwire_users
       SET welcome_email_sent = TRUE, welcome_email_sent_at = gate.at
       FROM gate
       WHERE public.tripwire_users.user_id = gate.user_id AND NOT gate.welcome_email_sent
       RETURNING public.tripwire_users.user_id, public.tripwire_users.welcome_email_sent_at
     )
   , log_email AS (
       INSERT INTO public.sales_activity_log (id
                                            , manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT gate.log_id
            , gate.actor_id
            , 'email_sent'
            , gate.user_id
            , jsonb_build_object('email', gate.email, 'full_name', gate.full_name, 'email_type', 'welcome')
            , gate.at
       FROM gate
       ON CONFLICT (id) DO NOTHING
       RETURNING public.sales_activity_log.id
     )
  SELECT actor.known IS NULL AS unknown_actor
       , mark_sent.user_id IS NOT NULL OR student.welcome_email_sent AS sent
       , COALESCE(mark_sent.welcome_email_sent_at, student.welcome_email_sent_at) AS sent_at
       , mark_sent.user_id IS NOT NULL OR log_email.id IS NOT NULL AS recorded
       , (SELECT count(*)
          FROM mark_sent) AS rows_mark_sent
       , (SELECT count(*)
          FROM log_email) AS rows_log_email
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM student LEFT JOIN actor ON TRUE LEFT JOIN mark_sent ON TRUE LEFT JOIN log_email ON TRUE;
