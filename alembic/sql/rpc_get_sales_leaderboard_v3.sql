CREATE FUNCTION public.rpc_get_sales_leaderboard(
    limit_count pg_catalog.int4 DEFAULT 10,
    from_date pg_catalog.date DEFAULT NULL,
    to_date pg_catalog.date DEFAULT NULL,
    time_zone pg_catalog.text DEFAULT 'Asia/Almaty'
)
RETURNS TABLE (
    manager_id pg_catalog.uuid,
    manager_name pg_catalog.text,
    email pg_catalog.text,
    total_students pg_catalog.int8,
    active_students pg_catalog.int8,
    completed_students pg_catalog.int8,
    total_revenue pg_catalog.numeric,
    avg_completion_rate pg_catalog.numeric,
    students_this_month pg_catalog.int8,
    revenue_this_month pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    RETURN QUERY
    SELECT found.*
    FROM tripwire.sales_leaderboard(
        coalesce(limit_count, 10), from_date, to_date, coalesce(time_zone, 'Asia/Almaty')
    ) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_sales_leaderboard(
    pg_catalog.int4, pg_catalog.date, pg_catalog.date, pg_catalog.text
) IS
    'Sellers by students, then revenue, both falling, then id. Revenue counts every student sold, blocked ones too; '
    'avg_completion_rate is the mean of modules_completed / total_modules in percent, to two decimals. Dates, '
    'inclusive, say which students count, and not who is listed; the month is the current one of the IANA time zone, up '
    'to today, whatever the dates. A seller who is gone is a row without manager_id for each manager_name. '
    'limit_count 1-1000. For sales_manager, admin and the backend.';
