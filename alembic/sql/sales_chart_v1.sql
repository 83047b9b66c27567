-- Definer for speed, not for more rows: the policy on students would compare each of a manager's 10,000 with a list.
CREATE FUNCTION tripwire.sales_chart(
    of_manager pg_catalog.uuid,
    days_back pg_catalog.int4,
    time_zone pg_catalog.text
)
RETURNS TABLE (
    date pg_catalog.date,
    students_created pg_catalog.int8,
    revenue pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
-- Takes the place of the session's zone while this function runs, and gives it back, whatever is set inside.
SET timezone = 'UTC'
AS $$
DECLARE
    today pg_catalog.date;
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    -- From here on a cast to date gives the zone's day. AT TIME ZONE looks the zone up again for each row, and takes
    -- CET, a zone with summers, for the abbreviation CET, one without.
    PERFORM set_config('TimeZone', time_zone, true);
    today := current_date;
    RETURN QUERY
    WITH sold AS (
        SELECT
            student.created_at::pg_catalog.date AS day,
            count(*) AS students,
            sum(student.price) AS price
        FROM public.tripwire_users AS student
        WHERE student.granted_by = of_manager
            -- A day earlier than the first: midnight may come twice or never where clocks change at midnight. The
            -- index gets a bound that is safely too early, and the exact day comes from the row's own local time.
            AND student.created_at >= (today - days_back)::pg_catalog.timestamptz
        GROUP BY 1
    )
    SELECT today - ago.days, coalesce(sold.students, 0), coalesce(sold.price, 0)
    FROM generate_series(0, days_back - 1) AS ago (days)
    LEFT JOIN sold ON sold.day = today - ago.days
    ORDER BY ago.days;
END;
$$;

COMMENT ON FUNCTION tripwire.sales_chart(pg_catalog.uuid, pg_catalog.int4, pg_catalog.text) IS
    'One row for each of the last days of the zone, today included, newest first; checks its caller.';
