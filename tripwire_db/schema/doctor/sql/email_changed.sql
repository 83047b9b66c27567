-- E-mails that were changed in the auth service alone: what a person logs in with is right.
SELECT
    p.table_name,
    p.user_id,
    jsonb_build_object('id', p.id) AS key,
    jsonb_build_object('email', p.email) AS found,
    CASE WHEN p.known IS NOT NULL AND NOT p.taken THEN jsonb_build_object('email', p.known) END AS wanted,
    CASE
        WHEN p.known IS NULL THEN
            'the auth user has no e-mail (a phone alone), so nobody logs in with this one: ask the person, then set it there'
        WHEN p.taken THEN
            'another row has ' || p.known || ', with which this person logs in: decide whose it is, or mend the other one first'
        ELSE 'the e-mail that logs in is right'
    END AS reason
FROM (
    SELECT
        'users' AS table_name, u.id, u.id AS user_id, u.email, nullif(lower(a.email), '') AS known,
        EXISTS (SELECT FROM all_users o WHERE o.id <> u.id AND lower(o.email) = lower(a.email)) AS taken
    FROM users u JOIN auth_users a ON a.id = u.id
    WHERE NOT a.is_deleted AND u.email = lower(u.email) AND u.email IS DISTINCT FROM lower(a.email)
    UNION ALL
    SELECT
        'tripwire_users', t.id, t.user_id, t.email, nullif(lower(a.email), ''),
        EXISTS (SELECT FROM all_tripwire_users o WHERE o.id <> t.id AND lower(o.email) = lower(a.email))
    FROM tripwire_users t JOIN auth_users a ON a.id = t.user_id
    WHERE NOT a.is_deleted AND t.email = lower(t.email) AND t.email IS DISTINCT FROM lower(a.email)
) AS p
