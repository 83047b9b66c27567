-- log_activity($1 manager_id, $2 at, $3 target_user_id, $4 details, $5 activity_id, $6 action_type)
-- tripwire_db/flows/log_activity.py

/* tripwire:log_activity */
WITH manager AS MATERIALIZED (
       SELECT public.users.id, public.users.full_name
       FROM public.users
       WHERE public.users.id = CAST($1 AS uuid) AND public.users.role <> 'student'
     )
   , settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($2 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , gate AS MATERIALIZED (
       SELECT CAST($3 AS uuid) AS user_id
            , settings.at
            , CAST($4 AS jsonb) || jsonb_strip_nulls(jsonb_build_object('email', person.email, 'full_name', person.full_name)) AS details
       FROM settings
            LEFT JOIN manager ON TRUE
            LEFT JOIN public.users AS person ON person.id = CAST($3 AS uuid)
       WHERE CAST($1 AS uuid) IS NULL OR manager.id IS NOT NULL
     )
   , write_log AS (
       INSERT INTO public.sales_activity_log (id
                                            , manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT CAST($5 AS uuid)
            , CAST($1 AS uuid)
            , CAST($6 AS varchar)
            , gate.user_id
            , gate.details
            , gate.at
       FROM gate
       ON CONFLICT (id) DO NOTHING
       RETURNING public.sales_activity_log.id
               , public.sales_activity_log.manager_id
               , public.sales_activity_log.action_type
               , public.sales_activity_log.target_user_id
               , public.sales_activity_log.details
               , public.sales_activity_log.created_at
     )
  SELECT COALESCE(write_log.id, before.id) AS id
       , COALESCE(write_log.manager_id, before.manager_id) AS manager_id
       , COALESCE(write_log.action_type, before.action_type) AS action_type
       , COALESCE(write_log.target_user_id, before.target_user_id) AS target_user_id
       , COALESCE(write_log.details, before.details) AS details
       , COALESCE(write_log.created_at, before.created_at) AS created_at
       , gate.at IS NOT NULL AND write_log.id IS NULL AND before.id IS NULL AS raced
       , (SELECT count(*)
          FROM write_log) AS rows_write_log
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM (SELECT 1) AS one
       LEFT JOIN gate ON TRUE
       LEFT JOIN write_log ON TRUE
       LEFT JOIN (SELECT public.sales_activity_log.id
                       , public.sales_activity_log.manager_id
                       , public.sales_activity_log.action_type
                       , public.sales_activity_log.target_user_id
                       , public.sales_activity_log.details
                       , public.sales_activity_log.created_at
                  FROM public.sales_activity_log
                  WHERE public.sales_activity_log.id = CAST($5 AS uuid)) AS before ON TRUE;
