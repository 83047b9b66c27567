-- What the upgrade will mend, and how: the rows that `adopt` leaves as they are. Read through temporary views of the
-- tables as v2 has them, see tripwire_db/adopt/rows.py; NULLs that get a default are counted there.
SELECT 'users' AS table_name, 'e-mails become lower-case' AS how, count(*) AS rows FROM users WHERE email <> lower(email)
UNION ALL
SELECT 'tripwire_users', 'e-mails become lower-case', count(*) FROM tripwire_users WHERE email <> lower(email)
UNION ALL
SELECT 'users', 'the letters of names are composed (NFC)', count(*) FROM users WHERE full_name IS NOT NFC NORMALIZED
UNION ALL
SELECT 'tripwire_users', 'the letters of names are composed (NFC)', count(*)
FROM tripwire_users WHERE full_name IS NOT NFC NORMALIZED OR manager_name IS NOT NFC NORMALIZED
UNION ALL
SELECT 'users', 'the role sales becomes sales_manager', count(*) FROM users WHERE role = 'sales'
UNION ALL
SELECT 'users', 'sellers without a row get one from auth.users', count(DISTINCT t.granted_by)
FROM tripwire_users t
WHERE t.granted_by IS NOT NULL AND NOT EXISTS (SELECT FROM users u WHERE u.id = t.granted_by)
UNION ALL
SELECT 'tripwire_users', 'the status blocked stays', count(*) FROM tripwire_users WHERE status = 'blocked'
UNION ALL
SELECT 'tripwire_user_profile', 'an issued certificate with a URL becomes a row of certificates', count(*)
FROM tripwire_user_profile WHERE certificate_issued AND btrim(certificate_url) <> ''
UNION ALL
SELECT 'tripwire_user_profile', 'a certificate flag without a URL is cleared', count(*)
FROM tripwire_user_profile WHERE certificate_issued AND coalesce(btrim(certificate_url), '') = ''
UNION ALL
SELECT 'student_progress', 'completed without a time gets updated_at', count(*)
FROM student_progress WHERE status = 'completed' AND completed_at IS NULL
UNION ALL
SELECT 'video_tracking', 'a JSON string becomes the array that it holds', count(*)
FROM video_tracking WHERE jsonb_typeof(watched_segments) = 'string'
UNION ALL
SELECT 'user_achievements', 'completed and the counts are made to agree', count(*)
FROM user_achievements
WHERE coalesce(is_completed, false) <> (coalesce(current_value, 0) >= coalesce(required_value, 1))
UNION ALL
SELECT 'sales_activity_log', 'the e-mail and the name of the target are added, where somebody knows them', count(*)
FROM sales_activity_log l
WHERE l.target_user_id IS NOT NULL AND NOT coalesce(l.details, '{}'::jsonb) ?& ARRAY['email', 'full_name']
