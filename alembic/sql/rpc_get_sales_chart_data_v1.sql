-- v2: students and revenue of each day, the days cut in the server's time zone.
CREATE FUNCTION public.rpc_get_sales_chart_data(manager_id_param uuid, days_back integer DEFAULT 30)
    RETURNS TABLE (
        date date,
        students_created bigint,
        revenue numeric
    )
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = public
    AS $$
BEGIN
    RETURN QUERY
    SELECT
        d.day::date,
        count(t.id),
        coalesce(sum(t.price), 0)
    FROM generate_series(current_date - (days_back - 1), current_date, interval '1 day') AS d(day)
    LEFT JOIN tripwire_users t ON t.granted_by = manager_id_param AND t.created_at::date = d.day::date
    GROUP BY d.day
    ORDER BY d.day DESC;
END;
$$
