-- Every check returns its breaches as (place, expected, found), in order of place.

-- name: batch_numbers
SELECT format('gateway %s epoch %s batch %s', g.name, lpad(to_hex(b.epoch), 16, '0'), b.batch_no),
    format('after batch %s with seq %s', b.batch_no - 1, b.first_seq - 1),
    coalesce(format('after batch %s with seq %s', b.before_no, b.before_seq), 'the first one')
FROM (
    SELECT x.*, lag(x.batch_no) OVER w AS before_no, lag(x.last_seq) OVER w AS before_seq
    FROM batch x WINDOW w AS (PARTITION BY x.gateway_id, x.epoch ORDER BY x.batch_no)
) b
JOIN gateway g ON g.gateway_id = b.gateway_id
WHERE b.batch_no <> coalesce(b.before_no, 0) + 1 OR b.first_seq <> coalesce(b.before_seq, 0) + 1
ORDER BY 1;

-- name: batch_chain
SELECT format('gateway %s epoch %s batch %s', g.name, lpad(to_hex(b.epoch), 16, '0'), b.batch_no),
    'previous hash ' || coalesce(b.before_sha256, repeat('0', 64)), 'previous hash ' || b.prev_sha256
FROM (
    SELECT x.*, lag(x.sha256) OVER w AS before_sha256, lag(x.batch_no) OVER w AS before_no
    FROM batch x WINDOW w AS (PARTITION BY x.gateway_id, x.epoch ORDER BY x.batch_no)
) b
JOIN gateway g ON g.gateway_id = b.gateway_id
WHERE b.prev_sha256 <> coalesce(b.before_sha256, repeat('0', 64))
    AND b.batch_no = coalesce(b.before_no, 0) + 1
ORDER BY 1;

-- name: completeness
SELECT format('gateway %s epoch %s', g.name, lpad(to_hex(c.epoch), 16, '0')),
    format('batch %s %s', coalesce(b.batch_no, 0), coalesce(b.sha256, repeat('0', 64))),
    format('batch %s %s', c.contiguous_no, c.contiguous_sha256)
FROM completeness c
JOIN gateway g ON g.gateway_id = c.gateway_id
LEFT JOIN LATERAL (
    SELECT x.batch_no, x.sha256, x.is_final, max(x.complete_until) OVER (ORDER BY x.batch_no) AS complete_until
    FROM (
        SELECT y.*, y.batch_no - row_number() OVER (ORDER BY y.batch_no) AS missing
        FROM batch y WHERE y.gateway_id = c.gateway_id AND y.epoch = c.epoch
    ) x WHERE x.missing = 0 ORDER BY x.batch_no DESC LIMIT 1
) b ON true
WHERE (c.contiguous_no, c.contiguous_sha256, c.is_final) IS DISTINCT FROM (
        coalesce(b.batch_no, 0), coalesce(b.sha256, repeat('0', 64)), coalesce(b.is_final, false))
    OR c.complete_until < b.complete_until
    OR c.stated_no IS NULL  -- a gateway's status may reach further than its batches
        AND c.complete_until <> coalesce(b.complete_until, '-infinity')
UNION ALL
SELECT format('gateway %s epoch %s', g.name, lpad(to_hex(b.epoch), 16, '0')), 'how far it is complete', 'nothing'
FROM (SELECT DISTINCT x.gateway_id, x.epoch FROM batch x) b
JOIN gateway g ON g.gateway_id = b.gateway_id
WHERE NOT EXISTS (SELECT FROM completeness c WHERE c.gateway_id = b.gateway_id AND c.epoch = b.epoch)
ORDER BY 1;

