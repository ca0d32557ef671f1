-- name: lines_now
SELECT n.site, n.type, n.id, n.line, n.ordinal, n.partner, n.due_on, n.registered_at, n.state, n.item_id, n.item,
    n.item_name, n.base_unit, n.is_lot_controlled, n.identifier_scheme, n.identifier, n.unit_seen, n.numerator,
    n.denominator, n.lot, n.unit, n.order_id, n.order_line, n.ordered, n.moved, n.damaged, n.rejected, n.is_ended
FROM document_lines_now(ARRAY[%(site)s::text], %(type)s::text, %(ids)s::text[]) n
ORDER BY n.id, n.ordinal;

-- name: open_lines
SELECT n.site, n.type, n.id, n.line, n.ordinal, n.partner, n.due_on, n.registered_at, n.state, n.item_id, n.item,
    n.item_name, n.base_unit, n.is_lot_controlled, n.identifier_scheme, n.identifier, n.unit_seen, n.numerator,
    n.denominator, n.lot, n.unit, n.order_id, n.order_line, n.ordered, n.moved, n.damaged, n.rejected, false AS is_ended
FROM open_document_lines(%(sites)s::text[], %(type)s::text) n
ORDER BY n.site, n.due_on NULLS LAST, n.registered_at, n.id, n.ordinal;

-- name: open_lines_page
SELECT n.site, n.type, n.id, n.line, n.ordinal, n.partner, n.due_on, n.registered_at, n.state, n.item_id, n.item,
    n.item_name, n.base_unit, n.is_lot_controlled, n.identifier_scheme, n.identifier, n.unit_seen, n.numerator,
    n.denominator, n.lot, n.unit, n.order_id, n.order_line, n.ordered, n.moved, n.damaged, n.rejected, false AS is_ended
FROM open_document_lines(%(sites)s::text[], %(type)s::text) n
WHERE (n.site, n.id, n.ordinal) > (%(after_site)s, %(after_id)s, %(after_ordinal)s)
ORDER BY n.site, n.id, n.ordinal
LIMIT %(limit)s;

-- name: lock_documents
SELECT pg_advisory_xact_lock(hashtextextended(x.name, 1685283700))
FROM (SELECT DISTINCT n.name FROM unnest(%(names)s::text[]) AS n (name) ORDER BY n.name) x;

-- name: end_lines
INSERT INTO document_line_end (site_id, type, id, line, reason, short, ended_by)
SELECT %(site)s, x.type, x.id, x.line, %(reason)s, x.short, %(actor)s
FROM unnest(%(types)s::text[], %(ids)s::text[], %(lines)s::text[], %(shorts)s::numeric[]) AS x (type, id, line, short)
WHERE NOT EXISTS (SELECT FROM document_line_end_now e
    WHERE (e.site_id, e.type, e.id, e.line) = (%(site)s, x.type, x.id, x.line));

-- name: goods
SELECT asked.scheme, asked.value, c.canonical_id, t.code, t.is_provisional, t.is_lot_controlled, t.is_integer_only,
    (i.numerator * c.numerator)::bigint AS numerator, (i.denominator * c.denominator)::bigint AS denominator
FROM unnest(%(schemes)s::text[], %(values)s::text[]) AS asked (scheme, value)
CROSS JOIN LATERAL (
    SELECT n.item_id, n.numerator, n.denominator FROM identifier n
    WHERE n.scheme = asked.scheme AND n.value = asked.value
    ORDER BY n.valid_from DESC LIMIT 1) i
JOIN canonical_item c ON c.item_id = i.item_id
JOIN item t ON t.item_id = c.canonical_id
ORDER BY asked.scheme, asked.value;

-- name: places_known
SELECT l.code FROM location l
WHERE l.site_id = %(site)s AND l.code = ANY (%(codes)s::text[]) AND l.kind IN ('site', 'zone', 'bin');
