-- Revision: 20261126153703

-- ACL -.SCHEMA public
GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;

-- ACL -.SCHEMA tripwire
GRANT USAGE ON SCHEMA tripwire TO service_role;
GRANT USAGE ON SCHEMA tripwire TO authenticated;

-- ACL public.FUNCTION pgrst_watch()
REVOKE ALL ON FUNCTION public.pgrst_watch() FROM PUBLIC;
GRANT ALL ON FUNCTION public.pgrst_watch() TO service_role;

-- ACL public.FUNCTION pgrst_watch_drop()
REVOKE ALL ON FUNCTION public.pgrst_watch_drop() FROM PUBLIC;
GRANT ALL ON FUNCTION public.pgrst_watch_drop() TO service_role;

-- ACL public.FUNCTION rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer)
REVOKE ALL ON FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer) TO authenticated;
GRANT ALL ON FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer) TO service_role;

-- ACL public.FUNCTION rpc_get_manager_activity(manager_id_param uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text)
REVOKE ALL ON FUNCTION public.rpc_get_manager_activity(manager_id_param uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rpc_get_manager_activity(manager_id_param uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) TO authenticated;
GRANT ALL ON FUNCTION public.rpc_get_manager_activity(manager_id_param uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) TO service_role;

-- ACL public.FUNCTION rpc_get_manager_stats(manager_id_param uuid, time_zone text, from_date date, to_date date)
REVOKE ALL ON FUNCTION public.rpc_get_manager_stats(manager_id_param uuid, time_zone text, from_date date, to_date date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rpc_get_manager_stats(manager_id_param uuid, time_zone text, from_date date, to_date date) TO authenticated;
GRANT ALL ON FUNCTION public.rpc_get_manager_stats(manager_id_param uuid, time_zone text, from_date date, to_date date) TO service_role;

-- ACL public.FUNCTION rpc_get_sales_chart_data(manager_id_param uuid, days_back integer, time_zone text, from_date date, to_date date)
REVOKE ALL ON FUNCTION public.rpc_get_sales_chart_data(manager_id_param uuid, days_back integer, time_zone text, from_date date, to_date date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rpc_get_sales_chart_data(manager_id_param uuid, days_back integer, time_zone text, from_date date, to_date date) TO authenticated;
GRANT ALL ON FUNCTION public.rpc_get_sales_chart_data(manager_id_param uuid, days_back integer, time_zone text, from_date date, to_date date) TO service_role;

-- ACL public.FUNCTION rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text)
REVOKE ALL ON FUNCTION public.rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) TO authenticated;
GRANT ALL ON FUNCTION public.rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) TO service_role;

-- ACL public.FUNCTION update_updated_at_column()
REVOKE ALL ON FUNCTION public.update_updated_at_column() FROM PUBLIC;
GRANT ALL ON FUNCTION public.update_updated_at_column() TO service_role;

-- ACL public.TABLE certificates
GRANT SELECT ON TABLE public.certificates TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.certificates TO service_role;

-- ACL public.TABLE lessons
GRANT SELECT ON TABLE public.lessons TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.lessons TO service_role;

-- ACL public.TABLE module_unlocks
GRANT SELECT ON TABLE public.module_unlocks TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.module_unlocks TO service_role;

-- ACL public.TABLE modules
GRANT SELECT ON TABLE public.modules TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.modules TO service_role;

-- ACL public.TABLE sales_activity_log
GRANT SELECT ON TABLE public.sales_activity_log TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sales_activity_log TO service_role;

-- ACL public.TABLE student_progress
GRANT SELECT ON TABLE public.student_progress TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.student_progress TO service_role;

-- ACL public.TABLE tripwire_user_profile
GRANT SELECT ON TABLE public.tripwire_user_profile TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tripwire_user_profile TO service_role;

-- ACL public.TABLE tripwire_users
GRANT SELECT ON TABLE public.tripwire_users TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tripwire_users TO service_role;

-- ACL public.TABLE user_achievements
GRANT SELECT ON TABLE public.user_achievements TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_achievements TO service_role;

-- ACL public.TABLE user_statistics
GRANT SELECT ON TABLE public.user_statistics TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_statistics TO service_role;

-- ACL public.TABLE users
GRANT SELECT ON TABLE public.users TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO service_role;

-- ACL public.TABLE video_tracking
GRANT SELECT ON TABLE public.video_tracking TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.video_tracking TO service_role;

-- ACL tripwire.FUNCTION admin_highest_id()
REVOKE ALL ON FUNCTION tripwire.admin_highest_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.admin_highest_id() TO authenticated;
GRANT ALL ON FUNCTION tripwire.admin_highest_id() TO service_role;

-- ACL tripwire.FUNCTION admin_lowest_id()
REVOKE ALL ON FUNCTION tripwire.admin_lowest_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.admin_lowest_id() TO authenticated;
GRANT ALL ON FUNCTION tripwire.admin_lowest_id() TO service_role;

-- ACL tripwire.FUNCTION assert_dates(from_date date, to_date date)
REVOKE ALL ON FUNCTION tripwire.assert_dates(from_date date, to_date date) FROM PUBLIC;

-- ACL tripwire.FUNCTION assert_given(argument text, value anyelement)
REVOKE ALL ON FUNCTION tripwire.assert_given(argument text, value anyelement) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.assert_given(argument text, value anyelement) TO authenticated;
GRANT ALL ON FUNCTION tripwire.assert_given(argument text, value anyelement) TO service_role;

-- ACL tripwire.FUNCTION assert_in_range(argument text, value integer, lowest integer, highest integer)
REVOKE ALL ON FUNCTION tripwire.assert_in_range(argument text, value integer, lowest integer, highest integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.assert_in_range(argument text, value integer, lowest integer, highest integer) TO authenticated;
GRANT ALL ON FUNCTION tripwire.assert_in_range(argument text, value integer, lowest integer, highest integer) TO service_role;

-- ACL tripwire.FUNCTION assert_may_see_leaderboard()
REVOKE ALL ON FUNCTION tripwire.assert_may_see_leaderboard() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.assert_may_see_leaderboard() TO authenticated;
GRANT ALL ON FUNCTION tripwire.assert_may_see_leaderboard() TO service_role;

-- ACL tripwire.FUNCTION assert_may_see_manager(manager_id uuid)
REVOKE ALL ON FUNCTION tripwire.assert_may_see_manager(manager_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.assert_may_see_manager(manager_id uuid) TO authenticated;
GRANT ALL ON FUNCTION tripwire.assert_may_see_manager(manager_id uuid) TO service_role;

-- ACL tripwire.FUNCTION assert_may_see_student(student_id uuid)
REVOKE ALL ON FUNCTION tripwire.assert_may_see_student(student_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.assert_may_see_student(student_id uuid) TO authenticated;
GRANT ALL ON FUNCTION tripwire.assert_may_see_student(student_id uuid) TO service_role;

-- ACL tripwire.FUNCTION caller_id()
REVOKE ALL ON FUNCTION tripwire.caller_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.caller_id() TO authenticated;
GRANT ALL ON FUNCTION tripwire.caller_id() TO service_role;

-- ACL tripwire.FUNCTION caller_manager_id()
REVOKE ALL ON FUNCTION tripwire.caller_manager_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.caller_manager_id() TO authenticated;
GRANT ALL ON FUNCTION tripwire.caller_manager_id() TO service_role;

-- ACL tripwire.FUNCTION caller_role()
REVOKE ALL ON FUNCTION tripwire.caller_role() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.caller_role() TO authenticated;
GRANT ALL ON FUNCTION tripwire.caller_role() TO service_role;

-- ACL tripwire.FUNCTION find_auth_user(user_id_param uuid)
REVOKE ALL ON FUNCTION tripwire.find_auth_user(user_id_param uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.find_auth_user(user_id_param uuid) TO service_role;

-- ACL tripwire.FUNCTION find_auth_user_by_email(email_param text)
REVOKE ALL ON FUNCTION tripwire.find_auth_user_by_email(email_param text) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.find_auth_user_by_email(email_param text) TO service_role;

-- ACL tripwire.FUNCTION is_backend()
REVOKE ALL ON FUNCTION tripwire.is_backend() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.is_backend() TO authenticated;
GRANT ALL ON FUNCTION tripwire.is_backend() TO service_role;

-- ACL tripwire.FUNCTION manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text)
REVOKE ALL ON FUNCTION tripwire.manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) TO authenticated;
GRANT ALL ON FUNCTION tripwire.manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) TO service_role;

-- ACL tripwire.FUNCTION manager_stats(of_manager uuid, time_zone text, from_date date, to_date date)
REVOKE ALL ON FUNCTION tripwire.manager_stats(of_manager uuid, time_zone text, from_date date, to_date date) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.manager_stats(of_manager uuid, time_zone text, from_date date, to_date date) TO authenticated;
GRANT ALL ON FUNCTION tripwire.manager_stats(of_manager uuid, time_zone text, from_date date, to_date date) TO service_role;

-- ACL tripwire.FUNCTION may_read_course()
REVOKE ALL ON FUNCTION tripwire.may_read_course() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.may_read_course() TO authenticated;
GRANT ALL ON FUNCTION tripwire.may_read_course() TO service_role;

-- ACL tripwire.FUNCTION range_of_days(from_date date, to_date date, time_zone text)
REVOKE ALL ON FUNCTION tripwire.range_of_days(from_date date, to_date date, time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.range_of_days(from_date date, to_date date, time_zone text) TO service_role;

-- ACL tripwire.FUNCTION readable_student_ids()
REVOKE ALL ON FUNCTION tripwire.readable_student_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.readable_student_ids() TO authenticated;
GRANT ALL ON FUNCTION tripwire.readable_student_ids() TO service_role;

-- ACL tripwire.FUNCTION sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date)
REVOKE ALL ON FUNCTION tripwire.sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date) TO authenticated;
GRANT ALL ON FUNCTION tripwire.sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date) TO service_role;

-- ACL tripwire.FUNCTION sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text)
REVOKE ALL ON FUNCTION tripwire.sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) TO authenticated;
GRANT ALL ON FUNCTION tripwire.sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) TO service_role;

-- ACL tripwire.FUNCTION sales_totals(of_manager uuid, from_date date, to_date date)
REVOKE ALL ON FUNCTION tripwire.sales_totals(of_manager uuid, from_date date, to_date date) FROM PUBLIC;

