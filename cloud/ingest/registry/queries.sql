-- name: add_site
INSERT INTO site (site_id, name) VALUES (%(site)s, %(site)s) ON CONFLICT DO NOTHING;

-- name: add_gateway
INSERT INTO gateway (name, kind, site_id) VALUES (%(name)s, 'edge', %(site)s)
ON CONFLICT (name) DO NOTHING
RETURNING gateway_id;

-- name: set_state
UPDATE gateway SET state = %(state)s
WHERE name = %(name)s AND kind = 'edge' AND (%(sites)s::text[] IS NULL OR site_id = ANY (%(sites)s))
RETURNING site_id;

-- name: abandon_epochs
UPDATE completeness AS c SET abandoned_at = clock_timestamp()
FROM gateway AS g
JOIN gateway_status AS s USING (gateway_id)
WHERE g.name = %(name)s AND (%(sites)s::text[] IS NULL OR g.site_id = ANY (%(sites)s))
    AND c.gateway_id = g.gateway_id AND NOT c.is_final AND c.abandoned_at IS NULL
    AND c.epoch <> ('x' || (s.status ->> 'epoch'))::bit(64)::bigint
RETURNING c.epoch;

-- name: list_gateways
SELECT g.name, g.site_id AS site, g.state, g.registered_at, s.presence, s.heard_at,
    nullif(c.complete_until, '-infinity') AS complete_until
FROM gateway AS g
LEFT JOIN gateway_status AS s USING (gateway_id)
LEFT JOIN gateway_completeness AS c USING (gateway_id)
WHERE g.kind = 'edge' AND (%(sites)s::text[] IS NULL OR g.site_id = ANY (%(sites)s))
ORDER BY g.site_id, g.name
LIMIT 100000;
