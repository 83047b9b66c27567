-- update_video_tracking($1 at, $2 latest_ms, $3 user_id, $4 lesson_id, $5 first_grant_ms, $6 idle_cap_ms, $7 max_rate, $8 gap_ms, $9 reported, $10 threshold, $11 position)
-- tripwire_db/flows/update_video_tracking.py

/* tripwire:update_video_tracking */
WITH settings AS MATERIALIZED (
       SELECT set_config('lock_timeout', '4s', TRUE) AS lock_timeout
            , COALESCE(CAST($1 AS timestamp with time zone), clock_timestamp()) AS at
     )
   , student AS MATERIALIZED (
       SELECT public.tripwire_users.user_id
            , public.tripwire_users.status
            , public.tripwire_users.modules_completed
            , settings.at
            , public.lessons.id AS lesson_id
            , public.lessons.module_id
            , public.lessons.duration_seconds
            , CAST(public.lessons.duration_seconds AS bigint) * 1000 AS duration_ms
            , COALESCE(CAST($2 AS bigint) > CAST(public.lessons.duration_seconds AS bigint) * 1000 + GREATEST(2000
                                                                                                            , CAST(public.lessons.duration_seconds AS bigint) * 1000 / 100)
                     , FALSE) AS overruns
            , EXISTS (SELECT *
                      FROM public.module_unlocks
                      WHERE public.module_unlocks.user_id = CAST($3 AS uuid)
                        AND public.module_unlocks.module_id = public.lessons.module_id) AS unlocked
            , (SELECT public.student_progress.status
               FROM public.student_progress
               WHERE public.student_progress.user_id = CAST($3 AS uuid)
                 AND public.student_progress.lesson_id = CAST($4 AS integer)) AS progress_status
       FROM settings
            INNER JOIN public.tripwire_users ON public.tripwire_users.user_id = CAST($3 AS uuid)
            LEFT JOIN public.lessons ON public.lessons.id = CAST($4 AS integer)
       FOR UPDATE OF tripwire_users
     )
   , video AS MATERIALIZED (
       SELECT public.video_tracking.id
            , public.video_tracking.watched_segments
            , public.video_tracking.counted_ms
            , public.video_tracking.allowance_ms
            , public.video_tracking.last_seen_at
            , public.video_tracking.video_duration_seconds
            , public.video_tracking.total_watched_seconds
            , public.video_tracking.watch_percentage
            , public.video_tracking.is_qualified_for_completion
            , public.video_tracking.qualified_segments IS NOT NULL AS searchable
            , student.user_id
            , student.at
            , student.lesson_id
            , student.module_id
            , student.duration_seconds
            , student.duration_ms
            , student.progress_status
       FROM student
            INNER JOIN public.video_tracking ON public.video_tracking.user_id = CAST($3 AS uuid)
                                            AND public.video_tracking.lesson_id = CAST($4 AS integer)
       WHERE student.status IN ('active', 'completed')
         AND student.unlocked
         AND NOT student.overruns
       FOR UPDATE OF video_tracking
     )
   , progress_now AS MATERIALIZED (
       SELECT public.student_progress.status
       FROM student
            INNER JOIN public.student_progress ON public.student_progress.user_id = CAST($3 AS uuid)
                                              AND public.student_progress.lesson_id = CAST($4 AS integer)
       WHERE student.modules_completed <> (SELECT public.tripwire_users.modules_completed
                                           FROM public.tripwire_users
                                           WHERE public.tripwire_users.user_id = CAST($3 AS uuid))
       FOR UPDATE OF student_progress
     )
   , merged AS MATERIALIZED (
       SELECT video.id AS video_id
            , union_of_all.segments
            , union_of_all.unique_ms
            , CASE
                WHEN video.last_seen_at IS NOT NULL
                 AND video.video_duration_seconds <> video.duration_seconds
                  THEN LEAST(video.counted_ms, union_of_all.unique_ms)
                ELSE video.counted_ms
              END AS kept_ms
            , GREATEST(video.allowance_ms, video.counted_ms) + CASE
                                                                 WHEN video.last_seen_at IS NULL
                                                                   THEN CAST($5 AS bigint)
                                                                 ELSE CAST(floor(LEAST(GREATEST(floor(EXTRACT(EPOCH FROM video.at - video.last_seen_at) * 1000)
                                                                                              , 0)
                                                                                     , CAST($6 AS bigint)) * COALESCE(CAST($7 AS numeric)
                                                                                                                    , 0)) AS bigint)
                                                               END AS allowance_ms
            , GREATEST(video.last_seen_at, video.at) AS last_seen_at
            , video.counted_ms AS counted_before_ms
            , video.is_qualified_for_completion AS qualified_before
            , video.total_watched_seconds
            , video.watch_percentage
            , video.searchable
            , video.user_id
            , video.at
            , video.lesson_id
            , video.module_id
            , video.duration_seconds
            , video.duration_ms
            , video.progress_status
       FROM video
            INNER JOIN LATERAL (SELECT CAST(CAST('[' AS text) || COALESCE(string_agg(CAST('{"start": ' AS text) || CAST(trim_scale(lower(each.stretch) * 0.001) AS text) || CAST(', "end": ' AS text) || CAST(trim_scale((upper(each.stretch) - CAST($8 AS bigint)) * 0.001) AS text) || CAST('}' AS text)
                                                                                   , CAST(', ' AS text))
                                                                        , CAST('' AS text)) || CAST(']' AS text) AS jsonb) AS segments
                                     , COALESCE(CAST(sum(upper(each.stretch) - CAST($8 AS bigint) - lower(each.stretch)) AS bigint)
                                              , 0) AS unique_ms
                                FROM unnest((SELECT range_agg(int8range(stretches.start_ms
                                                                      , stretches.end_ms + CAST($8 AS bigint))) FILTER (WHERE stretches.start_ms < stretches.end_ms)
                                             FROM (SELECT CAST(LEAST(GREATEST(CAST((part.value)['start'] AS numeric)
                                                                            , 0)
                                                                   , video.duration_seconds) * 1000 AS bigint) AS start_ms
                                                        , CAST(LEAST(GREATEST(CAST((part.value)['end'] AS numeric)
                                                                            , 0)
                                                                   , video.duration_seconds) * 1000 AS bigint) AS end_ms
                                                   FROM jsonb_path_query(video.watched_segments || CAST($9 AS jsonb)
                                                                       , CAST('$[*] ? (@.type() == "object" && @.start.type() == "number" && @.end.type() == "number")' AS jsonpath)) AS part (value)
                                                   LIMIT ALL
                                                   OFFSET 0) AS stretches)) AS each (stretch)) AS union_of_all ON TRUE
     )
   , counted AS MATERIALIZED (
       SELECT merged.video_id
            , merged.segments
            , merged.unique_ms
            , merged.allowance_ms
            , merged.last_seen_at
            , merged.counted_before_ms
            , merged.qualified_before
            , merged.total_watched_seconds
            , merged.watch_percentage
            , merged.searchable
            , merged.user_id
            , merged.at
            , merged.lesson_id
            , merged.module_id
            , merged.duration_seconds
            , merged.duration_ms
            , merged.progress_status
            , GREATEST(merged.kept_ms
                     , LEAST(merged.unique_ms
                           , CASE
                               WHEN CAST($7 AS numeric) IS NULL THEN merged.unique_ms
                               ELSE merged.allowance_ms
                             END)) AS counted_ms
       FROM merged
     )
   , watched AS MATERIALIZED (
       SELECT counted.video_id
            , counted.segments
            , counted.unique_ms
            , counted.last_seen_at
            , counted.counted_before_ms
            , counted.qualified_before
            , counted.searchable
            , counted.user_id
            , counted.at
            , counted.lesson_id
            , counted.module_id
            , counted.duration_seconds
            , counted.duration_ms
            , counted.progress_status
            , counted.counted_ms
            , GREATEST(counted.allowance_ms, counted.counted_ms) AS allowance_ms
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
       FROM (SELECT student.user_id
                  , student.status
                  , student.modules_completed
                  , student.at
                  , student.lesson_id
                  , student.module_id
                  , student.duration_seconds
                  , student.duration_ms
                  , student.overruns
                  , student.unlocked
                  , student.progress_status
             FROM student LEFT JOIN video ON TRUE
             WHERE student.status IN ('active', 'completed')
               AND student.unlocked
               AND NOT student.overruns
               AND video.id IS NULL) AS untracked
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
                  , watched.segments
                  , watched.unique_ms
                  , watched.last_seen_at
                  , watched.counted_before_ms
                  , watched.qualified_before
                  , watched.searchable
                  , watched.user_id
                  , watched.at
                  , watched.lesson_id
                  , watched.module_id
                  , watched.duration_seconds
                  , watched.duration_ms
                  , watched.progress_status
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
  SELECT student.status
       , student.lesson_id
       , student.module_id
       , student.duration_seconds
       , student.unlocked
       , student.overruns
       , COALESCE((SELECT progress_now.status
                   FROM progress_now)
                , CASE
                    WHEN watched.counted_ms > 0
                     AND COALESCE(watched.progress_status, 'not_started') = 'not_started'
                      THEN 'in_progress'
                  END
                , student.progress_status
                , 'not_started') AS progress_status
       , watched.segments
       , watched.unique_ms
       , watched.counted_ms
       , watched.counted_before_ms
       , watched.percentage
       , watched.qualified
       , watched.qualified_before
       ,     student.status IN ('active', 'completed')
         AND student.unlocked
         AND NOT student.overruns
         AND watched.video_id IS NULL AS raced
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
  FROM student LEFT JOIN watched ON TRUE;
