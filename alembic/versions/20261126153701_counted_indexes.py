"""Build the indexes from which a seller's totals are counted without the rows of the students.

The index on the seller carries what the totals add up, so that a seller with 20,000 of a million students is counted from
a few hundred pages of it, where each student was on a page of the table of its own. A second one, nearly empty,
finds the profiles with another total than three modules, for which the whole table was read.

A completion changes what the first carries, so its row is entered in each index anew: 690 bytes of WAL where it was
270, twice in a student's course. A sale and a heartbeat cost what they did.

CONCURRENTLY, and nothing else: after a failure it may be run again.

Revision: 20261126153701
Follows: 20261126152104
"""

from revision_tools import build_indexes, drop_indexes

revision = "20261126153701"
down_revision = "20261126152104"
branch_labels = None
depends_on = None

NEW = (
    (
        "CREATE INDEX idx_tripwire_users_seller ON public.tripwire_users"
        " USING btree (granted_by, created_at DESC, id DESC) INCLUDE (user_id, status, price, modules_completed)"
    ),
    (
        "CREATE INDEX idx_tripwire_user_profile_other_total ON public.tripwire_user_profile"
        " USING btree (user_id) INCLUDE (total_modules) WHERE (total_modules <> ALL (ARRAY[0, 3]))"
    ),
)


def upgrade() -> None:
    build_indexes(NEW)


def downgrade() -> None:
    drop_indexes(NEW)
