-- name: variances_of_count
SELECT gateway, gateway_key, epoch, seq, observed_at, site, time_zone, scope, location, location_id, count_task, is_blind,
    uncertainty_s, counted_by, device, "position", recorded_at, posting_id, settled_at, settled_by, forced_reason, line_no,
    item, item_id, item_name, category, base_unit, is_serialised, is_lot_controlled, place, place_id, is_in_unit, lot,
    disposition, owner, counted, book, books, cost, currency, tolerance, is_within, cells, stated_cell, verdict,
    superseded_by, decision_id, decision_state, approver, decision_reason, anchor_state
FROM variances_of_count(%(gateway)s, %(epoch)s::bigint, %(seq)s::bigint)
ORDER BY line_no < 0, abs(line_no);

-- name: pending_variances
SELECT gateway, gateway_key, epoch, seq, observed_at, site, time_zone, scope, location, location_id, count_task, is_blind,
    uncertainty_s, counted_by, device, "position", recorded_at, posting_id, settled_at, settled_by, forced_reason, line_no,
    item, item_id, item_name, category, base_unit, is_serialised, is_lot_controlled, place, place_id, is_in_unit, lot,
    disposition, owner, counted, book, books, cost, currency, tolerance, is_within, cells, stated_cell, verdict,
    superseded_by, decision_id, decision_state, approver, decision_reason, anchor_state
FROM read_pending_variances(
    %(site)s, %(item)s, %(location)s, %(task)s, %(before_at)s, %(before_gateway)s, %(before_epoch)s, %(before_seq)s,
    %(before_line)s, %(limit)s);

-- name: settled_variances
SELECT gateway, gateway_key, epoch, seq, observed_at, site, time_zone, scope, location, location_id, count_task, is_blind,
    uncertainty_s, counted_by, device, "position", recorded_at, posting_id, settled_at, settled_by, forced_reason, line_no,
    item, item_id, item_name, category, base_unit, is_serialised, is_lot_controlled, place, place_id, is_in_unit, lot,
    disposition, owner, counted, book, books, cost, currency, tolerance, is_within, cells, stated_cell, verdict,
    superseded_by, decision_id, decision_state, approver, decision_reason, anchor_state
FROM read_settled_variances(
    %(site)s, %(item)s, %(location)s, %(task)s, %(verdict)s, %(before_at)s, %(before_gateway)s, %(before_epoch)s,
    %(before_seq)s, %(before_line)s, %(limit)s);

-- name: stored_variances
SELECT gateway, gateway_key, epoch, seq, observed_at, site, time_zone, scope, location, location_id, count_task, is_blind,
    uncertainty_s, counted_by, device, "position", recorded_at, posting_id, settled_at, settled_by, forced_reason, line_no,
    item, item_id, item_name, category, base_unit, is_serialised, is_lot_controlled, place, place_id, is_in_unit, lot,
    disposition, owner, counted, book, books, cost, currency, tolerance, is_within, cells, stated_cell, verdict,
    superseded_by, decision_id, decision_state, approver, decision_reason, anchor_state
FROM settled_variances_of(%(gateway)s, %(epoch)s::bigint, %(seq)s::bigint)
ORDER BY line_no < 0, abs(line_no);

-- name: counts
SELECT c.gateway, c.gateway_key, c.epoch, c.seq, c.observed_at, c.site, c.time_zone, c.scope, c.location, c.count_task,
    c.is_blind, c.uncertainty_s, c.counted_by, c.device, c."position", c.recorded_at, c.settled_at, c.settled_by,
    c.forced_reason,
    (SELECT count(*) FROM count_line n WHERE n.gateway_id = c.gateway_key AND n.epoch = c.epoch AND n.seq = c.seq
        AND n.occurred_at = c.observed_at) AS lines,
    v.beyond, v.unreported, v.adjusted
FROM count_told c
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE x.verdict = 'beyond') AS beyond,
        count(*) FILTER (WHERE x.verdict = 'unreported') AS unreported,
        count(*) FILTER (WHERE x.verdict = 'adjusted') AS adjusted
    FROM variance x
    WHERE x.gateway_id = c.gateway_key AND x.epoch = c.epoch AND x.seq = c.seq AND x.observed_at = c.observed_at) v
