-- Asks PostgREST to read the schema again after something it shows was dropped. Only at sql_drop can the DROP of a
-- temporary object be told from a real one.
CREATE FUNCTION public.pgrst_watch_drop() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_event_trigger_dropped_objects() AS dropped
        WHERE dropped.object_type IN (
                'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'procedure',
                'type', 'composite type', 'domain', 'trigger', 'rule', 'table column', 'view column'
            )
            AND NOT dropped.is_temporary
            AND coalesce(dropped.schema_name, '') NOT IN ('pg_temp', 'tripwire')
            AND dropped.object_identity !~ '(^| on )(pg_temp|tripwire)(\.|$)'
    ) THEN
        NOTIFY pgrst, 'reload schema';
    END IF;
END;
$$
