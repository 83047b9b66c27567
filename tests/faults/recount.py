"""What must hold of every database at every moment, recomputed from the raw rows.

`broken(url)` gives one line for each row that is lost, doubled, half made or out of step; nothing is trusted that a
flow has written down twice.
"""

import time

import psycopg
from psycopg.rows import dict_row

# Each finds what must not be there: who, and what is wrong.
_RULES = {
    "an auth user without rows": """
        SELECT a.email FROM auth.users a LEFT JOIN users u ON u.id = a.id WHERE u.id IS NULL""",
    "a row without an auth user": """
        SELECT u.email FROM users u LEFT JOIN auth.users a ON a.id = u.id WHERE a.id IS NULL""",
    "an e-mail that differs from the auth user's": """
        SELECT u.email FROM users u JOIN auth.users a ON a.id = u.id WHERE a.email <> u.email""",
    "a student's users row without a student": """
        SELECT u.email FROM users u LEFT JOIN tripwire_users s ON s.user_id = u.id
        WHERE u.role = 'student' AND s.id IS NULL""",
    "a student without a users row": """
        SELECT s.email FROM tripwire_users s LEFT JOIN users u ON u.id = s.user_id WHERE u.id IS NULL""",
    "a student without a profile": """
        SELECT s.email FROM tripwire_users s LEFT JOIN tripwire_user_profile p USING (user_id) WHERE p.id IS NULL""",
    "a student without statistics": """
        SELECT s.email FROM tripwire_users s LEFT JOIN user_statistics t USING (user_id) WHERE t.user_id IS NULL""",
    "a student without the first module": """
        SELECT s.email FROM tripwire_users s
        WHERE NOT EXISTS (SELECT FROM module_unlocks m WHERE m.user_id = s.user_id AND m.module_id = 16)""",
    "an unlocked module without its progress or its video": """
        SELECT s.email FROM tripwire_users s JOIN module_unlocks m USING (user_id)
        JOIN lessons l ON l.module_id = m.module_id AND NOT l.archived
        LEFT JOIN student_progress p ON p.user_id = s.user_id AND p.lesson_id = l.id
        LEFT JOIN video_tracking v ON v.user_id = s.user_id AND v.lesson_id = l.id
        WHERE p.id IS NULL OR v.id IS NULL""",
    "other than four achievements": """
        SELECT s.email FROM tripwire_users s LEFT JOIN user_achievements a USING (user_id)
        GROUP BY s.email HAVING count(a.id) <> 4""",
    "rows of a student who is none": """
        SELECT t.user_id::text FROM (
            SELECT user_id FROM tripwire_user_profile UNION ALL SELECT user_id FROM module_unlocks
            UNION ALL SELECT user_id FROM student_progress UNION ALL SELECT user_id FROM video_tracking
            UNION ALL SELECT user_id FROM user_achievements UNION ALL SELECT user_id FROM user_statistics
            UNION ALL SELECT user_id FROM certificates) t
        LEFT JOIN tripwire_users s USING (user_id) WHERE s.id IS NULL""",
    "counters that differ from the completed lessons": """
        SELECT s.email FROM tripwire_users s
        JOIN tripwire_user_profile p USING (user_id) JOIN user_statistics t USING (user_id)
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM student_progress g
            WHERE g.user_id = s.user_id AND g.status = 'completed') done
        WHERE s.modules_completed <> done.n OR p.modules_completed <> done.n OR t.lessons_completed <> done.n
            OR p.completion_percentage <> round(done.n * 100.0 / 3, 2)""",
    "achievements that differ from the completed lessons": """
        SELECT s.email FROM tripwire_users s JOIN user_achievements a USING (user_id)
        CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE module_id = 16) AS first,
            count(*) FILTER (WHERE module_id = 17) AS second, count(*) FILTER (WHERE module_id = 18) AS third
            FROM student_progress g WHERE g.user_id = s.user_id AND g.status = 'completed') done
        WHERE a.current_value <> CASE a.achievement_id WHEN 'first_module_complete' THEN done.first
            WHEN 'second_module_complete' THEN done.second WHEN 'third_module_complete' THEN done.third ELSE done.n END
            OR a.is_completed <> (a.completed_at IS NOT NULL)""",
    "time spent that differs from the time counted": """
        SELECT s.email FROM tripwire_users s JOIN user_statistics t USING (user_id)
        CROSS JOIN LATERAL (SELECT coalesce(sum(v.counted_ms / 1000), 0) AS n, coalesce(bool_or(
            v.total_watched_seconds <> v.counted_ms / 1000 OR v.counted_ms > l.duration_seconds * 1000
            OR v.watch_percentage <> v.counted_ms / (l.duration_seconds * 10)), false) AS odd
            FROM video_tracking v JOIN lessons l ON l.id = v.lesson_id WHERE v.user_id = s.user_id) watched
        WHERE t.total_time_spent <> watched.n OR watched.odd""",
    "a profile that differs from the certificates": """
        SELECT s.email FROM tripwire_users s JOIN tripwire_user_profile p USING (user_id)
        LEFT JOIN certificates c ON c.user_id = s.user_id AND c.revoked_at IS NULL
        WHERE p.certificate_issued <> (c.id IS NOT NULL) OR p.certificate_url IS DISTINCT FROM c.url""",
    "a certificate of somebody who has not completed the course": """
        SELECT s.email FROM tripwire_users s JOIN certificates c USING (user_id) WHERE s.modules_completed < 3""",
    "a graduate who never had a certificate": """
        SELECT s.email FROM tripwire_users s WHERE s.modules_completed = 3
        AND NOT EXISTS (SELECT FROM certificates c WHERE c.user_id = s.user_id)""",
    "a log that differs from what happened": """
        SELECT s.email FROM tripwire_users s
        CROSS JOIN LATERAL (SELECT
            count(*) FILTER (WHERE action_type = 'user_created') AS created,
            count(*) FILTER (WHERE action_type = 'user_deleted') AS deleted,
            count(*) FILTER (WHERE action_type = 'lesson_completed') AS completed,
            count(*) FILTER (WHERE action_type = 'certificate_issued') AS issued,
            count(*) FILTER (WHERE action_type = 'certificate_revoked') AS revoked,
            count(*) FILTER (WHERE action_type = 'email_sent') AS sent
            FROM sales_activity_log WHERE target_user_id = s.user_id) log
        WHERE log.created - log.deleted <> 1 OR log.deleted = 0 AND (
            log.completed <> s.modules_completed OR log.sent <> s.welcome_email_sent::int
            OR log.issued <> (SELECT count(*) FROM certificates c WHERE c.user_id = s.user_id)
            OR log.revoked <> (SELECT count(*) FROM certificates c
                WHERE c.user_id = s.user_id AND c.revoked_at IS NOT NULL))""",
    "somebody gone without a log of it, or logged as gone twice": """
        SELECT l.target_user_id::text FROM sales_activity_log l
        LEFT JOIN tripwire_users s ON s.user_id = l.target_user_id
        LEFT JOIN users u ON u.id = l.target_user_id
        WHERE l.target_user_id IS NOT NULL AND s.id IS NULL AND coalesce(u.role, 'student') = 'student'
        GROUP BY l.target_user_id
        HAVING count(*) FILTER (WHERE l.action_type = 'user_created')
            <> count(*) FILTER (WHERE l.action_type = 'user_deleted')""",
}


