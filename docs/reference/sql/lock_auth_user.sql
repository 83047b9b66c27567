-- lock_auth_user($1 at, $2 user_id)
-- tripwire_db/flows/shared/auth_user.py

/* tripwire:lock_auth_user */
WITH settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
  SELECT pg_advisory_xact_lock(hashtextextended(CAST(CAST($2 AS uuid) AS text), 0)) AS taken
       , set_config('idle_in_transaction_session_timeout', '60s', TRUE) AS idle_timeout
  FROM settings;
