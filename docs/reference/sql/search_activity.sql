-- search_activity($1 details, $2 limit)
-- tripwire_db/flows/search.py

/* tripwire:search_activity */
SELECT public.sales_activity_log.id
     , public.sales_activity_log.manager_id
     , public.sales_activity_log.action_type
     , public.sales_activity_log.target_user_id
     , public.sales_activity_log.details
     , public.sales_activity_log.created_at
FROM public.sales_activity_log
WHERE public.sales_activity_log.details @> CAST($1 AS jsonb)
ORDER BY public.sales_activity_log.created_at DESC, public.sales_activity_log.id DESC
LIMIT CAST($2 AS bigint);