-- ACL tripwire.FUNCTION schema_revision()
REVOKE ALL ON FUNCTION tripwire.schema_revision() FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.schema_revision() TO service_role;

-- ACL tripwire.FUNCTION use_time_zone(time_zone text)
REVOKE ALL ON FUNCTION tripwire.use_time_zone(time_zone text) FROM PUBLIC;

-- ACL tripwire.FUNCTION video_qualification(of_student uuid, of_lesson integer)
REVOKE ALL ON FUNCTION tripwire.video_qualification(of_student uuid, of_lesson integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tripwire.video_qualification(of_student uuid, of_lesson integer) TO authenticated;
GRANT ALL ON FUNCTION tripwire.video_qualification(of_student uuid, of_lesson integer) TO service_role;

-- ACL tripwire.SEQUENCE certificate_number_seq
GRANT SELECT,USAGE ON SEQUENCE tripwire.certificate_number_seq TO service_role;

-- COMMENT public.FUNCTION rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer)
COMMENT ON FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer) IS 'Whether the student has watched enough of the lesson: the flag that completing it reads; false where there is none. For the student in person, who sold the student, admin and the backend.';

-- COMMENT public.FUNCTION rpc_get_manager_activity(manager_id_param uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text)
COMMENT ON FUNCTION public.rpc_get_manager_activity(manager_id_param uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) IS 'A manager''s log, newest first, ids breaking ties, limit_count (1-1000) rows, of these kinds and on these dates, inclusive, where they are given. The next page: before and before_id are created_at and id of the last row; before alone means strictly older. For the manager in person, admin and the backend.';

-- COMMENT public.FUNCTION rpc_get_manager_stats(manager_id_param uuid, time_zone text, from_date date, to_date date)
COMMENT ON FUNCTION public.rpc_get_manager_stats(manager_id_param uuid, time_zone text, from_date date, to_date date) IS 'One row: a manager''s totals, as the leaderboard counts them, of the students sold on these dates, inclusive, and those of the current month of the IANA time zone, up to today; zeros for an unknown manager; without a manager, all sellers together. For the manager in person, admin and the backend; all together for the last two.';

-- COMMENT public.FUNCTION rpc_get_sales_chart_data(manager_id_param uuid, days_back integer, time_zone text, from_date date, to_date date)
COMMENT ON FUNCTION public.rpc_get_sales_chart_data(manager_id_param uuid, days_back integer, time_zone text, from_date date, to_date date) IS 'One row for each day of the IANA time zone, zeros included, newest first: the last days_back days (1-3660), today included, or those from from_date to to_date; one of them alone is open to today, or from the first sale. Without a manager, all sellers together. For the manager in person, admin and the backend; all together for the last two.';

-- COMMENT public.FUNCTION rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text)
COMMENT ON FUNCTION public.rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) IS 'Sellers by students, then revenue, both falling, then id. Revenue counts every student sold, blocked ones too; avg_completion_rate is the mean of modules_completed / total_modules in percent, to two decimals. Dates, inclusive, say which students count, and not who is listed; the month is the current one of the IANA time zone, up to today, whatever the dates. A seller who is gone is a row without manager_id for each manager_name. limit_count 1-1000. For sales_manager, admin and the backend.';

-- COMMENT public.INDEX idx_certificates_user_id
COMMENT ON INDEX public.idx_certificates_user_id IS 'the foreign key to auth.users; revoke_certificate: the newest of a student';

-- COMMENT public.INDEX idx_module_unlocks_module_id
COMMENT ON INDEX public.idx_module_unlocks_module_id IS 'the foreign key to modules: deleting a module looks here';

-- COMMENT public.INDEX idx_sales_activity_created_at
COMMENT ON INDEX public.idx_sales_activity_created_at IS 'search_activity({}) newest first, of all managers';

-- COMMENT public.INDEX idx_sales_activity_details
COMMENT ON INDEX public.idx_sales_activity_details IS 'search_activity(details)';

-- COMMENT public.INDEX idx_sales_activity_manager
COMMENT ON INDEX public.idx_sales_activity_manager IS 'rpc_get_manager_activity; search_activity(manager_id=…)';

-- COMMENT public.INDEX idx_sales_activity_target
COMMENT ON INDEX public.idx_sales_activity_target IS 'delete_student called again: the log row of a student who is gone';

-- COMMENT public.INDEX idx_student_progress_lesson
COMMENT ON INDEX public.idx_student_progress_lesson IS 'the foreign key to lessons: deleting a lesson looks here';

-- COMMENT public.INDEX idx_tripwire_user_profile_other_total
COMMENT ON INDEX public.idx_tripwire_user_profile_other_total IS 'rpc_get_manager_stats, rpc_get_sales_leaderboard: the profiles with another total than three modules';

-- COMMENT public.INDEX idx_tripwire_users_active
COMMENT ON INDEX public.idx_tripwire_users_active IS 'list_students(status=''active'') newest first';

-- COMMENT public.INDEX idx_tripwire_users_completed
COMMENT ON INDEX public.idx_tripwire_users_completed IS 'list_students(status=''completed'') newest first';

-- COMMENT public.INDEX idx_tripwire_users_created_at
COMMENT ON INDEX public.idx_tripwire_users_created_at IS 'list_students() newest first';

-- COMMENT public.INDEX idx_tripwire_users_seller
COMMENT ON INDEX public.idx_tripwire_users_seller IS 'list_students(manager_id=…) newest first; rpc_get_sales_chart_data; rpc_get_manager_stats and readable_student_ids, from the index alone';

-- COMMENT public.INDEX idx_users_role
COMMENT ON INDEX public.idx_users_role IS 'rpc_get_sales_leaderboard: the sellers among all users';

-- COMMENT public.INDEX idx_video_tracking_lesson_id
COMMENT ON INDEX public.idx_video_tracking_lesson_id IS 'the foreign key to lessons: deleting a lesson looks here';

-- COMMENT public.INDEX idx_video_tracking_qualified_segments
COMMENT ON INDEX public.idx_video_tracking_qualified_segments IS 'search_watched_segments(lesson_id, segment)';

-- COMMENT public.INDEX idx_video_tracking_segments_not_stored
COMMENT ON INDEX public.idx_video_tracking_segments_not_stored IS 'search_watched_segments(lesson_id, segment): what an older release qualified';

-- COMMENT public.INDEX uq_certificates_user_id_valid
COMMENT ON INDEX public.uq_certificates_user_id_valid IS 'one valid certificate per student; get_student, issue_certificate';

-- COMMENT public.INDEX uq_lessons_module_id_current
COMMENT ON INDEX public.uq_lessons_module_id_current IS 'one lesson per module that is not archived; unlock_next_module: the lesson of a module';

-- COMMENT tripwire.FUNCTION admin_highest_id()
COMMENT ON FUNCTION tripwire.admin_highest_id() IS 'The highest key of the range that the caller may read as an admin; NULL for everybody else.';

-- COMMENT tripwire.FUNCTION admin_lowest_id()
COMMENT ON FUNCTION tripwire.admin_lowest_id() IS 'The lowest key of the range that the caller may read as an admin; NULL for everybody else.';

-- COMMENT tripwire.FUNCTION assert_dates(from_date date, to_date date)
COMMENT ON FUNCTION tripwire.assert_dates(from_date date, to_date date) IS 'Raises 22023 unless each date given is one of the years 1 to 9999, and they stand in their order.';

-- COMMENT tripwire.FUNCTION assert_given(argument text, value anyelement)
COMMENT ON FUNCTION tripwire.assert_given(argument text, value anyelement) IS 'Raises 22023 where an argument that has no meaningful NULL is NULL.';

-- COMMENT tripwire.FUNCTION assert_in_range(argument text, value integer, lowest integer, highest integer)
COMMENT ON FUNCTION tripwire.assert_in_range(argument text, value integer, lowest integer, highest integer) IS 'Raises 22023 unless the argument lies between lowest and highest, both included; NULL lies nowhere.';

-- COMMENT tripwire.FUNCTION assert_may_see_leaderboard()
COMMENT ON FUNCTION tripwire.assert_may_see_leaderboard() IS 'Raises 42501 unless the caller is a backend, an admin or a sales_manager.';

-- COMMENT tripwire.FUNCTION assert_may_see_manager(manager_id uuid)
COMMENT ON FUNCTION tripwire.assert_may_see_manager(manager_id uuid) IS 'Raises 42501 unless the caller is a backend, an admin, or this very sales_manager.';

-- COMMENT tripwire.FUNCTION assert_may_see_student(student_id uuid)
COMMENT ON FUNCTION tripwire.assert_may_see_student(student_id uuid) IS 'Raises 42501 unless the caller is a backend, an admin, this very student, or who sold them.';

-- COMMENT tripwire.FUNCTION caller_id()
COMMENT ON FUNCTION tripwire.caller_id() IS 'The person the token speaks of; NULL without one. An identity, never a privilege.';

-- COMMENT tripwire.FUNCTION caller_manager_id()
COMMENT ON FUNCTION tripwire.caller_manager_id() IS 'Whose log the caller may read: their own, where they are a sales_manager; NULL for everybody else.';

-- COMMENT tripwire.FUNCTION caller_role()
COMMENT ON FUNCTION tripwire.caller_role() IS 'The role in public.users under which the caller may act; NULL for an unknown caller and for a blocked one.';

-- COMMENT tripwire.FUNCTION find_auth_user(user_id_param uuid)
COMMENT ON FUNCTION tripwire.find_auth_user(user_id_param uuid) IS 'The auth user with this id and our mark on it; one that is softly deleted has no mark. No row: there is none.';

-- COMMENT tripwire.FUNCTION find_auth_user_by_email(email_param text)
COMMENT ON FUNCTION tripwire.find_auth_user_by_email(email_param text) IS 'The auth user who has this e-mail, as find_auth_user tells it; id NULL where an identity alone holds it.';

-- COMMENT tripwire.FUNCTION is_backend()
COMMENT ON FUNCTION tripwire.is_backend() IS 'Whether the session is a backend''s: service_role, the owner, or a login that inherits one of them.';

-- COMMENT tripwire.FUNCTION manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text)
COMMENT ON FUNCTION tripwire.manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) IS 'One page of a manager''s log, newest first, ids breaking ties; checks its caller.';

