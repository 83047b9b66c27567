-- v2: what a manager did last, with the target's e-mail and name while the target exists.
CREATE FUNCTION public.rpc_get_manager_activity(manager_id_param uuid, limit_count integer DEFAULT 50)
    RETURNS TABLE (
        id uuid,
        action_type text,
        target_user_id uuid,
        target_user_email text,
        target_user_name text,
        details jsonb,
        created_at timestamptz
    )
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = public
    AS $$
BEGIN
    RETURN QUERY
    SELECT l.id, l.action_type, l.target_user_id, t.email, t.full_name, l.details, l.created_at
    FROM sales_activity_log l
    LEFT JOIN tripwire_users t ON t.user_id = l.target_user_id
    WHERE l.manager_id = manager_id_param
    ORDER BY l.created_at DESC
    LIMIT limit_count;
END;
$$
