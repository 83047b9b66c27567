-- Definer, because the policy on public.users needs it: reading users under that policy would recurse without end.
CREATE FUNCTION tripwire.caller_role() RETURNS pg_catalog.text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT person.role
    FROM public.users AS person
    WHERE person.id = (SELECT tripwire.caller_id())
        AND NOT EXISTS (
            SELECT FROM public.tripwire_users AS student
            WHERE student.user_id = person.id AND student.status = 'blocked'
        );
$$;

COMMENT ON FUNCTION tripwire.caller_role() IS
    'The role in public.users under which the caller may act; NULL for an unknown caller and for a blocked one.';
