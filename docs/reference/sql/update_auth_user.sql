-- update_auth_user($1 at, $2 email, $3 app_metadata, $4 user_metadata, $5 user_id)
-- tripwire_db/auth/postgres.py

/* tripwire:update_auth_user */
WITH server AS MATERIALIZED (
       SELECT     (SELECT obj_description(CAST(to_regnamespace('auth') AS oid), 'pg_namespace') IS NOT DISTINCT FROM 'Stand-in for Supabase Auth, made by tripwire-db bootstrap')
              AND to_regclass('auth.identities') IS NULL
              AND to_regclass('auth.schema_migrations') IS NULL AS is_stand_in
     )
   , settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , update_auth_user AS (
       UPDATE auth.users
       SET email = COALESCE(CAST($2 AS varchar), auth.users.email)
         , raw_app_meta_data = COALESCE(auth.users.raw_app_meta_data, CAST('{}' AS jsonb)) || CAST($3 AS jsonb)
         , raw_user_meta_data = COALESCE(auth.users.raw_user_meta_data, CAST('{}' AS jsonb)) || CAST($4 AS jsonb)
       FROM server, settings
       WHERE auth.users.id = CAST($5 AS uuid)
         AND server.is_stand_in
         AND settings.lock_timeout IS NOT NULL
         AND NOT EXISTS (SELECT other.id
                         FROM auth.users AS other
                         WHERE lower(other.email) = CAST($2 AS varchar)
                           AND other.id <> CAST($5 AS uuid))
       RETURNING auth.users.id
     )
  SELECT server.is_stand_in
       , CASE
           WHEN EXISTS (SELECT update_auth_user.id
                        FROM update_auth_user)
             THEN 'changed'
           WHEN EXISTS (SELECT other.id
                        FROM auth.users AS other
                        WHERE lower(other.email) = CAST($2 AS varchar)
                          AND other.id <> CAST($5 AS uuid))
             THEN 'taken'
           ELSE 'missing'
         END AS outcome
       , (SELECT count(*)
          FROM update_auth_user) AS rows_update_auth_user
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM server;
