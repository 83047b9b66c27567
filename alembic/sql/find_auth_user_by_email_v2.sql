-- Who keeps an e-mail from being registered again. As Supabase Auth asks it: SSO users and SSO identities may repeat one,
-- and an identity alone (a linked provider, or from before an e-mail was changed) holds one. Auth stores e-mails in lower
-- case, so the unique index on (email) WHERE is_sso_user = false answers; where nobody but we keep the users, none
-- is sure to be.
CREATE OR REPLACE FUNCTION tripwire.find_auth_user_by_email(email_param pg_catalog.text)
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
#variable_conflict use_column
DECLARE
    wanted text := lower(email_param);
    holder uuid;
    knows_sso bool := EXISTS (
        SELECT FROM pg_catalog.pg_attribute
        WHERE attrelid = to_regclass('auth.users') AND attname = 'is_sso_user' AND NOT attisdropped
    );
    has_identities bool := to_regclass('auth.identities') IS NOT NULL;
BEGIN
    IF knows_sso THEN
        SELECT auth_user.id INTO holder
        FROM auth.users AS auth_user
        WHERE auth_user.email = wanted AND auth_user.is_sso_user = false;
        IF holder IS NULL AND NOT has_identities THEN
            SELECT auth_user.id INTO holder
            FROM auth.users AS auth_user
            WHERE lower(auth_user.email) = wanted AND auth_user.is_sso_user = false
            LIMIT 1;
        END IF;
    ELSE
        SELECT auth_user.id INTO holder FROM auth.users AS auth_user WHERE lower(auth_user.email) = wanted LIMIT 1;
    END IF;
    IF holder IS NOT NULL THEN
        RETURN QUERY SELECT * FROM tripwire.find_auth_user(holder);
    ELSIF has_identities THEN
        -- Nested, since a condition is planned as a whole: where the table is missing, it may not be named in the one above.
        RETURN QUERY
            SELECT NULL::uuid, wanted, NULL::text, NULL::text, false, false, false
            WHERE EXISTS (
                SELECT FROM auth.identities AS identity WHERE identity.email = wanted AND identity.provider NOT LIKE 'sso:%'
            );
    END IF;
END;
$$;

COMMENT ON FUNCTION tripwire.find_auth_user_by_email(text) IS
    'The auth user who has this e-mail, as find_auth_user tells it; id NULL where an identity alone holds it.';
