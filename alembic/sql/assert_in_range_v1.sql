CREATE FUNCTION tripwire.assert_in_range(
    argument pg_catalog.text,
    value pg_catalog.int4,
    lowest pg_catalog.int4,
    highest pg_catalog.int4
) RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    IF value BETWEEN lowest AND highest THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s must be between %s and %s, not %s', argument, lowest, highest, coalesce(value::text, 'null'));
END;
$$;

COMMENT ON FUNCTION tripwire.assert_in_range(pg_catalog.text, pg_catalog.int4, pg_catalog.int4, pg_catalog.int4) IS
    'Raises 22023 unless the argument lies between lowest and highest, both included; NULL lies nowhere.';
