-- name: site
SELECT s.site_id FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: same_mask
SELECT m.mask_id, m.site_id AS site, i.code AS item, m.from_day, m.until_day, m.kind, m.reason, m.recorded_at,
    m.recorded_by, m.withdrawn_at, m.withdrawn_by, m.withdrawn_because
FROM demand_mask m
LEFT JOIN item i ON i.item_id = m.item_id
WHERE m.site_id = %(site)s AND i.code IS NOT DISTINCT FROM %(item)s AND m.from_day = %(from_day)s
    AND m.until_day = %(until_day)s AND m.kind = %(kind)s AND m.withdrawn_at IS NULL
ORDER BY m.mask_id
LIMIT 1;

-- name: add_mask
INSERT INTO demand_mask (site_id, item_id, from_day, until_day, kind, reason, recorded_by)
SELECT %(site)s, i.item_id, %(from_day)s, %(until_day)s, %(kind)s, %(reason)s, %(actor)s
FROM (SELECT 1) one
LEFT JOIN item i ON i.code = %(item)s
WHERE %(item)s::text IS NULL OR i.item_id IS NOT NULL;

-- name: withdraw_mask
UPDATE demand_mask m
SET withdrawn_at = clock_timestamp(), withdrawn_by = %(actor)s, withdrawn_because = %(reason)s
WHERE m.mask_id = %(mask_id)s AND m.withdrawn_at IS NULL;

-- name: mask
SELECT m.mask_id, m.site_id AS site, i.code AS item, m.from_day, m.until_day, m.kind, m.reason, m.recorded_at,
    m.recorded_by, m.withdrawn_at, m.withdrawn_by, m.withdrawn_because
FROM demand_mask m
LEFT JOIN item i ON i.item_id = m.item_id
WHERE m.mask_id = %(mask_id)s;

-- name: masks
SELECT m.mask_id, m.site_id AS site, i.code AS item, m.from_day, m.until_day, m.kind, m.reason, m.recorded_at,
    m.recorded_by, m.withdrawn_at, m.withdrawn_by, m.withdrawn_because
FROM demand_mask m
LEFT JOIN item i ON i.item_id = m.item_id
WHERE m.mask_id > %(after)s
    AND (%(site)s::text IS NULL OR m.site_id = %(site)s)
    AND (%(item)s::text IS NULL OR m.item_id IS NULL OR i.code = %(item)s)
ORDER BY m.mask_id
LIMIT %(limit)s;

-- name: in_force
SELECT m.mask_id, m.site_id AS site, i.code AS item, m.from_day, m.until_day, m.kind, m.reason, m.recorded_at,
    m.recorded_by, m.withdrawn_at, m.withdrawn_by, m.withdrawn_because
FROM demand_mask m
LEFT JOIN item i ON i.item_id = m.item_id
WHERE m.site_id = %(site)s AND m.withdrawn_at IS NULL
ORDER BY m.until_day DESC, m.mask_id DESC
LIMIT %(limit)s;

-- name: masked_days
SELECT c.canonical_id, greatest(m.from_day, %(from_day)s::date) - %(from_day)s::date,
    least(m.until_day, %(until_day)s::date) - %(from_day)s::date, m.kind, m.reason
FROM demand_mask m
LEFT JOIN canonical_item c ON c.item_id = m.item_id
WHERE m.site_id = %(site)s AND m.withdrawn_at IS NULL
    AND m.from_day <= %(until_day)s AND m.until_day >= %(from_day)s
ORDER BY m.mask_id;
