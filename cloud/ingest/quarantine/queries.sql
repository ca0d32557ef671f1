-- name: list_held
SELECT quarantine_id, received_at, state, reason, topic, site_id AS site, gateway, epoch, batch_no, seq, message,
    length(payload) AS payload_bytes
FROM quarantine
WHERE quarantine_id > %(after)s
    AND (%(sites)s::text[] IS NULL OR site_id = ANY (%(sites)s))
    AND (%(state)s::text IS NULL OR state = %(state)s)
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(gateway)s::text IS NULL OR gateway = %(gateway)s)
ORDER BY quarantine_id
LIMIT %(limit)s;

-- name: lock_one
SELECT q.quarantine_id, q.received_at, q.state, q.reason, q.topic, q.site_id AS site, q.gateway, q.epoch, q.batch_no,
    q.seq, q.message, length(q.payload) AS payload_bytes, q.payload, q.sha256, q.posting_id, q.settled_at,
    q.settled_by, q.settled_posting
FROM quarantine AS q
WHERE q.quarantine_id = %(quarantine_id)s AND (%(sites)s::text[] IS NULL OR q.site_id = ANY (%(sites)s))
FOR UPDATE;

-- name: settle_one
UPDATE quarantine
SET state = %(state)s, settled_at = clock_timestamp(), settled_by = %(actor)s, settled_posting = %(posting_id)s
WHERE quarantine_id = %(quarantine_id)s AND state = 'held';

-- name: posting_of_batch
SELECT b.posting_id
FROM batch AS b
JOIN gateway AS g USING (gateway_id)
WHERE g.name = %(gateway)s AND b.epoch = %(epoch)s AND b.batch_no = %(batch_no)s AND b.sha256 = %(sha256)s;

-- name: tell_gateway
INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)
SELECT gateway_id, %(channel)s, 0, %(payload)s, %(actor)s FROM gateway WHERE name = %(gateway)s;

-- name: settled_forks
SELECT batch_no, sha256 FROM quarantine
WHERE gateway = %(gateway)s AND epoch = %(epoch)s AND posting_id IS NULL AND reason = %(fork)s AND state <> 'held'
ORDER BY settled_at DESC
LIMIT %(limit)s;
