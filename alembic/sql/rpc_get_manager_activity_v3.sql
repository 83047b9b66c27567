CREATE FUNCTION public.rpc_get_manager_activity(
    manager_id_param pg_catalog.uuid,
    limit_count pg_catalog.int4 DEFAULT 50,
    before pg_catalog.timestamptz DEFAULT NULL,
    before_id pg_catalog.uuid DEFAULT NULL,
    action_types pg_catalog.text[] DEFAULT NULL,
    from_date pg_catalog.date DEFAULT NULL,
    to_date pg_catalog.date DEFAULT NULL,
    time_zone pg_catalog.text DEFAULT 'Asia/Almaty'
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
    RETURN QUERY
    SELECT found.*
    FROM tripwire.manager_activity(
        manager_id_param, coalesce(limit_count, 50), before, before_id, action_types, from_date, to_date,
        coalesce(time_zone, 'Asia/Almaty')
    ) AS found;
END;
$$;

COMMENT ON FUNCTION public.rpc_get_manager_activity(
    pg_catalog.uuid, pg_catalog.int4, pg_catalog.timestamptz, pg_catalog.uuid,
    pg_catalog.text[], pg_catalog.date, pg_catalog.date, pg_catalog.text
) IS
    'A manager''s log, newest first, ids breaking ties, limit_count (1-1000) rows, of these kinds and on these dates, '
    'inclusive, where they are given. The next page: before and before_id are created_at and id of the last row; before '
    'alone means strictly older. For the manager in person, admin and the backend.';
