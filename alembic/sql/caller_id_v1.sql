-- auth.uid() has no search_path of its own, so it gets this one. pg_temp stands last by name: left out, it would be
-- searched first for types, and a caller's own type called uuid would be cast to with the owner's rights.
CREATE FUNCTION tripwire.caller_id() RETURNS pg_catalog.uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT auth.uid();
$$;

COMMENT ON FUNCTION tripwire.caller_id() IS
    'The person the token speaks of; NULL without one. An identity, never a privilege.';
