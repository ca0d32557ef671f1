-- name: negative_stock
SELECT site, item, base_unit, place, lot, disposition, owner, quantity FROM negative_stock(%(most)s);

-- name: sites
SELECT s.site_id FROM site s ORDER BY s.site_id;
