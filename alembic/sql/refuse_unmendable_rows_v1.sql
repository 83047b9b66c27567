-- Stops where pg_temp.unmendable_rows() finds anything, and names every row.
DO $refuse$
DECLARE
    found bigint;
    listed text;
BEGIN
    SELECT
        sum(g.n),
        string_agg(format('  %s: %s: %s', g.table_name, g.reason, g.ids), E'\n' ORDER BY g.table_name, g.reason)
    INTO found, listed
    FROM (
        SELECT r.table_name, r.reason, count(*) AS n, string_agg(r.row_id, ', ' ORDER BY r.row_id) AS ids
        FROM pg_temp.unmendable_rows() AS r
        GROUP BY r.table_name, r.reason
    ) AS g;
    IF found > 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'integrity_constraint_violation',
            MESSAGE = format(
                E'Nothing was changed: %s rows cannot be mended without losing something.\n%s\n', found, listed
            ),
            HINT = 'Mend these rows by hand, or let tripwire-db adopt --apply move them to tripwire.quarantine; '
                || 'then upgrade again.';
    END IF;
END
$refuse$
