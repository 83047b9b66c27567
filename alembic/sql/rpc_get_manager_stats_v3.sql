CREATE FUNCTION public.rpc_get_manager_stats(
    manager_id_param pg_catalog.uuid DEFAULT NULL,
    time_zone pg_catalog.text DEFAULT 'Asia/Almaty',
    from_date pg_catalog.date DEFAULT NULL,
    to_date pg_catalog.date DEFAULT NULL
)
RETURNS TABLE (
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
    FROM tripwire.manager_stats(manager_id_param, coalesce(time_zone, 'Asia/Almaty'), from_date, to_date) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_manager_stats(
    pg_catalog.uuid, pg_catalog.text, pg_catalog.date, pg_catalog.date
) IS
    'One row: a manager''s totals, as the leaderboard counts them, of the students sold on these dates, inclusive, and '
    'those of the current month of the IANA time zone, up to today; zeros for an unknown manager; without a manager, all '
    'sellers together. For the manager in person, admin and the backend; all together for the last two.';
