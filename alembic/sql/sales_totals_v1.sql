-- What a seller's totals count is written down here, once, for the leaderboard and for a manager's own figures:
-- every student sold, blocked ones too. Executable by the owner alone; the functions that call it check their caller.
--
-- Nearly every profile has three modules, so those students are a plain sum, and only the others are looked up:
-- joining all 10,000 profiles took 12 ms where this takes 5.
CREATE FUNCTION tripwire.sales_totals(of_manager pg_catalog.uuid DEFAULT NULL)
RETURNS TABLE (
    manager_id pg_catalog.uuid,
    total_students pg_catalog.int8,
    active_students pg_catalog.int8,
    completed_students pg_catalog.int8,
    total_revenue pg_catalog.numeric,
    avg_completion_rate pg_catalog.numeric
)
LANGUAGE plpgsql STABLE SECURITY INVOKER ROWS 50
SET search_path = ''
-- One manager is an index scan, all of them a sequential one: a plan for both at once would be wrong for one of them.
SET plan_cache_mode = 'force_custom_plan'
AS $$
BEGIN
    RETURN QUERY
    WITH sold AS (
        SELECT
            student.granted_by AS seller_id,
            count(*) AS students,
            count(*) FILTER (WHERE student.status = 'active') AS active,
            count(*) FILTER (WHERE student.status = 'completed') AS completed,
            sum(student.price) AS revenue,
            sum(student.modules_completed) AS modules
        FROM public.tripwire_users AS student
        WHERE student.granted_by IS NOT NULL AND (student.granted_by = of_manager OR of_manager IS NULL)
        GROUP BY student.granted_by
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
            sum(student.modules_completed) AS modules,
            sum(student.modules_completed * 100.0 / other_profile.total_modules) AS percent
        FROM other_profile
        JOIN public.tripwire_users AS student ON student.user_id = other_profile.user_id
        WHERE student.granted_by = of_manager OR of_manager IS NULL
        GROUP BY student.granted_by
    )
    SELECT
        sold.seller_id,
        sold.students,
        sold.active,
        sold.completed,
        sold.revenue,
        round(
            ((sold.modules - coalesce(other_total.modules, 0)) * 100.0 / 3 + coalesce(other_total.percent, 0))
                / sold.students,
            2
        )
    FROM sold
    LEFT JOIN other_total ON other_total.seller_id = sold.seller_id;
END;
$$;

COMMENT ON FUNCTION tripwire.sales_totals(pg_catalog.uuid) IS
    'The totals of each seller with at least one student, or of one; avg_completion_rate in percent, to two decimals.';
