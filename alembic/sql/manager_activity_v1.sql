-- Definer for speed, not for more rows: under the policy on the log an admin's page is a sort of all that it holds.
CREATE FUNCTION tripwire.manager_activity(
    of_manager pg_catalog.uuid,
    limit_count pg_catalog.int4,
    before pg_catalog.timestamptz,
    before_id pg_catalog.uuid
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
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    RETURN QUERY
    WITH page AS (
        SELECT entry.*
        FROM public.sales_activity_log AS entry
        WHERE entry.manager_id = of_manager
            -- The row after which the page begins. Without one all rows are before it; with its time alone, none of
            -- that same time, since no id comes before the lowest.
            AND (entry.created_at, entry.id) < (
                coalesce(before, 'infinity'),
                CASE
                    WHEN before IS NULL THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'::pg_catalog.uuid
                    ELSE coalesce(before_id, '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid)
                END
            )
        ORDER BY entry.created_at DESC, entry.id DESC
        LIMIT limit_count
    )
    SELECT
        page.id,
        page.action_type,
        page.target_user_id,
        -- As they were on that day. An entry that does not say is named from the tables while the person is there;
        -- coalesce looks no further than it has to, so the usual page costs no look-up.
        coalesce(
            page.details ->> 'email',
            (SELECT student.email FROM public.tripwire_users AS student WHERE student.user_id = page.target_user_id),
            (SELECT person.email FROM public.users AS person WHERE person.id = page.target_user_id)
        ),
        coalesce(
            page.details ->> 'full_name',
            (SELECT student.full_name FROM public.tripwire_users AS student WHERE student.user_id = page.target_user_id),
            (SELECT person.full_name FROM public.users AS person WHERE person.id = page.target_user_id)
        ),
        page.details,
        page.created_at
    FROM page
    ORDER BY page.created_at DESC, page.id DESC;
END;
$$;

COMMENT ON FUNCTION tripwire.manager_activity(
    pg_catalog.uuid, pg_catalog.int4, pg_catalog.timestamptz, pg_catalog.uuid
) IS 'One page of a manager''s log, newest first, ids breaking ties; checks its caller.';
