-- Asks PostgREST to read the schema again after DDL that changes what it shows: not for temporary objects, the
-- unexposed schema, grants, policies or indexes, since a needless reload can cost a moment of 503. Identical NOTIFYs of
-- one transaction are delivered once. What is dropped isn't listed here: that is pgrst_watch_drop's.
CREATE OR REPLACE FUNCTION public.pgrst_watch() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
        WHERE (
                command.command_tag IN (
                    'CREATE SCHEMA', 'ALTER SCHEMA',
                    'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
                    'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
                    'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW',
                    'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE PROCEDURE', 'ALTER PROCEDURE', 'ALTER ROUTINE',
                    'CREATE TYPE', 'ALTER TYPE', 'CREATE DOMAIN', 'ALTER DOMAIN',
                    'CREATE TRIGGER', 'ALTER TRIGGER', 'CREATE RULE', 'ALTER RULE'
                )
                OR (
                    command.command_tag = 'COMMENT'
                    AND command.object_type IN (
                        'schema', 'table', 'table column', 'foreign table', 'foreign table column',
                        'view', 'view column', 'materialized view', 'materialized view column',
                        'function', 'procedure', 'type', 'composite type'
                    )
                )
            )
            -- A trigger, a rule and a schema have no schema_name, but an identity such as "seen on pg_temp.visits".
            AND coalesce(command.schema_name, '') NOT IN ('pg_temp', 'tripwire')
            AND command.object_identity !~ '(^| on )(pg_temp|tripwire)(\.|$)'
    ) THEN
        NOTIFY pgrst, 'reload schema';
    END IF;
END;
$$
