-- name: dock_to_stock
SELECT d.site, d.receipt, d.line, d.item, d.quantity, d.location, d.unit, d.partner, d.began_at, d.received_at,
    d.put_away_at
FROM dock_to_stock(%(sites)s::text[], %(from_at)s, %(until_at)s) d
ORDER BY d.received_at, d.site, d.receipt, d.line
LIMIT %(limit)s;
