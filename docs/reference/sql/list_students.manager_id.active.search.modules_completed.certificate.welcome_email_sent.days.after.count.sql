-- list_students($1 since, $2 until, $3 time_zone, $4 manager_id, $5 email_like, $6 name_matches, $7 modules_completed, $8 after_created_at, $9 after_id, $10 limit)
-- tripwire_db/flows/students.py

/* tripwire:list_students */
WITH days AS MATERIALIZED (
       SELECT answer.begins, answer.ends
       FROM tripwire.range_of_days(CAST($1 AS date), CAST($2 AS date), CAST($3 AS varchar)) AS answer
     )
   , total AS MATERIALIZED (
       SELECT count(*) AS total
       FROM public.tripwire_users
       WHERE public.tripwire_users.granted_by = CAST($4 AS uuid)
         AND public.tripwire_users.status = 'active'
         AND (public.tripwire_users.email ~~ CAST($5 AS varchar)
           OR public.tripwire_users.full_name ~ CAST($6 AS varchar))
         AND public.tripwire_users.modules_completed = CAST($7 AS integer)
         AND EXISTS (SELECT *
                     FROM public.certificates
                     WHERE public.certificates.user_id = public.tripwire_users.user_id
                       AND public.certificates.revoked_at IS NULL)
         AND public.tripwire_users.welcome_email_sent
         AND (SELECT days.begins
              FROM days) IS NOT NULL
         AND public.tripwire_users.created_at >= (SELECT days.begins
                                                  FROM days)
         AND public.tripwire_users.created_at < (SELECT days.ends
                                                 FROM days)
     )
   , page AS MATERIALIZED (
       SELECT public.tripwire_users.id
            , public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by AS manager_id
            , public.tripwire_users.manager_name
            , public.tripwire_users.status
            , public.tripwire_users.modules_completed
            , public.tripwire_users.price
            , public.tripwire_users.welcome_email_sent
            , public.tripwire_users.welcome_email_sent_at
            , public.tripwire_users.created_at
            , (SELECT max(public.video_tracking.last_seen_at)
               FROM public.video_tracking
               WHERE public.video_tracking.user_id = public.tripwire_users.user_id) AS last_seen_at
       FROM public.tripwire_users
       WHERE public.tripwire_users.granted_by = CAST($4 AS uuid)
         AND public.tripwire_users.status = 'active'
         AND (public.tripwire_users.email ~~ CAST($5 AS varchar)
           OR public.tripwire_users.full_name ~ CAST($6 AS varchar))
         AND public.tripwire_users.modules_completed = CAST($7 AS integer)
         AND EXISTS (SELECT *
                     FROM public.certificates
                     WHERE public.certificates.user_id = public.tripwire_users.user_id
                       AND public.certificates.revoked_at IS NULL)
         AND public.tripwire_users.welcome_email_sent
         AND (SELECT days.begins
              FROM days) IS NOT NULL
         AND public.tripwire_users.created_at >= (SELECT days.begins
                                                  FROM days)
         AND public.tripwire_users.created_at < (SELECT days.ends
                                                 FROM days)
         AND (public.tripwire_users.created_at, public.tripwire_users.id) < (CAST($8 AS timestamp with time zone)
                                                                           , CAST($9 AS uuid))
       ORDER BY public.tripwire_users.created_at DESC, public.tripwire_users.id DESC
       LIMIT CAST($10 AS bigint)
     )
  SELECT page.id
       , page.user_id
       , page.email
       , page.full_name
       , page.manager_id
       , page.manager_name
       , page.status
       , page.modules_completed
       , page.price
       , page.welcome_email_sent
       , page.welcome_email_sent_at
       , page.created_at
       , page.last_seen_at
       , total.total
  FROM total LEFT JOIN page ON TRUE
  ORDER BY page.created_at DESC, page.id DESC;
