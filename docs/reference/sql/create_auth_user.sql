-- create_auth_user($1 at, $2 user_id, $3 email, $4 app_metadata, $5 user_metadata)
-- tripwire_db/auth/postgres.py

/* tripwire:create_auth_user */
WITH server AS MATERIALIZED (
       SELECT     (SELECT obj_description(CAST(to_regnamespace('auth') AS oid), 'pg_namespace') IS NOT DISTINCT FROM 'Stand-in for Supabase Auth, made by tripwire-db bootstrap')
              AND to_regclass('auth.identities') IS NULL
              AND to_regclass('auth.schema_migrations') IS NULL AS is_stand_in
     )
   , settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , insert_auth_user AS (
       INSERT INTO auth.users (id
                             , email
                             , email_confirmed_at
                             , created_at
                             , raw_app_meta_data
                             , raw_user_meta_data)
       SELECT CAST($2 AS uuid)
            , CAST($3 AS varchar)
            , settings.at
            , settings.at
            , CAST($4 AS jsonb)
            , CAST($5 AS jsonb)
       FROM settings INNER JOIN server ON server.is_stand_in
       WHERE NOT EXISTS (SELECT other.id
                         FROM auth.users AS other
                         WHERE lower(other.email) = CAST($3 AS varchar)
                           AND other.id <> CAST($2 AS uuid))
       ON CONFLICT DO NOTHING
       RETURNING auth.users.id
     )
  SELECT server.is_stand_in
       ,    EXISTS (SELECT insert_auth_user.id
                    FROM insert_auth_user)
         OR EXISTS (SELECT auth.users.id
                    FROM auth.users
                    WHERE auth.users.id = CAST($2 AS uuid)) AS is_there
       , (SELECT count(*)
          FROM insert_auth_user) AS rows_insert_auth_user
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM server;