-- name: seqs_once
WITH stored AS (
    SELECT gateway_id, epoch, seq FROM movement
    UNION ALL SELECT gateway_id, epoch, seq FROM unit_position
    UNION ALL SELECT gateway_id, epoch, seq FROM crossing
    UNION ALL SELECT gateway_id, epoch, seq FROM count
    UNION ALL SELECT gateway_id, epoch, seq FROM workflow_event
    UNION ALL SELECT gateway_id, epoch, seq FROM gap
), held AS (
    SELECT g.gateway_id, q.epoch, q.seq FROM quarantine q
    JOIN gateway g ON g.name = q.gateway
    WHERE q.posting_id IS NOT NULL AND q.seq IS NOT NULL AND q.state <> 'replayed' AND q.reason <> 'duplicate_row'
), stated AS (
    SELECT b.gateway_id, b.epoch, s.seq FROM batch b
    CROSS JOIN LATERAL generate_series(b.first_seq, b.last_seq) s (seq)
), tally AS (
    SELECT x.gateway_id, x.epoch, x.seq, sum(x.stated) AS stated, sum(x.stored) AS stored
    FROM (
        SELECT *, 1 AS stated, 0 AS stored FROM stated
        UNION ALL SELECT *, 0, 1 FROM stored
        UNION ALL SELECT *, 0, 1 FROM held
    ) x
    GROUP BY x.gateway_id, x.epoch, x.seq
)
SELECT format('gateway %s epoch %s seq %s', g.name, lpad(to_hex(t.epoch), 16, '0'), t.seq),
    CASE WHEN g.kind = 'cloud' THEN 'stored once' ELSE 'stated once, stored or held once' END,
    format('stated %s times, stored or held %s times', t.stated, t.stored)
FROM tally t
JOIN gateway g ON g.gateway_id = t.gateway_id
WHERE t.stored <> 1 OR (g.kind = 'edge' AND t.stated <> 1)
ORDER BY 1;

-- name: balances
SELECT format('cell %s', coalesce(b.cell_id, m.cell_id)), coalesce(m.quantity, 0)::text,
    coalesce(b.quantity::text, 'no balance')
FROM balance b
FULL JOIN (
    SELECT side.cell_id, sum(side.delta) AS quantity
    FROM movement m
    CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity), (m.to_cell, m.quantity)) side (cell_id, delta)
    GROUP BY side.cell_id
) m ON m.cell_id = b.cell_id
LEFT JOIN cell c ON c.cell_id = coalesce(b.cell_id, m.cell_id)
WHERE coalesce(m.quantity, 0) IS DISTINCT FROM b.quantity OR b.site_id IS DISTINCT FROM c.site_id
ORDER BY 1;

-- name: zero_sum
SELECT 'item ' || i.code, '0', sum(b.quantity)::text
FROM balance b
JOIN cell c ON c.cell_id = b.cell_id
JOIN item i ON i.item_id = c.item_id
GROUP BY i.code
HAVING sum(b.quantity) <> 0
ORDER BY 1;

-- name: references
SELECT format('movement %s/%s/%s', m.gateway_id, m.epoch, m.seq), 'cells of item ' || m.item_id,
    format('cells %s of item %s and %s of item %s', m.from_cell, f.item_id, m.to_cell, t.item_id)
FROM movement m
LEFT JOIN cell f ON f.cell_id = m.from_cell
LEFT JOIN cell t ON t.cell_id = m.to_cell
WHERE f.item_id IS DISTINCT FROM m.item_id OR t.item_id IS DISTINCT FROM m.item_id
UNION ALL
SELECT format('count line %s/%s/%s.%s', l.gateway_id, l.epoch, l.seq, l.line_no), 'a count and a cell of item ' || l.item_id,
    format('cell %s of item %s', l.cell_id, c.item_id)
FROM count_line l
LEFT JOIN cell c ON c.cell_id = l.cell_id
LEFT JOIN count o ON (o.gateway_id, o.epoch, o.seq, o.occurred_at) = (l.gateway_id, l.epoch, l.seq, l.occurred_at)
WHERE c.item_id IS DISTINCT FROM l.item_id OR o.seq IS NULL
UNION ALL
SELECT format('unit position %s/%s/%s', u.gateway_id, u.epoch, u.seq), 'known places',
    format('unit %s location %s parent %s', u.unit_id, u.location_id, u.parent_id)
