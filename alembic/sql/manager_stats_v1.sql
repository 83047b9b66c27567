-- Definer for speed, not for more rows: the policy on students would compare each of a manager's 10,000 with a list.
CREATE FUNCTION tripwire.manager_stats(of_manager pg_catalog.uuid, time_zone pg_catalog.text)
RETURNS TABLE (
    total_students pg_catalog.int8,
    active_students pg_catalog.int8,
    completed_students pg_catalog.int8,
    total_revenue pg_catalog.numeric,
    avg_completion_rate pg_catalog.numeric,
    students_this_month pg_catalog.int8,
    revenue_this_month pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
-- Takes the place of the session's zone while this function runs, and gives it back, whatever is set inside.
SET timezone = 'UTC'
AS $$
DECLARE
    first_day pg_catalog.date;
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    -- From here on a cast to date gives the zone's day: see sales_chart.
    PERFORM set_config('TimeZone', time_zone, true);
    first_day := date_trunc('month', current_date::pg_catalog.timestamp);
    RETURN QUERY
    SELECT
        coalesce(totals.total_students, 0),
        coalesce(totals.active_students, 0),
        coalesce(totals.completed_students, 0),
        coalesce(totals.total_revenue, 0),
        coalesce(totals.avg_completion_rate, 0),
        month.students,
        month.revenue
    FROM (
        SELECT count(*) AS students, coalesce(sum(student.price), 0) AS revenue
        FROM public.tripwire_users AS student
        WHERE student.granted_by = of_manager
            -- A bound for the index, a day too early for the zones whose clocks change at midnight; then the exact day.
            AND student.created_at >= (first_day - 1)::pg_catalog.timestamptz
            AND student.created_at::pg_catalog.date >= first_day
    ) AS month
    LEFT JOIN tripwire.sales_totals(of_manager) AS totals ON true;
END;
$$;

COMMENT ON FUNCTION tripwire.manager_stats(pg_catalog.uuid, pg_catalog.text) IS
    'One row of totals, zeros for an unknown manager; this month is the zone''s; checks its caller.';
