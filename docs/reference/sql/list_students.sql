-- list_students($1 limit)
-- tripwire_db/flows/students.py

/* tripwire:list_students */
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
ORDER BY public.tripwire_users.created_at DESC, public.tripwire_users.id DESC
LIMIT CAST($1 AS bigint);