FROM unit_position u
WHERE NOT EXISTS (SELECT FROM location l WHERE l.location_id = u.unit_id)
    OR NOT EXISTS (SELECT FROM location l WHERE l.location_id = coalesce(u.location_id, u.parent_id))
ORDER BY 1;

-- name: strays
SELECT x.place, 'a posting in the order', 'posting ' || x.posting_id
FROM (
    SELECT 'movement' AS place, posting_id FROM movement
    UNION SELECT 'unit_position', posting_id FROM unit_position
    UNION SELECT 'crossing', posting_id FROM crossing
    UNION SELECT 'count', posting_id FROM count
    UNION SELECT 'count_line', posting_id FROM count_line
    UNION SELECT 'workflow_event', posting_id FROM workflow_event
    UNION SELECT 'gap', posting_id FROM gap
    UNION SELECT 'batch', posting_id FROM batch
    UNION SELECT 'cell', posting_id FROM cell
    UNION SELECT 'claim', posting_id FROM claim
    UNION SELECT 'item_alias', posting_id FROM item_alias
    UNION SELECT 'count_anchor', posting_id FROM count_anchor
    UNION SELECT 'period_close', posting_id FROM period_close
    UNION SELECT 'period_balance', posting_id FROM period_balance
    UNION SELECT 'period_cost', posting_id FROM period_cost
    UNION SELECT 'quarantine', posting_id FROM quarantine WHERE posting_id IS NOT NULL
    UNION SELECT 'location', posting_id FROM location WHERE posting_id IS NOT NULL
    UNION SELECT 'identifier', posting_id FROM identifier WHERE posting_id IS NOT NULL
) x
WHERE NOT EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = x.posting_id)
ORDER BY 1, 3;

-- name: order_chain
WITH link AS (
    SELECT e.*, lag(e.chain, 1, sha256('')) OVER w AS before_chain, lag(e.position, 1, 0::bigint) OVER w AS before_position,
        lag(e.recorded_at, 1, '-infinity') OVER w AS before_at
    FROM ledger_entry e WINDOW w AS (ORDER BY e.position)
)
SELECT format('position %s', l.position), 'follows the one before, hashed onto it',
    format('follows %s', l.before_position)
FROM link l
WHERE l.position <> l.before_position + 1 OR l.recorded_at < l.before_at OR l.chain <> chain_link(
    l.before_chain,
    ROW(l.position, l.shard, l.posting_id, l.kind, l.actor, l.digest_version, l.content_sha, l.chain, l.recorded_at)::ledger_entry)
UNION ALL
SELECT 'head', format('position %s', coalesce(e.position, 0)), format('position %s', h.position)
FROM ledger_head h
LEFT JOIN LATERAL (SELECT * FROM ledger_entry x ORDER BY x.position DESC LIMIT 1) e ON true
WHERE (h.position, h.chain, h.recorded_at)
    IS DISTINCT FROM (coalesce(e.position, 0), coalesce(e.chain, sha256('')), coalesce(e.recorded_at, '-infinity'))
ORDER BY 1;

-- name: signed_heads
SELECT 'signed position ' || s.position, encode(s.chain, 'hex') || ' recorded at ' || s.recorded_at,
    encode(e.chain, 'hex') || ' recorded at ' || e.recorded_at
FROM signed_head s
LEFT JOIN ledger_entry e ON e.position = s.position
WHERE (s.chain, s.recorded_at) IS DISTINCT FROM (e.chain, e.recorded_at)
ORDER BY s.position;

-- name: contents
SELECT 'position ' || e.position, encode(e.content_sha, 'hex'),
    encode(posting_digest(e.posting_id, e.digest_version), 'hex')
