-- Definer for speed, not for more rows: under the policy on the log an admin's page is a sort of all that it holds.
CREATE FUNCTION tripwire.manager_activity(
    of_manager pg_catalog.uuid,
    limit_count pg_catalog.int4,
    before pg_catalog.timestamptz,
    before_id pg_catalog.uuid,
    action_types pg_catalog.text[],
    from_date pg_catalog.date,
    to_date pg_catalog.date,
    time_zone pg_catalog.text
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
SET timezone = 'UTC'
-- What isn't asked for is left out of the plan.
SET plan_cache_mode = 'force_custom_plan'
AS $$
DECLARE
    ever pg_catalog.bool := from_date IS NULL AND to_date IS NULL;
    first_day pg_catalog.date := coalesce(from_date, '-infinity');
    last_day pg_catalog.date := to_date;
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    PERFORM tripwire.assert_given('manager_id_param', of_manager);
    PERFORM tripwire.assert_in_range('limit_count', limit_count, 1, 1000);
    IF before_id IS NOT NULL THEN
        -- An id alone says nothing of where it stands: the first page again would look like the next one.
        PERFORM tripwire.assert_given('before (which before_id belongs to)', before);
    END IF;
    -- Its size is known before it is read; all kinds that there are take a tenth of it.
    IF pg_column_size(action_types) > 4096 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'action_types must be at most a few dozen kinds of action';
    END IF;
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    last_day := coalesce(last_day, CASE WHEN ever THEN 'infinity' ELSE current_date END);
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
            AND (action_types IS NULL OR entry.action_type = ANY (action_types))
            AND (
                ever
                OR entry.created_at >= (first_day - 1)::pg_catalog.timestamptz
                AND entry.created_at < (last_day + 2)::pg_catalog.timestamptz
                AND entry.created_at::pg_catalog.date BETWEEN first_day AND last_day
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
    pg_catalog.uuid, pg_catalog.int4, pg_catalog.timestamptz, pg_catalog.uuid,
    pg_catalog.text[], pg_catalog.date, pg_catalog.date, pg_catalog.text
) IS 'One page of a manager''s log, newest first, ids breaking ties; checks its caller.';
