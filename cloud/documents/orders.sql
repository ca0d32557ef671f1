-- name: items_by_code
SELECT i.code, c.canonical_id, kept.code
FROM item i
JOIN canonical_item c ON c.item_id = i.item_id
JOIN item kept ON kept.item_id = c.canonical_id
WHERE i.code = ANY (%(codes)s::text[]);

-- name: supplier_currency
SELECT s.currency FROM supplier s WHERE s.supplier = %(supplier)s;

-- name: add_order_document
INSERT INTO document (site_id, type, id, partner, created_by)
VALUES (%(site)s, 'purchase_order', %(id)s, %(supplier)s, %(actor)s)
ON CONFLICT DO NOTHING;

-- name: add_order_document_lines
INSERT INTO document_line (site_id, type, id, line, ordinal, identifier_scheme, identifier, quantity, unit_seen)
SELECT %(site)s, 'purchase_order', %(id)s, x.line, x.ordinal, x.scheme, x.identifier, x.stated, x.unit_seen
FROM unnest(%(lines)s::text[], %(schemes)s::text[], %(identifiers)s::text[], %(stated)s::numeric[], %(units_seen)s::text[])
    WITH ORDINALITY AS x (line, scheme, identifier, stated, unit_seen, ordinal);

-- name: add_order
INSERT INTO purchase_order (site_id, id, supplier, currency, origin, decision_id, state, sent_at, sent_by, created_by)
VALUES (%(site)s, %(id)s, %(supplier)s, %(currency)s, %(origin)s, %(decision_id)s, %(state)s, %(sent_at)s, %(sent_by)s,
    %(actor)s);

-- name: add_order_lines
INSERT INTO purchase_order_line (site_id, id, line, item_id, quantity, price, due_on)
SELECT %(site)s, %(id)s, x.line, x.item_id, x.quantity, x.price, x.due_on
FROM unnest(%(lines)s::text[], %(item_ids)s::bigint[], %(quantities)s::numeric[], %(prices)s::numeric[],
    %(due_on)s::date[]) AS x (line, item_id, quantity, price, due_on);

-- name: orders
SELECT o.site_id AS site, o.id, o.supplier, o.currency, o.origin, o.decision_id, o.state, o.sent_at, o.sent_by,
    o.ended_at, o.ended_by, o.end_reason, o.created_at, o.created_by, s.time_zone,
    (SELECT count(*) FROM purchase_order_line l WHERE (l.site_id, l.id) = (o.site_id, o.id)) AS lines,
    (SELECT CASE WHEN count(*) = count(l.price) THEN sum(l.quantity * l.price) END
     FROM purchase_order_line_now l WHERE (l.site_id, l.id) = (o.site_id, o.id)) AS value
FROM purchase_order o JOIN site s ON s.site_id = o.site_id
WHERE (%(site)s::text IS NULL OR o.site_id = %(site)s)
    AND (%(id)s::text IS NULL OR o.id = %(id)s)
    AND (%(state)s::text IS NULL OR o.state = %(state)s)
    AND (%(supplier)s::text IS NULL OR o.supplier = %(supplier)s)
    AND (o.site_id, o.id) > (%(after_site)s, %(after_id)s)
ORDER BY o.site_id, o.id
LIMIT %(limit)s;

-- name: lock_order
SELECT o.state FROM purchase_order o WHERE o.site_id = %(site)s AND o.id = %(id)s FOR UPDATE;

-- name: order_lines
SELECT l.line, i.code AS item, i.name AS item_name, i.base_unit,
    (SELECT t.code FROM supplier_item t
     JOIN purchase_order o ON (o.site_id, o.id) = (l.site_id, l.id) AND o.supplier = t.supplier
     WHERE t.item_id = l.item_id AND (t.site_id IS NULL OR t.site_id = l.site_id)
     ORDER BY t.site_id NULLS LAST LIMIT 1) AS supplier_code,
    l.quantity, l.price, l.ordered, l.ordered_price, l.due_on, l.ordered_for, r.received, r.damaged,
    i.is_lot_controlled, p.identifier_scheme, p.identifier, p.quantity AS stated_quantity, p.unit_seen
FROM purchase_order_line_now l
JOIN document_line p ON (p.site_id, p.type, p.id, p.line) = (l.site_id, l.type, l.id, l.line)
JOIN item i ON i.item_id = l.item_id
JOIN order_lines_received(ARRAY[%(site)s::text], %(id)s) r ON (r.site, r.id, r.line) = (l.site_id, l.id, l.line)
WHERE l.site_id = %(site)s AND l.id = %(id)s
ORDER BY p.ordinal;

-- name: order_confirmations
SELECT c.line, c.revision, c.quantity, c.price, c.due_on, c.reference, c.beyond, c.decision_id,
    d.state AS decision_state, c.stated_at, c.stated_by
FROM purchase_order_confirmation c LEFT JOIN decision d ON d.decision_id = c.decision_id
WHERE c.site_id = %(site)s AND c.id = %(id)s
ORDER BY c.stated_at, c.line, c.revision;

-- name: order_receipts
SELECT coalesce(r.delivery_note, l.id) AS receipt, l.of_line AS line, l.open_before, l.received, l.damaged, l.over, l.short, l.location, r.occurred_at,
    r.received_by
FROM receipt_line l JOIN receipt r ON (r.site_id, r.id) = (l.site_id, l.id)
WHERE l.site_id = %(site)s AND l.of_type = 'purchase_order' AND l.of_id = %(id)s
ORDER BY r.recorded_at, l.id, l.ordinal;

-- name: mark_sent
UPDATE purchase_order SET state = 'sent', sent_at = %(at)s, sent_by = %(actor)s
WHERE site_id = %(site)s AND id = %(id)s AND state = 'approved';

-- name: end_order
UPDATE purchase_order SET state = %(state)s, ended_at = %(at)s, ended_by = %(actor)s, end_reason = %(reason)s
WHERE site_id = %(site)s AND id = %(id)s AND state = ANY (%(only_from)s::text[]);

-- name: add_order_date
INSERT INTO purchase_order_date (site_id, id, line, revision, due_on, reason, stated_by)
SELECT %(site)s, %(id)s, %(line)s, 1 + coalesce(max(d.revision), 0), %(due_on)s, %(reason)s, %(actor)s
FROM purchase_order_date d
WHERE d.site_id = %(site)s AND d.id = %(id)s AND d.line = %(line)s;

-- name: receipts_of_others
SELECT r.id FROM receipt r
WHERE r.site_id = %(site)s AND r.id = %(id)s AND NOT EXISTS (SELECT FROM receipt_line l
    WHERE (l.site_id, l.id) = (r.site_id, r.id) AND (l.of_type, l.of_id) = ('purchase_order', %(order)s));