FROM ledger_entry e
WHERE e.position > %(after)s AND e.position <= %(until)s
    AND e.content_sha IS DISTINCT FROM posting_digest(e.posting_id, e.digest_version)
ORDER BY e.position;

-- name: audit_chain
WITH link AS (
    SELECT a AS event, lag(a.chain, 1, sha256('')) OVER w AS before_chain, lag(a.audit_id, 1, 0::bigint) OVER w AS before_id
    FROM audit_event a WINDOW w AS (ORDER BY a.audit_id)
)
SELECT format('audit event %s', (l.event).audit_id), 'follows the one before, hashed onto it',
    format('follows %s', l.before_id)
FROM link l
WHERE (l.event).audit_id <> l.before_id + 1 OR (l.event).chain <> audit_link(l.before_chain, l.event)
UNION ALL
SELECT 'audit head', coalesce(e.audit_id, 0)::text, coalesce(h.audit_id::text, 'none')
FROM (SELECT) always
LEFT JOIN audit_head h ON true
LEFT JOIN LATERAL (SELECT * FROM audit_event x ORDER BY x.audit_id DESC LIMIT 1) e ON true
WHERE (h.audit_id, h.chain) IS DISTINCT FROM (coalesce(e.audit_id, 0), coalesce(e.chain, sha256('')))
ORDER BY 1;

-- name: folded_past
WITH change AS (
    SELECT side.cell_id, e.position, m.occurred_at, side.delta
    FROM ledger_entry e
    JOIN movement m ON m.posting_id = e.posting_id
    CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity), (m.to_cell, m.quantity)) side (cell_id, delta)
    WHERE e.position <= (SELECT f.position FROM fold_head f)
), difference AS (
    SELECT x.cell_id, x.position, x.delta
    FROM (
        SELECT c.cell_id, c.position, c.occurred_at, c.delta, 1 AS times FROM change c
        UNION ALL SELECT d.cell_id, d.position, d.occurred_at, d.delta, -1 FROM cell_delta d
    ) x
    GROUP BY x.cell_id, x.position, x.occurred_at, x.delta
    HAVING sum(x.times) <> 0
), numbered AS MATERIALIZED (
    SELECT d.cell_id, count(*) AS deltas, bool_or(d.shift <> 0) AS is_misnumbered
    FROM (
        SELECT x.cell_id, x.ordinal - row_number() OVER (PARTITION BY x.cell_id ORDER BY x.position, x.ordinal) AS shift
        FROM cell_delta x
    ) d
    GROUP BY d.cell_id
)
SELECT format('cell %s position %s', x.cell_id, x.position), 'the same changes as the movements',
    'one too many or too few of ' || x.delta
FROM difference x
UNION ALL
SELECT format('cell %s', n.cell_id), 'changes numbered in the order of positions', 'another order'
FROM numbered n
WHERE n.is_misnumbered
UNION ALL
SELECT format('cell %s', coalesce(f.cell_id, n.cell_id)), n.deltas || ' changes', f.deltas || ' changes'
FROM cell_fold f
FULL JOIN numbered n ON n.cell_id = f.cell_id
WHERE f.deltas IS DISTINCT FROM n.deltas OR f.blocked > f.deltas
UNION ALL
SELECT 'fold head', 'at most the head', f.position::text
FROM fold_head f, ledger_head h WHERE f.position > h.position
ORDER BY 1;

