-- E-mails are lower-case and never NULL; a missing one is taken from where the same person has it.
SELECT
    p.table_name,
    p.user_id,
    jsonb_build_object('id', p.id) AS key,
    jsonb_build_object('email', p.email) AS found,
    CASE WHEN p.known IS NOT NULL AND NOT p.taken THEN jsonb_build_object('email', p.known) END AS wanted,
    CASE
        WHEN p.known IS NULL THEN 'no e-mail, and nobody knows it: ask the person'
        WHEN p.taken THEN 'another row has this e-mail in lower case: decide whose it is'
        WHEN p.email IS NULL THEN 'no e-mail; the same person has one elsewhere'
        ELSE 'e-mails are stored in lower case'
    END AS reason
FROM (
    SELECT
        'users' AS table_name, u.id, u.id AS user_id, u.email,
        lower(coalesce(u.email, a.email, t.email)) AS known,
        EXISTS (SELECT FROM all_users o WHERE o.id <> u.id AND lower(o.email) = lower(coalesce(u.email, a.email, t.email)))
            AS taken
    FROM users u
    LEFT JOIN auth_users a ON a.id = u.id
    LEFT JOIN tripwire_users t ON t.user_id = u.id
    WHERE u.email IS NULL OR u.email <> lower(u.email)
    UNION ALL
    SELECT
        'tripwire_users', t.id, t.recorded_user_id, t.email,
        lower(coalesce(t.email, a.email, u.email)),
        EXISTS (
            SELECT FROM all_tripwire_users o WHERE o.id <> t.id AND lower(o.email) = lower(coalesce(t.email, a.email, u.email))
        )
    FROM tripwire_users t
    LEFT JOIN auth_users a ON a.id = t.user_id
    LEFT JOIN users u ON u.id = t.user_id
    WHERE t.email IS NULL OR t.email <> lower(t.email)
) AS p
