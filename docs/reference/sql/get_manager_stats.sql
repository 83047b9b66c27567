-- get_manager_stats($1 manager_id, $2 time_zone, $3 since, $4 until)
-- tripwire_db/flows/sales.py

/* tripwire:get_manager_stats */
SELECT answer.total_students
     , answer.active_students
     , answer.completed_students
     , answer.total_revenue
     , answer.avg_completion_rate
     , answer.students_this_month
     , answer.revenue_this_month
FROM public.rpc_get_manager_stats(CAST($1 AS uuid)
                                , CAST($2 AS varchar)
                                , CAST($3 AS date)
                                , CAST($4 AS date)) AS answer;
