-- find_account($1 user_id)
-- tripwire_db/flows/correct_student.py

/* tripwire:find_account */
SELECT public.tripwire_users.email, public.tripwire_users.full_name
FROM public.tripwire_users
WHERE public.tripwire_users.user_id = CAST($1 AS uuid);
