-- find_auth_user_by_email($1 email)
-- tripwire_db/flows/shared/auth_user.py

/* tripwire:find_auth_user_by_email */
SELECT auth_user.id
     , auth_user.kind
     , public.tripwire_users.user_id IS NOT NULL AS is_student
     , public.users.role
     , EXISTS (SELECT public.sales_activity_log.id
               FROM public.sales_activity_log
               WHERE public.sales_activity_log.target_user_id = auth_user.id
                 AND public.sales_activity_log.action_type = 'user_deleted') AS was_deleted
FROM tripwire.find_auth_user_by_email(CAST($1 AS varchar)) AS auth_user
     LEFT JOIN public.users ON public.users.id = auth_user.id
     LEFT JOIN public.tripwire_users ON public.tripwire_users.user_id = auth_user.id;
