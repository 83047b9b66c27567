SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.format('%%I.%%I', tn.nspname, t.relname)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE NOT i.indisvalid AND n.nspname = ANY (%(schemas)s::pg_catalog.text[])
ORDER BY 1
