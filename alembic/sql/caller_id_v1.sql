CREATE FUNCTION tripwire.caller_id() RETURNS pg_catalog.uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT auth.uid();
$$;

COMMENT ON FUNCTION tripwire.caller_id() IS
    'The person the token speaks of; NULL without one. An identity, never a privilege.';
