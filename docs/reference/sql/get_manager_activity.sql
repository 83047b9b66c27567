-- get_manager_activity($1 manager_id, $2 limit, $3 before, $4 before_id, $5 action_types, $6 since, $7 until, $8 time_zone)
-- tripwire_db/flows/sales.py

/* tripwire:get_manager_activity */
SELECT answer.id
     , answer.action_type
     , answer.target_user_id
     , answer.target_user_email
     , answer.target_user_name
     , answer.details
     , answer.created_at
     , CAST($1 AS uuid) AS manager_id
FROM public.rpc_get_manager_activity(CAST($1 AS uuid)
                                   , CAST($2 AS integer)
                                   , CAST($3 AS timestamp with time zone)
                                   , CAST($4 AS uuid)
                                   , CAST($5 AS text[])
                                   , CAST($6 AS date)
                                   , CAST($7 AS date)
                                   , CAST($8 AS varchar)) AS answer;
