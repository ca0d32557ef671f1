-- name: take_turn
SELECT pg_advisory_xact_lock(%(lock)s);

-- name: stay_alive
INSERT INTO ingest_worker (worker, expires_at, metrics)
VALUES (%(worker)s, clock_timestamp() + %(term)s, %(metrics)s)
ON CONFLICT (worker) DO UPDATE SET expires_at = excluded.expires_at, metrics = excluded.metrics;

-- name: bury
DELETE FROM ingest_worker WHERE expires_at < clock_timestamp() RETURNING worker;

-- name: fence
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE application_name = ANY (%(application_names)s) AND usename = current_user;

-- name: blame
WITH dead AS (
    DELETE FROM ingest_in_flight WHERE worker = ANY (%(workers)s) RETURNING sha256
)
INSERT INTO ingest_suspect (sha256, deaths)
SELECT DISTINCT held, 1 FROM dead CROSS JOIN LATERAL unnest(dead.sha256) AS held
ORDER BY held
ON CONFLICT (sha256) DO UPDATE SET deaths = ingest_suspect.deaths + 1, last_at = clock_timestamp();

-- name: suspects
SELECT sha256, deaths FROM ingest_suspect ORDER BY last_at DESC LIMIT 10000;

-- name: deaths
SELECT deaths FROM ingest_suspect WHERE sha256 = %(sha256)s;

-- name: acquit
DELETE FROM ingest_suspect WHERE sha256 = ANY (%(sha256s)s);

-- name: take_up
INSERT INTO ingest_in_flight (worker, sha256) VALUES (%(worker)s, %(sha256s)s)
ON CONFLICT (worker) DO UPDATE SET sha256 = excluded.sha256;

-- name: put_down
UPDATE ingest_in_flight SET sha256 = '{}' WHERE worker = %(worker)s;

-- name: living
SELECT w.worker
FROM ingest_worker AS w
WHERE w.worker = %(worker)s OR EXISTS (
    SELECT FROM pg_stat_activity AS a
    WHERE a.application_name = %(keeper_prefix)s || w.worker AND a.usename = current_user
)
ORDER BY w.worker;

-- name: sites
SELECT site_id FROM site ORDER BY site_id;

-- name: leases
SELECT site_id, worker FROM ingest_lease ORDER BY site_id;

-- name: lease
INSERT INTO ingest_lease (site_id, worker) VALUES (%(site)s, %(worker)s)
ON CONFLICT (site_id) DO UPDATE SET worker = excluded.worker;

-- name: leave
WITH gone AS (
    DELETE FROM ingest_worker WHERE worker = %(worker)s
)
DELETE FROM ingest_in_flight WHERE worker = %(worker)s;

-- name: due_messages
SELECT m.message_id, g.name AS gateway, g.site_id AS site, m.channel, m.revision, m.payload
FROM gateway_message AS m
JOIN gateway AS g USING (gateway_id)
WHERE m.published_at IS NULL AND g.site_id = ANY (%(sites)s)
ORDER BY m.message_id
LIMIT 100;

-- name: last_messages
SELECT asked.channel, said.payload
FROM unnest(%(channels)s::text[]) AS asked (channel)
CROSS JOIN LATERAL (
    SELECT m.payload FROM gateway_message AS m
    WHERE m.gateway_id = %(gateway_id)s AND m.channel = asked.channel
    ORDER BY m.revision DESC, m.message_id DESC LIMIT 1
) AS said
ORDER BY asked.channel;

-- name: asked_inside_acks
SELECT m.channel, m.payload
FROM gateway_message AS m
WHERE m.gateway_id = %(gateway_id)s AND (
    m.channel = %(settled)s
    OR (m.channel = %(resend)s AND m.created_at > clock_timestamp() - %(asks_for)s)
)
GROUP BY m.channel, m.payload
ORDER BY max(m.message_id) DESC
LIMIT %(limit)s;

-- name: published
UPDATE gateway_message SET published_at = clock_timestamp()
WHERE message_id = ANY (%(message_ids)s) AND published_at IS NULL;

-- name: epoch_state
SELECT c.contiguous_no, c.contiguous_sha256, i.ledger_id::text, h.position
FROM gateway AS g
CROSS JOIN ledger_identity AS i
CROSS JOIN ledger_head AS h
LEFT JOIN completeness AS c ON c.gateway_id = g.gateway_id AND c.epoch = %(epoch)s
WHERE g.name = %(gateway)s AND h.shard = 0;
