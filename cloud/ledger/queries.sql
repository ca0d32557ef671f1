-- name: begin_posting
SELECT posting_id, ledger_id, master_revision FROM begin_posting();

-- name: close_posting
SELECT "position", recorded_at FROM close_posting(%(posting_id)s, %(kind)s, %(actor)s);

-- name: record_audit
SELECT record_audit(%(actor)s, %(action)s, %(target)s, %(site)s, %(position)s, %(detail)s::jsonb);

-- name: next_cloud_seqs
SELECT nextval('cloud_row_seq') FROM generate_series(1, %(count)s);

-- name: add_claims
INSERT INTO claim (kind, target, posting_id)
SELECT asked.kind, asked.target, %(posting_id)s
FROM unnest(%(kinds)s::text[], %(targets)s::text[]) AS asked (kind, target)
ORDER BY 1, 2
ON CONFLICT (kind, target) DO NOTHING
RETURNING kind, target;

-- name: add_quarantined_row
INSERT INTO quarantine (
    received_at, topic, site_id, gateway, epoch, batch_no, seq, reason, message, payload, sha256, posting_id)
VALUES (
    %(received_at)s, %(topic)s, %(site)s, %(gateway)s, %(epoch)s, %(batch_no)s, %(seq)s, %(reason)s,
    %(message)s, %(payload)s, %(sha256)s, %(posting_id)s);

-- name: fold
SELECT fold(%(most)s);

-- name: tend_history
SELECT tend_history();

-- name: past_balances
SELECT cell_id, quantity
FROM past_balances(%(sites)s::text[], %(cells)s::bigint[], %(until_at)s::timestamptz, %(until_position)s::bigint);

-- name: stock_at
SELECT place_id, unit_id, cell_id, quantity
FROM stock_at(%(sites)s::text[], %(places)s::bigint[], %(until_at)s::timestamptz, %(until_position)s::bigint)
ORDER BY place_id, unit_id NULLS FIRST, cell_id;

-- name: head
SELECT position, recorded_at, ledger_id::text FROM ledger_head, ledger_identity WHERE shard = 0;

-- name: find_movement
SELECT m.site_id, m.occurred_at FROM movement_within(%(sites)s::text[], %(gateway)s, %(epoch)s::bigint, %(seq)s::bigint) m;

-- name: closed_until
SELECT closed_until(%(site)s);

-- name: closed_sites
SELECT coalesce(array_agg(DISTINCT c.site_id ORDER BY c.site_id), '{}') FROM cell c
WHERE c.cell_id = ANY (%(cells)s::bigint[]) AND closed_until(c.site_id) >= %(at)s;

-- name: reverse_movement
SELECT reverse_movement(%(sites)s::text[], %(gateway)s, %(epoch)s::bigint, %(seq)s::bigint, %(reason)s, %(actor)s);

-- name: adjust_to_count
SELECT adjustment_id, difference FROM adjust_to_count(
    %(sites)s::text[], %(cell_id)s::bigint, %(observed_at)s::timestamptz, %(counted)s::numeric, %(expected)s::numeric,
    %(reason)s, %(author)s, %(actor)s, %(limit)s::numeric);

-- name: bind_reconciliation
SELECT bind_reconciliation(%(list)s::bigint, %(reason)s, %(author)s, %(approver)s);

-- name: lock_cells
SELECT lock_cells(%(sites)s::text[], %(cells)s::bigint[]);

-- name: approve_adjustment
SELECT %(adjustment_id)s::bigint, difference FROM approve_adjustment(
    %(sites)s::text[], %(adjustment_id)s::bigint, %(expected)s::numeric, %(actor)s);

-- name: alias_item
SELECT alias_item(%(from_code)s, %(to_code)s, %(numerator)s::bigint, %(denominator)s::bigint);

-- name: close_period
SELECT close_period(%(site)s, %(period)s, %(starts_at)s::timestamptz, %(ends_at)s::timestamptz, %(as_of_position)s::bigint,
    %(asked_by)s, %(actor)s, %(reason)s, %(note)s, %(open_points)s::jsonb, %(decision_id)s::bigint);

-- name: lock_balances
LOCK TABLE balance IN SHARE ROW EXCLUSIVE MODE;

-- name: wrong_balances
SELECT c.cell_id, i.code, l.code, b.quantity, coalesce(m.quantity, 0)
FROM cell c
JOIN item i ON i.item_id = c.item_id
JOIN location l ON l.location_id = c.location_id
LEFT JOIN balance b ON b.cell_id = c.cell_id
LEFT JOIN (
    SELECT side.cell_id, sum(side.delta) AS quantity
    FROM movement m
    CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity), (m.to_cell, m.quantity)) side (cell_id, delta)
    GROUP BY side.cell_id
) m ON m.cell_id = c.cell_id
WHERE b.quantity IS DISTINCT FROM m.quantity AND coalesce(b.quantity, 0) IS DISTINCT FROM coalesce(m.quantity, 0)
ORDER BY c.cell_id;

-- name: set_balance
INSERT INTO balance (cell_id, site_id, quantity)
SELECT c.cell_id, c.site_id, %(quantity)s FROM cell c WHERE c.cell_id = %(cell_id)s
ON CONFLICT (cell_id) DO UPDATE SET quantity = excluded.quantity, site_id = excluded.site_id;
