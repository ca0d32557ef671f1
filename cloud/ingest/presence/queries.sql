-- name: hear_status
INSERT INTO gateway_status (gateway_id, presence, heard_at, status)
VALUES (%(gateway_id)s, %(presence)s, %(received_at)s, %(said)s)
ON CONFLICT (gateway_id) DO UPDATE SET presence = excluded.presence, status = excluded.status,
    heard_at = CASE excluded.presence WHEN 'online' THEN excluded.heard_at ELSE gateway_status.heard_at END;

-- name: hear_completeness
INSERT INTO completeness (gateway_id, epoch, stated_no, stated_until)
VALUES (%(gateway_id)s, %(epoch)s, %(stated_no)s, least(%(stated_until)s, clock_timestamp()))
ON CONFLICT (gateway_id, epoch) DO UPDATE SET stated_no = excluded.stated_no,
    stated_until = excluded.stated_until,
    complete_until = greatest(
        completeness.complete_until,
        CASE WHEN excluded.stated_no <= completeness.contiguous_no THEN excluded.stated_until END
    )
WHERE (coalesce(completeness.stated_no, 0), coalesce(completeness.stated_until, '-infinity'))
    < (excluded.stated_no, excluded.stated_until);

-- name: hear_health
INSERT INTO gateway_status (gateway_id, presence, heard_at, status, health, health_at)
VALUES (%(gateway_id)s, 'online', %(received_at)s, '{}', %(said)s, %(received_at)s)
ON CONFLICT (gateway_id) DO UPDATE SET presence = 'online', heard_at = excluded.heard_at,
    health = excluded.health, health_at = excluded.health_at;

-- name: silent_gateways
SELECT g.name, g.site_id AS site, s.heard_at
FROM gateway_status AS s
JOIN gateway AS g USING (gateway_id)
WHERE g.state = 'active' AND s.heard_at < clock_timestamp() - %(silence)s
ORDER BY g.name
LIMIT 10000;