-- A change is in the block of its level that it fell into, and in those after it in the same group of four but the
-- last: counted off from its number, so that a cell costs as much as its history is long.
-- name: buckets
WITH size AS MATERIALIZED (
    SELECT l.level, 64 * (4 ^ l.level)::bigint AS size FROM generate_series(0, 14) l (level)
), wanted AS (
    SELECT x.cell_id, x.level, x.block, ((x.nth - 1) / 64)::integer AS chunk, min(x.occurred_at) AS starts_at,
        array_agg(x.occurred_at ORDER BY x.nth) AS occurred_at, array_agg(x.running ORDER BY x.nth) AS running
    FROM (
        SELECT d.cell_id, s.level, b.block, d.occurred_at,
            row_number() OVER sorted AS nth, sum(d.delta) OVER sorted AS running
        FROM cell_fold f
        JOIN size s ON s.size <= f.blocked
        JOIN cell_delta d ON d.cell_id = f.cell_id AND d.ordinal <= f.blocked / s.size * s.size
        CROSS JOIN LATERAL generate_series((d.ordinal - 1) / s.size,
            least((d.ordinal - 1) / s.size / 4 * 4 + 2, f.blocked / s.size - 1)) b (block)
        WHERE f.blocked >= 64
        WINDOW sorted AS (PARTITION BY d.cell_id, s.level, b.block ORDER BY d.occurred_at, d.ordinal)
    ) x
    GROUP BY x.cell_id, x.level, x.block, (x.nth - 1) / 64
)
SELECT format('cell %s level %s block %s', coalesce(w.cell_id, b.cell_id), coalesce(w.level, b.level), coalesce(w.block, b.block)),
    'the running sums of its changes', CASE WHEN b.cell_id IS NULL THEN 'nothing' ELSE 'other sums' END
FROM wanted w
FULL JOIN cell_bucket b
    ON (b.cell_id, b.level, b.block, b.chunk) = (w.cell_id, w.level, w.block, w.chunk)
WHERE (b.starts_at, b.occurred_at, b.running) IS DISTINCT FROM (w.starts_at, w.occurred_at, w.running)
ORDER BY 1;

-- name: anchors
SELECT format('cell %s counted at %s', a.cell_id, a.observed_at), (a.counted + a.inferred)::text, q.quantity::text
FROM count_anchor a
CROSS JOIN LATERAL as_of(ARRAY[a.cell_id], a.observed_at, 9223372036854775807) q
WHERE a.state = 'bound' AND q.quantity <> a.counted + a.inferred
UNION ALL
SELECT format('adjustment %s', a.adjustment_id), 'what its count and its movements say', 'something else'
FROM count_anchor a
LEFT JOIN adjustment d ON d.adjustment_id = a.adjustment_id
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN m.to_cell = a.cell_id THEN m.quantity ELSE -m.quantity END) AS moved
    FROM movement m
    WHERE m.item_id = (SELECT c.item_id FROM cell c WHERE c.cell_id = a.cell_id)
        AND m.occurred_at = a.observed_at AND m.adjustment_id = a.adjustment_id
) m ON true
WHERE coalesce(m.moved, 0) <> a.adjusted
    OR (a.cell_id, a.observed_at, a.counted, CASE a.state WHEN 'pending' THEN 'submitted' ELSE 'applied' END)
        IS DISTINCT FROM (d.cell_id, d.observed_at, d.counted, d.state)
ORDER BY 1;

-- name: closes
SELECT format('close %s cell %s', c.close_id, coalesce(b.cell_id, t.cell_id)),
    format('%s, valued %s, at place %s', coalesce(t.quantity, 0), t.valued, coalesce(t.place_id::text, 'none')),
    format('%s, valued %s, at place %s', coalesce(b.quantity, 0), b.valued, coalesce(b.place_id::text, 'none'))
FROM period_close c
CROSS JOIN LATERAL (
    SELECT coalesce(k.cell_id, s.cell_id) AS cell_id, k AS kept, s AS stock
    FROM (SELECT x.cell_id, x.quantity, x.place_id, x.valued FROM period_balance x WHERE x.close_id = c.close_id) k
    FULL JOIN (
        SELECT x.cell_id, x.quantity, x.place_id, CASE WHEN c.transit_owner IS NOT NULL THEN x.valued END AS valued
        FROM site_stock(c.site_id, c.ends_at, c.as_of_position) x
        WHERE x.quantity <> 0 OR c.transit_owner IS NOT NULL
    ) s ON s.cell_id = k.cell_id
    WHERE (k.quantity, coalesce(k.place_id, s.place_id), k.valued) IS DISTINCT FROM (s.quantity, s.place_id, s.valued)
) d
CROSS JOIN LATERAL (SELECT (d.kept).*) b
CROSS JOIN LATERAL (SELECT (d.stock).*) t
ORDER BY 1;

