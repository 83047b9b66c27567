CREATE FUNCTION tripwire.caller_manager_id() RETURNS pg_catalog.uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT CASE WHEN tripwire.caller_role() = 'sales_manager' THEN tripwire.caller_id() END;
$$;

COMMENT ON FUNCTION tripwire.caller_manager_id() IS
    'Whose log the caller may read: their own, where they are a sales_manager; NULL for everybody else.';
