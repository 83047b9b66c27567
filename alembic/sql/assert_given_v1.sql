CREATE FUNCTION tripwire.assert_given(argument pg_catalog.text, value pg_catalog.anyelement) RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    IF value IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = argument || ' must not be null';
    END IF;
END;
$$;

COMMENT ON FUNCTION tripwire.assert_given(pg_catalog.text, pg_catalog.anyelement) IS
    'Raises 22023 where an argument that has no meaningful NULL is NULL.';
