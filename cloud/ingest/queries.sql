-- name: gateways
SELECT name, gateway_id, site_id AS site, state
FROM gateway
WHERE name = ANY (%(names)s) AND kind = 'edge';

-- name: ledger_now
SELECT i.ledger_id::text, h.position
FROM ledger_identity AS i, ledger_head AS h
WHERE h.shard = 0;

-- name: open_epochs
INSERT INTO completeness (gateway_id, epoch)
SELECT * FROM unnest(%(gateway_ids)s::integer[], %(epochs)s::bigint[]) AS wanted (gateway_id, epoch)
ORDER BY gateway_id, epoch
ON CONFLICT DO NOTHING;

-- name: lock_epochs
SELECT c.gateway_id, c.epoch, c.contiguous_no, c.contiguous_sha256, c.is_final
FROM completeness AS c
JOIN unnest(%(gateway_ids)s::integer[], %(epochs)s::bigint[]) AS wanted (gateway_id, epoch)
    USING (gateway_id, epoch)
ORDER BY c.gateway_id, c.epoch
FOR UPDATE OF c;

-- name: stones_near
SELECT near.gateway_id, near.epoch, near.batch_no, near.sha256, near.status, near.prev_sha256,
    near.first_seq, near.last_seq, near.complete_until, near.is_final
FROM unnest(%(gateway_ids)s::integer[], %(epochs)s::bigint[], %(batch_nos)s::bigint[])
    AS wanted (gateway_id, epoch, batch_no)
CROSS JOIN LATERAL (
    (SELECT b.* FROM batch AS b
    WHERE b.gateway_id = wanted.gateway_id AND b.epoch = wanted.epoch AND b.batch_no <= wanted.batch_no
    ORDER BY b.batch_no DESC LIMIT 2)
    UNION ALL
    (SELECT b.* FROM batch AS b
    WHERE b.gateway_id = wanted.gateway_id AND b.epoch = wanted.epoch AND b.batch_no > wanted.batch_no
    ORDER BY b.batch_no LIMIT 1)
) AS near;

-- name: stones_ahead
SELECT ahead.gateway_id, ahead.epoch, ahead.batch_no, ahead.sha256, ahead.status, ahead.prev_sha256,
    ahead.first_seq, ahead.last_seq, ahead.complete_until, ahead.is_final
FROM unnest(%(gateway_ids)s::integer[], %(epochs)s::bigint[], %(contiguous_nos)s::bigint[])
    AS wanted (gateway_id, epoch, contiguous_no)
CROSS JOIN LATERAL (
    SELECT b.* FROM batch AS b
    WHERE b.gateway_id = wanted.gateway_id AND b.epoch = wanted.epoch AND b.batch_no > wanted.contiguous_no
    ORDER BY b.batch_no LIMIT %(limit)s
) AS ahead;

-- name: held_whole
SELECT q.gateway, q.epoch, q.batch_no, q.sha256, q.reason, q.state
FROM quarantine AS q
JOIN unnest(%(gateways)s::text[], %(epochs)s::bigint[]) AS wanted (gateway, epoch) USING (gateway, epoch)
WHERE q.posting_id IS NULL AND q.seq IS NULL
    AND (q.reason = ANY (%(counted)s) OR q.reason = %(fork)s)
ORDER BY q.quarantine_id DESC
LIMIT 10000;

-- name: move_on
UPDATE completeness
SET contiguous_no = %(contiguous_no)s, contiguous_sha256 = %(contiguous_sha256)s, is_final = %(is_final)s,
    complete_until = greatest(
        complete_until,
        CASE WHEN %(complete_until)s::timestamptz IS NOT NULL THEN least(%(complete_until)s, clock_timestamp()) END,
        CASE WHEN stated_no <= %(contiguous_no)s THEN stated_until END
    )
WHERE gateway_id = %(gateway_id)s AND epoch = %(epoch)s;

-- name: quarantine
INSERT INTO quarantine
    (received_at, topic, site_id, gateway, epoch, batch_no, reason, message, payload, sha256)
VALUES
    (%(received_at)s, %(topic)s, %(site)s, %(gateway)s, %(epoch)s, %(batch_no)s, %(reason)s, %(message)s,
    %(payload)s, %(sha256)s)
ON CONFLICT (sha256, reason, topic) WHERE posting_id IS NULL DO NOTHING
RETURNING quarantine_id;

-- name: awaited
SELECT quarantine_id FROM quarantine
WHERE sha256 = ANY (%(sha256s)s) AND reason = ANY (%(reasons)s) AND posting_id IS NULL AND state = 'held'
ORDER BY quarantine_id
LIMIT 10000;

-- name: settle
UPDATE quarantine
SET state = 'replayed', settled_at = clock_timestamp(), settled_by = %(actor)s, settled_posting = %(posting_id)s
WHERE quarantine_id = ANY (%(quarantine_ids)s) AND state = 'held';
