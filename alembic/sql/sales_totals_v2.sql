-- What a seller's totals count is written down here, once, for the leaderboard and for a manager's own figures: every
-- student sold, blocked ones too; on the days asked for, or ever; and in the current month, up to today. Days are those
-- of the session's time zone. Executable by the owner alone; the functions that call it check their caller.
--
-- A mean of several sellers is one over their students, so what it is made of is given: three modules are counted whole,
-- since a sum of thirds would not be exact, and profiles with another total by their percents.
CREATE FUNCTION tripwire.sales_totals(
    of_manager pg_catalog.uuid,
    from_date pg_catalog.date,
    to_date pg_catalog.date
)
RETURNS TABLE (
    manager_id pg_catalog.uuid,
    gone_name pg_catalog.text,
    total_students pg_catalog.int8,
    active_students pg_catalog.int8,
    completed_students pg_catalog.int8,
    total_revenue pg_catalog.numeric,
    modules_of_three pg_catalog.int8,
    other_percents pg_catalog.numeric,
    students_this_month pg_catalog.int8,
    revenue_this_month pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY INVOKER ROWS 50
SET search_path = ''
-- One manager is an index scan, all of them a sequential one, and what isn't asked for is left out of the plan.
SET plan_cache_mode = 'force_custom_plan'
AS $$
DECLARE
    ever pg_catalog.bool := from_date IS NULL AND to_date IS NULL;
    today pg_catalog.date := current_date;
    first_day pg_catalog.date := coalesce(from_date, '-infinity');
    last_day pg_catalog.date := coalesce(to_date, CASE WHEN ever THEN 'infinity' ELSE today END);
    month_begins pg_catalog.date := date_trunc('month', today::pg_catalog.timestamp);
BEGIN
    RETURN QUERY
    WITH other_profile AS MATERIALIZED (
        SELECT profile.user_id, profile.total_modules
        FROM public.tripwire_user_profile AS profile
        -- No total, or no profile at all: the course has three.
        WHERE profile.total_modules NOT IN (0, 3)
    )
    SELECT
        sold.granted_by,
        sold.gone,
        count(*) FILTER (WHERE sold.counts),
        count(*) FILTER (WHERE sold.counts AND sold.status = 'active'),
        count(*) FILTER (WHERE sold.counts AND sold.status = 'completed'),
        coalesce(sum(sold.price) FILTER (WHERE sold.counts), 0),
        coalesce(sum(sold.modules_completed) FILTER (WHERE sold.counts AND sold.total_modules IS NULL), 0),
        coalesce(sum(sold.modules_completed * 100.0 / sold.total_modules) FILTER (WHERE sold.counts), 0),
        count(*) FILTER (WHERE sold.this_month),
        coalesce(sum(sold.price) FILTER (WHERE sold.this_month), 0)
    FROM (
        SELECT
            student.granted_by,
            CASE WHEN student.granted_by IS NULL THEN student.manager_name END AS gone,
            student.status,
            student.price,
            student.modules_completed,
            other_profile.total_modules,
            -- The time decides, and the zone's day only where it is near: midnight may come twice or never.
            ever
            OR student.created_at >= (first_day - 1)::pg_catalog.timestamptz
            AND student.created_at < (last_day + 2)::pg_catalog.timestamptz
            AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day AS counts,
            student.created_at >= (month_begins - 1)::pg_catalog.timestamptz
            AND student.created_at < (today + 2)::pg_catalog.timestamptz
            AND student.created_at::pg_catalog.date BETWEEN month_begins AND today AS this_month
        FROM public.tripwire_users AS student
        LEFT JOIN other_profile ON other_profile.user_id = student.user_id
        WHERE student.granted_by = of_manager OR of_manager IS NULL
        OFFSET 0  -- computed once a row, not once for each sum that asks
    ) AS sold
    GROUP BY sold.granted_by, sold.gone;
END;
$$;

COMMENT ON FUNCTION tripwire.sales_totals(pg_catalog.uuid, pg_catalog.date, pg_catalog.date) IS
    'The totals of each seller, or of one; sales whose seller is gone by the name that their rows keep.';
