-- list_students($1 since, $2 until, $3 time_zone, $4 limit)
-- tripwire_db/flows/students.py

/* tripwire:list_students */
WITH days AS MATERIALIZED (
       SELECT answer.begins, answer.ends
       FROM tripwire.range_of_days(CAST($1 AS date), CAST($2 AS date), CAST($3 AS varchar)) AS answer
     )
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
  WHERE (SELECT days.begins
         FROM days) IS NOT NULL
    AND public.tripwire_users.created_at >= (SELECT days.begins
                                             FROM days)
    AND public.tripwire_users.created_at < (SELECT days.ends
                                            FROM days)
  ORDER BY public.tripwire_users.created_at DESC, public.tripwire_users.id DESC
  LIMIT CAST($4 AS bigint);
