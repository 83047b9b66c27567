CREATE FUNCTION tripwire.assert_may_see_leaderboard() RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
    IF tripwire.is_backend() OR tripwire.caller_role() IN ('sales_manager', 'admin') THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'the leaderboard is not yours to see',
        HINT = 'A sales_manager, an admin or a backend may ask for it.';
END;
$$;

COMMENT ON FUNCTION tripwire.assert_may_see_leaderboard() IS
    'Raises 42501 unless the caller is a backend, an admin or a sales_manager.';
