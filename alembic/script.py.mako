"""${message}: say here why, in a sentence that a DBA understands without this code.

Revision: ${up_revision}
Follows: ${down_revision | comma,n}

Rules that hold in every revision (docs/how-to/dba/migrations.md has recipes):
- Literal SQL, every name with its schema (`public.`, `tripwire.`). Functions and triggers come from `alembic/sql/`,
  one file per version, never edited after its merge. Nothing is imported from tripwire_db.
- One transaction, or CONCURRENTLY statements and nothing else (`build_indexes`, `drop_indexes`).
- A constraint on rows that exist: NOT VALID here, VALIDATE in the next revision.
- New tables and functions: REVOKE ALL from PUBLIC, anon, authenticated and service_role, then GRANT; tables with
  row-level security from their first day.
- No IF NOT EXISTS, no CASCADE. Mending rows leaves `updated_at` as it was.
- What the last release says to the database goes on working; where it cannot, BREAKS = {"1.0.0": "why, and when it is safe"}.
- `downgrade` restores the older catalog exactly; what the older layout cannot hold stands in LOSSES.
"""

from revision_tools import Loss, execute, refuse_loss

revision = "${up_revision}"
down_revision = ${'"%s"' % down_revision if isinstance(down_revision, str) else repr(down_revision)}
branch_labels = None
depends_on = None

LOSSES: tuple[Loss, ...] = ()


def upgrade() -> None:
    execute(
        """
        ${context.get("upgrade_sql") or "SELECT 'the change, as literal SQL'"}
        """
    )


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(
        """
        ${context.get("downgrade_sql") or "SELECT 'the way back, exactly'"}
        """
    )
