-- name: add_transfer
INSERT INTO transfer (from_site, id, to_site, carrier, created_by)
VALUES (%(site)s, %(id)s, %(to_site)s, %(carrier)s, %(actor)s)
ON CONFLICT DO NOTHING;

-- name: add_transfer_documents
SELECT add_transfer_documents(%(site)s, %(to_site)s, %(id)s, %(due_on)s::date, %(actor)s, %(lines)s::jsonb);

-- name: transfer_is_there
SELECT transfer_is_there(%(sites)s::text[], %(id)s);

-- name: as_drafted
SELECT DISTINCT d.due_on, t.carrier, t.departed_at IS NOT NULL, t.cancelled_at IS NOT NULL
FROM transfer t JOIN document d ON d.type = 'transfer' AND d.id = t.id AND d.site_id IN (t.from_site, t.to_site)
WHERE (t.from_site, t.to_site, t.id) = (%(from_site)s, %(to_site)s, %(id)s)
ORDER BY d.due_on;

-- name: sites_known
SELECT s.site_id FROM site s WHERE s.site_id = ANY (%(sites)s::text[]);

-- name: depart
UPDATE transfer SET departed_at = %(at)s, departed_by = %(actor)s, carrier = coalesce(%(carrier)s, carrier)
WHERE from_site = %(site)s AND id = %(id)s AND departed_at IS NULL AND cancelled_at IS NULL;

-- name: cancel
UPDATE transfer SET cancelled_at = %(at)s, cancelled_by = %(actor)s
WHERE from_site = %(site)s AND id = %(id)s AND departed_at IS NULL AND cancelled_at IS NULL;

-- name: transfers
SELECT t.from_site, t.id, t.to_site, t.carrier, t.departed_at, t.departed_by, t.cancelled_at, t.cancelled_by, t.created_at,
    t.created_by, t.due_on, t.from_zone, t.to_zone, t.lines, t.ordered, t.shipped, t.received, t.missing
FROM transfers_now(%(sites)s::text[], %(site)s, %(id)s, %(after_site)s, %(after_id)s, %(limit)s) t
ORDER BY t.from_site, t.id;

-- name: transfer_lines
SELECT t.line, t.item, t.item_name, t.base_unit, t.unit_seen, t.lot, t.ordered, t.shipped, t.received, t.missing
FROM transfer_lines_now(%(site)s, %(id)s) t
ORDER BY t.ordinal;
