CREATE FUNCTION tripwire.admin_highest_id() RETURNS pg_catalog.uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT CASE
        WHEN tripwire.caller_role() = 'admin' THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'::pg_catalog.uuid
    END;
$$;

COMMENT ON FUNCTION tripwire.admin_highest_id() IS
    'The highest key of the range that the caller may read as an admin; NULL for everybody else.';
