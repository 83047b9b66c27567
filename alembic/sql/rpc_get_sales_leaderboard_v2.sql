CREATE FUNCTION public.rpc_get_sales_leaderboard(limit_count pg_catalog.int4 DEFAULT 10)
RETURNS TABLE (
    manager_id pg_catalog.uuid,
    manager_name pg_catalog.text,
    email pg_catalog.text,
    total_students pg_catalog.int8,
    active_students pg_catalog.int8,
    completed_students pg_catalog.int8,
    total_revenue pg_catalog.numeric,
    avg_completion_rate pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    PERFORM tripwire.assert_in_range('limit_count', limit_count, 1, 1000);
    RETURN QUERY SELECT found.* FROM tripwire.sales_leaderboard(limit_count) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_sales_leaderboard(pg_catalog.int4) IS
    'Sellers by students, then revenue, both falling, then id. Revenue counts every student sold, blocked ones too; '
    'avg_completion_rate is the mean of modules_completed / total_modules in percent, to two decimals. '
    'limit_count 1-1000. For sales_manager, admin and the backend.';
