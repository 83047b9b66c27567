-- get_sales_chart_data($1 manager_id, $2 days_back, $3 time_zone, $4 since, $5 until)
-- tripwire_db/flows/sales.py

/* tripwire:get_sales_chart_data */
SELECT answer.date, answer.students_created, answer.revenue
FROM public.rpc_get_sales_chart_data(CAST($1 AS uuid)
                                   , CAST($2 AS integer)
                                   , CAST($3 AS varchar)
                                   , CAST($4 AS date)
                                   , CAST($5 AS date)) AS answer;
