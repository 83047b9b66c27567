CREATE FUNCTION public.rpc_get_sales_chart_data(
    manager_id_param pg_catalog.uuid,
    days_back pg_catalog.int4 DEFAULT 30,
    time_zone pg_catalog.text DEFAULT 'Asia/Almaty'
)
RETURNS TABLE (
    date pg_catalog.date,
    students_created pg_catalog.int8,
    revenue pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    PERFORM tripwire.assert_given('manager_id_param', manager_id_param);
    PERFORM tripwire.assert_in_range('days_back', days_back, 1, 3660);
    PERFORM tripwire.assert_time_zone(time_zone);
    RETURN QUERY SELECT found.* FROM tripwire.sales_chart(manager_id_param, days_back, time_zone) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_sales_chart_data(pg_catalog.uuid, pg_catalog.int4, pg_catalog.text) IS
    'One row for each of the last days_back days (1-3660) of the IANA time zone, today included, zeros included, newest '
    'first. For the manager in person, admin and the backend.';
