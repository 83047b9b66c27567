-- list_students($1 manager_id, $2 email_like, $3 name_matches, $4 after_created_at, $5 after_id, $6 limit)
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
FROM public.tripwire_users
WHERE public.tripwire_users.status = 'active'
  AND public.tripwire_users.granted_by = CAST($1 AS uuid)
  AND (public.tripwire_users.email ~~ CAST($2 AS varchar)
    OR public.tripwire_users.full_name ~ CAST($3 AS varchar))
  AND (public.tripwire_users.created_at, public.tripwire_users.id) < (CAST($4 AS timestamp with time zone)
                                                                    , CAST($5 AS uuid))
ORDER BY public.tripwire_users.created_at DESC, public.tripwire_users.id DESC
LIMIT CAST($6 AS bigint);
