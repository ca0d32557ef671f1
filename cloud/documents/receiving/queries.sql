-- name: receipt_is_there
SELECT r.id FROM receipt r WHERE r.site_id = %(site)s AND r.id = %(id)s;

-- name: add_receipt
INSERT INTO receipt (site_id, id, origin, partner, delivery_note, visit, location, is_blind, occurred_at, posting_id,
    received_by)
VALUES (%(site)s, %(id)s, %(origin)s, %(partner)s, %(delivery_note)s, %(visit)s, %(location)s, %(is_blind)s,
    %(occurred_at)s, %(posting_id)s, %(actor)s);

-- name: add_receipt_lines
INSERT INTO receipt_line (site_id, id, line, ordinal, of_type, of_id, of_line, item_id, identifier_scheme, identifier,
    unit_seen, expected, declared, open_before, received, damaged, rejected, held, over, short, condition, is_unexpected,
    reason, lot, unit, location, days_left, owner)
SELECT %(site)s, %(id)s, x.line, x.ordinal, x.of_type, x.of_id, x.of_line, x.item_id, x.scheme, x.identifier,
    x.unit_seen, x.expected, x.declared, x.open_before, x.received, x.damaged, x.rejected, x.held, x.over, x.short,
    x.condition, x.is_unexpected, x.reason, x.lot, x.unit, x.location, x.days_left, x.owner
FROM unnest(%(lines)s::text[], %(of_types)s::text[], %(of_ids)s::text[], %(of_lines)s::text[], %(item_ids)s::bigint[],
    %(schemes)s::text[], %(identifiers)s::text[], %(units_seen)s::text[], %(expected)s::numeric[], %(declared)s::numeric[],
    %(open_before)s::numeric[], %(received)s::numeric[], %(damaged)s::numeric[], %(rejected)s::numeric[],
    %(held)s::numeric[], %(over)s::numeric[], %(short)s::numeric[], %(conditions)s::text[], %(unexpected)s::boolean[],
    %(reasons)s::text[], %(lots)s::text[], %(units)s::text[], %(locations)s::text[], %(days_left)s::integer[],
    %(owners)s::text[])
    WITH ORDINALITY AS x (line, of_type, of_id, of_line, item_id, scheme, identifier, unit_seen, expected, declared,
        open_before, received, damaged, rejected, held, over, short, condition, is_unexpected, reason, lot, unit,
        location, days_left, owner, ordinal);

-- name: units_standing
SELECT w.unit FROM where_units_stand(%(units)s::text[]) w WHERE w.site = %(site)s AND NOT w.is_virtual;

-- name: owners_known
-- Who supplies us, and whose goods lie here already.
SELECT w.owner FROM unnest(%(owners)s::text[]) AS w (owner)
WHERE EXISTS (SELECT FROM supplier s WHERE s.supplier = w.owner) OR EXISTS (SELECT FROM cell c WHERE c.owner = w.owner);

-- name: visit_is_there
SELECT v.visit FROM visit v WHERE v.site_id = %(site)s AND v.visit = %(visit)s;

-- name: rules
-- A rule is of what its item reads as now; a rule of that item itself goes before those of items merged into it.
SELECT DISTINCT ON (r.supplier, c.canonical_id) r.supplier, i.code AS item, r.over_percent, r.short_percent, r.inspects
FROM receiving_rule r LEFT JOIN canonical_item c ON c.item_id = r.item_id LEFT JOIN item i ON i.item_id = c.canonical_id
WHERE r.site_id = %(site)s
ORDER BY r.supplier, c.canonical_id, r.item_id = c.canonical_id DESC, r.rule_id DESC;

-- name: dated_rules
SELECT r.supplier, i.code, r.over_percent, r.short_percent, r.inspects, r.set_at
FROM receiving_rule r LEFT JOIN canonical_item c ON c.item_id = r.item_id LEFT JOIN item i ON i.item_id = c.canonical_id
WHERE r.site_id = %(site)s
ORDER BY r.item_id = c.canonical_id, r.rule_id;

-- name: rules_set
SELECT DISTINCT ON (r.supplier, c.canonical_id) r.site_id AS site, r.supplier, i.code AS item, i.name AS item_name,
    r.over_percent, r.short_percent, r.inspects, r.set_by, r.set_at
