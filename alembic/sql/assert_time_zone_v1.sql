-- PostgreSQL itself takes more than names for a time zone, and what it takes instead is wrong without a word: 'UTC+6'
-- is six hours WEST of Greenwich, 'Almaty5' an invented zone without a past, 'ALMT' an offset that ended in 2024.
CREATE FUNCTION tripwire.assert_time_zone(time_zone pg_catalog.text) RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    -- An invented zone holds a digit and an abbreviation no slash, so a name like Asia/Almaty that PostgreSQL takes
    -- is a zone it has on file. The view that lists them all reads 600 files for it: only rare names pay for that.
    IF time_zone = 'UTC' OR time_zone ~ '^[A-Za-z_-]+(/[A-Za-z_-]+)+$' THEN
        PERFORM now() AT TIME ZONE time_zone;
        RETURN;
    ELSIF EXISTS (SELECT FROM pg_timezone_names AS known WHERE lower(known.name) = lower(time_zone)) THEN
        RETURN;
    END IF;
    RAISE invalid_parameter_value;
EXCEPTION
    WHEN invalid_parameter_value THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = CASE
                WHEN time_zone IS NULL THEN 'time_zone must not be null'
                ELSE 'time_zone must be the name of an IANA time zone, not ' || quote_literal(left(time_zone, 64))
            END,
            HINT = 'A name like Asia/Almaty, Europe/Berlin or UTC; pg_timezone_names lists those that this server knows.';
END;
$$;

COMMENT ON FUNCTION tripwire.assert_time_zone(pg_catalog.text) IS
    'Raises 22023 unless this server knows an IANA time zone of that name.';