-- COMMENT tripwire.FUNCTION manager_stats(of_manager uuid, time_zone text, from_date date, to_date date)
COMMENT ON FUNCTION tripwire.manager_stats(of_manager uuid, time_zone text, from_date date, to_date date) IS 'One row of totals of a manager, or of all sellers together; zeros for an unknown one; checks its caller.';

-- COMMENT tripwire.FUNCTION may_read_course()
COMMENT ON FUNCTION tripwire.may_read_course() IS 'Whether the caller may read modules and lessons: every known person who is not blocked.';

-- COMMENT tripwire.FUNCTION range_of_days(from_date date, to_date date, time_zone text)
COMMENT ON FUNCTION tripwire.range_of_days(from_date date, to_date date, time_zone text) IS 'When the days of a time zone begin and end, both days included; one alone is open to today, or from the beginning.';

-- COMMENT tripwire.FUNCTION readable_student_ids()
COMMENT ON FUNCTION tripwire.readable_student_ids() IS 'Whose rows the caller may read one by one: their own, and a sales_manager''s also of the students they sold.';

-- COMMENT tripwire.FUNCTION sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date)
COMMENT ON FUNCTION tripwire.sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date) IS 'One row for each day asked for, newest first, of a manager or of all sellers together; checks its caller.';

-- COMMENT tripwire.FUNCTION sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text)
COMMENT ON FUNCTION tripwire.sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) IS 'Every sales_manager, whoever sold a student, and sellers who are gone, by students, then revenue, then id; checks its caller.';

-- COMMENT tripwire.FUNCTION sales_totals(of_manager uuid, from_date date, to_date date)
COMMENT ON FUNCTION tripwire.sales_totals(of_manager uuid, from_date date, to_date date) IS 'The totals of each seller, or of one; sales whose seller is gone by the name that their rows keep.';

-- COMMENT tripwire.FUNCTION schema_revision()
COMMENT ON FUNCTION tripwire.schema_revision() IS 'The revision that the schema is at, as a backend asks before it says that it is ready.';

-- COMMENT tripwire.FUNCTION use_time_zone(time_zone text)
COMMENT ON FUNCTION tripwire.use_time_zone(time_zone text) IS 'Sets the time zone until the calling function ends; raises 22023 unless this server knows an IANA zone of that name.';

-- COMMENT tripwire.FUNCTION video_qualification(of_student uuid, of_lesson integer)
COMMENT ON FUNCTION tripwire.video_qualification(of_student uuid, of_lesson integer) IS 'The flag that completing a lesson reads; false for an unknown student or lesson; checks its caller.';


SET default_tablespace = '';

SET default_table_access_method = heap;

-- COMMENT tripwire.TABLE former_grants
COMMENT ON TABLE tripwire.former_grants IS 'Grants on tables before row-level security, in their order, for the downgrade; grantee NULL is PUBLIC.';

-- CONSTRAINT public.certificates pk_certificates
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT pk_certificates PRIMARY KEY (id);

-- CONSTRAINT public.certificates uq_certificates_number
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT uq_certificates_number UNIQUE (number);

-- CONSTRAINT public.certificates uq_certificates_verification_code
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT uq_certificates_verification_code UNIQUE (verification_code);

-- CONSTRAINT public.lessons pk_lessons
ALTER TABLE ONLY public.lessons
    ADD CONSTRAINT pk_lessons PRIMARY KEY (id);

-- CONSTRAINT public.lessons uq_lessons_module_id_id
ALTER TABLE ONLY public.lessons
    ADD CONSTRAINT uq_lessons_module_id_id UNIQUE (module_id, id);

-- CONSTRAINT public.module_unlocks pk_module_unlocks
ALTER TABLE ONLY public.module_unlocks
    ADD CONSTRAINT pk_module_unlocks PRIMARY KEY (id);

-- CONSTRAINT public.module_unlocks uq_module_unlocks_user_id_module_id
ALTER TABLE ONLY public.module_unlocks
    ADD CONSTRAINT uq_module_unlocks_user_id_module_id UNIQUE (user_id, module_id);

-- CONSTRAINT public.modules pk_modules
ALTER TABLE ONLY public.modules
    ADD CONSTRAINT pk_modules PRIMARY KEY (id);

-- CONSTRAINT public.sales_activity_log pk_sales_activity_log
ALTER TABLE ONLY public.sales_activity_log
    ADD CONSTRAINT pk_sales_activity_log PRIMARY KEY (id);

-- CONSTRAINT public.student_progress pk_student_progress
ALTER TABLE ONLY public.student_progress
    ADD CONSTRAINT pk_student_progress PRIMARY KEY (id);

-- CONSTRAINT public.student_progress uq_student_progress_user_id_lesson_id
ALTER TABLE ONLY public.student_progress
    ADD CONSTRAINT uq_student_progress_user_id_lesson_id UNIQUE (user_id, lesson_id);

-- CONSTRAINT public.tripwire_user_profile pk_tripwire_user_profile
ALTER TABLE ONLY public.tripwire_user_profile
    ADD CONSTRAINT pk_tripwire_user_profile PRIMARY KEY (id);

-- CONSTRAINT public.tripwire_user_profile uq_tripwire_user_profile_user_id
ALTER TABLE ONLY public.tripwire_user_profile
    ADD CONSTRAINT uq_tripwire_user_profile_user_id UNIQUE (user_id);

-- CONSTRAINT public.tripwire_users pk_tripwire_users
ALTER TABLE ONLY public.tripwire_users
    ADD CONSTRAINT pk_tripwire_users PRIMARY KEY (id);

-- CONSTRAINT public.tripwire_users uq_tripwire_users_email
ALTER TABLE ONLY public.tripwire_users
    ADD CONSTRAINT uq_tripwire_users_email UNIQUE (email);

-- CONSTRAINT public.tripwire_users uq_tripwire_users_user_id
ALTER TABLE ONLY public.tripwire_users
    ADD CONSTRAINT uq_tripwire_users_user_id UNIQUE (user_id);

-- CONSTRAINT public.user_achievements pk_user_achievements
ALTER TABLE ONLY public.user_achievements
    ADD CONSTRAINT pk_user_achievements PRIMARY KEY (id);

-- CONSTRAINT public.user_achievements uq_user_achievements_user_id_achievement_id
ALTER TABLE ONLY public.user_achievements
    ADD CONSTRAINT uq_user_achievements_user_id_achievement_id UNIQUE (user_id, achievement_id);

-- CONSTRAINT public.user_statistics pk_user_statistics
ALTER TABLE ONLY public.user_statistics
    ADD CONSTRAINT pk_user_statistics PRIMARY KEY (user_id);

-- CONSTRAINT public.users pk_users
ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);

-- CONSTRAINT public.users uq_users_email
ALTER TABLE ONLY public.users
    ADD CONSTRAINT uq_users_email UNIQUE (email);

-- CONSTRAINT public.video_tracking pk_video_tracking
ALTER TABLE ONLY public.video_tracking
    ADD CONSTRAINT pk_video_tracking PRIMARY KEY (id);

-- CONSTRAINT public.video_tracking uq_video_tracking_user_id_lesson_id
ALTER TABLE ONLY public.video_tracking
    ADD CONSTRAINT uq_video_tracking_user_id_lesson_id UNIQUE (user_id, lesson_id);

-- CONSTRAINT tripwire.former_grants pk_former_grants
ALTER TABLE ONLY tripwire.former_grants
    ADD CONSTRAINT pk_former_grants PRIMARY KEY (table_name, "position");

-- EVENT TRIGGER -.pgrst_watch
CREATE EVENT TRIGGER pgrst_watch ON ddl_command_end
   EXECUTE FUNCTION public.pgrst_watch();


ALTER EVENT TRIGGER pgrst_watch OWNER TO postgres;

-- EVENT TRIGGER -.pgrst_watch_drop
CREATE EVENT TRIGGER pgrst_watch_drop ON sql_drop
   EXECUTE FUNCTION public.pgrst_watch_drop();


ALTER EVENT TRIGGER pgrst_watch_drop OWNER TO postgres;

-- FK CONSTRAINT public.certificates fk_certificates_user_id
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT fk_certificates_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.lessons fk_lessons_module_id
ALTER TABLE ONLY public.lessons
    ADD CONSTRAINT fk_lessons_module_id FOREIGN KEY (module_id) REFERENCES public.modules(id);

-- FK CONSTRAINT public.module_unlocks fk_module_unlocks_module_id
ALTER TABLE ONLY public.module_unlocks
    ADD CONSTRAINT fk_module_unlocks_module_id FOREIGN KEY (module_id) REFERENCES public.modules(id);

-- FK CONSTRAINT public.module_unlocks fk_module_unlocks_user_id
ALTER TABLE ONLY public.module_unlocks
    ADD CONSTRAINT fk_module_unlocks_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.student_progress fk_student_progress_module_id_lesson_id
ALTER TABLE ONLY public.student_progress
    ADD CONSTRAINT fk_student_progress_module_id_lesson_id FOREIGN KEY (module_id, lesson_id) REFERENCES public.lessons(module_id, id);

-- FK CONSTRAINT public.student_progress fk_student_progress_user_id
ALTER TABLE ONLY public.student_progress
    ADD CONSTRAINT fk_student_progress_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.tripwire_user_profile fk_tripwire_user_profile_user_id
ALTER TABLE ONLY public.tripwire_user_profile
    ADD CONSTRAINT fk_tripwire_user_profile_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.tripwire_users fk_tripwire_users_granted_by
ALTER TABLE ONLY public.tripwire_users
    ADD CONSTRAINT fk_tripwire_users_granted_by FOREIGN KEY (granted_by) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.tripwire_users fk_tripwire_users_user_id
ALTER TABLE ONLY public.tripwire_users
    ADD CONSTRAINT fk_tripwire_users_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.user_achievements fk_user_achievements_user_id
ALTER TABLE ONLY public.user_achievements
    ADD CONSTRAINT fk_user_achievements_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.user_statistics fk_user_statistics_user_id
ALTER TABLE ONLY public.user_statistics
    ADD CONSTRAINT fk_user_statistics_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.users fk_users_id
ALTER TABLE ONLY public.users
    ADD CONSTRAINT fk_users_id FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.video_tracking fk_video_tracking_lesson_id
