-- name: gateway
SELECT g.name AS gateway, g.site_id AS site FROM gateway g
WHERE g.name = %(gateway)s AND g.kind = 'edge' AND sees_site(g.site_id);

-- name: gateways
SELECT g.name AS gateway, g.site_id AS site FROM gateway g
WHERE g.kind = 'edge' AND sees_site(g.site_id) AND g.state <> 'unregistered' AND g.name > %(after)s
ORDER BY g.name
LIMIT %(limit)s;

-- name: lock_config
SELECT pg_advisory_xact_lock(1735419500, g.gateway_id) FROM gateway g WHERE g.name = %(gateway)s;

-- name: last_revisions
SELECT coalesce((SELECT max(c.revision) FROM gateway_config c WHERE c.gateway_id = g.gateway_id), 0),
    coalesce((SELECT max(r.revision) FROM gateway_config_report r WHERE r.gateway_id = g.gateway_id), 0)
FROM gateway g WHERE g.name = %(gateway)s
ORDER BY g.gateway_id;

-- name: spelled
SELECT (%(settings)s::jsonb)::text;

-- name: add_config
INSERT INTO gateway_config (gateway_id, revision, site_id, settings, reason, set_by)
SELECT g.gateway_id, %(revision)s, g.site_id, %(settings)s::jsonb, %(reason)s, %(actor)s
FROM gateway g WHERE g.name = %(gateway)s;

-- name: send_config
INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)
SELECT g.gateway_id, 'config/desired', %(revision)s, %(payload)s::jsonb, %(actor)s
FROM gateway g WHERE g.name = %(gateway)s;

-- name: desired
SELECT g.name AS gateway, c.site_id AS site, c.revision, c.settings, c.reason, c.set_by, c.set_at, m.published_at,
    r.outcome, coalesce(r.errors, '[]') AS errors, r.reported_at AS answered_at
FROM gateway_config c
JOIN gateway g ON g.gateway_id = c.gateway_id
LEFT JOIN LATERAL (
    SELECT m.published_at FROM gateway_message m
    WHERE m.gateway_id = c.gateway_id AND m.channel = 'config/desired' AND m.revision = c.revision
    ORDER BY m.message_id DESC LIMIT 1) m ON true
LEFT JOIN LATERAL (
    SELECT r.outcome, r.errors, r.reported_at FROM gateway_config_report r
    WHERE r.gateway_id = c.gateway_id AND r.revision = c.revision
    ORDER BY r.report_id DESC LIMIT 1) r ON true
WHERE g.name = ANY (%(gateways)s::text[]) AND c.revision < %(before)s
    AND (%(revision)s::bigint IS NULL OR c.revision = %(revision)s)
ORDER BY g.name, c.revision DESC
LIMIT %(limit)s;

-- name: last_report
SELECT r.revision, r.outcome, r.running_revision, r.settings, r.origins, r.errors, r.reported_at, r.heard_at
FROM gateway_config_report r JOIN gateway g ON g.gateway_id = r.gateway_id
WHERE g.name = %(gateway)s
ORDER BY r.report_id DESC
LIMIT 1;

-- name: hear
INSERT INTO gateway_config_report (gateway_id, site_id, revision, outcome, running_revision, settings, origins, errors,
    reported_at, heard_at)
SELECT g.gateway_id, g.site_id, %(revision)s, %(outcome)s, %(running_revision)s, %(settings)s::jsonb, %(origins)s::jsonb,
    %(errors)s::jsonb, %(reported_at)s, %(heard_at)s
FROM gateway g
LEFT JOIN LATERAL (
    SELECT r.revision, r.outcome, r.reported_at, r.settings FROM gateway_config_report r
    WHERE r.gateway_id = g.gateway_id ORDER BY r.report_id DESC LIMIT 1) told ON true
WHERE g.gateway_id = %(gateway_id)s
    AND (told.revision, told.outcome, CASE WHEN told.revision > 0 THEN told.reported_at END, told.settings)
        IS DISTINCT FROM (%(revision)s::bigint, %(outcome)s::text,
            CASE WHEN %(revision)s::bigint > 0 THEN %(reported_at)s::timestamptz END, %(settings)s::jsonb);
