CREATE FUNCTION tripwire.assert_dates(from_date pg_catalog.date, to_date pg_catalog.date) RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    -- Infinite dates among them, and those that become no time.
    IF from_date NOT BETWEEN '0001-01-01' AND '9999-12-31' OR to_date NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'from_date and to_date must be between 0001-01-01 and 9999-12-31';
    END IF;
    IF from_date > to_date THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('from_date must not be after to_date: %s is after %s', from_date, to_date);
    END IF;
END;
$$;

COMMENT ON FUNCTION tripwire.assert_dates(pg_catalog.date, pg_catalog.date) IS
    'Raises 22023 unless each date given is one of the years 1 to 9999, and they stand in their order.';
