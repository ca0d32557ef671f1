-- name: find_identifiers
SELECT i.scheme, i.value, nullif(i.valid_from, '-infinity'), i.item_id, i.numerator, i.denominator, t.base_unit,
    t.is_integer_only
FROM unnest(%(schemes)s::text[], %(values)s::text[]) AS asked (scheme, value)
JOIN identifier i ON i.scheme = asked.scheme AND i.value = asked.value
JOIN item t ON t.item_id = i.item_id
ORDER BY i.scheme, i.value, i.valid_from;

-- name: add_provisional_items
INSERT INTO item (code, is_provisional)
SELECT asked.scheme || ':' || asked.value, true
FROM unnest(%(schemes)s::text[], %(values)s::text[]) AS asked (scheme, value)
ORDER BY 1
ON CONFLICT (code) DO NOTHING;

-- name: add_provisional_identifiers
INSERT INTO identifier (scheme, value, item_id, posting_id)
SELECT asked.scheme, asked.value, item.item_id, %(posting_id)s
FROM unnest(%(schemes)s::text[], %(values)s::text[]) AS asked (scheme, value)
JOIN item ON item.code = asked.scheme || ':' || asked.value
ORDER BY 1, 2
ON CONFLICT (scheme, value, valid_from) DO NOTHING;

-- name: find_places
SELECT asked.site, asked.code, l.location_id
FROM unnest(%(sites)s::text[], %(codes)s::text[]) AS asked (site, code)
JOIN location l ON l.site_id = asked.site AND l.code = asked.code AND l.kind <> 'unit'
UNION ALL
SELECT asked.site, asked.code, l.location_id
FROM unnest(%(sites)s::text[], %(codes)s::text[]) AS asked (site, code)
JOIN location l ON asked.site = '' AND l.code = asked.code AND l.kind = 'unit';

-- name: add_places
INSERT INTO location (site_id, code, kind, is_provisional, posting_id)
SELECT asked.site, asked.code, asked.kind, asked.kind = 'bin', %(posting_id)s
FROM unnest(%(sites)s::text[], %(codes)s::text[], %(kinds)s::text[]) AS asked (site, code, kind)
ORDER BY 1, 2
ON CONFLICT DO NOTHING;

-- name: add_units
INSERT INTO logistic_unit (location_id, scheme)
SELECT l.location_id, CASE WHEN l.code ~ '^[0-9]{18}$' THEN 'sscc' WHEN l.code ~ '^urn:epc:id:grai:' THEN 'grai' ELSE 'local' END
FROM location l
WHERE l.posting_id = %(posting_id)s AND l.kind = 'unit'
ORDER BY 1
ON CONFLICT (location_id) DO NOTHING;

-- name: find_cells
SELECT c.item_id, c.location_id, c.lot, c.disposition, c.owner, c.cell_id
FROM unnest(
    %(items)s::bigint[], %(locations)s::bigint[], %(lots)s::text[], %(dispositions)s::text[], %(owners)s::text[]
) AS asked (item_id, location_id, lot, disposition, owner)
JOIN cell c ON c.item_id = asked.item_id AND c.location_id = asked.location_id
    AND c.lot IS NOT DISTINCT FROM asked.lot
    AND c.disposition IS NOT DISTINCT FROM asked.disposition
    AND c.owner IS NOT DISTINCT FROM asked.owner;

-- name: add_cells
INSERT INTO cell (item_id, location_id, lot, disposition, owner, site_id, posting_id)
SELECT asked.item_id, asked.location_id, asked.lot, asked.disposition, asked.owner, l.site_id, %(posting_id)s
FROM unnest(
    %(items)s::bigint[], %(locations)s::bigint[], %(lots)s::text[], %(dispositions)s::text[], %(owners)s::text[]
) AS asked (item_id, location_id, lot, disposition, owner)
JOIN location l ON l.location_id = asked.location_id
ORDER BY 1, 2, 3, 4, 5
ON CONFLICT DO NOTHING;

-- name: find_gateways
SELECT g.name, g.gateway_id, g.site_id
FROM gateway g
WHERE g.name = ANY (%(names)s::text[]);

-- name: add_site
INSERT INTO site (site_id, name, time_zone, currency)
VALUES (%(site)s, %(name)s, %(time_zone)s, %(currency)s)
ON CONFLICT (site_id) DO NOTHING;

-- name: add_gateway
INSERT INTO gateway (name, kind, site_id) VALUES (%(name)s, 'edge', %(site)s)
ON CONFLICT (name) DO NOTHING;

-- name: add_item
INSERT INTO item (code, name, category, base_unit) VALUES (%(code)s, %(name)s, %(category)s, %(base_unit)s)
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, category = excluded.category, base_unit = excluded.base_unit, is_provisional = false
RETURNING item_id;

-- name: base_unit_of
SELECT i.base_unit FROM item i WHERE i.code = %(code)s;

-- name: add_identifier
INSERT INTO identifier (scheme, value, valid_from, item_id, numerator, denominator)
VALUES (%(scheme)s, %(value)s, %(valid_from)s, %(item_id)s, %(numerator)s, %(denominator)s)
ON CONFLICT (scheme, value, valid_from) DO NOTHING
RETURNING item_id;

-- name: add_location
INSERT INTO location (site_id, code, kind, parent_id)
VALUES (%(site)s, %(code)s, %(kind)s,
    (SELECT p.location_id FROM location p
     WHERE p.site_id = %(site)s AND p.code = %(parent)s AND p.kind <> 'unit'))
ON CONFLICT DO NOTHING;