ALTER TABLE ONLY public.video_tracking
    ADD CONSTRAINT fk_video_tracking_lesson_id FOREIGN KEY (lesson_id) REFERENCES public.lessons(id);

-- FK CONSTRAINT public.video_tracking fk_video_tracking_user_id
ALTER TABLE ONLY public.video_tracking
    ADD CONSTRAINT fk_video_tracking_user_id FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FUNCTION public.pgrst_watch()
CREATE FUNCTION public.pgrst_watch() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
BEGIN
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
        WHERE (
                command.command_tag IN (
                    'CREATE SCHEMA', 'ALTER SCHEMA',
                    'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
                    'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
                    'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW',
                    'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE PROCEDURE', 'ALTER PROCEDURE', 'ALTER ROUTINE',
                    'CREATE TYPE', 'ALTER TYPE', 'CREATE DOMAIN', 'ALTER DOMAIN',
                    'CREATE TRIGGER', 'ALTER TRIGGER', 'CREATE RULE', 'ALTER RULE'
                )
                OR (
                    command.command_tag = 'COMMENT'
                    AND command.object_type IN (
                        'schema', 'table', 'table column', 'foreign table', 'foreign table column',
                        'view', 'view column', 'materialized view', 'materialized view column',
                        'function', 'procedure', 'type', 'composite type'
                    )
                )
            )
            -- A trigger, a rule and a schema have no schema_name, but an identity such as "seen on pg_temp.visits".
            AND coalesce(command.schema_name, '') NOT IN ('pg_temp', 'tripwire')
            AND command.object_identity !~ '(^| on )(pg_temp|tripwire)(\.|$)'
    ) THEN
        NOTIFY pgrst, 'reload schema';
    END IF;
END;
$_$;


ALTER FUNCTION public.pgrst_watch() OWNER TO postgres;

-- FUNCTION public.pgrst_watch_drop()
CREATE FUNCTION public.pgrst_watch_drop() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
BEGIN
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_event_trigger_dropped_objects() AS dropped
        WHERE dropped.object_type IN (
                'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'procedure',
                'type', 'composite type', 'domain', 'trigger', 'rule', 'table column', 'view column'
            )
            AND NOT dropped.is_temporary
            AND coalesce(dropped.schema_name, '') NOT IN ('pg_temp', 'tripwire')
            AND dropped.object_identity !~ '(^| on )(pg_temp|tripwire)(\.|$)'
    ) THEN
        NOTIFY pgrst, 'reload schema';
    END IF;
END;
$_$;


ALTER FUNCTION public.pgrst_watch_drop() OWNER TO postgres;

-- FUNCTION public.rpc_check_video_qualification(uuid, integer)
CREATE FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    RETURN tripwire.video_qualification(user_id_param, lesson_id_param);
END;
$$;


ALTER FUNCTION public.rpc_check_video_qualification(user_id_param uuid, lesson_id_param integer) OWNER TO postgres;

-- FUNCTION public.rpc_get_manager_activity(uuid, integer, timestamp with time zone, uuid, text[], date, date, text)
CREATE FUNCTION public.rpc_get_manager_activity(manager_id_param uuid, limit_count integer DEFAULT 50, before timestamp with time zone DEFAULT NULL::timestamp with time zone, before_id uuid DEFAULT NULL::uuid, action_types text[] DEFAULT NULL::text[], from_date date DEFAULT NULL::date, to_date date DEFAULT NULL::date, time_zone text DEFAULT 'Asia/Almaty'::text) RETURNS TABLE(id uuid, action_type text, target_user_id uuid, target_user_email text, target_user_name text, details jsonb, created_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    RETURN QUERY
    SELECT found.*
    FROM tripwire.manager_activity(
        manager_id_param, coalesce(limit_count, 50), before, before_id, action_types, from_date, to_date,
        coalesce(time_zone, 'Asia/Almaty')
    ) AS found;
END;
$$;


ALTER FUNCTION public.rpc_get_manager_activity(manager_id_param uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) OWNER TO postgres;

-- FUNCTION public.rpc_get_manager_stats(uuid, text, date, date)
CREATE FUNCTION public.rpc_get_manager_stats(manager_id_param uuid DEFAULT NULL::uuid, time_zone text DEFAULT 'Asia/Almaty'::text, from_date date DEFAULT NULL::date, to_date date DEFAULT NULL::date) RETURNS TABLE(total_students bigint, active_students bigint, completed_students bigint, total_revenue numeric, avg_completion_rate numeric, students_this_month bigint, revenue_this_month numeric)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    RETURN QUERY
    SELECT found.*
    FROM tripwire.manager_stats(manager_id_param, coalesce(time_zone, 'Asia/Almaty'), from_date, to_date) AS found;
END;
$$;


ALTER FUNCTION public.rpc_get_manager_stats(manager_id_param uuid, time_zone text, from_date date, to_date date) OWNER TO postgres;

-- FUNCTION public.rpc_get_sales_chart_data(uuid, integer, text, date, date)
CREATE FUNCTION public.rpc_get_sales_chart_data(manager_id_param uuid DEFAULT NULL::uuid, days_back integer DEFAULT 30, time_zone text DEFAULT 'Asia/Almaty'::text, from_date date DEFAULT NULL::date, to_date date DEFAULT NULL::date) RETURNS TABLE(date date, students_created bigint, revenue numeric)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    RETURN QUERY
    SELECT found.*
    FROM tripwire.sales_chart(
        manager_id_param, coalesce(days_back, 30), coalesce(time_zone, 'Asia/Almaty'), from_date, to_date
    ) AS found;
END;
$$;


ALTER FUNCTION public.rpc_get_sales_chart_data(manager_id_param uuid, days_back integer, time_zone text, from_date date, to_date date) OWNER TO postgres;

-- FUNCTION public.rpc_get_sales_leaderboard(integer, date, date, text)
CREATE FUNCTION public.rpc_get_sales_leaderboard(limit_count integer DEFAULT 10, from_date date DEFAULT NULL::date, to_date date DEFAULT NULL::date, time_zone text DEFAULT 'Asia/Almaty'::text) RETURNS TABLE(manager_id uuid, manager_name text, email text, total_students bigint, active_students bigint, completed_students bigint, total_revenue numeric, avg_completion_rate numeric, students_this_month bigint, revenue_this_month numeric)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    RETURN QUERY
    SELECT found.*
    FROM tripwire.sales_leaderboard(
        coalesce(limit_count, 10), from_date, to_date, coalesce(time_zone, 'Asia/Almaty')
    ) AS found;
END;
$$;


ALTER FUNCTION public.rpc_get_sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) OWNER TO postgres;

-- FUNCTION public.update_updated_at_column()
CREATE FUNCTION public.update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    NEW.updated_at = pg_catalog.clock_timestamp();
    RETURN NEW;
END;
$$;


ALTER FUNCTION public.update_updated_at_column() OWNER TO postgres;

-- FUNCTION tripwire.admin_highest_id()
CREATE FUNCTION tripwire.admin_highest_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT CASE
        WHEN tripwire.caller_role() = 'admin' THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'::pg_catalog.uuid
    END;
$$;


ALTER FUNCTION tripwire.admin_highest_id() OWNER TO postgres;

-- FUNCTION tripwire.admin_lowest_id()
CREATE FUNCTION tripwire.admin_lowest_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT CASE
        WHEN tripwire.caller_role() = 'admin' THEN '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid
    END;
$$;


ALTER FUNCTION tripwire.admin_lowest_id() OWNER TO postgres;

-- FUNCTION tripwire.assert_dates(date, date)
CREATE FUNCTION tripwire.assert_dates(from_date date, to_date date) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    -- Infinite dates among them, and those that become no time.
    IF from_date NOT BETWEEN '0001-01-01' AND '9999-12-31' OR to_date NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'from_date and to_date must be between 0001-01-01 and 9999-12-31';
    END IF;
    IF from_date > to_date THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('from_date must not be after to_date: %s is after %s', from_date, to_date);
    END IF;
END;
$$;


ALTER FUNCTION tripwire.assert_dates(from_date date, to_date date) OWNER TO postgres;

-- FUNCTION tripwire.assert_given(text, anyelement)
CREATE FUNCTION tripwire.assert_given(argument text, value anyelement) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    IF value IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = argument || ' must not be null';
    END IF;
END;
$$;


ALTER FUNCTION tripwire.assert_given(argument text, value anyelement) OWNER TO postgres;

-- FUNCTION tripwire.assert_in_range(text, integer, integer, integer)
CREATE FUNCTION tripwire.assert_in_range(argument text, value integer, lowest integer, highest integer) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
BEGIN
    IF value BETWEEN lowest AND highest THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s must be between %s and %s, not %s', argument, lowest, highest, coalesce(value::text, 'null'));
END;
$$;


ALTER FUNCTION tripwire.assert_in_range(argument text, value integer, lowest integer, highest integer) OWNER TO postgres;

-- FUNCTION tripwire.assert_may_see_leaderboard()
CREATE FUNCTION tripwire.assert_may_see_leaderboard() RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
BEGIN
    IF tripwire.is_backend() OR tripwire.caller_role() IN ('sales_manager', 'admin') THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'the leaderboard is not yours to see',
        HINT = 'A sales_manager, an admin or a backend may ask for it.';
END;
$$;


ALTER FUNCTION tripwire.assert_may_see_leaderboard() OWNER TO postgres;