WHERE sees_site(c.site) AND (%(site)s::text IS NULL OR c.site = %(site)s)
    AND (%(location)s::text IS NULL OR c.location = %(location)s)
    AND (%(task)s::text IS NULL OR c.count_task = %(task)s)
    AND (%(gateway)s::text IS NULL OR (c.gateway = %(gateway)s AND c.epoch = %(epoch)s::bigint AND c.seq = %(seq)s::bigint))
    AND (%(before_at)s::timestamptz IS NULL OR (c.observed_at <= %(before_at)s
        AND (c.observed_at, c.gateway_key, c.epoch, c.seq)
            < (%(before_at)s, %(before_gateway)s::integer, %(before_epoch)s::bigint, %(before_seq)s::bigint)))
ORDER BY c.observed_at DESC, c.gateway_key DESC, c.epoch DESC, c.seq DESC
LIMIT %(limit)s;

-- name: count_lines
SELECT n.line_no, n.identifier_scheme, n.identifier, n.quantity_seen, n.unit_seen, i.code AS item, i.name AS item_name,
    i.base_unit, n.quantity, n.is_confirmed_zero, CASE WHEN l.kind = 'unit' THEN l.code END AS unit, k.lot,
    coalesce(k.disposition, n.detail ->> 'disposition') AS disposition, k.owner
FROM count_line n
JOIN gateway g ON g.gateway_id = n.gateway_id
JOIN item i ON i.item_id = n.item_id
JOIN cell k ON k.cell_id = n.cell_id
JOIN location l ON l.location_id = k.location_id
WHERE g.name = %(gateway)s AND n.epoch = %(epoch)s::bigint AND n.seq = %(seq)s::bigint AND n.occurred_at = %(observed_at)s
ORDER BY n.line_no;

-- name: place
SELECT l.kind FROM location l WHERE l.site_id = %(site)s AND l.code = %(code)s AND l.kind <> 'unit';

-- name: units
SELECT l.code FROM location l WHERE l.code = ANY (%(codes)s::text[]) AND l.kind = 'unit';

-- name: items
SELECT i.item_id, i.code, i.is_integer_only FROM item i WHERE i.item_id = ANY (%(items)s::bigint[]);

-- name: name_of_item
SELECT n.scheme, n.value FROM identifier n
WHERE n.item_id = %(item_id)s AND n.numerator = n.denominator AND n.valid_from <= %(at)s
ORDER BY n.scheme <> 'sku', n.scheme, n.value LIMIT 1;

-- name: due_counts
SELECT gateway, epoch, seq, site FROM due_counts(%(limit)s);

-- name: hold_count
SELECT r.settled_at IS NULL FROM count_review r
JOIN gateway g ON g.gateway_id = r.gateway_id
WHERE g.name = %(gateway)s AND r.epoch = %(epoch)s::bigint AND r.seq = %(seq)s::bigint
FOR UPDATE OF r;

-- name: settle_count
UPDATE count_review SET settled_at = clock_timestamp(), settled_by = %(by)s, forced_reason = %(reason)s,
    as_of_position = %(position)s
FROM gateway g
WHERE g.gateway_id = count_review.gateway_id AND g.name = %(gateway)s AND count_review.epoch = %(epoch)s::bigint
    AND count_review.seq = %(seq)s::bigint AND count_review.settled_at IS NULL;

-- name: add_variance
INSERT INTO variance (gateway_id, epoch, seq, observed_at, line_no, site_id, item_id, place_id, lot, disposition, owner,
    counted, book, books, cost, currency, tolerance, is_within, cells, stated_cell, verdict, subject)
VALUES (%(gateway_key)s, %(epoch)s, %(seq)s, %(observed_at)s, %(line_no)s, %(site)s, %(item_id)s, %(place_id)s, %(lot)s,
    %(disposition)s, %(owner)s, %(counted)s, %(book)s, %(books)s::numeric[], %(cost)s, %(currency)s,
    %(tolerance)s::jsonb, %(is_within)s, %(cells)s::jsonb, %(stated_cell)s, %(verdict)s, %(subject)s);

