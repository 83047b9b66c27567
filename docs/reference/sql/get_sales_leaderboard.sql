-- get_sales_leaderboard($1 limit)
-- tripwire_db/flows/sales.py

/* tripwire:get_sales_leaderboard */
SELECT answer.manager_id
     , answer.manager_name
     , answer.email
     , answer.total_students
     , answer.active_students
     , answer.completed_students
     , answer.total_revenue
     , answer.avg_completion_rate
FROM public.rpc_get_sales_leaderboard(CAST($1 AS integer)) AS answer;
