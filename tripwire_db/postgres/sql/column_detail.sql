-- How a column is stored and estimated, where that is not as its type has it; and a NOT NULL that was never validated.
SELECT
    n.nspname || '.' || c.relname || '.' || a.attname AS object,
    n.nspname || '.' || c.relname AS on_table,
    CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END AS storage,
    nullif(a.attcompression::text, '') AS compression,
    nullif(a.attstattarget, -1) AS statistics_target,
    array_to_string(a.attoptions, ', ') AS options,
    invalid.conname::text AS not_null_not_valid
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_constraint invalid
    ON invalid.conrelid = c.oid AND invalid.contype = 'n' AND invalid.conkey = ARRAY[a.attnum] AND NOT invalid.convalidated
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
    AND (
        a.attstorage <> t.typstorage OR a.attcompression <> '' OR nullif(a.attstattarget, -1) IS NOT NULL
        OR a.attoptions IS NOT NULL OR invalid.conname IS NOT NULL
    )
