-- Refuses estimated counts, with every other header Prefer, to everybody but backends: see docs/reference/access.md, "What row-level security cannot hide".
-- Run it as the owner of the database, then tell PostgREST to call it before each request (the last two statements).
BEGIN;

CREATE SCHEMA tripwire_request;
COMMENT ON SCHEMA tripwire_request IS 'Called by PostgREST before each request; not exposed.';

CREATE FUNCTION tripwire_request.refuse_estimated_counts() RETURNS pg_catalog.void
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    -- Of several Prefer headers PostgREST obeys all and shows the last alone: behind any that were let through here,
    -- count=exact too, a count=planned could hide. Whoever only reads and calls functions needs none.
    IF current_setting('role') <> 'service_role'
        AND current_setting('request.headers', true)::pg_catalog.jsonb ? 'prefer'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the header Prefer, by which estimated counts are asked for, is not taken here',
            HINT = 'Send the request without it, and ask the backend for counts.';
    END IF;
END;
$$;

REVOKE ALL ON SCHEMA tripwire_request FROM PUBLIC;
REVOKE ALL ON FUNCTION tripwire_request.refuse_estimated_counts() FROM PUBLIC;
GRANT USAGE ON SCHEMA tripwire_request TO anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION tripwire_request.refuse_estimated_counts() TO anon, authenticated, service_role;

COMMIT;

ALTER ROLE authenticator SET pgrst.db_pre_request = 'tripwire_request.refuse_estimated_counts';
NOTIFY pgrst, 'reload config';
