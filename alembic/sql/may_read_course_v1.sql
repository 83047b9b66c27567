CREATE FUNCTION tripwire.may_read_course() RETURNS pg_catalog.bool
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT tripwire.caller_role() IS NOT NULL;
$$;

COMMENT ON FUNCTION tripwire.may_read_course() IS
    'Whether the caller may read modules and lessons: every known person who is not blocked.';
