CREATE FUNCTION public.rpc_get_manager_activity(
    manager_id_param pg_catalog.uuid,
    limit_count pg_catalog.int4 DEFAULT 50,
    before pg_catalog.timestamptz DEFAULT NULL,
    before_id pg_catalog.uuid DEFAULT NULL
)
RETURNS TABLE (
    id pg_catalog.uuid,
    action_type pg_catalog.text,
    target_user_id pg_catalog.uuid,
    target_user_email pg_catalog.text,
    target_user_name pg_catalog.text,
    details pg_catalog.jsonb,
    created_at pg_catalog.timestamptz
)
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    PERFORM tripwire.assert_given('manager_id_param', manager_id_param);
    PERFORM tripwire.assert_in_range('limit_count', limit_count, 1, 1000);
    IF before_id IS NOT NULL THEN
        -- An id alone says nothing of where it stands: the first page again would look like the next one.
        PERFORM tripwire.assert_given('before (which before_id belongs to)', before);
    END IF;
    RETURN QUERY
    SELECT found.* FROM tripwire.manager_activity(manager_id_param, limit_count, before, before_id) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_manager_activity(
    pg_catalog.uuid, pg_catalog.int4, pg_catalog.timestamptz, pg_catalog.uuid
) IS
    'A manager''s log, newest first, ids breaking ties, limit_count (1-1000) rows. The next page: before and before_id '
    'are created_at and id of the last row; before alone means strictly older. '
    'For the manager in person, admin and the backend.';
