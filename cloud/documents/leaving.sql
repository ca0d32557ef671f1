-- name: recalled_lots
SELECT x.nth, min(r.recall_id) AS recall_id
FROM unnest(%(items)s::bigint[], %(lots)s::text[]) WITH ORDINALITY x (item_id, lot, nth)
JOIN canonical_item n ON n.item_id = x.item_id
JOIN recall_lot l ON l.lot = x.lot
JOIN canonical_item k ON k.item_id = l.item_id AND k.canonical_id = n.canonical_id
JOIN recall r ON r.recall_id = l.recall_id AND r.ended_at IS NULL AND (r.with_possible OR NOT l.is_possible)
LEFT JOIN recall_site s ON s.recall_id = r.recall_id AND s.site_id = %(site)s
LEFT JOIN decision d ON d.decision_id = s.decision_id
WHERE coalesce(d.state, 'submitted') NOT IN ('rejected', 'reversed')
GROUP BY x.nth
ORDER BY x.nth;

-- name: expired_lots
SELECT x.nth, t.expires_on
FROM unnest(%(items)s::bigint[], %(lots)s::text[]) WITH ORDINALITY x (item_id, lot, nth)
JOIN canonical_item n ON n.item_id = x.item_id
JOIN lot t ON t.item_id = n.canonical_id AND t.lot = x.lot
JOIN site z ON z.site_id = %(site)s
WHERE t.expires_on <= (%(at)s::timestamptz AT TIME ZONE z.time_zone)::date
ORDER BY x.nth;

-- name: held_in_units
SELECT h.unit, h.item_id, h.item, h.lot, h.disposition FROM held_in_units(%(units)s::text[]) h;
