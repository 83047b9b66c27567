-- find_correctable($1 manager_id, $2 email, $3 user_id)
-- tripwire_db/flows/correct_student.py

/* tripwire:find_correctable */
WITH manager AS MATERIALIZED (
       SELECT public.users.id, public.users.role
       FROM public.users
       WHERE public.users.id = CAST($1 AS uuid) AND public.users.role <> 'student'
     )
  SELECT public.tripwire_users.user_id AS student_id
       , manager.role AS manager_role
       , manager.role = 'admin' OR public.tripwire_users.granted_by = manager.id AS permitted
       ,    EXISTS (SELECT public.tripwire_users.id
                    FROM public.tripwire_users
                    WHERE public.tripwire_users.email = CAST($2 AS varchar)
                      AND public.tripwire_users.user_id <> CAST($3 AS uuid))
         OR EXISTS (SELECT public.users.id
                    FROM public.users
                    WHERE public.users.email = CAST($2 AS varchar)
                      AND public.users.id <> CAST($3 AS uuid)) AS email_is_taken
       , public.tripwire_users.email
       , public.tripwire_users.full_name
  FROM (SELECT 1) AS one
       LEFT JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($3 AS uuid)
       LEFT JOIN manager ON TRUE;
