-- name: put_supplier
INSERT INTO supplier AS s (supplier, name, currency, working_days, order_days, own_site, updated_by)
VALUES (%(supplier)s, %(name)s, %(currency)s, %(working_days)s::integer[], %(order_days)s::integer[], %(own_site)s, %(actor)s)
ON CONFLICT (supplier) DO UPDATE
SET name = excluded.name, currency = excluded.currency, working_days = excluded.working_days,
    order_days = excluded.order_days, own_site = excluded.own_site, updated_by = excluded.updated_by, updated_at = clock_timestamp()
WHERE (s.name, s.currency, s.working_days, s.order_days, s.own_site) IS DISTINCT FROM
    (excluded.name, excluded.currency, excluded.working_days, excluded.order_days, excluded.own_site);

-- name: other_of_site
SELECT s.supplier FROM supplier s WHERE s.own_site = %(own_site)s AND s.supplier <> %(supplier)s;

-- name: suppliers
SELECT s.supplier, s.name, s.currency, s.working_days, s.order_days, s.own_site, s.updated_at, s.updated_by,
    (SELECT count(*) FROM supplier_item t WHERE t.supplier = s.supplier) AS items
FROM supplier s
WHERE s.supplier > %(after)s AND (%(supplier)s::text IS NULL OR s.supplier = %(supplier)s)
ORDER BY s.supplier
LIMIT %(limit)s;

-- name: item_ids
SELECT i.code, c.canonical_id
FROM item i JOIN canonical_item c ON c.item_id = i.item_id
WHERE i.code = ANY (%(codes)s::text[]);

-- name: known_sites
SELECT s.site_id FROM site s WHERE s.site_id = ANY (%(sites)s::text[]);

-- name: other_preferred
SELECT t.supplier FROM supplier_item t
WHERE t.item_id = %(item_id)s AND t.site_id IS NOT DISTINCT FROM %(site)s AND t.is_preferred
    AND t.supplier <> %(supplier)s;

-- name: put_supplier_item
INSERT INTO supplier_item AS t (supplier, item_id, site_id, code, pack, min_order, multiple, price, lead_time_days,
    lead_time_basis, is_preferred, updated_by)
VALUES (%(supplier)s, %(item_id)s, %(site)s, %(code)s, %(pack)s, %(min_order)s, %(multiple)s, %(price)s,
    %(lead_time_days)s, %(lead_time_basis)s, %(is_preferred)s, %(actor)s)
ON CONFLICT (supplier, item_id, site_id) DO UPDATE
SET code = excluded.code, pack = excluded.pack, min_order = excluded.min_order, multiple = excluded.multiple,
    price = excluded.price, lead_time_days = excluded.lead_time_days, lead_time_basis = excluded.lead_time_basis,
    is_preferred = excluded.is_preferred, updated_by = excluded.updated_by, updated_at = clock_timestamp()
WHERE (t.code, t.pack, t.min_order, t.multiple, t.price, t.lead_time_days, t.lead_time_basis, t.is_preferred)
    IS DISTINCT FROM (excluded.code, excluded.pack, excluded.min_order, excluded.multiple, excluded.price,
        excluded.lead_time_days, excluded.lead_time_basis, excluded.is_preferred);

-- name: supplier_items
SELECT t.supplier_item_id AS number, t.supplier, i.code AS item, i.name AS item_name, t.site_id AS site, t.code, t.pack,
    t.min_order, t.multiple, t.price, s.currency, t.lead_time_days, t.lead_time_basis, t.is_preferred, t.updated_at,
    t.updated_by
FROM supplier_item t
JOIN item i ON i.item_id = t.item_id
JOIN supplier s ON s.supplier = t.supplier
WHERE t.supplier = %(supplier)s AND t.supplier_item_id > %(after)s
    AND (t.site_id IS NULL OR sees_site(t.site_id))
ORDER BY t.supplier_item_id
LIMIT %(limit)s;

-- name: lock_terms
SELECT pg_advisory_xact_lock(hashtextextended('terms of suppliers', 0));

-- name: items_concerned
SELECT c.canonical_id
FROM supplier_item t JOIN canonical_item c ON c.item_id = t.item_id
WHERE t.supplier = ANY (%(suppliers)s::text[])
UNION
SELECT c.canonical_id
FROM item i JOIN canonical_item c ON c.item_id = i.item_id
WHERE i.code = ANY (%(codes)s::text[]);

-- name: circles
SELECT c.item, c.way FROM pub_supply_circles(%(items)s::bigint[]) c;

-- name: audit
SELECT record_audit(%(actor)s, %(action)s, %(target)s, %(site)s, NULL, %(detail)s::jsonb);
