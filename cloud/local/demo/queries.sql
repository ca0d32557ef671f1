-- Read as the ledger's owner. Only what was posted after a position and scanned since an instant counts: a
-- gateway may still deliver what an interrupted demonstration scanned. `scanning` names the gateways where people
-- scan, `doors` the one with RFID readers.

-- name: movements
SELECT m.site_id, m.detail #>> '{documents,0,id}', m.detail #>> '{documents,0,line}', m.identifier,
       m.quantity, source.code, destination.code, to_cell.disposition
FROM ledger_entry AS e
JOIN movement AS m USING (posting_id)
JOIN gateway AS g ON g.gateway_id = m.gateway_id AND g.name = ANY (%(scanning)s)
JOIN cell AS from_cell ON from_cell.cell_id = m.from_cell
JOIN location AS source ON source.location_id = from_cell.location_id
JOIN cell AS to_cell ON to_cell.cell_id = m.to_cell
JOIN location AS destination ON destination.location_id = to_cell.location_id
WHERE e.position > %(after)s AND m.occurred_at_claimed >= %(since)s
ORDER BY e.position, m.gateway_id, m.epoch, m.seq;

-- name: progress
SELECT h.position,
       (SELECT count(*)
        FROM ledger_entry AS e JOIN movement AS m USING (posting_id)
        JOIN gateway AS g ON g.gateway_id = m.gateway_id AND g.name = ANY (%(scanning)s)
        WHERE e.position > %(after)s AND m.occurred_at_claimed >= %(since)s) AS movements,
       (SELECT count(*)
        FROM ledger_entry AS e JOIN crossing AS c USING (posting_id)
        WHERE e.position > %(after)s AND c.occurred_at_claimed >= %(since)s) AS crossings,
       (SELECT count(*) FROM quarantine AS q WHERE q.received_at >= %(since)s) AS quarantined,
       (SELECT count(*) FROM ticket AS t WHERE t.opened_at >= %(since)s) AS alerts
FROM ledger_head AS h
WHERE h.shard = 0;

-- name: doors_whole
SELECT bool_and(complete_until >= %(until)s) FROM gateway_completeness WHERE gateway = ANY (%(doors)s);

-- name: decided
SELECT (SELECT count(*) FROM count_review AS c WHERE c.observed_at >= %(since)s) AS counts,
       (SELECT count(*) FROM variance AS v
        WHERE v.observed_at >= %(since)s AND v.counted <> v.book) AS variances,
       (SELECT count(*) FROM forecast AS f JOIN planning_run AS r USING (run_id)
        WHERE r.started_at >= %(since)s AND r.state = 'done') AS forecasts,
       (SELECT count(*) FROM proposal AS p WHERE p.created_at >= %(since)s OR p.settled_at IS NULL) AS proposals,
       (SELECT count(*) FROM decision AS d WHERE d.applied_at >= %(since)s) AS approved;

-- name: latency
SELECT 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY age_s) AS p50_ms,
       1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY age_s) AS p99_ms
FROM (
    SELECT extract(epoch FROM e.recorded_at - m.occurred_at)::float8 AS age_s
    FROM ledger_entry AS e
    JOIN movement AS m USING (posting_id)
    JOIN gateway AS g ON g.gateway_id = m.gateway_id AND g.name = ANY (%(scanning)s)
    WHERE e.position > %(after)s AND m.occurred_at_claimed >= %(since)s AND e.recorded_at > %(posted_since)s
) AS scanned;

-- name: gateways
SELECT g.name, g.site_id,
       CASE WHEN s.heard_at >= %(since)s THEN s.presence ELSE 'not heard yet' END AS presence,
       (s.health #>> '{outbox,unacked_rows}')::bigint AS unacked_rows,
       (SELECT count(*)
        FROM ledger_entry AS e JOIN movement AS m USING (posting_id)
        WHERE e.position > %(after)s AND m.occurred_at_claimed >= %(since)s
            AND m.gateway_id = g.gateway_id) AS movements
FROM gateway AS g
LEFT JOIN gateway_status AS s USING (gateway_id)
WHERE g.kind = 'edge' AND g.name = ANY (%(gateways)s)
ORDER BY g.name
LIMIT 100;

-- name: crossings
SELECT c.portal, c.epc, c.direction, c.occurred_at, c.posted, c.detail ->> 'because' AS because,
       (c.detail ->> 'confidence')::float8 AS confidence
FROM ledger_entry AS e
JOIN crossing AS c USING (posting_id)
JOIN gateway AS g ON g.gateway_id = c.gateway_id AND g.name = ANY (%(doors)s)
WHERE e.position > %(after)s AND c.occurred_at_claimed >= %(since)s
ORDER BY c.occurred_at, c.epoch, c.seq;

-- name: moved_by_doors
SELECT (SELECT count(*)
        FROM ledger_entry AS e JOIN movement AS m USING (posting_id)
        JOIN gateway AS g ON g.gateway_id = m.gateway_id AND g.name = ANY (%(doors)s)
        WHERE e.position > %(after)s AND m.occurred_at_claimed >= %(since)s)
     + (SELECT count(*)
        FROM ledger_entry AS e JOIN unit_position AS u USING (posting_id)
        JOIN gateway AS g ON g.gateway_id = u.gateway_id AND g.name = ANY (%(doors)s)
        WHERE e.position > %(after)s AND u.occurred_at_claimed >= %(since)s);

-- name: raw_reads
SELECT coalesce(sum((reader ->> 'reads')::bigint), 0)
FROM gateway_status AS s
JOIN gateway AS g ON g.gateway_id = s.gateway_id AND g.name = ANY (%(doors)s)
CROSS JOIN LATERAL jsonb_array_elements(coalesce(s.health -> 'readers', '[]'::jsonb)) AS reader
WHERE s.health_at >= %(since)s AND reader ->> 'kind' <> 'scanner';

-- name: server_version
SELECT current_setting('server_version');

-- As `dockledger_app`.
-- name: name_items
WITH named AS (
    INSERT INTO item (code, name, base_unit)
    SELECT l.code, l.name, 'each' FROM unnest(%(codes)s::text[], %(names)s::text[]) AS l (code, name)
    ON CONFLICT (code) DO UPDATE SET name = excluded.name, is_provisional = false
    RETURNING item_id, code
)
INSERT INTO identifier (scheme, value, valid_from, item_id, numerator, denominator)
SELECT %(scheme)s, n.code, '-infinity', n.item_id, 1, 1 FROM named AS n
ON CONFLICT (scheme, value, valid_from) DO NOTHING;
