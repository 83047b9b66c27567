-- record_welcome_email($1 at, $2 user_id, $3 manager_id, $4 sent)
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
       FROM student INNER JOIN actor ON TRUE
       WHERE NOT student.welcome_email_sent AND $4
     )
   , mark_sent AS (
       UPDATE public.tripwire_users
       SET welcome_email_sent = TRUE, welcome_email_sent_at = gate.at
       FROM gate
       WHERE public.tripwire_users.user_id = gate.user_id
       RETURNING public.tripwire_users.user_id, public.tripwire_users.welcome_email_sent_at
     )
   , log_email AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT logged.actor_id
            , 'email_sent'
            , logged.user_id
            , jsonb_build_object('email', logged.email, 'full_name', logged.full_name, 'email_type', 'welcome')
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
                  , gate.actor_id
             FROM gate INNER JOIN mark_sent ON TRUE) AS logged
       RETURNING public.sales_activity_log.id
     )
  SELECT actor.known IS NULL AS unknown_actor
       , mark_sent.user_id IS NOT NULL OR student.welcome_email_sent AS sent
       , COALESCE(mark_sent.welcome_email_sent_at, student.welcome_email_sent_at) AS sent_at
       , mark_sent.user_id IS NOT NULL AS recorded
       , (SELECT count(*)
          FROM mark_sent) AS rows_mark_sent
       , (SELECT count(*)
          FROM log_email) AS rows_log_email
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM student LEFT JOIN actor ON TRUE LEFT JOIN mark_sent ON TRUE;
