-- name: items_of_codes
SELECT i.code, i.item_id FROM item i WHERE i.code = ANY (%(codes)s::text[]);

-- name: currencies_of_sites
SELECT s.site_id, s.currency FROM site s WHERE s.site_id = ANY (%(sites)s::text[]);

-- name: standard_costs_there
SELECT k.item_id, k.site_id, k.valid_from, k.cost, k.currency
FROM unnest(%(items)s::bigint[], %(sites)s::text[], %(from_at)s::timestamptz[]) a (item_id, site_id, valid_from)
JOIN item_cost k ON k.item_id = a.item_id AND k.site_id = a.site_id AND k.valid_from = a.valid_from;

-- name: purchase_costs_there
SELECT k.item_id, k.site_id, k.valid_from, k.cost, k.currency
FROM unnest(%(items)s::bigint[], %(sites)s::text[], %(from_at)s::timestamptz[]) a (item_id, site_id, valid_from)
JOIN purchase_cost k ON k.item_id = a.item_id AND k.site_id = a.site_id AND k.valid_from = a.valid_from;

-- name: add_standard_costs
INSERT INTO item_cost (item_id, site_id, valid_from, cost, currency)
SELECT a.item_id, a.site_id, a.valid_from, a.cost, a.currency
FROM unnest(%(items)s::bigint[], %(sites)s::text[], %(from_at)s::timestamptz[], %(costs)s::numeric[], %(currencies)s::text[])
    a (item_id, site_id, valid_from, cost, currency)
ORDER BY a.item_id, a.site_id, a.valid_from
ON CONFLICT (item_id, site_id, valid_from) DO NOTHING;

-- name: add_purchase_costs
INSERT INTO purchase_cost (item_id, site_id, valid_from, cost, currency)
SELECT a.item_id, a.site_id, a.valid_from, a.cost, a.currency
FROM unnest(%(items)s::bigint[], %(sites)s::text[], %(from_at)s::timestamptz[], %(costs)s::numeric[], %(currencies)s::text[])
    a (item_id, site_id, valid_from, cost, currency)
ORDER BY a.item_id, a.site_id, a.valid_from
ON CONFLICT (item_id, site_id, valid_from) DO NOTHING;

-- name: standard_costs
SELECT i.code AS item, k.site_id AS site, k.valid_from, k.cost, k.currency, nullif(k.recorded_at, '-infinity') AS recorded_at
FROM item_cost k JOIN item i ON i.item_id = k.item_id
WHERE sees_site(k.site_id) AND (%(site)s::text IS NULL OR k.site_id = %(site)s)
    AND (%(item)s::text IS NULL OR i.code = %(item)s)
    AND (i.code, k.site_id, k.valid_from) > (%(after_item)s, %(after_site)s, %(after_at)s::timestamptz)
ORDER BY i.code, k.site_id, k.valid_from
LIMIT %(limit)s;

-- name: purchase_costs
SELECT i.code AS item, k.site_id AS site, k.valid_from, k.cost, k.currency, k.recorded_at
FROM purchase_cost k JOIN item i ON i.item_id = k.item_id
WHERE sees_site(k.site_id) AND (%(site)s::text IS NULL OR k.site_id = %(site)s)
    AND (%(item)s::text IS NULL OR i.code = %(item)s)
    AND (i.code, k.site_id, k.valid_from) > (%(after_item)s, %(after_site)s, %(after_at)s::timestamptz)
ORDER BY i.code, k.site_id, k.valid_from
LIMIT %(limit)s;

-- name: audit_cost
SELECT record_audit(%(actor)s, %(action)s, %(target)s, %(site)s, NULL, %(detail)s::jsonb);

-- name: rates_there
SELECT r.from_currency, r.to_currency, r.valid_from, r.rate
FROM unnest(%(froms)s::text[], %(tos)s::text[], %(days)s::date[]) a (from_currency, to_currency, valid_from)
JOIN exchange_rate r USING (from_currency, to_currency, valid_from);

-- name: add_rates
INSERT INTO exchange_rate (from_currency, to_currency, valid_from, rate, source)
SELECT a.from_currency, a.to_currency, a.valid_from, a.rate, a.source
FROM unnest(%(froms)s::text[], %(tos)s::text[], %(days)s::date[], %(rates)s::numeric[], %(sources)s::text[])
    a (from_currency, to_currency, valid_from, rate, source)
ORDER BY 1, 2, 3
ON CONFLICT (from_currency, to_currency, valid_from) DO NOTHING;

-- name: rates
SELECT r.from_currency, r.to_currency, r.valid_from, r.rate, r.source, r.recorded_at
FROM exchange_rate r
WHERE (%(currency)s::text IS NULL OR %(currency)s IN (r.from_currency, r.to_currency))
    AND (r.from_currency, r.to_currency, r.valid_from) > (%(after_from)s, %(after_to)s, %(after_day)s::date)
ORDER BY r.from_currency, r.to_currency, r.valid_from
LIMIT %(limit)s;
