-- An admin reads every row. As a range of keys that is an index condition, and NULL closes it for everybody else;
-- "OR the caller is an admin" would scan the whole table for everybody.
CREATE FUNCTION tripwire.admin_lowest_id() RETURNS pg_catalog.uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT CASE
        WHEN tripwire.caller_role() = 'admin' THEN '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid
    END;
$$;

COMMENT ON FUNCTION tripwire.admin_lowest_id() IS
    'The lowest key of the range that the caller may read as an admin; NULL for everybody else.';
