-- check_schema()
-- tripwire_db/flows/check_schema.py

/* tripwire:check_schema */
SELECT tripwire.schema_revision() AS revision;