-- name: update_variance
UPDATE variance SET book = %(book)s, books = %(books)s::numeric[], cost = %(cost)s, currency = %(currency)s,
    is_within = %(is_within)s, cells = %(cells)s::jsonb, verdict = %(verdict)s, changed_at = clock_timestamp()
WHERE subject = %(subject)s AND verdict <> 'adjusted';

-- name: released
UPDATE variance SET book = %(book)s, books = %(books)s::numeric[], cost = %(cost)s, currency = %(currency)s,
    is_within = %(is_within)s, cells = %(cells)s::jsonb, verdict = %(verdict)s, changed_at = clock_timestamp()
WHERE subject = %(subject)s AND verdict = 'adjusted';

-- name: set_verdict
UPDATE variance SET verdict = %(verdict)s, changed_at = clock_timestamp()
WHERE subject = %(subject)s AND verdict IN ('beyond', 'unreported');

-- name: adjusted
UPDATE variance SET verdict = 'adjusted', cells = %(cells)s::jsonb, book = %(book)s, books = %(books)s::numeric[],
    is_within = %(is_within)s, cost = %(cost)s, currency = %(currency)s, changed_at = clock_timestamp()
WHERE subject = %(subject)s AND verdict = 'beyond';

-- name: set_decision
UPDATE variance SET decision_id = %(decision_id)s, changed_at = clock_timestamp() WHERE subject = %(subject)s;

-- name: open_questions
SELECT count(*) FROM variance v JOIN gateway g ON g.gateway_id = v.gateway_id
WHERE g.name = %(gateway)s AND v.epoch = %(epoch)s::bigint AND v.seq = %(seq)s::bigint AND v.verdict = 'unreported';

-- name: superseded_variances
SELECT gateway, epoch, seq, line_no, superseded_by FROM superseded_variances(%(limit)s);

-- name: begin_settling
SELECT h.position FROM counting_head c, ledger_head h WHERE h.shard = 0 FOR SHARE OF c;

-- name: begin_looking
SELECT c.position, h.position FROM counting_head c, ledger_head h WHERE h.shard = 0 FOR UPDATE OF c;

-- name: late_counts
SELECT gateway, epoch, seq FROM late_counts(%(above)s, %(up_to)s, %(limit)s);

-- name: looked_at
UPDATE count_review SET as_of_position = %(position)s
FROM gateway g
WHERE g.gateway_id = count_review.gateway_id AND g.name = %(gateway)s AND count_review.epoch = %(epoch)s::bigint
    AND count_review.seq = %(seq)s::bigint AND count_review.as_of_position < %(position)s;

-- name: later_bin_counts
SELECT c.gateway FROM count_told c
WHERE c.location_id = %(location_id)s AND c.scope = 'bin' AND c.observed_at > %(observed_at)s
ORDER BY c.observed_at LIMIT 1;

-- name: advance
UPDATE counting_head SET position = %(position)s WHERE position < %(position)s;

-- name: pending_anchors
SELECT adjustment_id, decision_id, difference, gateway, epoch, seq, line_no
FROM pending_anchors(%(decision_id)s, %(limit)s);

-- name: release_anchor
SELECT release_anchor(%(adjustment_id)s);

-- name: item_of_code
SELECT i.item_id FROM item i WHERE i.code = %(code)s;

-- name: site_currency
SELECT s.currency FROM site s WHERE s.site_id = %(site)s;

-- name: put_tolerance
INSERT INTO count_tolerance (site_id, item_id, category, quantity, percent, value, set_by)
VALUES (%(site)s, %(item_id)s, %(category)s, %(quantity)s, %(percent)s, %(value)s, %(actor)s)
ON CONFLICT (site_id, item_id, category) DO UPDATE
SET quantity = excluded.quantity, percent = excluded.percent, value = excluded.value, set_by = excluded.set_by,
    set_at = clock_timestamp();

