-- The API's roles, as Supabase has them. Roles belong to the whole cluster, so they may be there already, or be made by
-- another bootstrap, in another database, at this very moment; what is right is left as it is.
DO $roles$
DECLARE
    wanted record;
    found record;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'supabase_admin') THEN
        RETURN;  -- a cluster of Supabase's: its roles are its own
    END IF;

    FOR wanted IN
        SELECT *
        FROM (
            VALUES
                ('anon', 'NOLOGIN NOINHERIT', false, false, false),
                ('authenticated', 'NOLOGIN NOINHERIT', false, false, false),
                ('service_role', 'NOLOGIN NOINHERIT BYPASSRLS', false, true, false),
                ('authenticator', 'LOGIN NOINHERIT', true, false, true)
        ) AS roles (name, attributes, logs_in, bypasses, never_inherits)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.attributes);
                RAISE NOTICE 'role %', wanted.name;
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;  -- another bootstrap was faster: the insert waited for its commit, so the role is there
            END;
        END IF;

        SELECT rolcanlogin, rolbypassrls, rolinherit INTO STRICT found
        FROM pg_catalog.pg_roles
        WHERE rolname = wanted.name;
        IF (wanted.logs_in AND NOT found.rolcanlogin)
            OR (wanted.bypasses AND NOT found.rolbypassrls)
            OR (wanted.never_inherits AND found.rolinherit)
        THEN
            EXECUTE format('ALTER ROLE %I %s', wanted.name, wanted.attributes);
            RAISE NOTICE 'attributes of role %', wanted.name;
        END IF;
    END LOOP;

    FOR wanted IN SELECT unnest(ARRAY['anon', 'authenticated', 'service_role']) AS name LOOP
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_auth_members
            WHERE roleid = wanted.name::regrole AND member = 'authenticator'::regrole
        ) THEN
            EXECUTE format('GRANT %I TO authenticator', wanted.name);
            RAISE NOTICE 'membership of authenticator in %', wanted.name;
        END IF;
    END LOOP;
    -- What a request may take, as on Supabase: one that takes longer is ended, whoever asks.
    FOR wanted IN
        SELECT *
        FROM (
            VALUES
                ('anon', 'statement_timeout', '3s'),
                ('authenticated', 'statement_timeout', '8s'),
                ('authenticator', 'statement_timeout', '8s'),
                ('authenticator', 'lock_timeout', '8s')
        ) AS limits (name, setting, value)
    LOOP
        -- One that somebody has chosen stays.
        IF NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_db_role_setting, unnest(setconfig) AS chosen
            WHERE setdatabase = 0 AND setrole = wanted.name::regrole AND starts_with(chosen, wanted.setting || '=')
        ) THEN
            EXECUTE format('ALTER ROLE %I SET %I = %L', wanted.name, wanted.setting, wanted.value);
            RAISE NOTICE '% of role %', wanted.setting, wanted.name;
        END IF;
    END LOOP;
END
$roles$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
