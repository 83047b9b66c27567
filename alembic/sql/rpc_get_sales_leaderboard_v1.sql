-- v2: who sold how many students, for how much.
CREATE FUNCTION public.rpc_get_sales_leaderboard(limit_count integer DEFAULT 10)
    RETURNS TABLE (
        manager_id uuid,
        manager_name text,
        email text,
        total_students bigint,
        active_students bigint,
        completed_students bigint,
        total_revenue numeric,
        avg_completion_rate numeric
    )
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = public
    AS $$
BEGIN
    RETURN QUERY
    SELECT
        u.id,
        u.full_name,
        u.email,
        count(t.id),
        count(t.id) FILTER (WHERE t.status = 'active'),
        count(t.id) FILTER (WHERE t.status = 'completed'),
        coalesce(sum(t.price), 0),
        coalesce(round(avg(t.modules_completed * 100.0 / 3), 2), 0)
    FROM users u
    LEFT JOIN tripwire_users t ON t.granted_by = u.id
    WHERE u.role = 'sales_manager'
    GROUP BY u.id, u.full_name, u.email
    ORDER BY count(t.id) DESC, coalesce(sum(t.price), 0) DESC
    LIMIT limit_count;
END;
$$
