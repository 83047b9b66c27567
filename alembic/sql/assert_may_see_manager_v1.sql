CREATE FUNCTION tripwire.assert_may_see_manager(manager_id pg_catalog.uuid) RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
    IF tripwire.is_backend() OR tripwire.caller_role() = 'admin' OR manager_id = tripwire.caller_manager_id() THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'the figures of this manager are not yours to see',
        HINT = 'A sales_manager asks about oneself; an admin or a backend about anyone.';
END;
$$;

COMMENT ON FUNCTION tripwire.assert_may_see_manager(pg_catalog.uuid) IS
    'Raises 42501 unless the caller is a backend, an admin, or this very sales_manager.';
