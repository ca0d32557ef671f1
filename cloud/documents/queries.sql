-- name: gateway_id
SELECT g.gateway_id, g.site_id FROM gateway g WHERE g.name = %(gateway)s AND g.kind = 'edge';

-- name: put_portal
INSERT INTO portal (site_id, portal, gateway_id, inside_location, outside_location, mode)
VALUES (%(site)s, %(portal)s, %(gateway_id)s, %(inside)s, %(outside)s, %(mode)s)
ON CONFLICT (site_id, portal) DO UPDATE
SET gateway_id = excluded.gateway_id, inside_location = excluded.inside_location,
    outside_location = excluded.outside_location, mode = excluded.mode;

-- name: portals
SELECT p.site_id AS site, p.portal, g.name AS gateway, p.inside_location, p.outside_location, p.mode
FROM portal p JOIN gateway g ON g.gateway_id = p.gateway_id
WHERE (%(site)s::text IS NULL OR p.site_id = %(site)s)
    AND (%(portal)s::text IS NULL OR p.portal = %(portal)s)
    AND (p.site_id, p.portal) > (%(after_site)s, %(after_portal)s)
ORDER BY p.site_id, p.portal
LIMIT %(limit)s;

-- name: add_document
INSERT INTO document (site_id, type, id, partner, due_on, created_by)
VALUES (%(site)s, %(type)s, %(id)s, %(partner)s, %(due_on)s, %(actor)s)
ON CONFLICT DO NOTHING;

-- name: add_lines
INSERT INTO document_line (site_id, type, id, line, ordinal, identifier_scheme, identifier, quantity, unit_seen, lot, unit,
    order_id, order_line)
SELECT %(site)s, %(type)s, %(id)s, x.line, x.ordinal, x.scheme, x.identifier, x.quantity, x.unit_seen, x.lot, x.unit,
    x.order_id, x.order_line
FROM unnest(
    %(lines)s::text[], %(schemes)s::text[], %(identifiers)s::text[], %(quantities)s::numeric[], %(units_seen)s::text[],
    %(lots)s::text[], %(units)s::text[], %(order_ids)s::text[], %(order_lines)s::text[]
) WITH ORDINALITY AS x (line, scheme, identifier, quantity, unit_seen, lot, unit, order_id, order_line, ordinal);

-- name: documents
SELECT d.site_id AS site, d.type, d.id, d.partner, d.due_on, d.created_at, d.created_by,
    (SELECT count(*) FROM document_line l WHERE (l.site_id, l.type, l.id) = (d.site_id, d.type, d.id)) AS lines,
    (SELECT count(*) FROM document_line l
     JOIN claim c ON c.kind = 'document_line' AND c.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line
     WHERE (l.site_id, l.type, l.id) = (d.site_id, d.type, d.id)
        AND NOT EXISTS (SELECT FROM document_line_open_again o
            WHERE (o.site_id, o.type, o.id, o.line) = (l.site_id, l.type, l.id, l.line))) AS settled_lines
FROM document d
WHERE d.type <> 'purchase_order'
    AND (%(site)s::text IS NULL OR d.site_id = %(site)s)
    AND (%(type)s::text IS NULL OR d.type = %(type)s)
    AND (%(id)s::text IS NULL OR d.id = %(id)s)
    AND (d.site_id, d.type, d.id) > (%(after_site)s, %(after_type)s, %(after_id)s)
ORDER BY d.site_id, d.type, d.id
LIMIT %(limit)s;

-- name: lines_of_document
SELECT l.type, l.id, l.line, l.identifier_scheme, l.identifier, l.quantity, l.unit_seen, l.lot, l.unit, l.order_id,
    l.order_line
FROM document_line l
WHERE l.site_id = %(site)s AND l.type = %(type)s AND l.id = %(id)s
ORDER BY l.ordinal;

-- name: lines_of_visit
SELECT l.type, l.id, l.line, l.identifier_scheme, l.identifier, l.quantity, l.unit_seen, l.lot, l.unit, l.order_id,
    l.order_line
FROM visit_document v
JOIN document_line l ON (l.site_id, l.type, l.id) = (v.site_id, v.type, v.id)
WHERE v.site_id = %(site)s AND v.visit = %(visit)s
ORDER BY l.type, l.id, l.ordinal;

-- name: settled_lines
SELECT c.target FROM claim c WHERE c.kind = %(kind)s AND c.target = ANY (%(targets)s::text[]);

-- name: open_again
SELECT o.type || '/' || o.id || '/' || o.line
FROM document_line_open_again o
JOIN unnest(%(types)s::text[], %(ids)s::text[], %(lines)s::text[]) AS x (type, id, line)
    ON (o.type, o.id, o.line) = (x.type, x.id, x.line)
WHERE o.site_id = %(site)s;

-- name: close_again
DELETE FROM document_line_open_again o
USING unnest(%(types)s::text[], %(ids)s::text[], %(lines)s::text[]) AS x (type, id, line)
WHERE o.site_id = %(site)s AND (o.type, o.id, o.line) = (x.type, x.id, x.line);

