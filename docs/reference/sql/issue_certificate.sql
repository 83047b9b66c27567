-- issue_certificate($1 at, $2 user_id, $3 verification_code, $4 certificate_url)
-- tripwire_db/flows/issue_certificate.py

/* tripwire:issue_certificate */
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
   , valid_certificate AS MATERIALIZED (
       SELECT public.certificates.id
            , public.certificates.user_id
            , public.certificates.number
            , public.certificates.verification_code
            , public.certificates.url
            , public.certificates.full_name
            , public.certificates.issued_at
            , public.certificates.revoked_at
            , public.certificates.revoked_reason
       FROM student
            INNER JOIN public.certificates ON public.certificates.user_id = student.user_id
                                          AND public.certificates.revoked_at IS NULL
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
       FROM student LEFT JOIN valid_certificate ON TRUE
       WHERE valid_certificate.id IS NULL
         AND student.modules_completed >= 3
         AND student.status IN ('active', 'completed')
     )
   , issue_certificate AS (
       INSERT INTO public.certificates (user_id
                                      , verification_code
                                      , url
                                      , full_name
                                      , issued_at
                                      , created_at
                                      , updated_at)
       SELECT gate.user_id
            , CAST($3 AS varchar)
            , CAST($4 AS varchar)
            , gate.full_name
            , gate.at
            , gate.at
            , gate.at
       FROM gate
       ON CONFLICT (user_id) WHERE revoked_at IS NULL DO NOTHING
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
       SET certificate_issued = TRUE, certificate_url = issue_certificate.url
       FROM issue_certificate
       WHERE public.tripwire_user_profile.user_id = issue_certificate.user_id
       RETURNING public.tripwire_user_profile.user_id
     )
   , log_issue AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT issued.granted_by
            , 'certificate_issued'
            , issued.user_id
            , jsonb_build_object('email', issued.email, 'full_name', issued.full_name, 'number', issued.number)
            , issued.at
       FROM (SELECT student.user_id
                  , student.email
                  , student.full_name
                  , student.granted_by
                  , student.status
                  , student.modules_completed
                  , student.welcome_email_sent
                  , student.welcome_email_sent_at
                  , student.at
                  , issue_certificate.number
             FROM student INNER JOIN issue_certificate ON TRUE) AS issued
       RETURNING public.sales_activity_log.id
     )
  SELECT student.status
       , student.modules_completed
       , COALESCE(issue_certificate.id, valid_certificate.id) AS certificate_id
       , COALESCE(issue_certificate.user_id, valid_certificate.user_id) AS certificate_user_id
       , COALESCE(issue_certificate.number, valid_certificate.number) AS certificate_number
       , COALESCE(issue_certificate.verification_code, valid_certificate.verification_code) AS certificate_verification_code
       , COALESCE(issue_certificate.url, valid_certificate.url) AS certificate_url
       , COALESCE(issue_certificate.full_name, valid_certificate.full_name) AS certificate_full_name
       , COALESCE(issue_certificate.issued_at, valid_certificate.issued_at) AS certificate_issued_at
       , COALESCE(issue_certificate.revoked_at, valid_certificate.revoked_at) AS certificate_revoked_at
       , COALESCE(issue_certificate.revoked_reason, valid_certificate.revoked_reason) AS certificate_revoked_reason
       , issue_certificate.id IS NOT NULL AS newly_issued
       , COALESCE(gate.user_id IS NOT NULL AND issue_certificate.id IS NULL, FALSE) AS raced
       , (SELECT count(*)
          FROM issue_certificate) AS rows_issue_certificate
       , (SELECT count(*)
          FROM update_profile) AS rows_update_profile
       , (SELECT count(*)
          FROM log_issue) AS rows_log_issue
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM student
       LEFT JOIN valid_certificate ON TRUE
       LEFT JOIN gate ON TRUE
       LEFT JOIN issue_certificate ON TRUE;
