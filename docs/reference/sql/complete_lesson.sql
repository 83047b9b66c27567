-- complete_lesson($1 at, $2 user_id, $3 lesson_id, $4 verification_code, $5 certificate_url)
-- tripwire_db/flows/complete_lesson.py

/* tripwire:complete_lesson */
WITH settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , student AS MATERIALIZED (
       SELECT public.tripwire_users.user_id
            , public.tripwire_users.email
            , public.tripwire_users.full_name
            , public.tripwire_users.granted_by
            , public.tripwire_users.status
            , public.tripwire_users.modules_completed
            , public.tripwire_users.welcome_email_sent
            , public.tripwire_users.welcome_email_sent_at
            , settings.at
       FROM settings
            INNER JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($2 AS uuid)
       FOR UPDATE OF tripwire_users
     )
   , facts AS MATERIALIZED (
       SELECT student.user_id
            , student.email
            , student.full_name
            , student.granted_by
            , student.status
            , student.modules_completed
            , student.welcome_email_sent
            , student.welcome_email_sent_at
            , student.at
            , public.lessons.id AS lesson_id
            , public.lessons.module_id
            , public.modules.position AS module_position
            , public.modules.archived AS module_archived
            , (SELECT LEAST(count(*) + 1, 3)
               FROM public.modules AS taught
               WHERE NOT taught.archived
                 AND (taught.position, taught.id) < (public.modules.position, public.modules.id)) AS module_rank
            , public.module_unlocks.id IS NOT NULL AS unlocked
            , COALESCE(public.student_progress.status = 'completed', FALSE) AS completed_before
            , COALESCE(public.video_tracking.is_qualified_for_completion, FALSE) AS qualified
            , public.video_tracking.watch_percentage
            , NOT COALESCE((SELECT bool_or(done.module_id = public.lessons.module_id
                                       AND done.lesson_id <> public.lessons.id
                                       AND done.status = 'completed')
                            FROM public.student_progress AS done
                            WHERE done.user_id = CAST($2 AS uuid))
                         , FALSE) AS counts
            ,     EXISTS (SELECT *
                          FROM public.lessons AS other
                          WHERE other.module_id = public.lessons.module_id
                            AND other.id <> public.lessons.id)
              AND student.modules_completed IS DISTINCT FROM (SELECT at_start.modules_completed
                                                              FROM public.tripwire_users AS at_start
                                                              WHERE at_start.user_id = student.user_id) AS moved
       FROM student
            LEFT JOIN public.lessons ON public.lessons.id = CAST($3 AS integer)
            LEFT JOIN public.module_unlocks ON public.module_unlocks.user_id = CAST($2 AS uuid)
                                           AND public.module_unlocks.module_id = public.lessons.module_id
            LEFT JOIN public.student_progress ON public.student_progress.user_id = CAST($2 AS uuid)
                                             AND public.student_progress.lesson_id = CAST($3 AS integer)
            LEFT JOIN public.modules ON public.modules.id = public.lessons.module_id
            LEFT JOIN public.video_tracking ON public.video_tracking.user_id = CAST($2 AS uuid)
                                           AND public.video_tracking.lesson_id = CAST($3 AS integer)
     )
   , valid_certificate AS MATERIALIZED (
       SELECT public.certificates.id
            , public.certificates.user_id
            , public.certificates.number
            , public.certificates.verification_code
            , public.certificates.url
            , public.certificates.full_name
            , public.certificates.issued_at
            , public.certificates.revoked_at
            , public.certificates.revoked_reason
       FROM student
            INNER JOIN public.certificates ON public.certificates.user_id = student.user_id
                                          AND public.certificates.revoked_at IS NULL
     )
   , gate AS MATERIALIZED (
       SELECT facts.user_id
            , facts.email
            , facts.full_name
            , facts.granted_by
            , facts.status
            , facts.modules_completed
            , facts.welcome_email_sent
            , facts.welcome_email_sent_at
            , facts.at
            , facts.lesson_id
            , facts.module_id
            , facts.module_position
            , facts.module_archived
            , facts.module_rank
            , facts.unlocked
            , facts.completed_before
            , facts.qualified
            , facts.watch_percentage
            , facts.counts
            , facts.moved
       FROM facts
       WHERE facts.status IN ('active', 'completed')
         AND facts.unlocked
         AND facts.qualified
         AND NOT facts.completed_before
         AND NOT facts.moved
     )
   , complete_progress AS (
       INSERT INTO public.student_progress (user_id
                                          , module_id
                                          , lesson_id
                                          , status
                                          , started_at
                                          , completed_at
                                          , created_at
                                          , updated_at)
       SELECT gate.user_id
            , gate.module_id
            , gate.lesson_id
            , 'completed'
            , gate.at
            , gate.at
            , gate.at
            , gate.at
       FROM gate
       ON CONFLICT (user_id, lesson_id)
          DO UPDATE
            SET status = excluded.status
              , started_at = COALESCE(public.student_progress.started_at, excluded.started_at)
              , completed_at = excluded.completed_at
            WHERE public.student_progress.status <> 'completed'
       RETURNING public.student_progress.user_id, public.student_progress.completed_at AS at
     )
   , keep_segments AS (
       UPDATE public.video_tracking
       SET qualified_segments = public.video_tracking.watched_segments
       FROM gate, complete_progress
       WHERE public.video_tracking.user_id = CAST($2 AS uuid)
         AND public.video_tracking.lesson_id = CAST($3 AS integer)
         AND gate.user_id = complete_progress.user_id
         AND public.video_tracking.qualified_segments IS DISTINCT FROM public.video_tracking.watched_segments
       RETURNING public.video_tracking.user_id
     )
   , count_module AS (
       UPDATE public.tripwire_users
       SET status = CASE
                      WHEN gate.counts
                       AND LEAST(public.tripwire_users.modules_completed + CAST(gate.counts AS integer)
                               , 3) >= 3
                       AND public.tripwire_users.status = 'active'
                        THEN 'completed'
                      ELSE public.tripwire_users.status
                    END
         , modules_completed = LEAST(public.tripwire_users.modules_completed + CAST(gate.counts AS integer)
                                   , 3)
       FROM complete_progress, gate
       WHERE public.tripwire_users.user_id = complete_progress.user_id
         AND gate.user_id = complete_progress.user_id
       RETURNING public.tripwire_users.user_id
               , public.tripwire_users.email
               , public.tripwire_users.full_name
               , public.tripwire_users.granted_by
               , public.tripwire_users.modules_completed
               , complete_progress.at
               , gate.counts
     )
   , graduate AS MATERIALIZED (
       SELECT count_module.user_id
            , count_module.email
            , count_module.full_name
            , count_module.granted_by
            , count_module.modules_completed
            , count_module.at
            , count_module.counts
       FROM count_module
       WHERE count_module.counts AND count_module.modules_completed >= 3
     )
   , issue_certificate AS (
       INSERT INTO public.certificates (user_id
                                      , verification_code
                                      , url
                                      , full_name
                                      , issued_at
                                      , created_at
                                      , updated_at)
       SELECT graduate.user_id
            , CAST($4 AS varchar)
            , CAST($5 AS varchar)
            , graduate.full_name
            , graduate.at
            , graduate.at
            , graduate.at
       FROM graduate
       ON CONFLICT (user_id) WHERE revoked_at IS NULL DO NOTHING
       RETURNING public.certificates.id
               , public.certificates.user_id
               , public.certificates.number
               , public.certificates.verification_code
               , public.certificates.url
               , public.certificates.full_name
               , public.certificates.issued_at
               , public.certificates.revoked_at
               , public.certificates.revoked_reason
     )
   , outcome AS MATERIALIZED (
       SELECT count_module.user_id
            , count_module.email
            , count_module.full_name
            , count_module.granted_by
            , count_module.modules_completed
            , count_module.at
            , count_module.counts
            , gate.module_rank
            , issue_certificate.url
       FROM count_module INNER JOIN gate ON TRUE LEFT JOIN issue_certificate ON TRUE
     )
   , update_profile AS (
       INSERT INTO public.tripwire_user_profile (user_id
                                               , modules_completed
                                               , completion_percentage
                                               , certificate_issued
                                               , certificate_url
                                               , created_at
                                               , updated_at)
       SELECT outcome.user_id
            , outcome.modules_completed
            , LEAST(round(outcome.modules_completed * 100.0 / CAST(GREATEST(3, 1) AS numeric), 2)
                  , 100)
            , outcome.url IS NOT NULL
            , outcome.url
            , outcome.at
            , outcome.at
       FROM outcome
       ON CONFLICT (user_id)
          DO UPDATE
            SET modules_completed = LEAST(excluded.modules_completed, public.tripwire_user_profile.total_modules)
              , completion_percentage = LEAST(round(excluded.modules_completed * 100.0 / CAST(GREATEST(public.tripwire_user_profile.total_modules, 1) AS numeric)
                                                  , 2)
                                            , 100)
              , certificate_issued = public.tripwire_user_profile.certificate_issued OR excluded.certificate_issued
              , certificate_url = COALESCE(excluded.certificate_url, public.tripwire_user_profile.certificate_url)
       RETURNING public.tripwire_user_profile.user_id
     )
   , count_lesson AS (
       INSERT INTO public.user_statistics (user_id, lessons_completed, created_at, updated_at)
       SELECT count_module.user_id
            , 1
            , count_module.at
            , count_module.at
       FROM count_module
       ON CONFLICT (user_id)
          DO UPDATE
            SET lessons_completed = public.user_statistics.lessons_completed + excluded.lessons_completed
       RETURNING public.user_statistics.user_id
     )
   , earn_achievements AS (
       INSERT INTO public.user_achievements (user_id
                                           , achievement_id
                                           , current_value
                                           , required_value
                                           , is_completed
                                           , completed_at
                                           , created_at
                                           , updated_at)
       SELECT outcome.user_id
            , earned_1.achievement_id
            , earned_1.current_value
            , earned_1.required_value
            , earned_1.current_value >= earned_1.required_value
            , CASE
                WHEN earned_1.current_value >= earned_1.required_value THEN outcome.at
              END
            , outcome.at
            , outcome.at
       FROM outcome
            INNER JOIN LATERAL unnest(ARRAY[(ARRAY['first_module_complete', 'second_module_complete', 'third_module_complete'])[outcome.module_rank]
                                          , 'tripwire_graduate']
                                    , ARRAY[1, outcome.modules_completed]
                                    , ARRAY[1, 3]) AS earned_1 (achievement_id, current_value, required_value) ON outcome.counts
       ON CONFLICT (user_id, achievement_id)
          DO UPDATE
            SET current_value = excluded.current_value
              , required_value = excluded.required_value
              , is_completed = excluded.is_completed
              , completed_at = excluded.completed_at
            WHERE NOT public.user_achievements.is_completed
       RETURNING public.user_achievements.user_id
     )
   , next_module AS MATERIALIZED (
       SELECT facts.user_id
            , public.modules.id AS module_id
            , public.lessons.id AS lesson_id
            , public.lessons.duration_seconds
       FROM facts
            INNER JOIN public.modules ON CASE
                                           WHEN facts.module_archived
                                             THEN public.modules.position > facts.module_position
                                           ELSE (public.modules.position, public.modules.id) > (facts.module_position, facts.module_id)
                                         END
                                      OR (public.modules.id <> facts.module_id
                                      AND NOT EXISTS (SELECT *
                                                      FROM public.student_progress, public.modules AS passed_module
                                                      WHERE public.student_progress.user_id = CAST($2 AS uuid)
                                                        AND public.student_progress.status = 'completed'
                                                        AND passed_module.id = public.student_progress.module_id
                                                        AND passed_module.position = public.modules.position))
            INNER JOIN public.lessons ON public.lessons.module_id = public.modules.id
                                     AND NOT public.lessons.archived
       WHERE NOT public.modules.archived
       ORDER BY CASE
                  WHEN facts.module_archived THEN public.modules.position > facts.module_position
                  ELSE (public.modules.position, public.modules.id) > (facts.module_position, facts.module_id)
                END DESC
              , public.modules.position
              , public.modules.id
       LIMIT 1
     )
   , opening AS MATERIALIZED (
       SELECT next_module.user_id
            , next_module.module_id
            , next_module.lesson_id
            , next_module.duration_seconds
            , count_module.at
       FROM next_module
            INNER JOIN count_module ON count_module.counts AND count_module.modules_completed < 3
     )
   , unlock_module AS (
       INSERT INTO public.module_unlocks (user_id, module_id, unlocked_at)
       SELECT opening.user_id, opening.module_id, opening.at
       FROM opening
       ON CONFLICT DO NOTHING
       RETURNING public.module_unlocks.user_id, public.module_unlocks.module_id
     )
   , open_progress AS (
       INSERT INTO public.student_progress (user_id
                                          , module_id
                                          , lesson_id
                                          , status
                                          , created_at
                                          , updated_at)
       SELECT opening.user_id
            , opening.module_id
            , opening.lesson_id
            , 'not_started'
            , opening.at
            , opening.at
       FROM opening
       ON CONFLICT DO NOTHING
       RETURNING public.student_progress.user_id
     )
   , open_video_tracking AS (
       INSERT INTO public.video_tracking (user_id
                                        , lesson_id
                                        , video_duration_seconds
                                        , created_at
                                        , updated_at)
       SELECT opening.user_id
            , opening.lesson_id
            , opening.duration_seconds
            , opening.at
            , opening.at
       FROM opening
       ON CONFLICT DO NOTHING
       RETURNING public.video_tracking.user_id
     )
   , events AS MATERIALIZED (
       (SELECT count_module.user_id
             , count_module.email
             , count_module.full_name
             , count_module.granted_by
             , count_module.modules_completed
             , count_module.at
             , count_module.counts
             , 'lesson_completed' AS action_type
             , jsonb_build_object('email'
                                , count_module.email
                                , 'full_name'
                                , count_module.full_name
                                , 'lesson_id'
                                , CAST($3 AS integer)) AS details
        FROM count_module

        UNION ALL

        SELECT count_module.user_id
             , count_module.email
             , count_module.full_name
             , count_module.granted_by
             , count_module.modules_completed
             , count_module.at
             , count_module.counts
             , 'module_unlocked'
             , jsonb_build_object('email', count_module.email, 'full_name', count_module.full_name, 'module_id', unlock_module.module_id)
        FROM count_module INNER JOIN unlock_module ON TRUE)

       UNION ALL

       SELECT count_module.user_id
            , count_module.email
            , count_module.full_name
            , count_module.granted_by
            , count_module.modules_completed
            , count_module.at
            , count_module.counts
            , 'certificate_issued'
            , jsonb_build_object('email', count_module.email, 'full_name', count_module.full_name, 'number', issue_certificate.number)
       FROM count_module INNER JOIN issue_certificate ON TRUE
     )
   , log_completion AS (
       INSERT INTO public.sales_activity_log (manager_id
                                            , action_type
                                            , target_user_id
                                            , details
                                            , created_at)
       SELECT events.granted_by
            , events.action_type
            , events.user_id
            , events.details
            , events.at
       FROM events
       RETURNING public.sales_activity_log.id
     )
  SELECT facts.status
       , facts.lesson_id
       , facts.module_id
       , facts.unlocked
       , facts.completed_before
       , facts.watch_percentage
       , complete_progress.user_id IS NOT NULL AS completed_now
       , COALESCE(count_module.modules_completed, facts.modules_completed) AS modules_completed
       , COALESCE(unlock_module.module_id
                , (SELECT public.module_unlocks.module_id
                   FROM public.module_unlocks
                   WHERE public.module_unlocks.user_id = CAST($2 AS uuid)
                     AND public.module_unlocks.module_id = (SELECT next_module.module_id
                                                            FROM next_module))) AS unlocked_module_id
       , COALESCE(issue_certificate.id, valid_certificate.id) AS certificate_id
       , COALESCE(issue_certificate.user_id, valid_certificate.user_id) AS certificate_user_id
       , COALESCE(issue_certificate.number, valid_certificate.number) AS certificate_number
       , COALESCE(issue_certificate.verification_code, valid_certificate.verification_code) AS certificate_verification_code
       , COALESCE(issue_certificate.url, valid_certificate.url) AS certificate_url
       , COALESCE(issue_certificate.full_name, valid_certificate.full_name) AS certificate_full_name
       , COALESCE(issue_certificate.issued_at, valid_certificate.issued_at) AS certificate_issued_at
       , COALESCE(issue_certificate.revoked_at, valid_certificate.revoked_at) AS certificate_revoked_at
       , COALESCE(issue_certificate.revoked_reason, valid_certificate.revoked_reason) AS certificate_revoked_reason
       , issue_certificate.id IS NOT NULL AS newly_issued
       ,    (facts.status IN ('active', 'completed')
         AND facts.unlocked
         AND facts.qualified
         AND NOT facts.completed_before
         AND facts.moved)
         OR (gate.user_id IS NOT NULL AND complete_progress.user_id IS NULL) AS raced
       , (SELECT count(*)
          FROM complete_progress) AS rows_complete_progress
       , (SELECT count(*)
          FROM keep_segments) AS rows_keep_segments
       , (SELECT count(*)
          FROM count_module) AS rows_count_module
       , (SELECT count(*)
          FROM issue_certificate) AS rows_issue_certificate
       , (SELECT count(*)
          FROM update_profile) AS rows_update_profile
       , (SELECT count(*)
          FROM count_lesson) AS rows_count_lesson
       , (SELECT count(*)
          FROM earn_achievements) AS rows_earn_achievements
       , (SELECT count(*)
          FROM unlock_module) AS rows_unlock_module
       , (SELECT count(*)
          FROM open_progress) AS rows_open_progress
       , (SELECT count(*)
          FROM open_video_tracking) AS rows_open_video_tracking
       , (SELECT count(*)
          FROM log_completion) AS rows_log_completion
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM facts
       LEFT JOIN gate ON TRUE
       LEFT JOIN complete_progress ON TRUE
       LEFT JOIN count_module ON TRUE
       LEFT JOIN unlock_module ON TRUE
       LEFT JOIN issue_certificate ON TRUE
       LEFT JOIN valid_certificate ON TRUE;
