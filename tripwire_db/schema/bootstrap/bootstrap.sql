-- The stand-in for Supabase's schema auth: of its 35 columns those that are used here, and the four functions that
-- policies ask, with Supabase's own definitions. Run once per database, in one transaction, after bootstrap_roles.sql
-- and before bootstrap_users.sql, which completes auth.users.
CREATE SCHEMA auth;

-- The mark by which the stand-in is told from the real one.
COMMENT ON SCHEMA auth IS 'Stand-in for Supabase Auth, made by tripwire-db bootstrap';

CREATE TABLE auth.users (
    id uuid NOT NULL,
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb DEFAULT '{}',
    raw_user_meta_data jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    is_sso_user boolean NOT NULL DEFAULT false,
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX users_email_partial_key ON auth.users (email) WHERE (is_sso_user = false);

-- PostgREST before version 9 sets one parameter for each claim, later ones set one with all of them.
CREATE FUNCTION auth.uid() RETURNS uuid
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
$$;

CREATE FUNCTION auth.role() RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
    )::text
$$;

CREATE FUNCTION auth.email() RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
    )::text
$$;

CREATE FUNCTION auth.jwt() RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

-- As Supabase lets its role postgres: who owns the database may refer to auth users and manage them, whoever ran this.
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, pg_database_owner;
GRANT ALL ON TABLE auth.users TO pg_database_owner;
