-- Definer, so that a backend needs no right on the version table; a line of revisions is one row, branches would be several.
CREATE FUNCTION tripwire.schema_revision() RETURNS pg_catalog.text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = ''
AS $$
    SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM tripwire.alembic_version;
$$;

COMMENT ON FUNCTION tripwire.schema_revision() IS
    'The revision that the schema is at, as a backend asks before it says that it is ready.';
