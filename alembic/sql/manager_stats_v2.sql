-- Definer for speed, not for more rows: the policy on students would compare each of a manager's 10,000 with a list.
CREATE FUNCTION tripwire.manager_stats(
    of_manager pg_catalog.uuid,
    time_zone pg_catalog.text,
    from_date pg_catalog.date,
    to_date pg_catalog.date
)
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
SET timezone = 'UTC'
AS $$
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    RETURN QUERY
    SELECT
        coalesce(sum(totals.total_students), 0)::pg_catalog.int8,
        coalesce(sum(totals.active_students), 0)::pg_catalog.int8,
        coalesce(sum(totals.completed_students), 0)::pg_catalog.int8,
        coalesce(sum(totals.total_revenue), 0),
        coalesce(
            round(
                (sum(totals.modules_of_three) * 100.0 / 3 + sum(totals.other_percents))
                    / nullif(sum(totals.total_students), 0),
                2
            ),
            0
        ),
        coalesce(sum(totals.students_this_month), 0)::pg_catalog.int8,
        coalesce(sum(totals.revenue_this_month), 0)
    FROM tripwire.sales_totals(of_manager, from_date, to_date) AS totals;
END;
$$;

COMMENT ON FUNCTION tripwire.manager_stats(
    pg_catalog.uuid, pg_catalog.text, pg_catalog.date, pg_catalog.date
) IS 'One row of totals of a manager, or of all sellers together; zeros for an unknown one; checks its caller.';