def broken(url: str) -> list[str]:
    """What is wrong in a database, one line for each row; empty where all is well."""
    with psycopg.connect(url, autocommit=True) as connection:
        return [f"{rule}: {who}" for rule, query in _RULES.items() for (who,) in connection.execute(query)]


class Sessions:
    """The sessions of a database, watched from outside: what a test leaves open, and how many deadlocks it met."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self.deadlocks_before = self._deadlocks()
        self.before = self.count()

    def count(self) -> int:
        """Sessions of this project's programs in this database."""
        return len(self._sessions())

    def in_transaction(self) -> list[str]:
        """Those that sit in an open transaction and do nothing."""
        return [row["query"] for row in self._sessions() if str(row["state"]).startswith("idle in transaction")]

    @property
    def deadlocks(self) -> int:
        """How many deadlocks the database has met since."""
        return self._deadlocks() - self.deadlocks_before

    def settled(self, at_most: int, seconds: float = 15.0) -> int:
        """Wait until no more sessions than that are left, and give how many there are.

        A session whose client has gone lives on for the moment that the server takes to notice.
        """
        deadline = time.monotonic() + seconds
        while (left := self.count()) > at_most and time.monotonic() < deadline:
            time.sleep(0.02)  # the end of another's session is announced by nothing
        return left

    def close(self) -> None:
        self._connection.close()

    def _sessions(self) -> list[dict[str, object]]:
        return self._connection.execute(
            "SELECT state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'tripwire-db'"
        ).fetchall()

    def _deadlocks(self) -> int:
        row = self._connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
        assert row is not None
        return int(row["deadlocks"])