FROM receiving_rule r LEFT JOIN canonical_item c ON c.item_id = r.item_id LEFT JOIN item i ON i.item_id = c.canonical_id
WHERE r.site_id = %(site)s
ORDER BY r.supplier, c.canonical_id, r.item_id = c.canonical_id DESC, r.rule_id DESC;

-- name: add_rule
INSERT INTO receiving_rule (site_id, supplier, item_id, over_percent, short_percent, inspects, set_by)
VALUES (%(site)s, %(supplier)s, %(item_id)s, %(over_percent)s, %(short_percent)s, %(inspects)s, %(actor)s);

-- name: canonical_item
SELECT c.canonical_id FROM item i JOIN canonical_item c ON c.item_id = i.item_id WHERE i.code = %(item)s;

-- name: supplier_is_there
SELECT s.supplier FROM supplier s WHERE s.supplier = %(supplier)s;

-- name: receipts
SELECT r.site_id AS site, r.id, r.origin, r.partner, r.delivery_note, r.visit, r.location, r.is_blind, r.occurred_at,
    r.recorded_at, r.received_by, r.posting_id, e.position, s.time_zone, n.lines, n.over, n.short, n.unexpected,
    n.damaged, n.rejected
FROM receipt r
JOIN site s ON s.site_id = r.site_id
LEFT JOIN ledger_entry e ON e.posting_id = r.posting_id
CROSS JOIN LATERAL (
    SELECT count(*) AS lines, count(*) FILTER (WHERE l.over > 0) AS over, count(*) FILTER (WHERE l.short > 0) AS short,
        count(*) FILTER (WHERE l.is_unexpected) AS unexpected, count(*) FILTER (WHERE l.damaged > 0) AS damaged,
        count(*) FILTER (WHERE l.rejected > 0) AS rejected
    FROM receipt_line l WHERE (l.site_id, l.id) = (r.site_id, r.id)) n
WHERE (%(site)s::text IS NULL OR r.site_id = %(site)s) AND (%(id)s::text IS NULL OR r.id = %(id)s)
    AND (%(origin)s::text IS NULL OR r.origin = %(origin)s)
    AND (%(of_type)s::text IS NULL OR EXISTS (SELECT FROM receipt_line l
        WHERE (l.site_id, l.id) = (r.site_id, r.id) AND (l.of_type, l.of_id) = (%(of_type)s, %(of_id)s))
        OR EXISTS (SELECT FROM scanned_hold h
            WHERE (h.site_id, h.receipt) = (r.site_id, r.id) AND (h.of_type, h.id) = (%(of_type)s, %(of_id)s)))
    AND (r.recorded_at, r.site_id, r.id) < (%(before_at)s, %(before_site)s, %(before_id)s)
ORDER BY r.recorded_at DESC, r.site_id DESC, r.id DESC
LIMIT %(limit)s;

-- name: receipt_lines
WITH waits AS (
    SELECT m.line, sum(CASE WHEN m.to_as IN ('inspection', 'returned', 'hold') AND m.to_place <> 'virtual' THEN m.quantity
            ELSE 0 END
        - CASE WHEN m.from_as IN ('inspection', 'returned', 'hold') AND m.from_place <> 'virtual' THEN m.quantity
            ELSE 0 END) AS quantity,
        bool_or(coalesce(m.reason IN ('completeness_inferred', 'not_read'), false)) AS as_declared
    FROM moves_of_lines(ARRAY[%(site)s::text], 'receipt', ARRAY[%(id)s::text]) m GROUP BY m.line
), unchecked AS MATERIALIZED (
    -- a unit's history is read once, however many of the page's lines stand on it
    SELECT u.unit, n.canonical_id
    FROM unchecked_in_units(ARRAY(
        SELECT DISTINCT p.unit
        FROM (
            SELECT l.line, l.unit FROM receipt_line l
            WHERE l.site_id = %(site)s AND l.id = %(id)s AND l.ordinal > %(after)s ORDER BY l.ordinal LIMIT %(limit)s) p
        JOIN waits w ON w.line = p.line AND w.as_declared
        WHERE p.unit IS NOT NULL), 'infinity', 9223372036854775807) u
    JOIN canonical_item n ON n.item_id = u.item_id
)
SELECT l.line, coalesce(l.of_type, h.of_type) AS of_type, coalesce(l.of_id, h.id) AS of_id,
    coalesce(l.of_line, h.of_line) AS of_line, i.code AS item, i.name AS item_name, i.base_unit, l.identifier_scheme,
    l.identifier, l.unit_seen, l.expected, l.declared, l.open_before, l.received, l.damaged, l.rejected, l.held, l.over,
    l.short, l.condition, l.is_unexpected, l.reason, l.days_left, l.lot, l.unit, l.owner, l.location, v.reversed_at, v.reversed_by,
    v.reason AS reversal_reason, coalesce(w.quantity, 0) AS waiting,
    coalesce(w.as_declared, false) AND v.line IS NULL AND EXISTS (
        SELECT FROM unchecked u WHERE (u.unit, u.canonical_id) = (l.unit, c.canonical_id)) AS is_unchecked
