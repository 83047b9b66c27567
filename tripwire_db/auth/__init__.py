"""Auth users: one small protocol, made true by Supabase's Admin API and by rows in the stand-in's `auth.users`."""

from tripwire_db.auth.postgres import PostgresAuth
from tripwire_db.auth.protocol import Auth, AuthUser, Claim, EmailExists, Mark
from tripwire_db.auth.supabase import SupabaseAuth

__all__ = ["Auth", "AuthUser", "Claim", "EmailExists", "Mark", "PostgresAuth", "SupabaseAuth"]
