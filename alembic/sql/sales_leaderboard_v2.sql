-- Definer: a sales_manager reads the rows of their own students only, and the leaderboard is of all.
CREATE FUNCTION tripwire.sales_leaderboard(
    limit_count pg_catalog.int4,
    from_date pg_catalog.date,
    to_date pg_catalog.date,
    time_zone pg_catalog.text
)
RETURNS TABLE (
    manager_id pg_catalog.uuid,
    manager_name pg_catalog.text,
    email pg_catalog.text,
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
    PERFORM tripwire.assert_may_see_leaderboard();
    PERFORM tripwire.assert_in_range('limit_count', limit_count, 1, 1000);
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    RETURN QUERY
    WITH ranked AS (
        SELECT
            coalesce(totals.manager_id, seller.id) AS seller_id,
            totals.gone_name AS gone,
            coalesce(totals.total_students, 0) AS students,
            coalesce(totals.active_students, 0) AS active,
            coalesce(totals.completed_students, 0) AS completed,
            coalesce(totals.total_revenue, 0) AS revenue,
            coalesce(
                round(
                    (totals.modules_of_three * 100.0 / 3 + totals.other_percents) / nullif(totals.total_students, 0), 2
                ),
                0
            ) AS completion_rate,
            coalesce(totals.students_this_month, 0) AS month_students,
            coalesce(totals.revenue_this_month, 0) AS month_revenue
        FROM tripwire.sales_totals(NULL, from_date, to_date) AS totals
        FULL JOIN (SELECT person.id FROM public.users AS person WHERE person.role = 'sales_manager') AS seller
            ON seller.id = totals.manager_id
        -- Whose seller is gone come last among equals, in an order that no locale changes.
        ORDER BY students DESC, revenue DESC, seller_id, totals.gone_name COLLATE pg_catalog."C"
        LIMIT limit_count
    )
    SELECT
        ranked.seller_id,
        coalesce(
            ranked.gone,
            person.full_name,
            -- A seller without a name of their own is called as their newest student's row calls them.
            (
                SELECT student.manager_name
                FROM public.tripwire_users AS student
                WHERE student.granted_by = ranked.seller_id AND student.manager_name IS NOT NULL
                ORDER BY student.created_at DESC, student.id DESC
                LIMIT 1
            )
        ),
        person.email,
        ranked.students,
        ranked.active,
        ranked.completed,
        ranked.revenue,
        ranked.completion_rate,
        ranked.month_students,
        ranked.month_revenue
    FROM ranked
    LEFT JOIN public.users AS person ON person.id = ranked.seller_id
    ORDER BY ranked.students DESC, ranked.revenue DESC, ranked.seller_id, ranked.gone COLLATE pg_catalog."C";
END;
$$;

COMMENT ON FUNCTION tripwire.sales_leaderboard(
    pg_catalog.int4, pg_catalog.date, pg_catalog.date, pg_catalog.text
) IS
    'Every sales_manager, whoever sold a student, and sellers who are gone, by students, then revenue, then id; '
    'checks its caller.';
