-- Definer for speed, not for more rows: the caller is checked once, and not again by the policy on the row.
CREATE FUNCTION tripwire.video_qualification(of_student pg_catalog.uuid, of_lesson pg_catalog.int4)
RETURNS pg_catalog.bool
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
    PERFORM tripwire.assert_may_see_student(of_student);
    PERFORM tripwire.assert_given('user_id_param', of_student);
    PERFORM tripwire.assert_given('lesson_id_param', of_lesson);
    RETURN EXISTS (
        SELECT
        FROM public.video_tracking AS tracking
        WHERE tracking.user_id = of_student
            AND tracking.lesson_id = of_lesson
            AND tracking.is_qualified_for_completion
    );
END;
$$;

COMMENT ON FUNCTION tripwire.video_qualification(pg_catalog.uuid, pg_catalog.int4) IS
    'The flag that completing a lesson reads; false for an unknown student or lesson; checks its caller.';
