-- Definer only to call the two helpers that nobody else may: it reads no table.
CREATE FUNCTION tripwire.range_of_days(
    from_date pg_catalog.date,
    to_date pg_catalog.date,
    time_zone pg_catalog.text
)
RETURNS TABLE (begins pg_catalog.timestamptz, ends pg_catalog.timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
ROWS 1
SET search_path = ''
SET timezone = 'UTC'
AS $$
DECLARE
    after_last pg_catalog.date;
BEGIN
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    after_last := CASE WHEN to_date IS NOT NULL THEN to_date + 1 WHEN from_date IS NOT NULL THEN current_date + 1 END;
    begins := coalesce(from_date, '-infinity')::pg_catalog.timestamptz;
    ends := coalesce(after_last, 'infinity')::pg_catalog.timestamptz;
    -- Where clocks go back to midnight it comes twice, and a cast gives the second one: the day began with the first.
    WHILE from_date IS NOT NULL AND (begins - interval '15 minutes')::pg_catalog.date >= from_date LOOP
        begins := begins - interval '15 minutes';
    END LOOP;
    WHILE after_last IS NOT NULL AND (ends - interval '15 minutes')::pg_catalog.date >= after_last LOOP
        ends := ends - interval '15 minutes';
    END LOOP;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION tripwire.range_of_days(pg_catalog.date, pg_catalog.date, pg_catalog.text) IS
    'When the days of a time zone begin and end, both days included; one alone is open to today, or from the beginning.';
