-- Three months of one gateway: crossings at two doors, units that are seen, and what it says of itself. No posting
-- holds these rows: they are here for the hours alone.
INSERT INTO crossing (
    gateway_id, epoch, seq, occurred_at, posting_id, site_id, portal, epc, direction, first_seen_at, reads, posted,
    occurred_at_claimed, time_basis, detail)
SELECT g.gateway_id, 8, n, t.occurred_at, 999, 'leeds', 'dock-' || 1 + n % 2, 'urn:epc:' || n, 'in', t.occurred_at,
    1 + n % 40, CASE WHEN n % 7 = 0 THEN 'held' ELSE 'posted' END, t.occurred_at, 'claimed', '{}'
FROM generate_series(1, 3000) n
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01 00:00Z' + n * interval '41 minutes' AS occurred_at) t
JOIN gateway g ON g.name = 'gw-1';
INSERT INTO unit_position (
    gateway_id, epoch, seq, occurred_at, posting_id, site_id, unit_id, location_id, occurred_at_claimed,
    time_basis, detail)
SELECT g.gateway_id, 8, n, t.occurred_at, 999, 'leeds', 1 + n % 50, 1, t.occurred_at, 'claimed', '{}'
FROM generate_series(1, 2000) n
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01 00:00Z' + n * interval '67 minutes' AS occurred_at) t
JOIN gateway g ON g.name = 'gw-1';
DO $$
BEGIN
    FOR n IN 1..400 LOOP
        INSERT INTO gateway_status (gateway_id, presence, heard_at, status, health, health_at)
        SELECT gateway_id, 'online', at, '{}', jsonb_build_object(
                'uptime_s', n, 'outbox', jsonb_build_object(
                    'unacked_rows', n % 90, 'oldest_unacked_age_s', n % 50, 'is_full', n % 30 = 0),
                'clock', jsonb_build_object('ok', n % 40 > 0),
                'readers', '[{"state": "connected"}, {"state": "lost"}]'::jsonb), at
        FROM gateway CROSS JOIN LATERAL (SELECT timestamptz '2026-02-01 00:00Z' + n * interval '170 seconds' AS at) t
        WHERE name = 'gw-1'
        ON CONFLICT (gateway_id) DO UPDATE SET
            heard_at = excluded.heard_at, health = excluded.health, health_at = excluded.health_at;
    END LOOP;
END
$$;