-- name: prior_facts
WITH wanted AS (
    SELECT f.site_id, f.position, f.gateway_id, f.epoch, f.seq, f.occurred_at
    FROM late_for_a_close((SELECT min(c.as_of_position) FROM period_close c), (SELECT f.position FROM fold_head f)) f
), kept AS (
    SELECT p.site_id, p.position, p.gateway_id, p.epoch, p.seq, p.occurred_at FROM prior_period_fact p
)
SELECT format('site %s position %s seq %s', x.site_id, x.position, x.seq), x.expected, x.found
FROM (
    SELECT w.*, 'listed' AS expected, 'not listed' AS found FROM (TABLE wanted EXCEPT TABLE kept) w
    UNION ALL
    SELECT k.*, 'a fact that came late', 'listed without one'
    FROM (SELECT * FROM kept EXCEPT SELECT f.site_id, f.position, f.gateway_id, f.epoch, f.seq, f.occurred_at
        FROM late_for_a_close((SELECT min(c.as_of_position) FROM period_close c), 9223372036854775807) f) k
) x
ORDER BY 1;

-- name: quarantined_bytes
SELECT format('quarantine %s', q.quarantine_id), q.sha256, encode(sha256(q.payload), 'hex'), q.payload
FROM quarantine q
WHERE q.sha256 <> encode(sha256(q.payload), 'hex')
ORDER BY 1;

-- name: examined
SELECT
    (SELECT count(*) FROM movement) AS movements,
    (SELECT count(*) FROM batch) AS batches,
    (SELECT count(*) FROM ledger_entry) AS entries,
    (SELECT count(*) FROM balance) AS balances,
    (SELECT count(*) FROM quarantine) AS quarantined,
    (SELECT count(*) FROM audit_event) AS audit_events,
    (SELECT count(*) FROM count_anchor) AS anchors,
    (SELECT count(*) FROM period_close) AS closes,
    (SELECT count(*) FROM signed_head) AS signed_heads;

-- name: head
SELECT i.ledger_id::text, h.position, nullif(h.recorded_at, '-infinity')
FROM ledger_identity i, ledger_head h
WHERE h.shard = 0;

-- name: examined_since
SELECT
    (SELECT count(*) FROM ledger_entry e JOIN movement m ON m.posting_id = e.posting_id
     WHERE e.position > %(position)s) AS movements,
    (SELECT count(*) FROM ledger_entry e JOIN batch b ON b.posting_id = e.posting_id
     WHERE e.position > %(position)s) AS batches,
    (SELECT count(*) FROM ledger_entry e WHERE e.position > %(position)s) AS entries,
    1::bigint AS heads;

-- name: checkpoint
SELECT 'position ' || a.position, a.chain, coalesce(encode(e.chain, 'hex'), 'no entry')
FROM (SELECT %(position)s::bigint AS position, %(chain)s::text AS chain) a
LEFT JOIN ledger_entry e ON e.position = a.position
WHERE encode(e.chain, 'hex') IS DISTINCT FROM a.chain;

-- name: order_since
WITH link AS (
    SELECT e.*, lag(e.chain) OVER w AS before_chain, lag(e.position) OVER w AS before_position,
        lag(e.recorded_at) OVER w AS before_at
    FROM ledger_entry e WHERE e.position >= %(position)s WINDOW w AS (ORDER BY e.position)
)
SELECT format('position %%s', l.position), 'follows the one before, hashed onto it', format('follows %%s', l.before_position)
FROM link l
WHERE l.position > %(position)s AND (l.position IS DISTINCT FROM l.before_position + 1 OR l.recorded_at < l.before_at
    OR l.chain IS DISTINCT FROM chain_link(
        l.before_chain,
        ROW(l.position, l.shard, l.posting_id, l.kind, l.actor, l.digest_version, l.content_sha, l.chain, l.recorded_at)::ledger_entry))
