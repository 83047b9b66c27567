"""Give log entries back the kind course_completed, and say where videos were tracked with another duration.

An older backend wrote course_completed, which the layouts before this one do not allow: adopt let such entries wait as
user_status_updated, and noted it in tripwire.quarantined_values. A lesson whose duration is too long can never be completed;
what most videos were tracked with tells the right one.

Revision: 20261126112000
Follows: 20261126104600
"""

from revision_tools import execute

revision = "20261126112000"
down_revision = "20261126104600"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute(
        """
        DO $kinds$
        BEGIN
            IF to_regclass('tripwire.quarantined_values') IS NOT NULL THEN
                UPDATE public.sales_activity_log AS l SET action_type = q.was
                FROM tripwire.quarantined_values AS q
                WHERE q.table_name = 'sales_activity_log' AND q.column_name = 'action_type'
                    AND q.was = 'course_completed' AND q.key = l.id::text AND l.action_type = q.became;
            END IF;
        END
        $kinds$
        """
    )
    execute(
        """
        DO $durations$
        DECLARE
            odd record;
        BEGIN
            FOR odd IN
                SELECT l.id, l.duration_seconds, count(*) AS rows, mode() WITHIN GROUP (ORDER BY v.video_duration_seconds) AS usual,
                    count(*) FILTER (
                        WHERE abs(v.video_duration_seconds - l.duration_seconds) > greatest(2, l.duration_seconds * 0.01)
                    ) AS differing
                FROM public.lessons AS l JOIN public.video_tracking AS v ON v.lesson_id = l.id
                WHERE v.video_duration_seconds > 0
                GROUP BY l.id, l.duration_seconds
                ORDER BY l.id
            LOOP
                IF odd.differing * 2 > odd.rows THEN
                    RAISE WARNING 'Lesson % lasts % s; % of its % videos were tracked with another duration, most with % s. '
                        'Under a duration that is too long nobody can complete it: set lessons.duration_seconds.',
                        odd.id, odd.duration_seconds, odd.differing, odd.rows, odd.usual;
                END IF;
            END LOOP;
        END
        $durations$
        """
    )


def downgrade() -> None:
    execute(
        """
        DO $kinds$
        BEGIN
            IF to_regclass('tripwire.quarantined_values') IS NOT NULL THEN
                UPDATE public.sales_activity_log AS l SET action_type = q.became
                FROM tripwire.quarantined_values AS q
                WHERE q.table_name = 'sales_activity_log' AND q.column_name = 'action_type'
                    AND q.was = 'course_completed' AND q.key = l.id::text AND l.action_type = q.was;
            END IF;
        END
        $kinds$
        """
    )
