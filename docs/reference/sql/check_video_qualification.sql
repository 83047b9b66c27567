-- check_video_qualification($1 user_id, $2 lesson_id)
-- tripwire_db/flows/sales.py

/* tripwire:check_video_qualification */
SELECT public.rpc_check_video_qualification(CAST($1 AS uuid), CAST($2 AS integer)) AS qualified;
