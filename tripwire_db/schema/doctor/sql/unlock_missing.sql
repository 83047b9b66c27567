-- Students who are stuck: what they have completed opens a module that is not open.
SELECT
    'module_unlocks' AS table_name,
    m.user_id,
    jsonb_build_object('user_id', m.user_id, 'module_id', m.module_id) AS key,
    NULL::jsonb AS found,
    jsonb_build_object('user_id', m.user_id, 'module_id', m.module_id) AS wanted,
    CASE
        WHEN EXISTS (SELECT FROM completed c WHERE c.user_id = m.user_id AND c.module_id = m.module_id)
            THEN 'completed, so it was open'
        WHEN EXISTS (SELECT FROM completed c WHERE c.user_id = m.user_id) THEN 'the module before it is completed'
        ELSE 'the first module is open from the beginning'
    END AS reason
FROM missing_unlocks m
WHERE EXISTS (SELECT FROM auth_users a WHERE a.id = m.user_id)