FROM receipt_line l
LEFT JOIN canonical_item c ON c.item_id = l.item_id
LEFT JOIN item i ON i.item_id = c.canonical_id
LEFT JOIN receipt_line_reversal v ON (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line)
LEFT JOIN waits w ON w.line = l.line
LEFT JOIN scanned_hold h ON (h.site_id, h.receipt, h.line) = (l.site_id, l.id, l.line) AND h.of_line IS NOT NULL
WHERE l.site_id = %(site)s AND l.id = %(id)s AND l.ordinal > %(after)s
ORDER BY l.ordinal
LIMIT %(limit)s;

-- name: rows_of_line
SELECT m.gateway, m.epoch, m.seq
FROM moves_of_lines(ARRAY[%(site)s::text], %(kind)s::text, ARRAY[%(id)s::text]) m
WHERE m.line = %(line)s
ORDER BY m.occurred_at, m.gateway, m.epoch, m.seq;

-- name: line_to_reverse
SELECT l.of_type, l.of_id, v.line IS NOT NULL FROM receipt_line l
LEFT JOIN receipt_line_reversal v ON (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line)
WHERE l.site_id = %(site)s AND l.id = %(id)s AND l.line = %(line)s;

-- name: add_reversal
INSERT INTO receipt_line_reversal (site_id, id, line, reason, posting_id, reversed_by)
VALUES (%(site)s, %(id)s, %(line)s, %(reason)s, %(posting_id)s, %(actor)s);

-- name: reopen_ended_lines
SELECT reopen_ended_lines(%(sites)s::text[], %(site)s, %(id)s, %(line)s);

-- name: scanned
SELECT type, partner, gateway, epoch, seq, occurred_at, time_zone, actor, item, item_name, base_unit, lot, location, line,
    quantity, rule, is_over, ordered, taken, is_closed, is_ended, recorded_at, is_due, is_fresh, is_inspectable, item_id, asked,
    on_hold, missed, to_inspect, in_inspection, uninspected, days_left, came, parts, over, unexpected
FROM read_scanned_receipt(%(site)s, %(id)s, %(items)s::bigint[], %(in_question)s, %(after)s, %(most)s);

-- name: scanned_mark
SELECT scanned_mark(%(most)s);

-- name: scanned_ready
SELECT site, id FROM scanned_ready();

-- name: settle_scanned
WITH settled AS (
    DELETE FROM scanned_due WHERE site_id = %(site)s AND id = %(id)s RETURNING items
)
SELECT ARRAY(SELECT DISTINCT n.canonical_id FROM canonical_item n WHERE n.item_id = ANY (s.items))
FROM settled s WHERE s.items IS NOT NULL;

-- name: keep_scanned_whole
SELECT keep_scanned_whole(%(site)s, %(id)s, %(items)s::bigint[]);

-- name: is_judged
SELECT EXISTS (SELECT FROM document d
        WHERE d.site_id = %(site)s AND d.id = %(id)s AND d.type IN ('asn', 'purchase_order'))
    OR EXISTS (SELECT FROM receiving_rule r WHERE r.site_id = %(site)s AND r.inspects)
    OR EXISTS (SELECT FROM item_life l WHERE l.minimum_days IS NOT NULL);

-- name: put_scanned
INSERT INTO scanned_due AS d (site_id, id, from_at, items) VALUES (%(site)s, %(id)s, %(from_at)s, %(items)s::bigint[])
ON CONFLICT (site_id, id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at), items = CASE WHEN d.items IS NOT NULL AND excluded.items IS NOT NULL
        THEN ARRAY(SELECT DISTINCT x.item_id FROM unnest(d.items || excluded.items) AS x (item_id)) END;

-- name: holds_of_reversed_scans
SELECT receipt, line FROM holds_of_reversed_scans(%(site)s, %(id)s);

