-- reassign_students($1 manager_id, $2 to_manager_id, $3 from_manager_id, $4 user_ids, $5 at)
-- tripwire_db/flows/reassign_students.py

/* tripwire:reassign_students */
WITH manager AS MATERIALIZED (
       SELECT public.users.id, public.users.role
       FROM public.users
       WHERE public.users.id = CAST($1 AS uuid) AND public.users.role <> 'student'
     )
   , successor AS MATERIALIZED (
       SELECT public.users.id, public.users.full_name
       FROM public.users
       WHERE public.users.id = CAST($2 AS uuid) AND public.users.role IN ('sales_manager', 'admin')
     )
   , named AS MATERIALIZED (
       SELECT min(CAST(named.id AS text)) FILTER (WHERE public.tripwire_users.user_id IS NULL) AS unknown_id
            , min(CAST(named.id AS text)) FILTER (WHERE public.tripwire_users.user_id IS NOT NULL
                                                    AND COALESCE(public.tripwire_users.granted_by NOT IN (CAST($3 AS uuid)
                                                                                                        , CAST($2 AS uuid))
                                                               , TRUE)) AS foreign_id
       FROM unnest(CAST($4 AS uuid[])) AS named (id)
            LEFT JOIN public.tripwire_users ON public.tripwire_users.user_id = named.id
     )
   , settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($5 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , students AS MATERIALIZED (
       SELECT public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by AS from_manager_id
            , public.tripwire_users.manager_name AS from_manager_name
            , successor.id AS to_manager_id
            , successor.full_name AS to_manager_name
            , manager.id AS manager_id
            , settings.at
       FROM settings
            INNER JOIN public.tripwire_users ON public.tripwire_users.granted_by = CAST($3 AS uuid)
            INNER JOIN manager ON manager.role = 'admin'
            INNER JOIN successor ON TRUE
            INNER JOIN named ON named.unknown_id IS NULL AND named.foreign_id IS NULL
       WHERE CAST($4 AS uuid[]) IS NULL OR public.tripwire_users.user_id = ANY(CAST($4 AS uuid[]))
       ORDER BY public.tripwire_users.user_id
       FOR UPDATE OF tripwire_users
     )
   , update_students AS (
       UPDATE public.tripwire_users
       SET granted_by = students.to_manager_id, manager_name = students.to_manager_name
       FROM students
       WHERE public.tripwire_users.user_id = students.user_id
       RETURNING public.tripwire_users.user_id
     )
   , log_reassignments AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT logged.manager_id
            , 'user_reassigned'
            , logged.user_id
            , jsonb_build_object('email', logged.email, 'full_name', logged.full_name, 'from_manager_id', logged.from_manager_id, 'from_manager_name', logged.from_manager_name, 'to_manager_id', logged.to_manager_id, 'to_manager_name', logged.to_manager_name)
            , logged.at
       FROM (SELECT students.user_id
                  , students.email
                  , students.full_name
                  , students.from_manager_id
                  , students.from_manager_name
                  , students.to_manager_id
                  , students.to_manager_name
                  , students.manager_id
                  , students.at
             FROM students INNER JOIN update_students ON update_students.user_id = students.user_id) AS logged
       RETURNING public.sales_activity_log.id
     )
  SELECT manager.role AS manager_role
       ,    EXISTS (SELECT public.users.id
                    FROM public.users
                    WHERE public.users.id = CAST($3 AS uuid))
         OR EXISTS (SELECT public.tripwire_users.id
                    FROM public.tripwire_users
                    WHERE public.tripwire_users.granted_by = CAST($3 AS uuid)) AS from_is_known
       , successor.id IS NOT NULL AS to_is_seller
       , named.unknown_id
       , named.foreign_id
       , COALESCE((SELECT array_agg(update_students.user_id)
                   FROM update_students)
                , CAST('{}' AS uuid[])) AS reassigned
       , (SELECT count(*)
          FROM update_students) AS rows_update_students
       , (SELECT count(*)
          FROM log_reassignments) AS rows_log_reassignments
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM named LEFT JOIN manager ON TRUE LEFT JOIN successor ON TRUE;
