-- name: open_staging
SELECT open_demand_staging();

-- name: resolve
SELECT resolve_demand(%(makes_items)s, %(twice)s);

-- name: faults
SELECT f.place, f.field, f.message FROM demand_faults(%(now)s, %(most)s) f ORDER BY f.place, f.field;

-- name: excesses
SELECT f.place, f.field, f.message FROM demand_excesses(%(most)s) f ORDER BY f.place;

-- name: store
SELECT s.added, s.corrected, s.superseded FROM store_demand(%(actor)s) s;

-- name: lock_source
SELECT pg_advisory_xact_lock(1685283700, hashtext(x.site || '/' || x.source))
FROM unnest(%(sites)s::text[], %(sources)s::text[]) AS x (site, source)
ORDER BY hashtext(x.site || '/' || x.source);

-- name: extent
SELECT e.site, e.item, e.first_day, e.last_day, e.days_with_demand, e.lines
FROM pub_demand_extent(%(sites)s::text[]) e
WHERE sees_site(e.site)
ORDER BY e.site, e.item;

-- name: demand_days
SELECT d.item, d.item_id, d.day - %(from_day)s::date, d.quantity::double precision
FROM pub_demand_days(%(sites)s::text[], %(from_day)s::date, %(until_day)s::date) d;

-- name: censored_days
SELECT DISTINCT o.item_id, n - 1
FROM site_days(%(sites)s::text[], %(from_day)s::date, %(until_day)s::date) d
CROSS JOIN LATERAL pub_stockout_interval(ARRAY[d.site_id], d.begins[1], least(d.ends_at, now())) o
CROSS JOIN LATERAL generate_series(
    width_bucket(o.from_at, d.begins), width_bucket(o.until_at - INTERVAL '1 microsecond', d.begins)) n
ORDER BY 1, 2;

-- name: lines
SELECT l.site_id AS site, l.source, l.document, l.line, l.revision, l.kind, i.code AS item, l.channel, l.requested_at,
    l.quantity, l.identifier_scheme, l.identifier, l.quantity_seen, l.of_document, l.of_line, l.recorded_at, l.recorded_by
FROM demand_line l
JOIN canonical_item c ON c.item_id = l.item_id
JOIN item i ON i.item_id = c.canonical_id
WHERE (l.site_id, l.source, l.document, l.line)
        > (%(after_site)s, %(after_source)s, %(after_document)s, %(after_line)s)
    AND (%(site)s::text IS NULL OR l.site_id = %(site)s)
    AND (%(source)s::text IS NULL OR l.source = %(source)s)
    AND (%(document)s::text IS NULL OR l.document = %(document)s)
    AND (%(item)s::text IS NULL OR i.code = %(item)s)
    AND (%(kind)s::text IS NULL OR l.kind = %(kind)s)
    AND (%(since)s::timestamptz IS NULL OR l.requested_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR l.requested_at < %(until)s)
ORDER BY l.site_id, l.source, l.document, l.line
LIMIT %(limit)s;

-- name: calendar
SELECT s.time_zone, s.business_day_start, s.week_start, s.opens_at, s.closes_at
FROM site s
WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: put_calendar
UPDATE site s
SET time_zone = %(time_zone)s, business_day_start = %(business_day_start)s, week_start = %(week_start)s,
    opens_at = %(opens_at)s, closes_at = %(closes_at)s
WHERE s.site_id = %(site)s AND now() AT TIME ZONE %(time_zone)s IS NOT NULL;