-- name: remove_tolerance
DELETE FROM count_tolerance t
WHERE t.site_id IS NOT DISTINCT FROM %(site)s::text AND t.item_id IS NOT DISTINCT FROM %(item_id)s::bigint
    AND t.category IS NOT DISTINCT FROM %(category)s::text;

-- name: tolerances
SELECT t.tolerance_id, t.site_id AS site, i.code AS item, t.category, t.quantity, t.percent, t.value, t.set_by, t.set_at
FROM count_tolerance t LEFT JOIN item i ON i.item_id = t.item_id
WHERE (%(site)s::text IS NULL OR t.site_id IS NULL OR t.site_id = %(site)s) AND t.tolerance_id > %(after)s
ORDER BY t.tolerance_id
LIMIT %(limit)s;

-- name: record_accuracy
WITH counted AS (
    SELECT v.site_id, v.item_id, v.place_id, CASE WHEN i.is_lot_controlled THEN v.lot END AS lot, v.observed_at,
        c.posting_id, c.count_task IS NOT NULL AS is_directed, bool_and(v.is_within) AS is_accurate,
        bool_and(v.counted = 0 AND v.book = 0) AS is_empty
    FROM variance v
    JOIN count c ON c.gateway_id = v.gateway_id AND c.epoch = v.epoch AND c.seq = v.seq AND c.occurred_at = v.observed_at
    JOIN item i ON i.item_id = v.item_id
    WHERE v.counted IS NOT NULL AND c.is_blind AND v.observed_at >= %(from_at)s AND v.observed_at < %(until_at)s
        AND (%(site)s::text IS NULL OR v.site_id = %(site)s)
        AND (%(category)s::text IS NULL OR i.category = %(category)s)
    GROUP BY v.site_id, v.item_id, v.place_id, CASE WHEN i.is_lot_controlled THEN v.lot END, v.gateway_id, v.epoch, v.seq,
        v.observed_at, c.posting_id, c.count_task
), first_count AS (
    SELECT DISTINCT ON (n.site_id, n.item_id, n.place_id, n.lot) n.*
    FROM counted n
    ORDER BY n.site_id, n.item_id, n.place_id, n.lot, n.observed_at, n.posting_id
)
SELECT f.site_id AS site, f.is_directed, count(*) FILTER (WHERE NOT f.is_empty) AS records,
    count(*) FILTER (WHERE f.is_accurate AND NOT f.is_empty) AS accurate, count(*) FILTER (WHERE f.is_empty) AS empty_and_zero
FROM first_count f
GROUP BY f.site_id, f.is_directed
ORDER BY f.site_id, f.is_directed;

-- name: provisional_counts
SELECT count(*) FROM count_review r
WHERE r.settled_at IS NULL AND r.observed_at >= %(from_at)s AND r.observed_at < %(until_at)s
    AND (%(site)s::text IS NULL OR r.site_id = %(site)s);

-- name: names_like
SELECT DISTINCT ON (i.item_id) i.item_id, i.code, n.scheme, n.value, n.numerator = n.denominator
FROM (
    SELECT x.item_id, x.scheme, x.value, x.numerator, x.denominator, 1 AS rank FROM identifier x
    WHERE x.value = %(text)s AND x.scheme IN ('sku', 'local', 'supplier_code', 'gtin') AND x.valid_from <= %(at)s
    UNION ALL
    SELECT x.item_id, x.scheme, x.value, x.numerator, x.denominator, 2 FROM identifier x
    WHERE x.value = %(gtin)s AND x.scheme = 'gtin' AND x.valid_from <= %(at)s
    UNION ALL
    SELECT x.item_id, x.scheme, x.value, x.numerator, x.denominator, 3 FROM identifier x
    JOIN item y ON y.item_id = x.item_id AND y.code = %(text)s
    WHERE x.numerator = x.denominator AND x.valid_from <= %(at)s
) n
JOIN item i ON i.item_id = n.item_id
ORDER BY i.item_id, n.rank, n.scheme <> 'sku', n.value;
