-- One array, read once per statement: policies compare `= ANY ((SELECT …)::uuid[])`, which takes an index.
CREATE FUNCTION tripwire.readable_student_ids() RETURNS pg_catalog.uuid[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT CASE
        WHEN caller.role IS NULL THEN ARRAY[]::pg_catalog.uuid[]
        WHEN caller.role = 'sales_manager' THEN ARRAY[caller.id] || ARRAY(
            SELECT student.user_id FROM public.tripwire_users AS student WHERE student.granted_by = caller.id
        )
        ELSE ARRAY[caller.id]
    END
    FROM (SELECT tripwire.caller_id() AS id, tripwire.caller_role() AS role) AS caller;
$$;

COMMENT ON FUNCTION tripwire.readable_student_ids() IS
    'Whose rows the caller may read one by one: their own, and a sales_manager''s also of the students they sold.';