-- name: scanned_lying
SELECT nths, cells, location, unit, lot, owner, quantity, stands
FROM scanned_lying(%(site)s, %(gateways)s::text[], %(epochs)s::bigint[], %(seqs)s::bigint[]);

-- name: add_scanned_holds
INSERT INTO scanned_hold (site_id, id, gateway_id, epoch, seq, item_id, of_type, of_line, reason, asked, held, receipt, line)
SELECT %(site)s, %(id)s, g.gateway_id, x.epoch, x.seq, x.item_id, %(type)s, x.of_line, x.reason, x.asked, x.held, x.receipt, x.line
FROM unnest(%(gateways)s::text[], %(epochs)s::bigint[], %(seqs)s::bigint[], %(item_ids)s::bigint[], %(of_lines)s::text[],
    %(reasons)s::text[], %(asked)s::numeric[], %(held)s::numeric[], %(receipts)s::text[], %(lines)s::text[])
    WITH ORDINALITY AS x (gateway, epoch, seq, item_id, of_line, reason, asked, held, receipt, line, nth)
JOIN gateway g ON g.name = x.gateway
ORDER BY x.nth;

-- name: held_ready
SELECT site, cell_id FROM held_ready();

-- name: take_held_due
SELECT take_held_due(%(cell)s);

-- name: held_standing
SELECT site, item_id, item, base_unit, location, unit, lot, owner, disposition, stands, held_cells, cells, lies, lacks
FROM held_standing(%(cell)s);

-- name: held_lines
SELECT receipt, line, quantity, since_at FROM held_lines(%(cells)s::bigint[]);

-- name: held_unbrought
SELECT k.since_at, k.numbers FROM came_last(%(cells)s::bigint[], %(rest)s) k;

-- name: carried_from
SELECT cells, location, unit, lot, owner, quantity, stands, came, since_at, is_gone
FROM carried_from(%(site)s, %(cells)s::bigint[], %(sinces)s::timestamptz[]);

-- name: loose_ready
SELECT site, visit FROM loose_ready();

-- name: take_loose_due
SELECT take_loose_due(%(site)s, %(visit)s);

-- name: loose_arrivals
SELECT number, type, partner, gateway, epoch, seq, occurred_at, item, item_id, base_unit, quantity, days_left, is_return,
    recorded_at, asked
FROM loose_arrivals(%(site)s, %(visit)s);

-- name: put_loose
INSERT INTO loose_due AS d (site_id, visit, from_at, last_at) VALUES (%(site)s, %(visit)s, '-infinity', '-infinity')
ON CONFLICT (site_id, visit) DO UPDATE SET from_at = excluded.from_at;

-- name: put_returns
UPDATE loose_due SET is_news = true WHERE site_id = %(site)s AND visit = %(visit)s;

-- name: dated_lots
SELECT d.item_id, i.code, d.lot FROM lot_dated d JOIN item i ON i.item_id = d.item_id
WHERE d.is_noted ORDER BY d.item_id, d.lot LIMIT %(most)s;

-- name: lock_visit
SELECT v.state FROM visit v WHERE v.site_id = %(site)s AND v.visit = %(visit)s FOR NO KEY UPDATE;

-- name: lock_dated_lot
SELECT d.lot FROM lot_dated d WHERE d.item_id = %(item_id)s AND d.lot = %(lot)s FOR UPDATE;

-- name: dated_arrivals
SELECT site, number, type, partner, gateway, epoch, seq, occurred_at, item, item_id, base_unit, quantity, days_left
FROM dated_arrivals(%(item_id)s, %(lot)s);

-- name: settle_dated_lot
DELETE FROM lot_dated WHERE item_id = %(item_id)s AND lot = %(lot)s;

-- name: short_lives
SELECT x.nth, t.expires_on - (%(at)s::timestamptz AT TIME ZONE z.time_zone)::date
FROM unnest(%(items)s::bigint[], %(lots)s::text[]) WITH ORDINALITY x (item_id, lot, nth)
JOIN canonical_item n ON n.item_id = x.item_id
JOIN lot t ON t.item_id = n.canonical_id AND t.lot = x.lot
JOIN site z ON z.site_id = %(site)s
CROSS JOIN LATERAL (
    SELECT l.minimum_days FROM item_life l WHERE l.item_id = n.canonical_id ORDER BY l.life_id DESC LIMIT 1) l
WHERE t.expires_on - (%(at)s::timestamptz AT TIME ZONE z.time_zone)::date <= l.minimum_days
ORDER BY x.nth;
