-- name: items
SELECT i.code, i.item_id, k.code AS merged_into
FROM item i
JOIN canonical_item n ON n.item_id = i.item_id
LEFT JOIN item k ON k.item_id = n.canonical_id AND k.item_id <> i.item_id
WHERE i.code = ANY (%(codes)s::text[]);

-- name: items_of_other_units
SELECT DISTINCT i.code FROM item i JOIN canonical_item n ON n.canonical_id = i.item_id
WHERE i.code = ANY (%(codes)s::text[]) AND n.numerator <> n.denominator;

-- name: places
SELECT l.code, l.location_id FROM location l
WHERE l.site_id = %(site)s AND l.code = ANY (%(codes)s::text[]) AND l.kind NOT IN ('virtual', 'unit');

-- name: add_list
INSERT INTO reconciliation (site_id, observed_at, origin, stated_by)
VALUES (%(site)s, %(observed_at)s, %(origin)s, %(actor)s)
RETURNING reconciliation_id;

-- name: add_lines
INSERT INTO reconciliation_line (
    reconciliation_id, line_no, site_id, item_id, location_id, lot, disposition, owner, counted)
SELECT %(list)s, a.line_no, %(site)s, a.item_id, a.location_id, a.lot, a.disposition, a.owner, a.counted
FROM unnest(%(items)s::bigint[], %(locations)s::bigint[], %(lots)s::text[], %(dispositions)s::text[], %(owners)s::text[],
    %(quantities)s::numeric[]) WITH ORDINALITY a (item_id, location_id, lot, disposition, owner, counted, line_no);

-- name: told
SELECT read_reconciliation(%(list)s);

-- name: take_time
SELECT set_config('statement_timeout', '5min', true);

-- name: lock
SELECT lock_reconciliation(%(list)s);
