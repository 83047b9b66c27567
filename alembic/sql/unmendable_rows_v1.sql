-- The rows of a v2 database that no mending can bring into the layout that follows, each with its reason.
-- A temporary function, so that a revision can ask and leave nothing behind; ids only, since messages end up in logs.
CREATE FUNCTION pg_temp.unmendable_rows() RETURNS TABLE (table_name text, row_id text, reason text)
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
DECLARE
    tracked record;
BEGIN
    -- E-mails become lower-case and unique.
    RETURN QUERY
    SELECT 'users', u.id::text, 'the same e-mail as another row, once both are lower-case'
    FROM public.users u
    WHERE lower(u.email) IN (SELECT lower(o.email) FROM public.users o GROUP BY 1 HAVING count(*) > 1);

    RETURN QUERY
    SELECT 'tripwire_users', t.id::text, 'the same e-mail as another row, once both are lower-case'
    FROM public.tripwire_users t
    WHERE lower(t.email) IN (SELECT lower(o.email) FROM public.tripwire_users o GROUP BY 1 HAVING count(*) > 1);

    -- A seller without a users row gets one from auth.users.
    RETURN QUERY
    WITH sellers AS (
        SELECT DISTINCT t.granted_by AS id, lower(a.email) AS email
        FROM public.tripwire_users t JOIN auth.users a ON a.id = t.granted_by
        WHERE NOT EXISTS (SELECT FROM public.users u WHERE u.id = t.granted_by)
    )
    SELECT
        'tripwire_users',
        t.id::text,
        CASE
            WHEN s.email IS NULL THEN format('seller %s has no users row, and no e-mail in auth.users', s.id)
            ELSE format('seller %s has no users row, and the e-mail is taken by another user', s.id)
        END
    FROM sellers s JOIN public.tripwire_users t ON t.granted_by = s.id
    WHERE s.email IS NULL
        OR EXISTS (SELECT FROM public.users u WHERE lower(u.email) = s.email)
        OR EXISTS (SELECT FROM sellers o WHERE o.email = s.email AND o.id <> s.id);

    -- What the CHECKs of v2 forbid can still be there where one was dropped or added NOT VALID.
    RETURN QUERY
    SELECT 'users', u.id::text, 'an unknown role'
    FROM public.users u
    WHERE u.role NOT IN ('student', 'sales_manager', 'admin', 'curator', 'tech_support', 'sales');

    RETURN QUERY
    SELECT 'tripwire_users', t.id::text, v.reason
    FROM public.tripwire_users t
    CROSS JOIN LATERAL (VALUES
        (t.status NOT IN ('active', 'inactive', 'completed', 'blocked'), 'an unknown status'),
        (t.modules_completed NOT BETWEEN 0 AND 3, 'modules_completed outside 0-3'),
        (t.price < 0, 'a negative price')
    ) AS v(broken, reason)
    WHERE v.broken;

    RETURN QUERY
    SELECT 'tripwire_user_profile', p.id::text, v.reason
    FROM public.tripwire_user_profile p
    CROSS JOIN LATERAL (VALUES
        (p.modules_completed NOT BETWEEN 0 AND 3, 'modules_completed outside 0-3'),
        (coalesce(p.modules_completed, 0) > coalesce(p.total_modules, 3), 'modules_completed exceeds total_modules'),
        (p.completion_percentage NOT BETWEEN 0 AND 100, 'completion_percentage outside 0-100'),
        (
            p.certificate_issued AND btrim(p.certificate_url) <> ''
            AND NOT EXISTS (SELECT FROM public.tripwire_users t WHERE t.user_id = p.user_id)
            AND NOT EXISTS (SELECT FROM public.users u WHERE u.id = p.user_id AND u.full_name IS NOT NULL),
            'an issued certificate, and nobody knows the name on it'
        )
    ) AS v(broken, reason)
    WHERE v.broken;

    -- The course: each lesson belongs to one module.
    RETURN QUERY
    SELECT 'module_unlocks', m.id::text, 'a module that the course does not have'
    FROM public.module_unlocks m
    WHERE m.module_id NOT IN (16, 17, 18);

    RETURN QUERY
    SELECT 'student_progress', s.id::text, v.reason
    FROM public.student_progress s
    CROSS JOIN LATERAL (VALUES
        ((s.module_id, s.lesson_id) NOT IN ((16, 67), (17, 68), (18, 69)), 'the lesson does not belong to the module'),
        (s.status NOT IN ('not_started', 'in_progress', 'completed'), 'an unknown status'),
        (
            coalesce(s.status, 'not_started') <> 'completed' AND s.completed_at IS NOT NULL,
            'completed_at without the status completed'
        )
    ) AS v(broken, reason)
    WHERE v.broken;

    RETURN QUERY
    SELECT 'video_tracking', w.id::text, v.reason
    FROM public.video_tracking w
    CROSS JOIN LATERAL (VALUES
        (w.lesson_id NOT IN (67, 68, 69), 'a lesson that the course does not have'),
        (jsonb_typeof(w.watched_segments) NOT IN ('array', 'string', 'null'), 'watched_segments is no array'),
        (w.total_watched_seconds < 0, 'total_watched_seconds below 0'),
        (w.video_duration_seconds < 0, 'video_duration_seconds below 0'),
        (w.last_position_seconds < 0, 'last_position_seconds below 0'),
        (w.watch_percentage NOT BETWEEN 0 AND 100, 'watch_percentage outside 0-100')
    ) AS v(broken, reason)
    WHERE v.broken;

    -- PostgreSQL 15 has no IS JSON: whether a string holds an array is seen by reading it.
    FOR tracked IN
        SELECT w.id::text AS id, w.watched_segments #>> '{}' AS content
        FROM public.video_tracking w
        WHERE jsonb_typeof(w.watched_segments) = 'string'
    LOOP
        BEGIN
            IF jsonb_typeof(tracked.content::jsonb) = 'array' THEN
                CONTINUE;
            END IF;
        EXCEPTION
            WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
                NULL;  -- unreadable, so it is reported below like a string that holds something else
        END;
        table_name := 'video_tracking';
        row_id := tracked.id;
        reason := 'watched_segments is a string that holds no JSON array';
        RETURN NEXT;
    END LOOP;

    RETURN QUERY
    SELECT 'user_achievements', a.id::text, 'an unknown achievement'
    FROM public.user_achievements a
    WHERE a.achievement_id NOT IN (
        'first_module_complete', 'second_module_complete', 'third_module_complete', 'tripwire_graduate'
    );

    RETURN QUERY
    SELECT 'user_statistics', s.user_id::text, 'a negative count'
    FROM public.user_statistics s
    WHERE s.lessons_completed < 0 OR s.total_time_spent < 0;

    RETURN QUERY
    SELECT 'sales_activity_log', l.id::text, 'an unknown action_type'
    FROM public.sales_activity_log l
    WHERE l.action_type NOT IN (
        'user_created', 'user_status_updated', 'user_deleted', 'email_sent', 'password_reset', 'lesson_completed',
        'module_unlocked', 'certificate_issued', 'certificate_revoked'
    );

    -- Rows whose auth user is gone, where a foreign key of v2 was added NOT VALID.
    RETURN QUERY
    SELECT r.table_name, r.row_id, 'no such row in auth.users: ' || r.user_id
    FROM (
        SELECT 'users', u.id::text, u.id FROM public.users u
        UNION ALL SELECT 'tripwire_users', t.id::text, t.user_id FROM public.tripwire_users t
        UNION ALL SELECT 'tripwire_users', t.id::text, t.granted_by FROM public.tripwire_users t
        UNION ALL SELECT 'tripwire_user_profile', p.id::text, p.user_id FROM public.tripwire_user_profile p
        UNION ALL SELECT 'module_unlocks', m.id::text, m.user_id FROM public.module_unlocks m
        UNION ALL SELECT 'student_progress', s.id::text, s.user_id FROM public.student_progress s
        UNION ALL SELECT 'video_tracking', w.id::text, w.user_id FROM public.video_tracking w
        UNION ALL SELECT 'user_achievements', a.id::text, a.user_id FROM public.user_achievements a
        UNION ALL SELECT 'user_statistics', s.user_id::text, s.user_id FROM public.user_statistics s
    ) AS r(table_name, row_id, user_id)
    WHERE r.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM auth.users a WHERE a.id = r.user_id);
END;
$$
