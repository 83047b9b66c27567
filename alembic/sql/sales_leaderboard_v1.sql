-- Definer: a sales_manager reads the rows of their own students only, and the leaderboard is of all.
CREATE FUNCTION tripwire.sales_leaderboard(limit_count pg_catalog.int4)
RETURNS TABLE (
    manager_id pg_catalog.uuid,
    manager_name pg_catalog.text,
    email pg_catalog.text,
    total_students pg_catalog.int8,
    active_students pg_catalog.int8,
    completed_students pg_catalog.int8,
    total_revenue pg_catalog.numeric,
    avg_completion_rate pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
    PERFORM tripwire.assert_may_see_leaderboard();
    RETURN QUERY
    WITH ranked AS (
        SELECT
            coalesce(totals.manager_id, seller.id) AS seller_id,
            coalesce(totals.total_students, 0) AS students,
            coalesce(totals.active_students, 0) AS active,
            coalesce(totals.completed_students, 0) AS completed,
            coalesce(totals.total_revenue, 0) AS revenue,
            coalesce(totals.avg_completion_rate, 0) AS completion_rate
        FROM tripwire.sales_totals() AS totals
        FULL JOIN (SELECT person.id FROM public.users AS person WHERE person.role = 'sales_manager') AS seller
            ON seller.id = totals.manager_id
        ORDER BY students DESC, revenue DESC, seller_id
        LIMIT limit_count
    )
    SELECT
        ranked.seller_id,
        coalesce(
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
        ranked.completion_rate
    FROM ranked
    LEFT JOIN public.users AS person ON person.id = ranked.seller_id
    ORDER BY ranked.students DESC, ranked.revenue DESC, ranked.seller_id;
END;
$$;

COMMENT ON FUNCTION tripwire.sales_leaderboard(pg_catalog.int4) IS
    'Every sales_manager and whoever sold a student, by students, then revenue, then id; checks its caller.';
