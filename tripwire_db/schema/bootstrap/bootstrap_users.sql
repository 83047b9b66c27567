-- What auth.users of the stand-in got after its first release. Run each time; what is there already is not touched, so only
-- a stand-in that lacks something needs the table's owner, and locks it.
DO $users$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT *
        FROM (
            VALUES
                ('phone', 'text'),
                ('is_anonymous', 'boolean NOT NULL DEFAULT false'),
                ('banned_until', 'timestamptz'),
                ('deleted_at', 'timestamptz')
        ) AS columns (name, definition)
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_attribute
            WHERE attrelid = 'auth.users'::regclass AND attname = columns.name AND NOT attisdropped
        )
    LOOP
        EXECUTE format('ALTER TABLE auth.users ADD COLUMN %I %s', wanted.name, wanted.definition);
        RAISE NOTICE 'column % of auth.users', wanted.name;
    END LOOP;

    -- As Supabase has it: nobody sees rows of auth.users but its owner, superusers and roles with BYPASSRLS, which hosted
    -- postgres has. Here the owner of the database stands for hosted postgres.
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_policy WHERE polrelid = 'auth.users'::regclass AND polname = 'database_owner'
    ) THEN
        CREATE POLICY database_owner ON auth.users TO pg_database_owner USING (true) WITH CHECK (true);
        RAISE NOTICE 'policy of the database''s owner on auth.users';
    END IF;
    IF NOT (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = 'auth.users'::regclass) THEN
        ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
        RAISE NOTICE 'row-level security of auth.users';
    END IF;
END
$users$;
