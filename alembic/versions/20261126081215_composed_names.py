"""Compose the letters of names (Unicode's NFC), so that a name is found however it was typed.

"й" may be one code point or two that look the same; older backends stored what was typed, newer ones compose it. Nothing
that anybody sees changes, and `updated_at` stays as it was. Writers of these tables wait for a moment.

Revision: 20261126081215
Follows: 20261126075943
"""

from revision_tools import execute

revision = "20261126081215"
down_revision = "20261126075943"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute(
        """
        LOCK TABLE public.users, public.tripwire_users, public.certificates IN SHARE ROW EXCLUSIVE MODE;
        ALTER TABLE public.users DISABLE TRIGGER update_users_updated_at;
        ALTER TABLE public.tripwire_users DISABLE TRIGGER update_tripwire_users_updated_at;
        ALTER TABLE public.certificates DISABLE TRIGGER update_certificates_updated_at;

        UPDATE public.users
        SET full_name = normalize(full_name, NFC)
        WHERE full_name IS NOT NFC NORMALIZED;

        UPDATE public.tripwire_users
        SET full_name = normalize(full_name, NFC),
            manager_name = normalize(manager_name, NFC)
        WHERE full_name IS NOT NFC NORMALIZED OR manager_name IS NOT NFC NORMALIZED;

        UPDATE public.certificates
        SET full_name = normalize(full_name, NFC)
        WHERE full_name IS NOT NFC NORMALIZED;

        UPDATE public.sales_activity_log
        SET details = jsonb_set(details, '{full_name}', to_jsonb(normalize(details ->> 'full_name', NFC)))
        WHERE jsonb_typeof(details -> 'full_name') = 'string'
            AND details ->> 'full_name' IS NOT NFC NORMALIZED;

        ALTER TABLE public.users ENABLE TRIGGER update_users_updated_at;
        ALTER TABLE public.tripwire_users ENABLE TRIGGER update_tripwire_users_updated_at;
        ALTER TABLE public.certificates ENABLE TRIGGER update_certificates_updated_at;
        """
    )


def downgrade() -> None:
    """Leave the names composed: the older layout holds them as well, and nobody sees a difference."""
