-- The profile shows the certificate that the student holds, and none where there is none.
SELECT
    'tripwire_user_profile' AS table_name,
    p.user_id,
    jsonb_build_object('user_id', p.user_id) AS key,
    jsonb_build_object('certificate_issued', p.certificate_issued, 'certificate_url', p.certificate_url) AS found,
    jsonb_build_object('certificate_issued', c.id IS NOT NULL, 'certificate_url', c.url) AS wanted,
    CASE WHEN c.id IS NOT NULL THEN 'holds ' || c.number ELSE 'holds no valid certificate' END AS reason
FROM tripwire_user_profile p
JOIN tripwire_users t ON t.user_id = p.user_id
LEFT JOIN certificate c ON c.user_id = p.user_id
WHERE CASE
        WHEN c.id IS NOT NULL THEN NOT coalesce(p.certificate_issued, false) OR p.certificate_url IS DISTINCT FROM c.url
        -- A flag with a URL and no certificate at all is one that was never recorded, see below.
        ELSE p.certificate_issued
            AND (
                coalesce(btrim(p.certificate_url), '') = ''
                OR EXISTS (SELECT FROM certificates r WHERE r.user_id = p.user_id)
            )
    END
UNION ALL
SELECT
    'certificates',
    p.user_id,
    jsonb_build_object('user_id', p.user_id),
    NULL,
    jsonb_build_object(
        'user_id', p.user_id, 'url', p.certificate_url, 'full_name', t.full_name, 'issued_at', p.updated_at
    ),
    'the profile shows a certificate that was never recorded; its URL is kept'
FROM tripwire_user_profile p
JOIN tripwire_users t ON t.user_id = p.user_id
JOIN recount r ON r.user_id = p.user_id
CROSS JOIN layout
WHERE layout.has_certificates
    AND p.certificate_issued
    AND btrim(p.certificate_url) <> ''
    AND NOT EXISTS (SELECT FROM certificates c WHERE c.user_id = p.user_id)
