-- get_sales_leaderboard($1 limit, $2 since, $3 until, $4 time_zone)
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
     , answer.students_this_month
     , answer.revenue_this_month
FROM public.rpc_get_sales_leaderboard(CAST($1 AS integer)
                                    , CAST($2 AS date)
                                    , CAST($3 AS date)
                                    , CAST($4 AS varchar)) AS answer;
