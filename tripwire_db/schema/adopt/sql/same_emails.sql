-- Of rows whose e-mails are the same in lower case, the one that matches auth.users stays, then the oldest.
SELECT 'users' AS table_name, r.at, r.id::text AS key, 'the same e-mail as another row, once both are lower-case' AS reason
FROM (
    SELECT
        u.at, u.id,
        row_number() OVER (
            PARTITION BY lower(u.email)
            ORDER BY
                (lower(a.email) = lower(u.email)) IS TRUE DESC, (a.email = u.email) IS TRUE DESC,
                u.created_at NULLS LAST, u.id
        ) AS place
    FROM users u LEFT JOIN auth.users a ON a.id = u.id
    WHERE u.email IS NOT NULL
) AS r
WHERE r.place > 1
UNION ALL
SELECT 'tripwire_users', r.at, r.id::text, 'the same e-mail as another row, once both are lower-case'
FROM (
    SELECT
        t.at, t.id,
        row_number() OVER (
            PARTITION BY lower(t.email)
            ORDER BY
                (lower(a.email) = lower(t.email)) IS TRUE DESC, (a.email = t.email) IS TRUE DESC,
                t.created_at NULLS LAST, t.id
        ) AS place
    FROM tripwire_users t LEFT JOIN auth.users a ON a.id = t.user_id
    WHERE t.email IS NOT NULL
) AS r
WHERE r.place > 1
