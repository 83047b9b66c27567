-- v2: whether a student has watched enough of a lesson to complete it.
CREATE FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = public
    AS $$
BEGIN
    RETURN coalesce(
        (
            SELECT v.is_qualified_for_completion
            FROM video_tracking v
            WHERE v.user_id = user_id_param AND v.lesson_id = lesson_id_param
        ),
        false
    );
END;
$$
