-- is_used($1 user_id)
-- tripwire_db/flows/shared/auth_user.py

/* tripwire:is_used */
SELECT    EXISTS (SELECT public.users.id
                  FROM public.users
                  WHERE public.users.id = CAST($1 AS uuid) AND public.users.role <> 'student')
       OR EXISTS (SELECT public.tripwire_users.id
                  FROM public.tripwire_users
                  WHERE public.tripwire_users.user_id = CAST($1 AS uuid)) AS is_used;
