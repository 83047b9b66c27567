"""Drop the index on the seller that another covers now.

It stays until the new one is complete, so that lists of a seller's students never go without.

CONCURRENTLY, and nothing else: after a failure it may be run again.

Revision: 20261126153703
Follows: 20261126153702
"""

from revision_tools import build_indexes, drop_indexes

revision = "20261126153703"
down_revision = "20261126153702"
branch_labels = None
depends_on = None

COVERED = (
    (
        "CREATE INDEX idx_tripwire_users_granted_by ON public.tripwire_users"
        " USING btree (granted_by, created_at DESC, id DESC) INCLUDE (user_id)"
    ),
)


def upgrade() -> None:
    drop_indexes(COVERED)


def downgrade() -> None:
    build_indexes(COVERED)
