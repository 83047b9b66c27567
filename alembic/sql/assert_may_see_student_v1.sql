CREATE FUNCTION tripwire.assert_may_see_student(student_id pg_catalog.uuid) RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
    IF tripwire.is_backend()
        OR tripwire.caller_role() = 'admin'
        OR student_id = tripwire.caller_id() AND tripwire.caller_role() IS NOT NULL
        OR EXISTS (
            SELECT FROM public.tripwire_users AS student
            WHERE student.user_id = student_id AND student.granted_by = tripwire.caller_manager_id()
        )
    THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'what this student has watched is not yours to see',
        HINT = 'A student asks about oneself; a sales_manager also about the students they sold; '
            'an admin or a backend about anyone.';
END;
$$;

COMMENT ON FUNCTION tripwire.assert_may_see_student(pg_catalog.uuid) IS
    'Raises 42501 unless the caller is a backend, an admin, this very student, or who sold them.';
