-- name: asking
SELECT g.name AS gateway, g.site_id AS site, a.request, a.invited_by
FROM (
    SELECT s.gateway_id, s.health -> 'certificate' ->> 'request' AS request, NULL::text AS invited_by
    FROM gateway_status s WHERE s.health -> 'certificate' ->> 'request' IS NOT NULL
    UNION ALL
    SELECT i.gateway_id, i.request, i.made_by FROM gateway_invite i
    WHERE i.used_at > %(now)s - interval '1 day' AND i.revoked_at IS NULL
        AND NOT EXISTS (SELECT FROM gateway_invite n WHERE n.gateway_id = i.gateway_id AND n.invite_id > i.invite_id)
        AND NOT EXISTS (
        SELECT FROM gateway_certificate c WHERE c.gateway_id = i.gateway_id AND c.revoked_at >= i.made_at)) a
JOIN gateway g ON g.gateway_id = a.gateway_id
WHERE g.kind = 'edge' AND g.state IN ('active', 'paused') AND (g.state = 'active' OR a.invited_by IS NOT NULL)
    AND NOT EXISTS (
        SELECT FROM gateway_certificate c
        WHERE c.gateway_id = g.gateway_id AND c.request_sha256 = sha256(convert_to(a.request, 'UTF8')))
ORDER BY g.name, a.invited_by
LIMIT 100;

-- name: gateway
SELECT g.gateway_id, g.name AS gateway, g.site_id AS site FROM gateway g
WHERE g.name = %(gateway)s AND g.kind = 'edge' AND g.state IN ('active', 'paused') AND sees_site(g.site_id);

-- name: lock
SELECT pg_advisory_xact_lock(1667593332, g.gateway_id) FROM gateway g WHERE g.name = %(gateway)s;

-- name: known
SELECT c.certificate, c.revoked_at FROM gateway_certificate c JOIN gateway g ON g.gateway_id = c.gateway_id
WHERE g.name = %(gateway)s AND c.request_sha256 = %(sha256)s;

-- name: called_back
SELECT max(c.revoked_at) AS since FROM gateway_certificate c JOIN gateway g ON g.gateway_id = c.gateway_id
WHERE g.name = %(gateway)s
HAVING max(c.revoked_at) > coalesce(max(c.issued_at) FILTER (WHERE c.issued_by <> %(job)s), '-infinity');

-- name: add
INSERT INTO gateway_certificate (gateway_id, site_id, serial, request_sha256, not_before, not_after, certificate, issued_by)
SELECT g.gateway_id, g.site_id, %(serial)s, %(sha256)s, %(not_before)s, %(not_after)s, %(certificate)s, %(actor)s
FROM gateway g WHERE g.name = %(gateway)s;

-- name: last_revision
SELECT coalesce(max(m.revision), 0) FROM gateway_message m JOIN gateway g ON g.gateway_id = m.gateway_id
WHERE g.name = %(gateway)s AND m.channel = 'certificate';

-- name: send
INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)
SELECT g.gateway_id, 'certificate', %(revision)s, %(payload)s::jsonb, %(actor)s
FROM gateway g WHERE g.name = %(gateway)s;

-- name: audit
SELECT record_audit(%(actor)s, %(action)s, %(target)s, %(site)s, NULL, %(detail)s::jsonb);

-- name: certificates
SELECT g.name AS gateway, c.site_id AS site, c.serial, c.not_before, c.not_after, c.issued_at, c.issued_by, c.revoked_at,
    c.revoked_by, c.revoked_why,
    coalesce(s.health -> 'certificate' ->> 'serial' = c.serial, false) AS is_in_use
FROM gateway_certificate c
JOIN gateway g ON g.gateway_id = c.gateway_id
LEFT JOIN gateway_status s ON s.gateway_id = g.gateway_id
WHERE g.name = %(gateway)s
ORDER BY c.certificate_id DESC
LIMIT %(limit)s;

-- name: in_use
SELECT g.name AS gateway, g.site_id AS site, (s.health -> 'certificate' ->> 'not_after')::timestamptz AS not_after,
    s.health -> 'certificate' ->> 'serial' AS serial, s.health -> 'certificate' ->> 'problem' AS problem, s.health_at
FROM gateway g JOIN gateway_status s ON s.gateway_id = g.gateway_id
WHERE g.kind = 'edge' AND g.state IN ('active', 'paused') AND s.health ? 'certificate'
    AND g.name = coalesce(%(gateway)s, g.name) AND sees_site(g.site_id)
ORDER BY g.name
LIMIT 10000;

-- name: revoke
UPDATE gateway_certificate SET revoked_at = clock_timestamp(), revoked_by = %(actor)s, revoked_why = %(why)s
WHERE serial = %(serial)s AND revoked_at IS NULL
    AND gateway_id = (SELECT g.gateway_id FROM gateway g WHERE g.name = %(gateway)s);

-- name: revoked
SELECT c.serial, c.revoked_at FROM gateway_certificate c
WHERE c.revoked_at IS NOT NULL AND c.not_after > %(now)s
UNION ALL
SELECT f.serial, f.revoked_at FROM called_back_serial f
WHERE NOT EXISTS (SELECT FROM gateway_certificate c WHERE c.serial = f.serial)
ORDER BY 2, 1;

-- name: revoke_again
UPDATE gateway_certificate SET revoked_at = %(at)s, revoked_by = %(actor)s, revoked_why = %(why)s
WHERE serial = %(serial)s AND revoked_at IS NULL;

-- name: add_forgotten
INSERT INTO called_back_serial (serial, revoked_at, added_by)
SELECT %(serial)s, %(at)s, %(actor)s
WHERE NOT EXISTS (SELECT FROM gateway_certificate c WHERE c.serial = %(serial)s)
ON CONFLICT DO NOTHING;
