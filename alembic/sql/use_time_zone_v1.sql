-- Only for functions that SET timezone themselves: it takes the place of theirs and is given back with it. From then on
-- a cast to date gives the zone's day. AT TIME ZONE would look the zone up again for each row, and takes CET, a zone
-- with summers, for the abbreviation CET, one without.
--
-- PostgreSQL takes more than names for a time zone, and what it takes instead is wrong without a word: 'UTC+6' is six
-- hours WEST of Greenwich, 'Almaty5' an invented zone without a past. Those hold a digit, and few names on file do, so
-- these stand here; the view that lists all zones reads 600 files for one answer.
CREATE FUNCTION tripwire.use_time_zone(time_zone pg_catalog.text) RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    -- Its length is known before it is read, and no name is longer.
    IF octet_length(time_zone) > 64 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'time_zone must be the name of an IANA time zone, of at most 64 bytes';
    ELSIF time_zone !~ '^[A-Za-z_-]+(/[A-Za-z_-]+)*$'
        AND time_zone !~* '^(Etc/)?GMT[+-]?0$|^Etc/GMT(\+([1-9]|1[0-2])|-([1-9]|1[0-4]))$|^(EST5EDT|CST6CDT|MST7MDT|PST8PDT)$'
    THEN
        RAISE invalid_parameter_value;
    END IF;
    PERFORM set_config('TimeZone', time_zone, true);
EXCEPTION
    WHEN invalid_parameter_value THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = CASE
                WHEN octet_length(time_zone) > 64 THEN SQLERRM
                ELSE 'time_zone must be the name of an IANA time zone, not ' || quote_literal(time_zone)
            END,
            HINT = 'A name like Asia/Almaty, Europe/Berlin or UTC; pg_timezone_names lists those that this server knows.';
END;
$$;

COMMENT ON FUNCTION tripwire.use_time_zone(pg_catalog.text) IS
    'Sets the time zone until the calling function ends; raises 22023 unless this server knows an IANA zone of that name.';
