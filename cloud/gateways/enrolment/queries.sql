-- name: gateway
SELECT g.site_id, g.state FROM gateway g WHERE g.name = %(gateway)s AND g.kind = 'edge' AND sees_site(g.site_id);

-- name: add_site
INSERT INTO site (site_id, name) VALUES (%(site)s, %(site)s) ON CONFLICT DO NOTHING;

-- name: add_gateway
INSERT INTO gateway (name, kind, site_id) VALUES (%(gateway)s, 'edge', %(site)s)
ON CONFLICT (name) DO NOTHING
RETURNING gateway_id;

-- name: lock
SELECT pg_advisory_xact_lock(1768776805, g.gateway_id) FROM gateway g WHERE g.name = %(gateway)s;

-- name: end_open
UPDATE gateway_invite SET revoked_at = %(now)s, revoked_by = %(actor)s
WHERE gateway_id = (SELECT g.gateway_id FROM gateway g WHERE g.name = %(gateway)s)
    AND used_at IS NULL AND revoked_at IS NULL AND expires_at > %(now)s;

-- name: hold
SELECT i.invite_id FROM gateway_invite i JOIN gateway g ON g.gateway_id = i.gateway_id
WHERE g.name = %(gateway)s AND i.invite_id <= %(newest)s
ORDER BY i.invite_id DESC
LIMIT 1
FOR UPDATE OF i;

-- name: held
SELECT i.request, coalesce(s.secret_sha256 = i.secret_sha256, false)
FROM gateway_invite i LEFT JOIN gateway_secret s ON s.gateway_id = i.gateway_id AND s.kept_by = 'registry'
WHERE i.invite_id = %(invite)s;

-- name: revoke
UPDATE gateway_invite SET revoked_at = %(now)s, revoked_by = %(actor)s
WHERE invite_id = %(invite)s AND revoked_at IS NULL AND (used_at IS NOT NULL OR expires_at > %(now)s)
RETURNING used_at;

-- name: serials
SELECT c.serial FROM gateway_certificate c JOIN gateway g ON g.gateway_id = c.gateway_id
WHERE g.name = %(gateway)s AND c.request_sha256 = %(sha256)s AND c.revoked_at IS NULL;

-- name: add
INSERT INTO gateway_invite (gateway_id, site_id, code_sha256, made_at, made_by, expires_at)
SELECT g.gateway_id, g.site_id, %(sha256)s, %(now)s, %(actor)s, %(expires_at)s FROM gateway g WHERE g.name = %(gateway)s
RETURNING invite_id;

-- name: invites
SELECT i.invite_id, g.name AS gateway, i.site_id AS site, i.made_at, i.made_by, i.expires_at, i.revoked_at, i.revoked_by,
    i.used_at
FROM gateway_invite i JOIN gateway g ON g.gateway_id = i.gateway_id
WHERE g.name = %(gateway)s AND i.invite_id < %(before)s
ORDER BY i.invite_id DESC
LIMIT %(limit)s;

-- name: shown
SELECT i.invite_id, g.name AS gateway, i.site_id AS site, g.state AS gateway_state, i.made_at, i.made_by, i.expires_at,
    i.revoked_at, i.used_at, i.request, i.secret_sha256,
    (SELECT min(n.made_at) FROM gateway_invite n WHERE n.gateway_id = i.gateway_id AND n.invite_id > i.invite_id) AS followed_at,
    (SELECT max(c.revoked_at) FROM gateway_certificate c WHERE c.gateway_id = g.gateway_id) AS called_back_at
FROM gateway_invite i JOIN gateway g ON g.gateway_id = i.gateway_id
WHERE i.code_sha256 = %(sha256)s
FOR UPDATE OF i;

-- name: use
UPDATE gateway_invite SET used_at = %(now)s, request = %(request)s, secret_sha256 = %(secret_sha256)s
WHERE invite_id = %(invite)s;