UNION ALL
SELECT 'head', format('position %%s', e.position), format('position %%s', h.position)
FROM ledger_head h
CROSS JOIN LATERAL (SELECT * FROM ledger_entry x ORDER BY x.position DESC LIMIT 1) e
WHERE (h.position, h.chain, h.recorded_at) IS DISTINCT FROM (e.position, e.chain, e.recorded_at)
ORDER BY 1;

-- name: batches_since
SELECT format('gateway %%s epoch %%s batch %%s', g.name, lpad(to_hex(b.epoch), 16, '0'), b.batch_no),
    format('after batch %%s with seq %%s and hash %%s', b.batch_no - 1, b.first_seq - 1, b.prev_sha256),
    coalesce(format('after batch %%s with seq %%s and hash %%s', p.batch_no, p.last_seq, p.sha256), 'the first one')
FROM ledger_entry e
JOIN batch b ON b.posting_id = e.posting_id
JOIN gateway g ON g.gateway_id = b.gateway_id
LEFT JOIN batch p ON p.gateway_id = b.gateway_id AND p.epoch = b.epoch AND p.batch_no = b.batch_no - 1
WHERE e.position > %(position)s
    AND (b.first_seq - 1, b.prev_sha256) IS DISTINCT FROM (coalesce(p.last_seq, 0), coalesce(p.sha256, repeat('0', 64)))
ORDER BY 1;

-- name: references_since
SELECT format('movement %%s/%%s/%%s', m.gateway_id, m.epoch, m.seq), 'cells of item ' || m.item_id,
    format('cells %%s of item %%s and %%s of item %%s', m.from_cell, f.item_id, m.to_cell, t.item_id)
FROM ledger_entry e
JOIN movement m ON m.posting_id = e.posting_id
LEFT JOIN cell f ON f.cell_id = m.from_cell
LEFT JOIN cell t ON t.cell_id = m.to_cell
WHERE e.position > %(position)s
    AND (f.item_id IS DISTINCT FROM m.item_id OR t.item_id IS DISTINCT FROM m.item_id)
ORDER BY 1;

-- name: batches
WITH page AS MATERIALIZED (
    SELECT b.*
    FROM batch b
    WHERE (b.gateway_id, b.epoch, b.batch_no) > (%(gateway_id)s, %(epoch)s, %(batch_no)s)
        AND (%(after_position)s = 0 OR EXISTS (
            SELECT FROM ledger_entry e WHERE e.posting_id = b.posting_id AND e.position > %(after_position)s))
    ORDER BY b.gateway_id, b.epoch, b.batch_no
    LIMIT %(most)s
)
SELECT b.gateway_id, g.name, b.epoch, b.batch_no, b.sha256, b.body, b.site_id, b.prev_sha256, b.first_seq, b.last_seq,
    b.complete_until, b.is_final, coalesce(said.rows, '')
