-- What a seller's totals count is written down here, once, for the leaderboard and for a manager's own figures: every
-- student sold, blocked ones too; on the days asked for, or ever; and in the current month, up to today. Days are those
-- of the session's time zone. Executable by the owner alone; the functions that call it check their caller.
--
-- A mean of several sellers is one over their students, so what it is made of is given: three modules are counted whole,
-- since a sum of thirds would not be exact, and profiles with another total by their percents. Those are few, and the
-- month is short, so both are looked up by themselves, and the great sum is one pass over the students alone.
CREATE OR REPLACE FUNCTION tripwire.sales_totals(
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
-- One manager is an index scan, all of them a sequential one, and what isn't asked for is left out of the plan: with it
-- the name of the seller who is gone, which only totals of all sellers tell, so that one manager's need the index alone.
SET plan_cache_mode = 'force_custom_plan'
AS $$
DECLARE
    ever pg_catalog.bool := from_date IS NULL AND to_date IS NULL;
    today pg_catalog.date := current_date;
    first_day pg_catalog.date := coalesce(from_date, '-infinity');
    last_day pg_catalog.date := coalesce(to_date, CASE WHEN ever THEN 'infinity' ELSE today END);
    month_begins pg_catalog.date := date_trunc('month', today::pg_catalog.timestamp);
    -- The time decides, and the zone's day only where it is near: midnight may come twice or never.
    earliest pg_catalog.timestamptz := first_day - 1;
    latest pg_catalog.timestamptz := last_day + 2;
    month_earliest pg_catalog.timestamptz := month_begins - 1;
    month_latest pg_catalog.timestamptz := today + 2;
BEGIN
    RETURN QUERY
    WITH sold AS (
        SELECT
            student.granted_by AS seller_id,
            CASE WHEN of_manager IS NULL AND student.granted_by IS NULL THEN student.manager_name END AS gone,
            count(*) FILTER (
                WHERE ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            ) AS students,
            count(*) FILTER (
                WHERE student.status = 'active'
                AND (
                    ever OR student.created_at >= earliest AND student.created_at < latest
                    AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
                )
            ) AS active,
            count(*) FILTER (
                WHERE student.status = 'completed'
                AND (
                    ever OR student.created_at >= earliest AND student.created_at < latest
                    AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
                )
            ) AS completed,
            sum(student.price) FILTER (
                WHERE ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            ) AS revenue,
            sum(student.modules_completed) FILTER (
                WHERE ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            ) AS modules
        FROM public.tripwire_users AS student
        WHERE student.granted_by = of_manager OR of_manager IS NULL
        GROUP BY 1, 2
    ),
    -- Found first, and by themselves: right after a bulk load, before the tables are analyzed, the planner would rather
    -- look up the profile of each of a manager's 10,000 students.
    other_profile AS MATERIALIZED (
        SELECT profile.user_id, profile.total_modules
        FROM public.tripwire_user_profile AS profile
        -- No total, or no profile at all: the course has three.
        WHERE profile.total_modules NOT IN (0, 3)
    ),
    other_total AS (
        SELECT
            student.granted_by AS seller_id,
            CASE WHEN of_manager IS NULL AND student.granted_by IS NULL THEN student.manager_name END AS gone,
            sum(student.modules_completed) AS modules,
            sum(student.modules_completed * 100.0 / other_profile.total_modules) AS percents
        FROM other_profile
        JOIN public.tripwire_users AS student ON student.user_id = other_profile.user_id
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            AND (
                ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            )
        GROUP BY 1, 2
    ),
    month AS (
        SELECT
            student.granted_by AS seller_id,
            CASE WHEN of_manager IS NULL AND student.granted_by IS NULL THEN student.manager_name END AS gone,
            count(*) AS students,
            sum(student.price) AS revenue
        FROM public.tripwire_users AS student
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            AND student.created_at >= month_earliest
            AND student.created_at < month_latest
            AND student.created_at::pg_catalog.date BETWEEN month_begins AND today
        GROUP BY 1, 2
    )
    SELECT
        sold.seller_id,
        sold.gone,
        sold.students,
        sold.active,
        sold.completed,
        coalesce(sold.revenue, 0),
        coalesce(sold.modules, 0) - coalesce(other_total.modules, 0),
        coalesce(other_total.percents, 0),
        coalesce(month.students, 0),
        coalesce(month.revenue, 0)
    FROM sold
    LEFT JOIN other_total
        ON other_total.seller_id IS NOT DISTINCT FROM sold.seller_id AND other_total.gone IS NOT DISTINCT FROM sold.gone
    LEFT JOIN month ON month.seller_id IS NOT DISTINCT FROM sold.seller_id AND month.gone IS NOT DISTINCT FROM sold.gone;
END;
$$;
