CREATE FUNCTION public.rpc_get_manager_stats(
    manager_id_param pg_catalog.uuid,
    time_zone pg_catalog.text DEFAULT 'Asia/Almaty'
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
    PERFORM tripwire.assert_given('manager_id_param', manager_id_param);
    PERFORM tripwire.assert_time_zone(time_zone);
    RETURN QUERY SELECT found.* FROM tripwire.manager_stats(manager_id_param, time_zone) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_manager_stats(pg_catalog.uuid, pg_catalog.text) IS
    'One row: a manager''s totals, as the leaderboard counts them, and those of the current month of the IANA time '
    'zone; zeros for an unknown manager. For the manager in person, admin and the backend.';