FROM page b
JOIN gateway g ON g.gateway_id = b.gateway_id
CROSS JOIN LATERAL (
    SELECT string_agg(x.line, E'\n' ORDER BY x.seq) AS rows
    FROM (
        SELECT m.seq, concat_ws(E'\x1f', m.seq, m.identifier_scheme, m.identifier, trim_scale(m.quantity_seen), m.unit_seen,
            coalesce(m.reason, E'\x1e'), m.occurred_at_claimed AT TIME ZONE 'UTC',
            fl.code, CASE fl.kind WHEN 'unit' THEN 'u' ELSE 'l' END, coalesce(fc.lot, E'\x1e'),
            coalesce(nullif(fc.disposition, 'sellable'), E'\x1e'), coalesce(fc.owner, E'\x1e'),
            tl.code, CASE tl.kind WHEN 'unit' THEN 'u' ELSE 'l' END, coalesce(tc.lot, E'\x1e'),
            coalesce(nullif(tc.disposition, 'sellable'), E'\x1e'), coalesce(tc.owner, E'\x1e'),
            coalesce(r.name || '/' || lpad(to_hex(m.reverses_epoch), 16, '0') || '/' || m.reverses_seq, E'\x1e')) AS line
        FROM movement m
        JOIN cell fc ON fc.cell_id = m.from_cell
        JOIN location fl ON fl.location_id = fc.location_id
        JOIN cell tc ON tc.cell_id = m.to_cell
        JOIN location tl ON tl.location_id = tc.location_id
        LEFT JOIN gateway r ON r.gateway_id = m.reverses_gateway
        WHERE m.gateway_id = b.gateway_id AND m.epoch = b.epoch AND m.seq BETWEEN b.first_seq AND b.last_seq
        UNION ALL
        SELECT o.seq, concat_ws(E'\x1f', o.seq, o.kind, o.occurred_at_claimed AT TIME ZONE 'UTC')
        FROM (
            SELECT 'unit_position' AS kind, gateway_id, epoch, seq, occurred_at_claimed FROM unit_position
            UNION ALL SELECT 'crossing', gateway_id, epoch, seq, occurred_at_claimed FROM crossing
            UNION ALL SELECT 'count', gateway_id, epoch, seq, occurred_at_claimed FROM count
            UNION ALL SELECT 'workflow_event', gateway_id, epoch, seq, occurred_at_claimed FROM workflow_event
            UNION ALL SELECT 'gap', gateway_id, epoch, seq, occurred_at_claimed FROM gap
        ) o
        WHERE o.gateway_id = b.gateway_id AND o.epoch = b.epoch AND o.seq BETWEEN b.first_seq AND b.last_seq
    ) x
) said
ORDER BY b.gateway_id, b.epoch, b.batch_no;

-- name: movements_of_batch
SELECT m.seq, m.identifier_scheme, m.identifier, m.quantity_seen, m.unit_seen, m.reason, m.occurred_at_claimed,
    fl.code, fl.kind, fc.lot, nullif(fc.disposition, 'sellable'), fc.owner,
    tl.code, tl.kind, tc.lot, nullif(tc.disposition, 'sellable'), tc.owner,
    r.name, m.reverses_epoch, m.reverses_seq
FROM movement m
JOIN cell fc ON fc.cell_id = m.from_cell
JOIN location fl ON fl.location_id = fc.location_id
JOIN cell tc ON tc.cell_id = m.to_cell
JOIN location tl ON tl.location_id = tc.location_id
LEFT JOIN gateway r ON r.gateway_id = m.reverses_gateway
WHERE m.gateway_id = %(gateway_id)s AND m.epoch = %(epoch)s AND m.seq BETWEEN %(first_seq)s AND %(last_seq)s
ORDER BY m.seq;

-- name: other_rows_of_batch
SELECT x.seq, x.kind, x.occurred_at_claimed FROM (
    SELECT 'unit_position' AS kind, gateway_id, epoch, seq, occurred_at_claimed FROM unit_position
    UNION ALL SELECT 'crossing', gateway_id, epoch, seq, occurred_at_claimed FROM crossing
    UNION ALL SELECT 'count', gateway_id, epoch, seq, occurred_at_claimed FROM count
    UNION ALL SELECT 'workflow_event', gateway_id, epoch, seq, occurred_at_claimed FROM workflow_event
    UNION ALL SELECT 'gap', gateway_id, epoch, seq, occurred_at_claimed FROM gap
) x
WHERE x.gateway_id = %(gateway_id)s AND x.epoch = %(epoch)s AND x.seq BETWEEN %(first_seq)s AND %(last_seq)s
ORDER BY x.seq;
