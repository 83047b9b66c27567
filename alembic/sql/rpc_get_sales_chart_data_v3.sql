CREATE FUNCTION public.rpc_get_sales_chart_data(
    manager_id_param pg_catalog.uuid DEFAULT NULL,
    days_back pg_catalog.int4 DEFAULT 30,
    time_zone pg_catalog.text DEFAULT 'Asia/Almaty',
    from_date pg_catalog.date DEFAULT NULL,
    to_date pg_catalog.date DEFAULT NULL
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
    RETURN QUERY
    SELECT found.*
    FROM tripwire.sales_chart(
        manager_id_param, coalesce(days_back, 30), coalesce(time_zone, 'Asia/Almaty'), from_date, to_date
    ) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_sales_chart_data(
    pg_catalog.uuid, pg_catalog.int4, pg_catalog.text, pg_catalog.date, pg_catalog.date
) IS
    'One row for each day of the IANA time zone, zeros included, newest first: the last days_back days (1-3660), today '
    'included, or those from from_date to to_date; one of them alone is open to today, or from the first sale. Without a '
    'manager, all sellers together. For the manager in person, admin and the backend; all together for the last two.';
