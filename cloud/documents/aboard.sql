-- name: held_aboard
SELECT h.around, h.unit, NULL::text AS of_id, NULL::text AS of_line, h.item, h.lot, h.quantity
FROM held_aboard(%(site)s, %(units)s::text[]) h
ORDER BY h.around, h.unit, h.item, h.lot NULLS LAST;

-- name: under_way_aboard
SELECT w.around, w.unit, w.id AS of_id, w.line AS of_line, w.item, w.lot, w.quantity
FROM under_way_aboard(%(site)s, %(visit)s, %(units)s::text[]) w
ORDER BY w.around, w.unit, w.id, w.line, w.item, w.lot NULLS LAST;

-- name: units_moved_for
SELECT m.unit FROM units_moved_for(%(site)s, %(visit)s, %(units)s::text[], %(since)s) m ORDER BY m.unit;
