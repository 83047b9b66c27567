-- get_student($1 user_id)
-- tripwire_db/flows/students.py

/* tripwire:get_student */
SELECT public.tripwire_users.id
     , public.tripwire_users.user_id
     , public.tripwire_users.email
     , public.tripwire_users.full_name
     , public.tripwire_users.granted_by AS manager_id
     , public.tripwire_users.manager_name
     , public.tripwire_users.status
     , public.tripwire_users.modules_completed
     , public.tripwire_users.price
     , public.tripwire_users.welcome_email_sent
     , public.tripwire_users.welcome_email_sent_at
     , public.tripwire_users.created_at
     , (SELECT max(public.video_tracking.last_seen_at)
        FROM public.video_tracking
        WHERE public.video_tracking.user_id = public.tripwire_users.user_id) AS last_seen_at
     , public.tripwire_user_profile.completion_percentage
     , public.user_statistics.lessons_completed
     , public.user_statistics.total_time_spent
     , (SELECT COALESCE(jsonb_agg(jsonb_build_array(public.student_progress.lesson_id, public.student_progress.module_id, public.student_progress.status, public.student_progress.started_at, public.student_progress.completed_at) ORDER BY public.modules.position
                                                                                                                                                                                                                                           , public.student_progress.lesson_id)
                      , CAST('[]' AS jsonb))
        FROM public.student_progress
             INNER JOIN public.modules ON public.modules.id = public.student_progress.module_id
        WHERE public.student_progress.user_id = public.tripwire_users.user_id) AS progress
     , (SELECT COALESCE(jsonb_agg(jsonb_build_array(public.video_tracking.lesson_id, public.video_tracking.watched_segments, public.video_tracking.total_watched_seconds, public.video_tracking.video_duration_seconds, public.video_tracking.last_position_seconds, public.video_tracking.watch_percentage, public.video_tracking.is_qualified_for_completion) ORDER BY public.modules.position
                                                                                                                                                                                                                                                                                                                                                                       , public.video_tracking.lesson_id)
                      , CAST('[]' AS jsonb))
        FROM public.video_tracking
             INNER JOIN public.lessons ON public.lessons.id = public.video_tracking.lesson_id
             INNER JOIN public.modules ON public.modules.id = public.lessons.module_id
        WHERE public.video_tracking.user_id = public.tripwire_users.user_id) AS video
     , (SELECT COALESCE(jsonb_agg(jsonb_build_array(public.module_unlocks.module_id, public.module_unlocks.unlocked_at) ORDER BY public.modules.position
                                                                                                                               , public.module_unlocks.module_id)
                      , CAST('[]' AS jsonb))
        FROM public.module_unlocks
             INNER JOIN public.modules ON public.modules.id = public.module_unlocks.module_id
        WHERE public.module_unlocks.user_id = public.tripwire_users.user_id) AS unlocks
     , (SELECT COALESCE(jsonb_agg(jsonb_build_array(public.user_achievements.achievement_id, public.user_achievements.current_value, public.user_achievements.required_value, public.user_achievements.is_completed, public.user_achievements.completed_at) ORDER BY array_position(ARRAY['first_module_complete', 'second_module_complete', 'third_module_complete', 'tripwire_graduate']
                                                                                                                                                                                                                                                                                  , public.user_achievements.achievement_id))
                      , CAST('[]' AS jsonb))
        FROM public.user_achievements
        WHERE public.user_achievements.user_id = public.tripwire_users.user_id) AS achievements
     , public.certificates.id AS certificate_id
     , public.certificates.user_id AS certificate_user_id
     , public.certificates.number AS certificate_number
     , public.certificates.verification_code AS certificate_verification_code
     , public.certificates.url AS certificate_url
     , public.certificates.full_name AS certificate_full_name
     , public.certificates.issued_at AS certificate_issued_at
     , public.certificates.revoked_at AS certificate_revoked_at
     , public.certificates.revoked_reason AS certificate_revoked_reason
FROM public.tripwire_users
     LEFT JOIN public.tripwire_user_profile ON public.tripwire_user_profile.user_id = public.tripwire_users.user_id
     LEFT JOIN public.user_statistics ON public.user_statistics.user_id = public.tripwire_users.user_id
     LEFT JOIN public.certificates ON public.certificates.user_id = public.tripwire_users.user_id
                                  AND public.certificates.revoked_at IS NULL
WHERE public.tripwire_users.user_id = CAST($1 AS uuid);
