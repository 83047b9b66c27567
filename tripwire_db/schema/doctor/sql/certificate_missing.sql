-- All modules completed, and no certificate was ever issued. (One that was revoked is no oversight.)
SELECT
    'certificates' AS table_name,
    r.user_id,
    jsonb_build_object('user_id', r.user_id) AS key,
    NULL::jsonb AS found,
    CASE
        WHEN layout.has_certificates AND t.status IN ('active', 'completed') THEN '{"certificate": "issued"}'::jsonb
    END AS wanted,
    CASE
        WHEN NOT layout.has_certificates THEN 'completed without a certificate: upgrade first (tripwire-db upgrade)'
        WHEN t.status IN ('active', 'completed') THEN 'all modules are completed'
        ELSE 'all modules are completed, and the student is ' || coalesce(t.status, 'without a status')
            || ': a certificate can be issued once they are active or completed'
    END AS reason
FROM recount r
JOIN tripwire_users t ON t.user_id = r.user_id
LEFT JOIN tripwire_user_profile p ON p.user_id = r.user_id
CROSS JOIN layout
WHERE r.modules_completed = 3
    AND NOT EXISTS (SELECT FROM certificates c WHERE c.user_id = r.user_id)
    AND NOT (coalesce(p.certificate_issued, false) AND coalesce(btrim(p.certificate_url), '') <> '')
