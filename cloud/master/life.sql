-- name: items_for_life
SELECT i.code, i.item_id FROM item i WHERE i.code = ANY (%(codes)s::text[]) ORDER BY i.code FOR UPDATE;

-- name: lives_now
SELECT DISTINCT ON (l.item_id) l.item_id, l.minimum_days FROM item_life l
WHERE l.item_id = ANY (%(items)s::bigint[])
ORDER BY l.item_id, l.life_id DESC;

-- name: life_now
SELECT l.minimum_days FROM item i JOIN item_life l ON l.item_id = i.item_id WHERE i.code = %(item)s
ORDER BY l.life_id DESC LIMIT 1;

-- name: add_lives
INSERT INTO item_life (item_id, minimum_days, set_by)
SELECT x.item_id, x.days, %(actor)s FROM unnest(%(items)s::bigint[], %(days)s::integer[]) x (item_id, days)
ORDER BY x.item_id;

-- name: audit_life
SELECT record_audit(%(actor)s, 'minimum_life_set', x.target, NULL, NULL, x.detail)
FROM unnest(%(targets)s::text[], %(details)s::jsonb[]) x (target, detail);
