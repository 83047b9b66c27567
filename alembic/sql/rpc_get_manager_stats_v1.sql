-- v2: one manager's totals, and those of the month, the month cut in the server's time zone.
CREATE FUNCTION public.rpc_get_manager_stats(manager_id_param uuid)
    RETURNS TABLE (
        total_students bigint,
        active_students bigint,
        completed_students bigint,
        total_revenue numeric,
        avg_completion_rate numeric,
        students_this_month bigint,
        revenue_this_month numeric
    )
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = public
    AS $$
BEGIN
    RETURN QUERY
    SELECT
        count(t.id),
        count(t.id) FILTER (WHERE t.status = 'active'),
        count(t.id) FILTER (WHERE t.status = 'completed'),
        coalesce(sum(t.price), 0),
        coalesce(round(avg(t.modules_completed * 100.0 / 3), 2), 0),
        count(t.id) FILTER (WHERE t.created_at >= date_trunc('month', now())),
        coalesce(sum(t.price) FILTER (WHERE t.created_at >= date_trunc('month', now())), 0)
    FROM tripwire_users t
    WHERE t.granted_by = manager_id_param;
END;
$$