-- name: add_visit
INSERT INTO visit (site_id, visit, door, direction, from_at, to_at, clearing_account, created_by)
VALUES (%(site)s, %(visit)s, %(door)s, %(direction)s, %(from_at)s, %(to_at)s, %(account)s, %(actor)s)
ON CONFLICT DO NOTHING;

-- name: add_visit_documents
INSERT INTO visit_document (site_id, visit, type, id)
SELECT %(site)s, %(visit)s, x.type, x.id FROM unnest(%(types)s::text[], %(ids)s::text[]) AS x (type, id)
ON CONFLICT DO NOTHING;

-- name: visits
SELECT v.site_id AS site, v.visit, v.door, v.direction, v.from_at, v.to_at, v.clearing_account, v.state, v.reasons,
    g.name AS gateway,
    ARRAY(SELECT d.type || '/' || d.id FROM visit_document d
          WHERE (d.site_id, d.visit) = (v.site_id, v.visit) ORDER BY d.type, d.id) AS documents
FROM visit v
JOIN portal p ON (p.site_id, p.portal) = (v.site_id, v.door)
JOIN gateway g ON g.gateway_id = p.gateway_id
WHERE (%(site)s::text IS NULL OR v.site_id = %(site)s)
    AND (%(visit)s::text IS NULL OR v.visit = %(visit)s)
    AND (%(state)s::text IS NULL OR v.state = %(state)s)
    AND (v.site_id, v.visit) > (%(after_site)s, %(after_visit)s)
ORDER BY v.site_id, v.visit
LIMIT %(limit)s;

-- name: lock_visit
SELECT v.state FROM visit v WHERE v.site_id = %(site)s AND v.visit = %(visit)s FOR UPDATE;

-- name: end_visit
UPDATE visit SET state = %(state)s, reasons = %(reasons)s, ended_by = %(actor)s, ended_at = clock_timestamp()
WHERE site_id = %(site)s AND visit = %(visit)s AND state = 'open';

-- name: visit_crossings
SELECT c.unit, c.direction FROM visit_crossings(%(sites)s, %(visit)s) c
WHERE c.site = %(site)s AND c.unit IS NOT NULL
ORDER BY c.occurred_at;

-- name: open_cards
SELECT c.gateway || '/' || lpad(to_hex(c.epoch), 16, '0') || '/' || c.seq AS name, c.epc
FROM open_cards(%(sites)s, NULL) c
WHERE c.site = %(site)s AND (c.visit = %(visit)s
    OR (c.visit IS NULL AND c.portal = %(door)s AND c.occurred_at BETWEEN %(from_at)s AND coalesce(%(to_at)s, c.occurred_at)))
ORDER BY c.occurred_at;

-- name: clearing_balance
SELECT t.code, trim_scale(sum(b.quantity * a.numerator / a.denominator)) AS quantity
FROM location l
JOIN cell c ON c.location_id = l.location_id
JOIN balance b ON b.cell_id = c.cell_id
JOIN canonical_item a ON a.item_id = c.item_id
JOIN item t ON t.item_id = a.canonical_id
WHERE l.site_id = %(site)s AND l.code = %(account)s AND l.kind = 'virtual'
GROUP BY t.code
HAVING sum(b.quantity * a.numerator / a.denominator) <> 0
ORDER BY t.code;

-- name: where_units_stand
SELECT w.unit, w.site, w.location, w.is_virtual, w.since_at FROM where_units_stand(%(units)s::text[]) w ORDER BY w.unit;

-- name: lock_assignment
SELECT pg_advisory_xact_lock(1685283699, g.gateway_id) FROM gateway g WHERE g.name = %(gateway)s;

-- name: gateway_visits
SELECT v.visit, v.door, v.direction, v.from_at, v.to_at, v.clearing_account
FROM visit v
JOIN portal p ON (p.site_id, p.portal) = (v.site_id, v.door)
JOIN gateway g ON g.gateway_id = p.gateway_id
WHERE g.name = %(gateway)s AND v.state = 'open'
    AND v.from_at <= %(begins_by)s AND coalesce(v.to_at >= %(ends_from)s, true)
ORDER BY v.from_at, v.visit;

