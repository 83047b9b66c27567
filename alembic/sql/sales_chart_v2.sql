-- Definer for speed, not for more rows: the policy on students would compare each of a manager's 10,000 with a list.
CREATE FUNCTION tripwire.sales_chart(
    of_manager pg_catalog.uuid,
    days_back pg_catalog.int4,
    time_zone pg_catalog.text,
    from_date pg_catalog.date,
    to_date pg_catalog.date
)
RETURNS TABLE (
    date pg_catalog.date,
    students_created pg_catalog.int8,
    revenue pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
SET timezone = 'UTC'
-- One manager and a few days are one index, all managers another.
SET plan_cache_mode = 'force_custom_plan'
AS $$
DECLARE
    today pg_catalog.date;
    first_day pg_catalog.date := from_date;
    last_day pg_catalog.date := to_date;
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    PERFORM tripwire.assert_in_range('days_back', days_back, 1, 3660);
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    today := current_date;
    last_day := coalesce(last_day, today);
    IF from_date IS NULL AND to_date IS NULL THEN
        first_day := today - (days_back - 1);
    ELSIF from_date IS NULL THEN
        -- The day of the first sale. Where clocks went back over midnight a later one may have an earlier date.
        SELECT min(student.created_at::pg_catalog.date) INTO first_day
        FROM public.tripwire_users AS student
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            AND student.created_at < (
                SELECT min(earliest.created_at)
                FROM public.tripwire_users AS earliest
                WHERE earliest.granted_by = of_manager OR of_manager IS NULL
            ) + '1 day'::pg_catalog.interval;
    END IF;
    IF last_day - first_day >= 3660 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a chart has at most 3660 days: from %s to %s is %s', first_day, last_day, last_day - first_day + 1),
            HINT = 'Give from_date and to_date nearer to each other.';
    END IF;
    RETURN QUERY
    WITH sold AS (
        SELECT
            student.created_at::pg_catalog.date AS day,
            count(*) AS students,
            sum(student.price) AS price
        FROM public.tripwire_users AS student
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            -- A day more on either side: midnight may come twice or never where clocks change at midnight. The index
            -- gets bounds that are safely too wide, and the exact day comes from the row's own local time.
            AND student.created_at >= (first_day - 1)::pg_catalog.timestamptz
            AND student.created_at < (last_day + 2)::pg_catalog.timestamptz
        GROUP BY 1
    )
    SELECT last_day - ago.days, coalesce(sold.students, 0), coalesce(sold.price, 0)
    FROM generate_series(0, last_day - first_day) AS ago (days)
    LEFT JOIN sold ON sold.day = last_day - ago.days
    ORDER BY ago.days;
END;
$$;

COMMENT ON FUNCTION tripwire.sales_chart(
    pg_catalog.uuid, pg_catalog.int4, pg_catalog.text, pg_catalog.date, pg_catalog.date
) IS 'One row for each day asked for, newest first, of a manager or of all sellers together; checks its caller.';
