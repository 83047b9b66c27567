-- Students without a profile; what it shows is counted.
SELECT
    'tripwire_user_profile' AS table_name,
    r.user_id,
    jsonb_build_object('user_id', r.user_id) AS key,
    NULL::jsonb AS found,
    jsonb_build_object(
        'user_id', r.user_id,
        'total_modules', 3,
        'modules_completed', r.modules_completed,
        'completion_percentage', round(r.modules_completed * 100 / 3.0, 2),
        'certificate_issued', c.id IS NOT NULL,
        'certificate_url', c.url
    ) AS wanted,
    'a student has a profile' AS reason
FROM recount r
LEFT JOIN certificate c ON c.user_id = r.user_id
WHERE NOT EXISTS (SELECT FROM tripwire_user_profile p WHERE p.user_id = r.user_id)
    AND EXISTS (SELECT FROM auth_users a WHERE a.id = r.user_id)