-- name: overtaken_gateways
WITH due AS (
    SELECT p.gateway_id, encode(sha256(convert_to(
        coalesce(string_agg(v.visit, E'
' ORDER BY v.from_at, v.visit), ''), 'UTF8')), 'hex') AS visits
    FROM portal p
    LEFT JOIN visit v ON (v.site_id, v.door) = (p.site_id, p.portal) AND v.state = 'open'
        AND v.from_at <= %(begins_by)s AND coalesce(v.to_at >= %(ends_from)s, true)
    GROUP BY p.gateway_id
)
SELECT g.site_id, g.name
FROM due d
JOIN gateway g ON g.gateway_id = d.gateway_id
LEFT JOIN LATERAL (
    SELECT m.payload ->> 'due' AS visits FROM gateway_message m
    WHERE m.gateway_id = d.gateway_id AND m.channel = 'assignment'
    ORDER BY m.revision DESC LIMIT 1) told ON true
WHERE d.visits IS DISTINCT FROM told.visits
ORDER BY g.site_id, g.name;

-- name: gateways_of_visits
SELECT site, gateway, up_to, said_at, named FROM gateways_of_visits(%(begins_by)s, %(ends_from)s);

-- name: keep_visits_followed
SELECT keep_visits_followed(%(up_to)s, %(said_at)s, %(named)s);

-- name: visits_told
SELECT m.payload -> 'visits' FROM gateway_message m JOIN gateway g ON g.gateway_id = m.gateway_id
WHERE g.name = %(gateway)s AND m.channel = 'assignment'
ORDER BY m.revision DESC, m.message_id DESC LIMIT 1;

-- name: expected_of_visits
SELECT visit, type, id, line, numerator, denominator, expected FROM expected_of_visits(%(site)s, %(visits)s::text[]);

-- name: gateway_lines
SELECT v.visit, l.type, l.id, l.line, l.identifier_scheme, l.identifier, l.quantity, l.unit_seen, l.lot, l.unit
FROM visit v
JOIN portal p ON (p.site_id, p.portal) = (v.site_id, v.door)
JOIN gateway g ON g.gateway_id = p.gateway_id
JOIN visit_document d ON (d.site_id, d.visit) = (v.site_id, v.visit)
JOIN document_line l ON (l.site_id, l.type, l.id) = (d.site_id, d.type, d.id)
WHERE g.name = %(gateway)s AND v.visit = ANY (%(visits)s::text[])
ORDER BY v.visit, l.type, l.id, l.ordinal;

-- name: levels
SELECT asked.value, array_agg(DISTINCT other.value ORDER BY other.value)
FROM unnest(%(gtins)s::text[]) AS asked (value)
JOIN identifier i ON i.scheme = 'gtin' AND i.value = asked.value
JOIN identifier other ON other.scheme = 'gtin' AND other.item_id = i.item_id
GROUP BY asked.value
ORDER BY asked.value;

-- name: levels_of_codes
SELECT asked.value, array_agg(DISTINCT other.value ORDER BY other.value),
    min(other.value) FILTER (WHERE other.numerator = other.denominator) AS base_level
FROM unnest(%(codes)s::text[]) AS asked (value)
JOIN identifier i ON i.scheme = 'sku' AND i.value = asked.value
JOIN identifier other ON other.scheme = 'gtin' AND other.item_id = i.item_id
GROUP BY asked.value
ORDER BY asked.value;

-- name: last_revision
SELECT coalesce(max(m.revision), 0) FROM gateway_message m
JOIN gateway g ON g.gateway_id = m.gateway_id
WHERE g.name = %(gateway)s AND m.channel = 'assignment';

-- name: send_assignment
INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)
SELECT g.gateway_id, 'assignment', %(revision)s, %(payload)s::jsonb, %(actor)s
FROM gateway g WHERE g.name = %(gateway)s;

-- name: known_names
SELECT asked.scheme, asked.value, i.item_id, t.code, t.is_provisional, i.numerator, i.denominator
FROM unnest(%(schemes)s::text[], %(values)s::text[]) AS asked (scheme, value)
CROSS JOIN LATERAL (
    SELECT n.item_id, n.numerator, n.denominator FROM identifier n
    WHERE n.scheme = asked.scheme AND n.value = asked.value
    ORDER BY n.valid_from DESC LIMIT 1) i
JOIN canonical_item c ON c.item_id = i.item_id
JOIN item t ON t.item_id = c.canonical_id
ORDER BY asked.scheme, asked.value;

-- name: lock_site
SELECT s.site_id FROM site s WHERE s.site_id = %(site)s FOR NO KEY UPDATE;

-- name: units_declared_elsewhere
SELECT l.unit, l.id
FROM document_line l
JOIN document d ON (d.site_id, d.type, d.id) = (l.site_id, l.type, l.id)
WHERE l.site_id = %(site)s AND l.type = %(type)s AND l.id <> %(id)s AND l.unit = ANY (%(units)s::text[])
    AND d.created_at > clock_timestamp() - INTERVAL '1 year'
    AND (EXISTS (SELECT FROM claim c WHERE c.kind = 'document_line'
            AND c.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line)
        OR NOT EXISTS (SELECT FROM visit_document v WHERE (v.site_id, v.type, v.id) = (l.site_id, l.type, l.id))
        OR EXISTS (SELECT FROM visit_document v JOIN visit o ON (o.site_id, o.visit) = (v.site_id, v.visit)
            WHERE (v.site_id, v.type, v.id) = (l.site_id, l.type, l.id) AND o.state = 'open'))
ORDER BY l.unit, l.id;
