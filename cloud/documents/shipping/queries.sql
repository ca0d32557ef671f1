-- name: shipment_is_there
SELECT s.id FROM shipment s WHERE s.site_id = %(site)s AND s.id = %(id)s;

-- name: visit_is_there
SELECT v.visit FROM visit v WHERE v.site_id = %(site)s AND v.visit = %(visit)s;

-- name: add_shipment
INSERT INTO shipment (site_id, id, destination, partner, carrier, visit, occurred_at, posting_id, shipped_by)
VALUES (%(site)s, %(id)s, %(destination)s, %(partner)s, %(carrier)s, %(visit)s, %(occurred_at)s, %(posting_id)s, %(actor)s);

-- name: add_shipment_lines
INSERT INTO shipment_line (site_id, id, line, ordinal, of_type, of_id, of_line, item_id, unit_seen, open_before, quantity,
    lot, unit, location, disposition)
SELECT %(site)s, %(id)s, x.line, x.ordinal, x.of_type, x.of_id, x.of_line, x.item_id, x.unit_seen, x.open_before,
    x.quantity, x.lot, x.unit, x.location, x.disposition
FROM unnest(%(lines)s::text[], %(of_types)s::text[], %(of_ids)s::text[], %(of_lines)s::text[], %(item_ids)s::bigint[],
    %(units_seen)s::text[], %(open_before)s::numeric[], %(quantities)s::numeric[], %(lots)s::text[], %(units)s::text[],
    %(locations)s::text[], %(dispositions)s::text[])
    WITH ORDINALITY AS x (line, of_type, of_id, of_line, item_id, unit_seen, open_before, quantity, lot, unit, location,
        disposition, ordinal);

-- name: units_known
SELECT l.code FROM location l WHERE l.kind = 'unit' AND l.code = ANY (%(units)s::text[]);

-- name: goods_in_units
SELECT g.aboard, g.unit, g.item_id, g.item, g.lot, g.quantity FROM goods_in_units(%(site)s, %(units)s::text[]) g;

-- name: shipments
SELECT h.site_id AS site, h.id, h.destination, h.partner, h.carrier, h.visit, h.occurred_at, h.recorded_at, h.shipped_by,
    h.posting_id, e.position, s.time_zone,
    (SELECT count(*) FROM shipment_line l WHERE (l.site_id, l.id) = (h.site_id, h.id)) AS lines
FROM shipment h
JOIN site s ON s.site_id = h.site_id
JOIN ledger_entry e ON e.posting_id = h.posting_id
WHERE (%(site)s::text IS NULL OR h.site_id = %(site)s) AND (%(id)s::text IS NULL OR h.id = %(id)s)
    AND (%(destination)s::text IS NULL OR h.destination = %(destination)s)
    AND (h.recorded_at, h.site_id, h.id) < (%(before_at)s, %(before_site)s, %(before_id)s)
ORDER BY h.recorded_at DESC, h.site_id DESC, h.id DESC
LIMIT %(limit)s;

-- name: shipment_lines
SELECT l.line, l.of_type, l.of_id, l.of_line, i.code AS item, i.name AS item_name, i.base_unit, l.unit_seen, l.open_before,
    l.quantity, l.lot, l.unit, l.location, l.disposition, v.reversed_at, v.reversed_by, v.reason AS reversal_reason
FROM shipment_line l
JOIN canonical_item c ON c.item_id = l.item_id
JOIN item i ON i.item_id = c.canonical_id
LEFT JOIN shipment_line_reversal v ON (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line)
WHERE l.site_id = %(site)s AND l.id = %(id)s AND l.ordinal > %(after)s
ORDER BY l.ordinal
LIMIT %(limit)s;

-- name: line_to_reverse
SELECT l.line, v.line IS NOT NULL FROM shipment_line l
LEFT JOIN shipment_line_reversal v ON (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line)
WHERE l.site_id = %(site)s AND l.id = %(id)s AND l.line = %(line)s;

-- name: rows_of_line
SELECT m.gateway, m.epoch, m.seq
FROM moves_of_lines(ARRAY[%(site)s::text], 'shipment', ARRAY[%(id)s::text]) m
WHERE m.line = %(line)s
ORDER BY m.occurred_at, m.gateway, m.epoch, m.seq;

-- name: add_reversal
INSERT INTO shipment_line_reversal (site_id, id, line, reason, posting_id, reversed_by)
VALUES (%(site)s, %(id)s, %(line)s, %(reason)s, %(posting_id)s, %(actor)s);

-- name: depart
UPDATE transfer SET departed_at = %(at)s, departed_by = %(actor)s, carrier = coalesce(%(carrier)s, carrier)
WHERE from_site = %(site)s AND id = ANY (%(ids)s::text[]) AND departed_at IS NULL AND cancelled_at IS NULL;
