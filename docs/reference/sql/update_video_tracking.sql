-- update_video_tracking($1 at, $2 user_id, $3 lesson_id, $4 ends, $5 starts, $6 gap_ms, $7 max_rate, $8 first_grant_ms, $9 idle_cap_ms, $10 threshold, $11 position)
-- tripwire_db/flows/update_video_tracking.py

/* tripwire:update_video_tracking */
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
   , video AS MATERIALIZED (
       SELECT public.video_tracking.id
            , public.video_tracking.watched_segments
            , public.video_tracking.counted_ms
            , public.video_tracking.allowance_ms
            , public.video_tracking.last_seen_at
            , public.video_tracking.last_position_seconds
            , public.video_tracking.video_duration_seconds
            , public.video_tracking.total_watched_seconds
            , public.video_tracking.watch_percentage
            , public.video_tracking.is_qualified_for_completion
            , public.video_tracking.qualified_segments IS NOT NULL AS searchable
       FROM student
            INNER JOIN public.video_tracking ON public.video_tracking.user_id = student.user_id
                                            AND public.video_tracking.lesson_id = CAST($3 AS integer)
       FOR UPDATE OF video_tracking
     )
   , progress_now AS MATERIALIZED (
       SELECT public.student_progress.status
       FROM student
            INNER JOIN public.tripwire_users AS at_start ON at_start.user_id = student.user_id
                                                        AND at_start.modules_completed IS DISTINCT FROM student.modules_completed
            INNER JOIN public.student_progress ON public.student_progress.user_id = student.user_id
                                              AND public.student_progress.lesson_id = CAST($3 AS integer)
       FOR UPDATE OF student_progress
     )
   , facts AS MATERIALIZED (
       SELECT student.user_id
            , student.status
            , student.at
            , public.lessons.id AS lesson_id
            , public.lessons.module_id
            , public.lessons.duration_seconds
            , CAST(public.lessons.duration_seconds AS bigint) * 1000 AS duration_ms
            , COALESCE((SELECT max(ends)
                        FROM unnest(CAST($4 AS bigint[])) AS ends) > CAST(public.lessons.duration_seconds AS bigint) * 1000 + GREATEST(2000
                                                                                                                                     , CAST(public.lessons.duration_seconds AS bigint) * 1000 * 0.01)
                     , FALSE) AS overruns
            , public.module_unlocks.id IS NOT NULL AS unlocked
            , public.student_progress.status AS progress_status
       FROM student
            LEFT JOIN public.lessons ON public.lessons.id = CAST($3 AS integer)
            LEFT JOIN public.module_unlocks ON public.module_unlocks.user_id = student.user_id
                                           AND public.module_unlocks.module_id = public.lessons.module_id
            LEFT JOIN public.student_progress ON public.student_progress.user_id = student.user_id
                                             AND public.student_progress.lesson_id = public.lessons.id
     )
   , gate AS MATERIALIZED (
       SELECT facts.user_id
            , facts.status
            , facts.at
            , facts.lesson_id
            , facts.module_id
            , facts.duration_seconds
            , facts.duration_ms
            , facts.overruns
            , facts.unlocked
            , facts.progress_status
       FROM facts
       WHERE facts.status IN ('active', 'completed') AND facts.unlocked AND NOT facts.overruns
     )
   , stretches AS MATERIALIZED (
       SELECT CAST(GREATEST(both_sets.start_ms, 0) AS bigint) AS start_ms
            , CAST(LEAST(both_sets.end_ms, gate.duration_ms) AS bigint) AS end_ms
       FROM gate
            INNER JOIN (SELECT round(CAST(part_1.value ->> 'start' AS numeric) * 1000) AS start_ms
                             , round(CAST(part_1.value ->> 'end' AS numeric) * 1000) AS end_ms
                        FROM video
                             INNER JOIN LATERAL jsonb_path_query(video.watched_segments
                                                               , CAST('$[*] ? (@.type() == "object" && @.start.type() == "number" && @.end.type() == "number")' AS jsonpath)) AS part_1 (value) ON TRUE

                        UNION ALL

                        SELECT reported.start_ms, reported.end_ms
                        FROM unnest(CAST($5 AS bigint[]), CAST($4 AS bigint[])) AS reported (start_ms, end_ms)) AS both_sets ON TRUE
       WHERE GREATEST(both_sets.start_ms, 0) < LEAST(both_sets.end_ms, gate.duration_ms)
     )
   , merged AS MATERIALIZED (
       SELECT lower(widened.stretch) AS start_ms
            , upper(widened.stretch) - CAST($6 AS bigint) AS end_ms
       FROM (SELECT unnest(range_agg(int8range(stretches.start_ms
                                             , stretches.end_ms + CAST($6 AS bigint)))) AS stretch
             FROM stretches) AS widened
     )
   , counted AS MATERIALIZED (
       SELECT credit.video_id
            , credit.last_seen_at
            , credit.counted_before_ms
            , credit.duration_changed
            , credit.total_watched_seconds
            , credit.watch_percentage
            , credit.qualified_before
            , credit.searchable
            , credit.user_id
            , credit.status
            , credit.at
            , credit.lesson_id
            , credit.module_id
            , credit.duration_seconds
            , credit.duration_ms
            , credit.overruns
            , credit.unlocked
            , credit.progress_status
            , union_of_all.segments
            , union_of_all.unique_ms
            , GREATEST(CASE
                         WHEN credit.duration_changed
                           THEN LEAST(credit.counted_before_ms, union_of_all.unique_ms)
                         ELSE credit.counted_before_ms
                       END
                     , LEAST(union_of_all.unique_ms
                           , CASE
                               WHEN CAST($7 AS numeric) IS NULL THEN union_of_all.unique_ms
                               ELSE credit.allowance_ms
                             END)) AS counted_ms
            , GREATEST(credit.allowance_ms
                     , GREATEST(CASE
                                  WHEN credit.duration_changed
                                    THEN LEAST(credit.counted_before_ms, union_of_all.unique_ms)
                                  ELSE credit.counted_before_ms
                                END
                              , LEAST(union_of_all.unique_ms
                                    , CASE
                                        WHEN CAST($7 AS numeric) IS NULL
                                          THEN union_of_all.unique_ms
                                        ELSE credit.allowance_ms
                                      END))) AS allowance_ms
       FROM (SELECT video.id AS video_id
                  , GREATEST(video.allowance_ms, video.counted_ms) + CASE
                                                                       WHEN video.last_seen_at IS NULL
                                                                         THEN CAST($8 AS bigint)
                                                                       ELSE CAST(floor(LEAST(GREATEST(floor(EXTRACT(EPOCH FROM gate.at - video.last_seen_at) * 1000)
                                                                                                    , 0)
                                                                                           , CAST($9 AS bigint)) * COALESCE(CAST($7 AS numeric)
                                                                                                                          , 0)) AS bigint)
                                                                     END AS allowance_ms
                  , GREATEST(video.last_seen_at, gate.at) AS last_seen_at
                  , video.counted_ms AS counted_before_ms
                  ,     video.last_seen_at IS NOT NULL
                    AND video.video_duration_seconds <> gate.duration_seconds AS duration_changed
                  , video.total_watched_seconds
                  , video.watch_percentage
                  , video.is_qualified_for_completion AS qualified_before
                  , video.searchable
                  , gate.user_id
                  , gate.status
                  , gate.at
                  , gate.lesson_id
                  , gate.module_id
                  , gate.duration_seconds
                  , gate.duration_ms
                  , gate.overruns
                  , gate.unlocked
                  , gate.progress_status
             FROM gate INNER JOIN video ON TRUE) AS credit
            INNER JOIN (SELECT COALESCE(jsonb_agg(jsonb_build_object('start'
                                                                   , trim_scale(round(merged.start_ms / CAST(1000.0 AS numeric)
                                                                                    , 3))
                                                                   , 'end'
                                                                   , trim_scale(round(merged.end_ms / CAST(1000.0 AS numeric)
                                                                                    , 3))) ORDER BY merged.start_ms)
                                      , CAST('[]' AS jsonb)) AS segments
                             , COALESCE(CAST(sum(merged.end_ms - merged.start_ms) AS bigint), 0) AS unique_ms
                        FROM merged) AS union_of_all ON TRUE
     )
   , watched AS MATERIALIZED (
       SELECT counted.video_id
            , counted.last_seen_at
            , counted.counted_before_ms
            , counted.duration_changed
            , counted.watch_percentage
            , counted.qualified_before
            , counted.searchable
            , counted.user_id
            , counted.status
            , counted.at
            , counted.lesson_id
            , counted.module_id
            , counted.duration_seconds
            , counted.duration_ms
            , counted.overruns
            , counted.unlocked
            , counted.progress_status
            , counted.segments
            , counted.unique_ms
            , counted.counted_ms
            , counted.allowance_ms
            , GREATEST(counted.total_watched_seconds
                     , CAST(floor(counted.counted_ms / 1000) AS integer)) AS total_watched_seconds
            , CAST(floor(counted.counted_ms / 1000) AS integer) - CAST(counted.counted_before_ms / 1000 AS integer) AS new_whole_seconds
            , GREATEST(counted.watch_percentage
                     , LEAST(CAST(counted.counted_ms * 100 / counted.duration_ms AS integer), 100)) AS percentage
            ,    counted.qualified_before
              OR counted.counted_ms >= counted.duration_ms * CAST($10 AS numeric) AS qualified
       FROM counted
     )
   , update_video AS (
       UPDATE public.video_tracking
       SET watched_segments = watched.segments
         , total_watched_seconds = watched.total_watched_seconds
         , video_duration_seconds = watched.duration_seconds
         , last_position_seconds = LEAST(CAST($11 AS bigint), watched.duration_seconds)
         , watch_percentage = watched.percentage
         , is_qualified_for_completion = watched.qualified
         , qualified_segments = CASE
                                  WHEN watched.qualified AND NOT watched.searchable
                                    THEN watched.segments
                                  ELSE public.video_tracking.qualified_segments
                                END
         , counted_ms = watched.counted_ms
         , allowance_ms = watched.allowance_ms
         , last_seen_at = watched.last_seen_at
       FROM watched
       WHERE public.video_tracking.id = watched.video_id
         AND (public.video_tracking.watched_segments IS DISTINCT FROM watched.segments
           OR public.video_tracking.counted_ms IS DISTINCT FROM watched.counted_ms
           OR public.video_tracking.allowance_ms IS DISTINCT FROM watched.allowance_ms
           OR public.video_tracking.last_seen_at IS DISTINCT FROM watched.last_seen_at
           OR public.video_tracking.last_position_seconds IS DISTINCT FROM LEAST(CAST($11 AS bigint)
                                                                               , watched.duration_seconds)
           OR public.video_tracking.video_duration_seconds IS DISTINCT FROM watched.duration_seconds
           OR public.video_tracking.total_watched_seconds IS DISTINCT FROM watched.total_watched_seconds
           OR public.video_tracking.watch_percentage IS DISTINCT FROM watched.percentage
           OR public.video_tracking.is_qualified_for_completion IS DISTINCT FROM watched.qualified
           OR public.video_tracking.qualified_segments IS DISTINCT FROM CASE
                                                                          WHEN watched.qualified
                                                                           AND NOT watched.searchable
                                                                            THEN watched.segments
                                                                          ELSE public.video_tracking.qualified_segments
                                                                        END)
       RETURNING public.video_tracking.user_id
     )
   , open_video_tracking AS (
       INSERT INTO public.video_tracking (user_id
                                        , lesson_id
                                        , video_duration_seconds
                                        , created_at
                                        , updated_at)
       SELECT untracked.user_id
            , untracked.lesson_id
            , untracked.duration_seconds
            , untracked.at
            , untracked.at
       FROM (SELECT gate.user_id
                  , gate.status
                  , gate.at
                  , gate.lesson_id
                  , gate.module_id
                  , gate.duration_seconds
                  , gate.duration_ms
                  , gate.overruns
                  , gate.unlocked
                  , gate.progress_status
             FROM gate LEFT JOIN video ON TRUE
             WHERE video.id IS NULL) AS untracked
       ON CONFLICT DO NOTHING
       RETURNING public.video_tracking.user_id
     )
   , begin_progress AS (
       INSERT INTO public.student_progress (user_id
                                          , module_id
                                          , lesson_id
                                          , status
                                          , started_at
                                          , created_at
                                          , updated_at)
       SELECT beginning.user_id
            , beginning.module_id
            , beginning.lesson_id
            , 'in_progress'
            , beginning.at
            , beginning.at
            , beginning.at
       FROM (SELECT watched.video_id
                  , watched.last_seen_at
                  , watched.counted_before_ms
                  , watched.duration_changed
                  , watched.watch_percentage
                  , watched.qualified_before
                  , watched.searchable
                  , watched.user_id
                  , watched.status
                  , watched.at
                  , watched.lesson_id
                  , watched.module_id
                  , watched.duration_seconds
                  , watched.duration_ms
                  , watched.overruns
                  , watched.unlocked
                  , watched.progress_status
                  , watched.segments
                  , watched.unique_ms
                  , watched.counted_ms
                  , watched.allowance_ms
                  , watched.total_watched_seconds
                  , watched.new_whole_seconds
                  , watched.percentage
                  , watched.qualified
             FROM watched
             WHERE watched.counted_ms > 0
               AND COALESCE(watched.progress_status, 'not_started') = 'not_started') AS beginning
       ON CONFLICT (user_id, lesson_id)
          DO UPDATE
            SET status = excluded.status
              , started_at = COALESCE(public.student_progress.started_at, excluded.started_at)
            WHERE public.student_progress.status = 'not_started'
       RETURNING public.student_progress.status
     )
   , add_time_spent AS (
       INSERT INTO public.user_statistics (user_id, total_time_spent, created_at, updated_at)
       SELECT grown.user_id
            , grown.new_whole_seconds
            , grown.at
            , grown.at
       FROM (SELECT watched.user_id
                  , watched.at
                  , watched.new_whole_seconds
             FROM watched
             WHERE watched.new_whole_seconds > 0) AS grown
       ON CONFLICT (user_id)
          DO UPDATE
            SET total_time_spent = public.user_statistics.total_time_spent + excluded.total_time_spent
       RETURNING public.user_statistics.user_id
     )
  SELECT facts.status
       , facts.lesson_id
       , facts.module_id
       , facts.duration_seconds
       , facts.unlocked
       , facts.overruns
       , COALESCE(progress_now.status
                , begin_progress.status
                , CASE
                    WHEN watched.counted_ms > 0
                     AND COALESCE(facts.progress_status, 'not_started') = 'not_started'
                      THEN 'in_progress'
                  END
                , facts.progress_status
                , 'not_started') AS progress_status
       , watched.segments
       , watched.unique_ms
       , watched.counted_ms
       , watched.counted_before_ms
       , watched.percentage
       , watched.qualified
       , watched.qualified_before
       , gate.user_id IS NOT NULL AND video.id IS NULL AS raced
       , (SELECT count(*)
          FROM update_video) AS rows_update_video
       , (SELECT count(*)
          FROM open_video_tracking) AS rows_open_video_tracking
       , (SELECT count(*)
          FROM begin_progress) AS rows_begin_progress
       , (SELECT count(*)
          FROM add_time_spent) AS rows_add_time_spent
       , CASE
           WHEN current_setting('synchronous_standby_names') <> ''
             THEN pg_logical_emit_message(TRUE, 'tripwire', CAST('' AS text))
         END AS standby_wait
  FROM facts
       LEFT JOIN gate ON TRUE
       LEFT JOIN video ON TRUE
       LEFT JOIN watched ON TRUE
       LEFT JOIN begin_progress ON TRUE
       LEFT JOIN progress_now ON TRUE;
