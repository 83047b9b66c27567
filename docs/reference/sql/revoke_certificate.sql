-- revoke_certificate($1 at, $2 user_id, $3 manager_id, $4 reason)
-- tripwire_db/flows/revoke_certificate.py

/* tripwire:revoke_certificate */
WITH settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , student AS MATERIALIZED (
       SELECT public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by
            , public.tripwire_users.status
            , public.tripwire_users.modules_completed
            , public.tripwire_users.welcome_email_sent
            , public.tripwire_users.welcome_email_sent_at
            , settings.at
       FROM settings
            INNER JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($2 AS uuid)
       FOR UPDATE OF tripwire_users
     )
   , manager AS MATERIALIZED (
       SELECT public.users.id, public.users.full_name
       FROM public.users
       WHERE public.users.id = CAST($3 AS uuid) AND public.users.role <> 'student'
     )
   , actor AS MATERIALIZED (
       SELECT COALESCE(manager.id, student.granted_by) AS id, TRUE AS known
       FROM student LEFT JOIN manager ON TRUE
       WHERE CAST($3 AS uuid) IS NULL OR manager.id IS NOT NULL
     )
   , gate AS MATERIALIZED (
       SELECT student.user_id
            , student.email
            , student.full_name
            , student.granted_by
            , student.status
            , student.modules_completed
            , student.welcome_email_sent
            , student.welcome_email_sent_at
            , student.at
            , actor.id AS actor_id
       FROM student INNER JOIN actor ON TRUE
     )
   , revoke_certificate AS (
       UPDATE public.certificates
       SET revoked_at = gate.at, revoked_reason = CAST($4 AS varchar)
       FROM gate
       WHERE public.certificates.user_id = gate.user_id AND public.certificates.revoked_at IS NULL
       RETURNING public.certificates.id
               , public.certificates.user_id
               , public.certificates.number
               , public.certificates.verification_code
               , public.certificates.url
               , public.certificates.full_name
               , public.certificates.issued_at
               , public.certificates.revoked_at
               , public.certificates.revoked_reason
     )
   , update_profile AS (
       UPDATE public.tripwire_user_profile
       SET certificate_issued = FALSE, certificate_url = NULL
       FROM revoke_certificate
       WHERE public.tripwire_user_profile.user_id = revoke_certificate.user_id
       RETURNING public.tripwire_user_profile.user_id
     )
   , log_revocation AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT logged.actor_id
            , 'certificate_revoked'
            , logged.user_id
            , jsonb_build_object('email'
                               , logged.email
                               , 'full_name'
                               , logged.full_name
                               , 'number'
                               , logged.number
                               , 'reason'
                               , CAST($4 AS varchar))
            , logged.at
       FROM (SELECT gate.user_id
                  , gate.email
                  , gate.full_name
                  , gate.granted_by
                  , gate.status
                  , gate.modules_completed
                  , gate.welcome_email_sent
                  , gate.welcome_email_sent_at
                  , gate.at
                  , gate.actor_id
                  , revoke_certificate.number
             FROM gate INNER JOIN revoke_certificate ON TRUE) AS logged
       RETURNING public.sales_activity_log.id
     )
  SELECT actor.known IS NULL AS unknown_actor
       , COALESCE(revoke_certificate.id, latest.id) AS certificate_id
       , COALESCE(revoke_certificate.user_id, latest.user_id) AS certificate_user_id
       , COALESCE(revoke_certificate.number, latest.number) AS certificate_number
       , COALESCE(revoke_certificate.verification_code, latest.verification_code) AS certificate_verification_code
       , COALESCE(revoke_certificate.url, latest.url) AS certificate_url
       , COALESCE(revoke_certificate.full_name, latest.full_name) AS certificate_full_name
       , COALESCE(revoke_certificate.issued_at, latest.issued_at) AS certificate_issued_at
       , COALESCE(revoke_certificate.revoked_at, latest.revoked_at) AS certificate_revoked_at
       , COALESCE(revoke_certificate.revoked_reason, latest.revoked_reason) AS certificate_revoked_reason
       ,     actor.known IS NOT NULL
         AND revoke_certificate.id IS NULL
         AND (SELECT count(*)
              FROM public.certificates
              WHERE public.certificates.user_id = student.user_id
                AND public.certificates.revoked_at IS NULL) > 0 AS raced
       , (SELECT count(*)
          FROM revoke_certificate) AS rows_revoke_certificate
       , (SELECT count(*)
          FROM update_profile) AS rows_update_profile
       , (SELECT count(*)
          FROM log_revocation) AS rows_log_revocation
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM student
       LEFT JOIN actor ON TRUE
       LEFT JOIN revoke_certificate ON TRUE
       LEFT JOIN LATERAL (SELECT public.certificates.id
                               , public.certificates.user_id
                               , public.certificates.number
                               , public.certificates.verification_code
                               , public.certificates.url
                               , public.certificates.full_name
                               , public.certificates.issued_at
                               , public.certificates.revoked_at
                               , public.certificates.revoked_reason
                          FROM public.certificates
                          WHERE public.certificates.user_id = student.user_id
                          ORDER BY public.certificates.issued_at DESC, public.certificates.id DESC
                          LIMIT 1) AS latest ON TRUE;
