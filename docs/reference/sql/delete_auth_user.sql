-- delete_auth_user($1 at, $2 user_id)
-- tripwire_db/auth/postgres.py

/* tripwire:delete_auth_user */
WITH server AS MATERIALIZED (
       SELECT     (SELECT obj_description(CAST(to_regnamespace('auth') AS oid), 'pg_namespace') IS NOT DISTINCT FROM 'Stand-in for Supabase Auth, made by tripwire-db bootstrap')
              AND to_regclass('auth.identities') IS NULL
              AND to_regclass('auth.schema_migrations') IS NULL AS is_stand_in
     )
   , settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , delete_auth_user AS (
       DELETE FROM auth.users
       USING server, settings
       WHERE auth.users.id = CAST($2 AS uuid)
         AND server.is_stand_in
         AND settings.lock_timeout IS NOT NULL
       RETURNING auth.users.id
     )
  SELECT server.is_stand_in
       , EXISTS (SELECT delete_auth_user.id
                 FROM delete_auth_user) AS was_deleted
       , (SELECT count(*)
          FROM delete_auth_user) AS rows_delete_auth_user
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM server;
