-- schema_is_there()
-- tripwire_db/flows/shared/auth_user.py

/* tripwire:schema_is_there */
SELECT to_regclass('public.users') IS NOT NULL OR to_regclass('public.tripwire_users') IS NOT NULL AS is_there;
