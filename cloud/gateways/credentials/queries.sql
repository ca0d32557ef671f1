-- name: keep_secret
INSERT INTO gateway_secret (gateway_id, kept_by, secret_sha256, broker_hash)
SELECT g.gateway_id, %(kept_by)s, %(secret_sha256)s, %(broker_hash)s FROM gateway AS g
WHERE g.name = %(gateway)s AND g.kind = 'edge' AND (%(sites)s::text[] IS NULL OR g.site_id = ANY (%(sites)s))
ON CONFLICT (gateway_id, kept_by) DO UPDATE
    SET secret_sha256 = %(secret_sha256)s, broker_hash = %(broker_hash)s, made_at = clock_timestamp()
RETURNING (SELECT site_id FROM gateway AS g WHERE g.gateway_id = gateway_secret.gateway_id);

-- name: end_others
UPDATE gateway_secret AS s SET secret_sha256 = %(secret_sha256)s, made_at = clock_timestamp()
FROM gateway AS g
WHERE g.gateway_id = s.gateway_id AND g.name = %(gateway)s AND s.kept_by <> %(kept_by)s;

-- name: secrets_of
SELECT s.secret_sha256
FROM gateway_secret AS s
JOIN gateway AS g USING (gateway_id)
WHERE g.name = %(gateway)s AND g.kind = 'edge' AND g.state <> 'retired'
ORDER BY s.kept_by;
