-- search_watched_segments($1 lesson_id, $2 segment, $3 limit)
-- tripwire_db/flows/search.py

/* tripwire:search_watched_segments */
SELECT found.user_id
FROM (SELECT public.video_tracking.user_id
      FROM public.video_tracking
      WHERE public.video_tracking.lesson_id = CAST($1 AS integer)
        AND public.video_tracking.is_qualified_for_completion
        AND public.video_tracking.qualified_segments @> CAST($2 AS jsonb)

      UNION ALL

      SELECT public.video_tracking.user_id
      FROM public.video_tracking
      WHERE public.video_tracking.lesson_id = CAST($1 AS integer)
        AND public.video_tracking.is_qualified_for_completion
        AND public.video_tracking.qualified_segments IS NULL
        AND public.video_tracking.watched_segments @> CAST($2 AS jsonb)) AS found
ORDER BY found.user_id
LIMIT CAST($3 AS bigint);
