-- name: open_staging
SELECT open_demand_staging();

-- name: resolve
SELECT resolve_demand(%(makes_items)s, %(twice)s);

-- name: faults
SELECT f.n, f.field, f.message FROM demand_faults(%(now)s, %(most)s) f ORDER BY f.n, f.field;

-- name: store
SELECT s.added, s.corrected, s.superseded FROM store_demand(%(actor)s) s;

-- name: lock_source
SELECT pg_advisory_xact_lock(1685283700, hashtext(x.site || '/' || x.source))
FROM unnest(%(sites)s::text[], %(sources)s::text[]) AS x (site, source)
ORDER BY hashtext(x.site || '/' || x.source);

-- name: demand_days
SELECT d.item, d.item_id, d.day - %(from_day)s::date, d.quantity::double precision
FROM pub_demand_days(%(sites)s::text[], %(from_day)s::date, %(until_day)s::date) d
ORDER BY 1, 3;

-- name: censored_days
SELECT DISTINCT o.item_id, n - 1
FROM site_days(%(sites)s::text[], %(from_day)s::date, %(until_day)s::date) d
CROSS JOIN LATERAL pub_stockout_interval(ARRAY[d.site_id], d.begins[1], least(d.ends_at, now())) o
CROSS JOIN LATERAL generate_series(
    width_bucket(o.from_at, d.begins), width_bucket(o.until_at - INTERVAL '1 microsecond', d.begins)) n
ORDER BY 1, 2;
