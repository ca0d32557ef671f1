-- name: items_with_shelf_life
SELECT i.code, i.item_id, i.shelf_life_days FROM item i WHERE i.code = ANY (%(codes)s::text[]) ORDER BY i.code FOR UPDATE;

-- name: shelf_life_now
SELECT i.shelf_life_days FROM item i WHERE i.code = %(item)s;

-- name: set_shelf_lives
UPDATE item i SET shelf_life_days = x.days
FROM unnest(%(items)s::bigint[], %(days)s::integer[]) AS x (item_id, days)
WHERE i.item_id = x.item_id;

-- name: infer_expiries
UPDATE lot t SET expires_on = t.produced_on + i.shelf_life_days, stated_at = clock_timestamp()
FROM item i
WHERE i.item_id = t.item_id AND t.item_id = ANY (%(items)s::bigint[]) AND NOT t.is_expiry_stated
    AND t.label_expires_on IS NULL AND t.expires_on IS DISTINCT FROM t.produced_on + i.shelf_life_days;

-- name: audit_shelf_life
SELECT record_audit(%(actor)s, 'shelf_life_set', x.target, NULL, NULL, x.detail)
FROM unnest(%(targets)s::text[], %(details)s::jsonb[]) x (target, detail);
