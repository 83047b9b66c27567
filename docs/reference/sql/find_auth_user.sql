-- find_auth_user($1 user_id)
-- tripwire_db/auth/postgres.py

/* tripwire:find_auth_user */
WITH server AS MATERIALIZED (
       SELECT     (SELECT obj_description(CAST(to_regnamespace('auth') AS oid), 'pg_namespace') IS NOT DISTINCT FROM 'Stand-in for Supabase Auth, made by tripwire-db bootstrap')
              AND to_regclass('auth.identities') IS NULL
              AND to_regclass('auth.schema_migrations') IS NULL AS is_stand_in
     )
  SELECT server.is_stand_in, auth.users.id, auth.users.email, auth.users.raw_app_meta_data
  FROM server LEFT JOIN auth.users ON server.is_stand_in AND auth.users.id = CAST($1 AS uuid);
