CREATE FUNCTION public.rpc_check_video_qualification(
    user_id_param pg_catalog.uuid,
    lesson_id_param pg_catalog.int4
)
RETURNS pg_catalog.bool
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = ''
AS $$
BEGIN
    RETURN tripwire.video_qualification(user_id_param, lesson_id_param);
END;
$$;

COMMENT ON FUNCTION public.rpc_check_video_qualification(pg_catalog.uuid, pg_catalog.int4) IS
    'Whether the student has watched enough of the lesson: the flag that completing it reads; false where there is none. '
    'For the student in person, who sold the student, admin and the backend.';
