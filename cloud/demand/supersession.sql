-- name: items
SELECT i.code, i.item_id, c.canonical_id FROM item i JOIN canonical_item c ON c.item_id = i.item_id
WHERE i.code = ANY (%(codes)s);

-- name: hold_site
SELECT pg_advisory_xact_lock(1685283701, hashtext(%(site)s));

-- name: in_force
SELECT s.supersession_id, s.site_id AS site, a.code AS from_item, b.code AS to_item, s.from_day, s.factor,
    s.decision_id, s.applied_at, s.applied_by, s.ended_at, s.ended_by
FROM supersession s
JOIN item a ON a.item_id = s.from_item
JOIN item b ON b.item_id = s.to_item
WHERE s.site_id = %(site)s AND s.ended_at IS NULL
ORDER BY s.supersession_id;

-- name: listed
SELECT s.supersession_id, s.site_id AS site, a.code AS from_item, b.code AS to_item, s.from_day, s.factor,
    s.decision_id, s.applied_at, s.applied_by, s.ended_at, s.ended_by
FROM supersession s
JOIN item a ON a.item_id = s.from_item
JOIN item b ON b.item_id = s.to_item
WHERE s.supersession_id > %(after)s AND (%(site)s::text IS NULL OR s.site_id = %(site)s)
ORDER BY s.supersession_id
LIMIT %(limit)s;

-- name: add
INSERT INTO supersession (site_id, from_item, to_item, from_day, factor, decision_id, applied_by)
SELECT %(site)s, a.item_id, b.item_id, %(from_day)s, %(factor)s, %(decision_id)s, %(actor)s
FROM item a, item b
WHERE a.code = %(from_item)s AND b.code = %(to_item)s
RETURNING supersession_id;

-- name: end
UPDATE supersession
SET ended_at = clock_timestamp(), ended_by = %(actor)s
WHERE decision_id = %(decision_id)s AND ended_at IS NULL
RETURNING supersession_id;

-- name: successions
SELECT a.canonical_id, b.canonical_id, i.code, s.from_day - %(from_day)s::date,
    -- The factor was said of the items as they were: each of them is so many units of what it reads as by now.
    (s.factor * b.numerator * a.denominator / (b.denominator * a.numerator))::double precision
FROM supersession s
JOIN canonical_item a ON a.item_id = s.from_item
JOIN canonical_item b ON b.item_id = s.to_item
JOIN item i ON i.item_id = b.canonical_id
WHERE s.site_id = %(site)s AND s.ended_at IS NULL AND s.from_day <= %(until_day)s
ORDER BY s.supersession_id;

-- name: sold
SELECT d.item, sum(d.quantity)
FROM pub_demand_days(ARRAY[%(site)s]::text[], %(from_day)s::date, %(until_day)s::date) d
WHERE d.item = ANY (%(codes)s)
GROUP BY d.item;
