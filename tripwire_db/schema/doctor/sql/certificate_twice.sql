-- More than one valid certificate: the one that the profile shows stays, else the oldest, since a number is for ever.
SELECT
    'certificates' AS table_name,
    c.user_id,
    jsonb_build_object('id', c.id) AS key,
    jsonb_build_object('number', c.number, 'revoked_at', c.revoked_at, 'revoked_reason', c.revoked_reason) AS found,
    jsonb_build_object('revoked_at', 'now', 'revoked_reason', 'issued twice; ' || k.number || ' is valid') AS wanted,
    k.number || ' is valid, and a student holds one' AS reason
FROM certificates c JOIN certificate k ON k.user_id = c.user_id
WHERE c.revoked_at IS NULL AND c.id <> k.id
