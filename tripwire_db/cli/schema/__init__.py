"""Commands for the schema: bootstrap, upgrade, downgrade, status, check, drift, adopt, doctor, export-supabase."""