-- FUNCTION tripwire.assert_may_see_manager(uuid)
CREATE FUNCTION tripwire.assert_may_see_manager(manager_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
BEGIN
    IF tripwire.is_backend() OR tripwire.caller_role() = 'admin' OR manager_id = tripwire.caller_manager_id() THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'the figures of this manager are not yours to see',
        HINT = 'A sales_manager asks about oneself; an admin or a backend about anyone.';
END;
$$;


ALTER FUNCTION tripwire.assert_may_see_manager(manager_id uuid) OWNER TO postgres;

-- FUNCTION tripwire.assert_may_see_student(uuid)
CREATE FUNCTION tripwire.assert_may_see_student(student_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
BEGIN
    IF tripwire.is_backend()
        OR tripwire.caller_role() = 'admin'
        OR student_id = tripwire.caller_id() AND tripwire.caller_role() IS NOT NULL
        OR EXISTS (
            SELECT FROM public.tripwire_users AS student
            WHERE student.user_id = student_id AND student.granted_by = tripwire.caller_manager_id()
        )
    THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'what this student has watched is not yours to see',
        HINT = 'A student asks about oneself; a sales_manager also about the students they sold; '
            'an admin or a backend about anyone.';
END;
$$;


ALTER FUNCTION tripwire.assert_may_see_student(student_id uuid) OWNER TO postgres;

-- FUNCTION tripwire.caller_id()
CREATE FUNCTION tripwire.caller_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT auth.uid();
$$;


ALTER FUNCTION tripwire.caller_id() OWNER TO postgres;

-- FUNCTION tripwire.caller_manager_id()
CREATE FUNCTION tripwire.caller_manager_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT CASE WHEN tripwire.caller_role() = 'sales_manager' THEN tripwire.caller_id() END;
$$;


ALTER FUNCTION tripwire.caller_manager_id() OWNER TO postgres;

-- FUNCTION tripwire.caller_role()
CREATE FUNCTION tripwire.caller_role() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT person.role
    FROM public.users AS person
    WHERE person.id = (SELECT tripwire.caller_id())
        AND NOT EXISTS (
            SELECT FROM public.tripwire_users AS student
            WHERE student.user_id = person.id AND student.status = 'blocked'
        );
$$;


ALTER FUNCTION tripwire.caller_role() OWNER TO postgres;

-- FUNCTION tripwire.find_auth_user(uuid)
CREATE FUNCTION tripwire.find_auth_user(user_id_param uuid) RETURNS TABLE(id uuid, email text, kind text, token text, is_sso_user boolean, is_deleted boolean, is_banned boolean)
    LANGUAGE plpgsql SECURITY DEFINER ROWS 1
    SET search_path TO ''
    AS $$
DECLARE
    found jsonb := (SELECT to_jsonb(auth_user) FROM auth.users AS auth_user WHERE auth_user.id = user_id_param);
    mark jsonb := found #> '{raw_app_meta_data,tripwire}';
BEGIN
    IF found IS NULL THEN
        RETURN;
    END IF;
    id := user_id_param;
    email := found ->> 'email';
    is_sso_user := coalesce((found ->> 'is_sso_user')::bool, false);
    is_deleted := found ->> 'deleted_at' IS NOT NULL;
    is_banned := coalesce((found ->> 'banned_until')::timestamptz > now(), false);
    IF NOT is_deleted THEN
        kind := mark ->> 'kind';
        token := mark ->> 'token';
    END IF;
    RETURN NEXT;
END;
$$;


ALTER FUNCTION tripwire.find_auth_user(user_id_param uuid) OWNER TO postgres;

-- FUNCTION tripwire.find_auth_user_by_email(text)
CREATE FUNCTION tripwire.find_auth_user_by_email(email_param text) RETURNS TABLE(id uuid, email text, kind text, token text, is_sso_user boolean, is_deleted boolean, is_banned boolean)
    LANGUAGE plpgsql SECURITY DEFINER ROWS 1
    SET search_path TO ''
    AS $$
#variable_conflict use_column
DECLARE
    wanted text := lower(email_param);
    holder uuid;
    knows_sso bool := EXISTS (
        SELECT FROM pg_catalog.pg_attribute
        WHERE attrelid = to_regclass('auth.users') AND attname = 'is_sso_user' AND NOT attisdropped
    );
    has_identities bool := to_regclass('auth.identities') IS NOT NULL;
BEGIN
    IF knows_sso THEN
        SELECT auth_user.id INTO holder
        FROM auth.users AS auth_user
        WHERE auth_user.email = wanted AND auth_user.is_sso_user = false;
        IF holder IS NULL AND NOT has_identities THEN
            SELECT auth_user.id INTO holder
            FROM auth.users AS auth_user
            WHERE lower(auth_user.email) = wanted AND auth_user.is_sso_user = false
            LIMIT 1;
        END IF;
    ELSE
        SELECT auth_user.id INTO holder FROM auth.users AS auth_user WHERE lower(auth_user.email) = wanted LIMIT 1;
    END IF;
    IF holder IS NOT NULL THEN
        RETURN QUERY SELECT * FROM tripwire.find_auth_user(holder);
    ELSIF has_identities THEN
        -- Nested, since a condition is planned as a whole: where the table is missing, it may not be named in the one above.
        RETURN QUERY
            SELECT NULL::uuid, wanted, NULL::text, NULL::text, false, false, false
            WHERE EXISTS (
                SELECT FROM auth.identities AS identity WHERE identity.email = wanted AND identity.provider NOT LIKE 'sso:%'
            );
    END IF;
END;
$$;


ALTER FUNCTION tripwire.find_auth_user_by_email(email_param text) OWNER TO postgres;

-- FUNCTION tripwire.is_backend()
CREATE FUNCTION tripwire.is_backend() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT caller.role_name <> ALL (ARRAY['anon', 'authenticated', 'authenticator'])
        AND (
            pg_has_role(caller.role_name::pg_catalog.name, 'service_role', 'USAGE')
            OR pg_has_role(caller.role_name::pg_catalog.name, current_user, 'USAGE')
        )
    FROM (
        SELECT coalesce(nullif(current_setting('role'), 'none'), session_user::pg_catalog.text) AS role_name
    ) AS caller;
$$;


ALTER FUNCTION tripwire.is_backend() OWNER TO postgres;

-- FUNCTION tripwire.manager_activity(uuid, integer, timestamp with time zone, uuid, text[], date, date, text)
CREATE FUNCTION tripwire.manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) RETURNS TABLE(id uuid, action_type text, target_user_id uuid, target_user_email text, target_user_name text, details jsonb, created_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    ever pg_catalog.bool := from_date IS NULL AND to_date IS NULL;
    first_day pg_catalog.date := coalesce(from_date, '-infinity');
    last_day pg_catalog.date := to_date;
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    PERFORM tripwire.assert_given('manager_id_param', of_manager);
    PERFORM tripwire.assert_in_range('limit_count', limit_count, 1, 1000);
    IF before_id IS NOT NULL THEN
        -- An id alone says nothing of where it stands: the first page again would look like the next one.
        PERFORM tripwire.assert_given('before (which before_id belongs to)', before);
    END IF;
    -- Its size is known before it is read; all kinds that there are take a tenth of it.
    IF pg_column_size(action_types) > 4096 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'action_types must be at most a few dozen kinds of action';
    END IF;
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    last_day := coalesce(last_day, CASE WHEN ever THEN 'infinity' ELSE current_date END);
    RETURN QUERY
    WITH page AS (
        SELECT entry.*
        FROM public.sales_activity_log AS entry
        WHERE entry.manager_id = of_manager
            -- The row after which the page begins. Without one all rows are before it; with its time alone, none of
            -- that same time, since no id comes before the lowest.
            AND (entry.created_at, entry.id) < (
                coalesce(before, 'infinity'),
                CASE
                    WHEN before IS NULL THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'::pg_catalog.uuid
                    ELSE coalesce(before_id, '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid)
                END
            )
            AND (action_types IS NULL OR entry.action_type = ANY (action_types))
            AND (
                ever
                OR entry.created_at >= (first_day - 1)::pg_catalog.timestamptz
                AND entry.created_at < (last_day + 2)::pg_catalog.timestamptz
                AND entry.created_at::pg_catalog.date BETWEEN first_day AND last_day
            )
        ORDER BY entry.created_at DESC, entry.id DESC
        LIMIT limit_count
    )
    SELECT
        page.id,
        page.action_type,
        page.target_user_id,
        -- As they were on that day. An entry that does not say is named from the tables while the person is there;
        -- coalesce looks no further than it has to, so the usual page costs no look-up.
        coalesce(
            page.details ->> 'email',
            (SELECT student.email FROM public.tripwire_users AS student WHERE student.user_id = page.target_user_id),
            (SELECT person.email FROM public.users AS person WHERE person.id = page.target_user_id)
        ),
        coalesce(
            page.details ->> 'full_name',
            (SELECT student.full_name FROM public.tripwire_users AS student WHERE student.user_id = page.target_user_id),
            (SELECT person.full_name FROM public.users AS person WHERE person.id = page.target_user_id)
        ),
        page.details,
        page.created_at
    FROM page
    ORDER BY page.created_at DESC, page.id DESC;
END;
$$;


ALTER FUNCTION tripwire.manager_activity(of_manager uuid, limit_count integer, before timestamp with time zone, before_id uuid, action_types text[], from_date date, to_date date, time_zone text) OWNER TO postgres;

-- FUNCTION tripwire.manager_stats(uuid, text, date, date)
CREATE FUNCTION tripwire.manager_stats(of_manager uuid, time_zone text, from_date date, to_date date) RETURNS TABLE(total_students bigint, active_students bigint, completed_students bigint, total_revenue numeric, avg_completion_rate numeric, students_this_month bigint, revenue_this_month numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    RETURN QUERY
    SELECT
        coalesce(sum(totals.total_students), 0)::pg_catalog.int8,
        coalesce(sum(totals.active_students), 0)::pg_catalog.int8,
        coalesce(sum(totals.completed_students), 0)::pg_catalog.int8,
        coalesce(sum(totals.total_revenue), 0),
        coalesce(
            round(
                (sum(totals.modules_of_three) * 100.0 / 3 + sum(totals.other_percents))
                    / nullif(sum(totals.total_students), 0),
                2
            ),
            0
        ),
        coalesce(sum(totals.students_this_month), 0)::pg_catalog.int8,
        coalesce(sum(totals.revenue_this_month), 0)
    FROM tripwire.sales_totals(of_manager, from_date, to_date) AS totals;
END;
$$;


ALTER FUNCTION tripwire.manager_stats(of_manager uuid, time_zone text, from_date date, to_date date) OWNER TO postgres;

-- FUNCTION tripwire.may_read_course()
CREATE FUNCTION tripwire.may_read_course() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT tripwire.caller_role() IS NOT NULL;
$$;


ALTER FUNCTION tripwire.may_read_course() OWNER TO postgres;

-- FUNCTION tripwire.range_of_days(date, date, text)
CREATE FUNCTION tripwire.range_of_days(from_date date, to_date date, time_zone text) RETURNS TABLE(begins timestamp with time zone, ends timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO ''
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    after_last pg_catalog.date;
BEGIN
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    after_last := CASE WHEN to_date IS NOT NULL THEN to_date + 1 WHEN from_date IS NOT NULL THEN current_date + 1 END;
    begins := coalesce(from_date, '-infinity')::pg_catalog.timestamptz;
    ends := coalesce(after_last, 'infinity')::pg_catalog.timestamptz;
    -- Where clocks go back to midnight it comes twice, and a cast gives the second one: the day began with the first.
    WHILE from_date IS NOT NULL AND (begins - interval '15 minutes')::pg_catalog.date >= from_date LOOP
        begins := begins - interval '15 minutes';
    END LOOP;
    WHILE after_last IS NOT NULL AND (ends - interval '15 minutes')::pg_catalog.date >= after_last LOOP
        ends := ends - interval '15 minutes';
    END LOOP;
    RETURN NEXT;
END;
$$;


ALTER FUNCTION tripwire.range_of_days(from_date date, to_date date, time_zone text) OWNER TO postgres;

-- FUNCTION tripwire.readable_student_ids()
CREATE FUNCTION tripwire.readable_student_ids() RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT CASE
        WHEN caller.role IS NULL THEN ARRAY[]::pg_catalog.uuid[]
        WHEN caller.role = 'sales_manager' THEN ARRAY[caller.id] || ARRAY(
            SELECT student.user_id FROM public.tripwire_users AS student WHERE student.granted_by = caller.id
        )
        ELSE ARRAY[caller.id]
    END
    FROM (SELECT tripwire.caller_id() AS id, tripwire.caller_role() AS role) AS caller;
$$;


ALTER FUNCTION tripwire.readable_student_ids() OWNER TO postgres;

-- FUNCTION tripwire.sales_chart(uuid, integer, text, date, date)
CREATE FUNCTION tripwire.sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date) RETURNS TABLE(date date, students_created bigint, revenue numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    today pg_catalog.date;
    first_day pg_catalog.date := from_date;
    last_day pg_catalog.date := to_date;
BEGIN
    PERFORM tripwire.assert_may_see_manager(of_manager);
    PERFORM tripwire.assert_in_range('days_back', days_back, 1, 3660);
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    today := current_date;
    last_day := coalesce(last_day, today);
    IF from_date IS NULL AND to_date IS NULL THEN
        first_day := today - (days_back - 1);
    ELSIF from_date IS NULL THEN
        -- The day of the first sale. Where clocks went back over midnight a later one may have an earlier date.
        SELECT min(student.created_at::pg_catalog.date) INTO first_day
        FROM public.tripwire_users AS student
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            AND student.created_at < (
                SELECT min(earliest.created_at)
                FROM public.tripwire_users AS earliest
                WHERE earliest.granted_by = of_manager OR of_manager IS NULL
            ) + '1 day'::pg_catalog.interval;
    END IF;
    IF last_day - first_day >= 3660 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a chart has at most 3660 days: from %s to %s is %s', first_day, last_day, last_day - first_day + 1),
            HINT = 'Give from_date and to_date nearer to each other.';
    END IF;
    RETURN QUERY
    WITH sold AS (
        SELECT
            student.created_at::pg_catalog.date AS day,
            count(*) AS students,
            sum(student.price) AS price
        FROM public.tripwire_users AS student
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            -- A day more on either side: midnight may come twice or never where clocks change at midnight. The index
            -- gets bounds that are safely too wide, and the exact day comes from the row's own local time.
            AND student.created_at >= (first_day - 1)::pg_catalog.timestamptz
            AND student.created_at < (last_day + 2)::pg_catalog.timestamptz
        GROUP BY 1
    )
    SELECT last_day - ago.days, coalesce(sold.students, 0), coalesce(sold.price, 0)
    FROM generate_series(0, last_day - first_day) AS ago (days)
    LEFT JOIN sold ON sold.day = last_day - ago.days
    ORDER BY ago.days;
END;
$$;


ALTER FUNCTION tripwire.sales_chart(of_manager uuid, days_back integer, time_zone text, from_date date, to_date date) OWNER TO postgres;

-- FUNCTION tripwire.sales_leaderboard(integer, date, date, text)
CREATE FUNCTION tripwire.sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) RETURNS TABLE(manager_id uuid, manager_name text, email text, total_students bigint, active_students bigint, completed_students bigint, total_revenue numeric, avg_completion_rate numeric, students_this_month bigint, revenue_this_month numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
    PERFORM tripwire.assert_may_see_leaderboard();
    PERFORM tripwire.assert_in_range('limit_count', limit_count, 1, 1000);
    PERFORM tripwire.assert_dates(from_date, to_date);
    PERFORM tripwire.use_time_zone(time_zone);
    RETURN QUERY
    WITH ranked AS (
        SELECT
            coalesce(totals.manager_id, seller.id) AS seller_id,
            totals.gone_name AS gone,
            coalesce(totals.total_students, 0) AS students,
            coalesce(totals.active_students, 0) AS active,
            coalesce(totals.completed_students, 0) AS completed,
            coalesce(totals.total_revenue, 0) AS revenue,
            coalesce(
                round(
                    (totals.modules_of_three * 100.0 / 3 + totals.other_percents) / nullif(totals.total_students, 0), 2
                ),
                0
            ) AS completion_rate,
            coalesce(totals.students_this_month, 0) AS month_students,
            coalesce(totals.revenue_this_month, 0) AS month_revenue
        FROM tripwire.sales_totals(NULL, from_date, to_date) AS totals
        FULL JOIN (SELECT person.id FROM public.users AS person WHERE person.role = 'sales_manager') AS seller
            ON seller.id = totals.manager_id
        -- Whose seller is gone come last among equals, in an order that no locale changes.
        ORDER BY students DESC, revenue DESC, seller_id, totals.gone_name COLLATE pg_catalog."C"
        LIMIT limit_count
    )
    SELECT
        ranked.seller_id,
        coalesce(
            ranked.gone,
            person.full_name,
            -- A seller without a name of their own is called as their newest student's row calls them.
            (
                SELECT student.manager_name
                FROM public.tripwire_users AS student
                WHERE student.granted_by = ranked.seller_id AND student.manager_name IS NOT NULL
                ORDER BY student.created_at DESC, student.id DESC
                LIMIT 1
            )
        ),
        person.email,
        ranked.students,
        ranked.active,
        ranked.completed,
        ranked.revenue,
        ranked.completion_rate,
        ranked.month_students,
        ranked.month_revenue
    FROM ranked
    LEFT JOIN public.users AS person ON person.id = ranked.seller_id
    ORDER BY ranked.students DESC, ranked.revenue DESC, ranked.seller_id, ranked.gone COLLATE pg_catalog."C";
END;
$$;


ALTER FUNCTION tripwire.sales_leaderboard(limit_count integer, from_date date, to_date date, time_zone text) OWNER TO postgres;

-- FUNCTION tripwire.sales_totals(uuid, date, date)
CREATE FUNCTION tripwire.sales_totals(of_manager uuid, from_date date, to_date date) RETURNS TABLE(manager_id uuid, gone_name text, total_students bigint, active_students bigint, completed_students bigint, total_revenue numeric, modules_of_three bigint, other_percents numeric, students_this_month bigint, revenue_this_month numeric)
    LANGUAGE plpgsql STABLE ROWS 50
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    ever pg_catalog.bool := from_date IS NULL AND to_date IS NULL;
    today pg_catalog.date := current_date;
    first_day pg_catalog.date := coalesce(from_date, '-infinity');
    last_day pg_catalog.date := coalesce(to_date, CASE WHEN ever THEN 'infinity' ELSE today END);
    month_begins pg_catalog.date := date_trunc('month', today::pg_catalog.timestamp);
    -- The time decides, and the zone's day only where it is near: midnight may come twice or never.
    earliest pg_catalog.timestamptz := first_day - 1;
    latest pg_catalog.timestamptz := last_day + 2;
    month_earliest pg_catalog.timestamptz := month_begins - 1;
    month_latest pg_catalog.timestamptz := today + 2;
BEGIN
    RETURN QUERY
    WITH sold AS (
        SELECT
            student.granted_by AS seller_id,
            CASE WHEN of_manager IS NULL AND student.granted_by IS NULL THEN student.manager_name END AS gone,
            count(*) FILTER (
                WHERE ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            ) AS students,
            count(*) FILTER (
                WHERE student.status = 'active'
                AND (
                    ever OR student.created_at >= earliest AND student.created_at < latest
                    AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
                )
            ) AS active,
            count(*) FILTER (
                WHERE student.status = 'completed'
                AND (
                    ever OR student.created_at >= earliest AND student.created_at < latest
                    AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
                )
            ) AS completed,
            sum(student.price) FILTER (
                WHERE ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            ) AS revenue,
            sum(student.modules_completed) FILTER (
                WHERE ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            ) AS modules
        FROM public.tripwire_users AS student
        WHERE student.granted_by = of_manager OR of_manager IS NULL
        GROUP BY 1, 2
    ),
    -- Found first, and by themselves: right after a bulk load, before the tables are analyzed, the planner would rather
    -- look up the profile of each of a manager's 10,000 students.
    other_profile AS MATERIALIZED (
        SELECT profile.user_id, profile.total_modules
        FROM public.tripwire_user_profile AS profile
        -- No total, or no profile at all: the course has three.
        WHERE profile.total_modules NOT IN (0, 3)
    ),
    other_total AS (
        SELECT
            student.granted_by AS seller_id,
            CASE WHEN of_manager IS NULL AND student.granted_by IS NULL THEN student.manager_name END AS gone,
            sum(student.modules_completed) AS modules,
            sum(student.modules_completed * 100.0 / other_profile.total_modules) AS percents
        FROM other_profile
        JOIN public.tripwire_users AS student ON student.user_id = other_profile.user_id
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            AND (
                ever OR student.created_at >= earliest AND student.created_at < latest
                AND student.created_at::pg_catalog.date BETWEEN first_day AND last_day
            )
        GROUP BY 1, 2
    ),
    month AS (
        SELECT
            student.granted_by AS seller_id,
            CASE WHEN of_manager IS NULL AND student.granted_by IS NULL THEN student.manager_name END AS gone,
            count(*) AS students,
            sum(student.price) AS revenue
        FROM public.tripwire_users AS student
        WHERE (student.granted_by = of_manager OR of_manager IS NULL)
            AND student.created_at >= month_earliest
            AND student.created_at < month_latest
            AND student.created_at::pg_catalog.date BETWEEN month_begins AND today
        GROUP BY 1, 2
    )
    SELECT
        sold.seller_id,
        sold.gone,
        sold.students,
        sold.active,
        sold.completed,
        coalesce(sold.revenue, 0),
        coalesce(sold.modules, 0) - coalesce(other_total.modules, 0),
        coalesce(other_total.percents, 0),
        coalesce(month.students, 0),
        coalesce(month.revenue, 0)
    FROM sold
    LEFT JOIN other_total
        ON other_total.seller_id IS NOT DISTINCT FROM sold.seller_id AND other_total.gone IS NOT DISTINCT FROM sold.gone
    LEFT JOIN month ON month.seller_id IS NOT DISTINCT FROM sold.seller_id AND month.gone IS NOT DISTINCT FROM sold.gone;
END;
$$;


ALTER FUNCTION tripwire.sales_totals(of_manager uuid, from_date date, to_date date) OWNER TO postgres;

-- FUNCTION tripwire.schema_revision()
CREATE FUNCTION tripwire.schema_revision() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM tripwire.alembic_version;
$$;


ALTER FUNCTION tripwire.schema_revision() OWNER TO postgres;

-- FUNCTION tripwire.use_time_zone(text)
CREATE FUNCTION tripwire.use_time_zone(time_zone text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
BEGIN
    -- Its length is known before it is read, and no name is longer.
    IF octet_length(time_zone) > 64 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'time_zone must be the name of an IANA time zone, of at most 64 bytes';
    ELSIF time_zone !~ '^[A-Za-z_-]+(/[A-Za-z_-]+)*$'
        AND time_zone !~* '^(Etc/)?GMT[+-]?0$|^Etc/GMT(\+([1-9]|1[0-2])|-([1-9]|1[0-4]))$|^(EST5EDT|CST6CDT|MST7MDT|PST8PDT)$'
    THEN
        RAISE invalid_parameter_value;
    END IF;
    PERFORM set_config('TimeZone', time_zone, true);
EXCEPTION
    WHEN invalid_parameter_value THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = CASE
                WHEN octet_length(time_zone) > 64 THEN SQLERRM
                ELSE 'time_zone must be the name of an IANA time zone, not ' || quote_literal(time_zone)
            END,
            HINT = 'A name like Asia/Almaty, Europe/Berlin or UTC; pg_timezone_names lists those that this server knows.';
END;
$_$;


ALTER FUNCTION tripwire.use_time_zone(time_zone text) OWNER TO postgres;

-- FUNCTION tripwire.video_qualification(uuid, integer)
CREATE FUNCTION tripwire.video_qualification(of_student uuid, of_lesson integer) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
BEGIN
    PERFORM tripwire.assert_may_see_student(of_student);
    PERFORM tripwire.assert_given('user_id_param', of_student);
    PERFORM tripwire.assert_given('lesson_id_param', of_lesson);
    RETURN EXISTS (
        SELECT
        FROM public.video_tracking AS tracking
        WHERE tracking.user_id = of_student
            AND tracking.lesson_id = of_lesson
            AND tracking.is_qualified_for_completion
    );
END;
$$;


ALTER FUNCTION tripwire.video_qualification(of_student uuid, of_lesson integer) OWNER TO postgres;

-- INDEX public.idx_certificates_user_id
CREATE INDEX idx_certificates_user_id ON public.certificates USING btree (user_id, issued_at DESC);

-- INDEX public.idx_module_unlocks_module_id
CREATE INDEX idx_module_unlocks_module_id ON public.module_unlocks USING btree (module_id);

-- INDEX public.idx_sales_activity_created_at
CREATE INDEX idx_sales_activity_created_at ON public.sales_activity_log USING btree (created_at DESC, id DESC);

-- INDEX public.idx_sales_activity_details
CREATE INDEX idx_sales_activity_details ON public.sales_activity_log USING gin (details jsonb_path_ops);

-- INDEX public.idx_sales_activity_manager
CREATE INDEX idx_sales_activity_manager ON public.sales_activity_log USING btree (manager_id, created_at DESC, id DESC);

-- INDEX public.idx_sales_activity_target
CREATE INDEX idx_sales_activity_target ON public.sales_activity_log USING btree (target_user_id, created_at DESC);

-- INDEX public.idx_student_progress_lesson
CREATE INDEX idx_student_progress_lesson ON public.student_progress USING btree (module_id, lesson_id);

-- INDEX public.idx_tripwire_user_profile_other_total
CREATE INDEX idx_tripwire_user_profile_other_total ON public.tripwire_user_profile USING btree (user_id) INCLUDE (total_modules) WHERE (total_modules <> ALL (ARRAY[0, 3]));

-- INDEX public.idx_tripwire_users_active
CREATE INDEX idx_tripwire_users_active ON public.tripwire_users USING btree (created_at DESC, id DESC) WHERE (status = 'active'::text);

-- INDEX public.idx_tripwire_users_completed
CREATE INDEX idx_tripwire_users_completed ON public.tripwire_users USING btree (created_at DESC, id DESC) WHERE (status = 'completed'::text);

-- INDEX public.idx_tripwire_users_created_at
CREATE INDEX idx_tripwire_users_created_at ON public.tripwire_users USING btree (created_at DESC, id DESC);

-- INDEX public.idx_tripwire_users_seller
CREATE INDEX idx_tripwire_users_seller ON public.tripwire_users USING btree (granted_by, created_at DESC, id DESC) INCLUDE (user_id, status, price, modules_completed);

-- INDEX public.idx_users_role
CREATE INDEX idx_users_role ON public.users USING btree (role) WHERE (role <> 'student'::text);

-- INDEX public.idx_video_tracking_lesson_id
CREATE INDEX idx_video_tracking_lesson_id ON public.video_tracking USING btree (lesson_id);

-- INDEX public.idx_video_tracking_qualified_segments
CREATE INDEX idx_video_tracking_qualified_segments ON public.video_tracking USING gin (qualified_segments jsonb_path_ops);

-- INDEX public.idx_video_tracking_segments_not_stored
CREATE INDEX idx_video_tracking_segments_not_stored ON public.video_tracking USING btree (lesson_id) WHERE (is_qualified_for_completion AND (qualified_segments IS NULL));

-- INDEX public.uq_certificates_user_id_valid
CREATE UNIQUE INDEX uq_certificates_user_id_valid ON public.certificates USING btree (user_id) WHERE (revoked_at IS NULL);

-- INDEX public.uq_lessons_module_id_current
CREATE UNIQUE INDEX uq_lessons_module_id_current ON public.lessons USING btree (module_id) WHERE (NOT archived);

-- POLICY public.certificates authenticated_select
CREATE POLICY authenticated_select ON public.certificates FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.certificates service_role_all
CREATE POLICY service_role_all ON public.certificates TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.lessons authenticated_select
CREATE POLICY authenticated_select ON public.lessons FOR SELECT TO authenticated USING (( SELECT tripwire.may_read_course() AS may_read_course));

-- POLICY public.lessons service_role_all
CREATE POLICY service_role_all ON public.lessons TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.module_unlocks authenticated_select
CREATE POLICY authenticated_select ON public.module_unlocks FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.module_unlocks service_role_all
CREATE POLICY service_role_all ON public.module_unlocks TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.modules authenticated_select
CREATE POLICY authenticated_select ON public.modules FOR SELECT TO authenticated USING (( SELECT tripwire.may_read_course() AS may_read_course));

-- POLICY public.modules service_role_all
CREATE POLICY service_role_all ON public.modules TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.sales_activity_log authenticated_select
CREATE POLICY authenticated_select ON public.sales_activity_log FOR SELECT TO authenticated USING (((manager_id = ( SELECT tripwire.caller_manager_id() AS caller_manager_id)) OR ((id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.sales_activity_log service_role_all
CREATE POLICY service_role_all ON public.sales_activity_log TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.student_progress authenticated_select
CREATE POLICY authenticated_select ON public.student_progress FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.student_progress service_role_all
CREATE POLICY service_role_all ON public.student_progress TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.tripwire_user_profile authenticated_select
CREATE POLICY authenticated_select ON public.tripwire_user_profile FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.tripwire_user_profile service_role_all
CREATE POLICY service_role_all ON public.tripwire_user_profile TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.tripwire_users authenticated_select
CREATE POLICY authenticated_select ON public.tripwire_users FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.tripwire_users service_role_all
CREATE POLICY service_role_all ON public.tripwire_users TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.user_achievements authenticated_select
CREATE POLICY authenticated_select ON public.user_achievements FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.user_achievements service_role_all
CREATE POLICY service_role_all ON public.user_achievements TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.user_statistics authenticated_select
CREATE POLICY authenticated_select ON public.user_statistics FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.user_statistics service_role_all
CREATE POLICY service_role_all ON public.user_statistics TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.users authenticated_select
CREATE POLICY authenticated_select ON public.users FOR SELECT TO authenticated USING (((id = ( SELECT tripwire.caller_id() AS caller_id)) OR (id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.users service_role_all
CREATE POLICY service_role_all ON public.users TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- POLICY public.video_tracking authenticated_select
CREATE POLICY authenticated_select ON public.video_tracking FOR SELECT TO authenticated USING (((user_id = ANY (( SELECT tripwire.readable_student_ids() AS readable_student_ids)::uuid[])) OR ((user_id >= ( SELECT tripwire.admin_lowest_id() AS admin_lowest_id)) AND (user_id <= ( SELECT tripwire.admin_highest_id() AS admin_highest_id)))));

-- POLICY public.video_tracking service_role_all
CREATE POLICY service_role_all ON public.video_tracking TO service_role USING (( SELECT tripwire.is_backend() AS is_backend));

-- ROW SECURITY public.certificates
ALTER TABLE public.certificates ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.lessons
ALTER TABLE public.lessons ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.module_unlocks
ALTER TABLE public.module_unlocks ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.modules
ALTER TABLE public.modules ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.sales_activity_log
ALTER TABLE public.sales_activity_log ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.student_progress
ALTER TABLE public.student_progress ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.tripwire_user_profile
ALTER TABLE public.tripwire_user_profile ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.tripwire_users
ALTER TABLE public.tripwire_users ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.user_achievements
ALTER TABLE public.user_achievements ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.user_statistics
ALTER TABLE public.user_statistics ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.users
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.video_tracking
ALTER TABLE public.video_tracking ENABLE ROW LEVEL SECURITY;

-- SCHEMA -.tripwire
CREATE SCHEMA tripwire;


ALTER SCHEMA tripwire OWNER TO postgres;

-- SEQUENCE tripwire.certificate_number_seq
CREATE SEQUENCE tripwire.certificate_number_seq
    START WITH 100001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE tripwire.certificate_number_seq OWNER TO postgres;

-- TABLE public.certificates
CREATE TABLE public.certificates (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    number text DEFAULT ('TW-'::text || (nextval('tripwire.certificate_number_seq'::regclass))::text) NOT NULL,
    verification_code text DEFAULT replace(((gen_random_uuid())::text || (gen_random_uuid())::text), '-'::text, ''::text) NOT NULL,
    url text NOT NULL,
    full_name text NOT NULL,
    issued_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    revoked_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_certificates_revoked CHECK (((revoked_at IS NULL) = (revoked_reason IS NULL))),
    CONSTRAINT ck_certificates_verification_code CHECK ((length(verification_code) >= 32))
);


ALTER TABLE public.certificates OWNER TO postgres;

-- TABLE public.lessons
CREATE TABLE public.lessons (
    id integer NOT NULL,
    module_id integer NOT NULL,
    title text NOT NULL,
    duration_seconds integer DEFAULT 1800 NOT NULL,
    archived boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_lessons_duration_seconds CHECK ((duration_seconds > 0))
);


ALTER TABLE public.lessons OWNER TO postgres;

-- TABLE public.module_unlocks
CREATE TABLE public.module_unlocks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    module_id integer NOT NULL,
    unlocked_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.module_unlocks OWNER TO postgres;

-- TABLE public.modules
CREATE TABLE public.modules (
    id integer NOT NULL,
    "position" integer NOT NULL,
    title text NOT NULL,
    archived boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.modules OWNER TO postgres;

-- TABLE public.sales_activity_log
CREATE TABLE public.sales_activity_log (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    manager_id uuid,
    action_type text NOT NULL,
    target_user_id uuid,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_sales_activity_log_action_type CHECK ((action_type = ANY (ARRAY['user_created'::text, 'user_status_updated'::text, 'user_deleted'::text, 'email_sent'::text, 'password_reset'::text, 'lesson_completed'::text, 'module_unlocked'::text, 'certificate_issued'::text, 'certificate_revoked'::text, 'user_corrected'::text, 'user_reassigned'::text, 'lesson_updated'::text, 'course_completed'::text])))
);


ALTER TABLE public.sales_activity_log OWNER TO postgres;

-- TABLE public.student_progress
CREATE TABLE public.student_progress (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    module_id integer NOT NULL,
    lesson_id integer NOT NULL,
    status text DEFAULT 'not_started'::text NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_student_progress_completed_at CHECK (((status = 'completed'::text) = (completed_at IS NOT NULL))),
    CONSTRAINT ck_student_progress_status CHECK ((status = ANY (ARRAY['not_started'::text, 'in_progress'::text, 'completed'::text])))
);


ALTER TABLE public.student_progress OWNER TO postgres;

-- TABLE public.tripwire_user_profile
CREATE TABLE public.tripwire_user_profile (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    total_modules integer DEFAULT 3 NOT NULL,
    modules_completed integer DEFAULT 0 NOT NULL,
    completion_percentage numeric DEFAULT 0 NOT NULL,
    certificate_issued boolean DEFAULT false NOT NULL,
    certificate_url text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_tripwire_user_profile_certificate CHECK (((NOT certificate_issued) OR (certificate_url IS NOT NULL))),
    CONSTRAINT ck_tripwire_user_profile_completion_percentage CHECK (((completion_percentage >= (0)::numeric) AND (completion_percentage <= (100)::numeric))),
    CONSTRAINT ck_tripwire_user_profile_modules_completed CHECK (((modules_completed >= 0) AND (modules_completed <= 3))),
    CONSTRAINT ck_tripwire_user_profile_modules_within_total CHECK ((modules_completed <= total_modules))
);


ALTER TABLE public.tripwire_user_profile OWNER TO postgres;

-- TABLE public.tripwire_users
CREATE TABLE public.tripwire_users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    email text NOT NULL,
    full_name text NOT NULL,
    granted_by uuid,
    manager_name text,
    status text DEFAULT 'active'::text NOT NULL,
    modules_completed integer DEFAULT 0 NOT NULL,
    price numeric DEFAULT 5000 NOT NULL,
    welcome_email_sent boolean DEFAULT false NOT NULL,
    welcome_email_sent_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_tripwire_users_email_lower CHECK ((email = lower(email))),
    CONSTRAINT ck_tripwire_users_modules_completed CHECK (((modules_completed >= 0) AND (modules_completed <= 3))),
    CONSTRAINT ck_tripwire_users_price CHECK ((price >= (0)::numeric)),
    CONSTRAINT ck_tripwire_users_status CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text, 'completed'::text, 'blocked'::text])))
);


ALTER TABLE public.tripwire_users OWNER TO postgres;

-- TABLE public.user_achievements
CREATE TABLE public.user_achievements (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    achievement_id text NOT NULL,
    current_value integer DEFAULT 0 NOT NULL,
    required_value integer DEFAULT 1 NOT NULL,
    is_completed boolean DEFAULT false NOT NULL,
    completed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_user_achievements_achievement_id CHECK ((achievement_id = ANY (ARRAY['first_module_complete'::text, 'second_module_complete'::text, 'third_module_complete'::text, 'tripwire_graduate'::text]))),
    CONSTRAINT ck_user_achievements_is_completed CHECK ((is_completed = (current_value >= required_value)))
);


ALTER TABLE public.user_achievements OWNER TO postgres;

-- TABLE public.user_statistics
CREATE TABLE public.user_statistics (
    user_id uuid NOT NULL,
    lessons_completed integer DEFAULT 0 NOT NULL,
    total_time_spent integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_user_statistics_lessons_completed CHECK ((lessons_completed >= 0)),
    CONSTRAINT ck_user_statistics_total_time_spent CHECK ((total_time_spent >= 0))
);


ALTER TABLE public.user_statistics OWNER TO postgres;

-- TABLE public.users
CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    full_name text,
    role text DEFAULT 'student'::text NOT NULL,
    telegram_chat_id bigint,
    onboarding_completed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_users_email_lower CHECK ((email = lower(email))),
    CONSTRAINT ck_users_role CHECK ((role = ANY (ARRAY['student'::text, 'sales_manager'::text, 'admin'::text, 'curator'::text, 'tech_support'::text])))
);


ALTER TABLE public.users OWNER TO postgres;

-- TABLE public.video_tracking
CREATE TABLE public.video_tracking (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    lesson_id integer NOT NULL,
    watched_segments jsonb DEFAULT '[]'::jsonb NOT NULL,
    total_watched_seconds integer DEFAULT 0 NOT NULL,
    video_duration_seconds integer DEFAULT 0 NOT NULL,
    last_position_seconds integer DEFAULT 0 NOT NULL,
    watch_percentage integer DEFAULT 0 NOT NULL,
    is_qualified_for_completion boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    counted_ms bigint DEFAULT 0 NOT NULL,
    allowance_ms bigint DEFAULT 0 NOT NULL,
    last_seen_at timestamp with time zone,
    qualified_segments jsonb,
    CONSTRAINT ck_video_tracking_allowance_ms CHECK ((allowance_ms >= 0)),
    CONSTRAINT ck_video_tracking_counted_ms CHECK ((counted_ms >= 0)),
    CONSTRAINT ck_video_tracking_last_position_seconds CHECK ((last_position_seconds >= 0)),
    CONSTRAINT ck_video_tracking_qualified_segments CHECK ((jsonb_typeof(qualified_segments) = 'array'::text)),
    CONSTRAINT ck_video_tracking_total_watched_seconds CHECK ((total_watched_seconds >= 0)),
    CONSTRAINT ck_video_tracking_video_duration_seconds CHECK ((video_duration_seconds >= 0)),
    CONSTRAINT ck_video_tracking_watch_percentage CHECK (((watch_percentage >= 0) AND (watch_percentage <= 100))),
    CONSTRAINT ck_video_tracking_watched_segments CHECK ((jsonb_typeof(watched_segments) = 'array'::text))
);


ALTER TABLE public.video_tracking OWNER TO postgres;

-- TABLE tripwire.former_grants
CREATE TABLE tripwire.former_grants (
    table_name text NOT NULL,
    "position" bigint NOT NULL,
    grantee text,
    privilege text NOT NULL,
    grantable boolean NOT NULL
);


ALTER TABLE tripwire.former_grants OWNER TO postgres;

-- TRIGGER public.certificates update_certificates_updated_at
CREATE TRIGGER update_certificates_updated_at BEFORE UPDATE ON public.certificates FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.lessons update_lessons_updated_at
CREATE TRIGGER update_lessons_updated_at BEFORE UPDATE ON public.lessons FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.modules update_modules_updated_at
CREATE TRIGGER update_modules_updated_at BEFORE UPDATE ON public.modules FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.student_progress update_student_progress_updated_at
CREATE TRIGGER update_student_progress_updated_at BEFORE UPDATE ON public.student_progress FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.tripwire_user_profile update_tripwire_user_profile_updated_at
CREATE TRIGGER update_tripwire_user_profile_updated_at BEFORE UPDATE ON public.tripwire_user_profile FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.tripwire_users update_tripwire_users_updated_at
CREATE TRIGGER update_tripwire_users_updated_at BEFORE UPDATE ON public.tripwire_users FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.user_achievements update_user_achievements_updated_at
CREATE TRIGGER update_user_achievements_updated_at BEFORE UPDATE ON public.user_achievements FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.user_statistics update_user_statistics_updated_at
CREATE TRIGGER update_user_statistics_updated_at BEFORE UPDATE ON public.user_statistics FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.users update_users_updated_at
CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- TRIGGER public.video_tracking update_video_tracking_updated_at
CREATE TRIGGER update_video_tracking_updated_at BEFORE UPDATE ON public.video_tracking FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
