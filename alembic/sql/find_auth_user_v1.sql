-- Definer, because Supabase keeps auth.users under row-level security without a policy: a login that is a mere member of
-- service_role sees none of it, whatever is granted. VOLATILE, so that a call sees what is committed by then, later than the
-- snapshot of a statement that waited for a lock first. Columns that a stand-in may lack are read from the row as JSON.
CREATE FUNCTION tripwire.find_auth_user(user_id_param pg_catalog.uuid)
RETURNS TABLE (
    id pg_catalog.uuid,
    email pg_catalog.text,
    kind pg_catalog.text,
    token pg_catalog.text,
    is_sso_user pg_catalog.bool,
    is_deleted pg_catalog.bool,
    is_banned pg_catalog.bool
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = ''
AS $$
DECLARE
    found jsonb := (SELECT to_jsonb(auth_user) FROM auth.users AS auth_user WHERE auth_user.id = user_id_param);
    mark jsonb := found #> '{raw_app_meta_data,tripwire}';
BEGIN
    IF found IS NULL THEN
        RETURN;
    END IF;
    id := user_id_param;
    email := found ->> 'email';
    is_sso_user := coalesce((found ->> 'is_sso_user')::bool, false);
    is_deleted := found ->> 'deleted_at' IS NOT NULL;
    is_banned := coalesce((found ->> 'banned_until')::timestamptz > now(), false);
    IF NOT is_deleted THEN
        kind := mark ->> 'kind';
        token := mark ->> 'token';
    END IF;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION tripwire.find_auth_user(uuid) IS
    'The auth user with this id and our mark on it; one that is softly deleted has no mark. No row: there is none.';
