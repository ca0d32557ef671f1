-- name: known_site
SELECT s.site_id AS site, s.country, s.region, s.time_zone
FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: put_region
UPDATE site SET country = %(country)s, region = %(region)s WHERE site_id = %(site)s AND sees_site(site_id);

-- name: known_item
SELECT i.item_id FROM item i WHERE i.code = %(item)s;

-- name: known_category
SELECT 1 FROM item i WHERE i.category = %(category)s LIMIT 1;

-- name: hold_reference
SELECT pg_advisory_xact_lock(hashtextextended(
    jsonb_build_array('event', %(site)s::text, %(source)s::text, %(reference)s::text)::text, 0));

-- name: number_of
SELECT e.event_id FROM event e WHERE e.site_id IS NOT DISTINCT FROM %(site)s::text AND e.source = %(source)s AND e.reference = %(reference)s
ORDER BY e.revision LIMIT 1;

-- name: add_event
INSERT INTO event (event_id, revision, site_id, item_id, category, from_day, to_day, kind, name, attributes, effect_prior,
    known_at, source, reference, is_withdrawn, reason, author)
VALUES (coalesce(%(event_id)s::bigint, nextval('event_number')), %(revision)s, %(site)s, %(item_id)s, %(category)s,
    %(from_day)s, %(to_day)s, %(kind)s, %(name)s, %(attributes)s::jsonb, %(effect_prior)s, %(known_at)s, %(source)s,
    %(reference)s, %(is_withdrawn)s, %(reason)s, %(author)s)
RETURNING event_id;

-- name: revisions
SELECT e.event_id, e.revision, e.site_id AS site, i.code AS item, e.item_id, e.category, e.from_day, e.to_day, e.kind, e.name,
    e.attributes, e.effect_prior, e.known_at, e.source, e.reference, e.is_withdrawn, e.reason, e.author, e.recorded_at
FROM event e LEFT JOIN item i ON i.item_id = e.item_id
WHERE e.event_id = %(event_id)s
ORDER BY e.revision DESC;

-- name: events
SELECT e.event_id, e.revision, e.site_id AS site, i.code AS item, e.item_id, e.category, e.from_day, e.to_day, e.kind, e.name,
    e.attributes, e.effect_prior, e.known_at, e.source, e.reference, e.is_withdrawn, e.reason, e.author, e.recorded_at
FROM event e LEFT JOIN item i ON i.item_id = e.item_id
WHERE NOT EXISTS (
        SELECT FROM event n
        WHERE n.event_id = e.event_id AND n.revision > e.revision
            AND (%(known_at)s::timestamptz IS NULL OR n.known_at <= %(known_at)s))
    AND (%(known_at)s::timestamptz IS NULL OR e.known_at <= %(known_at)s)
    AND (%(site)s::text IS NULL OR e.site_id IS NULL OR e.site_id = %(site)s)
    AND (%(item)s::text IS NULL OR (e.item_id IS NULL AND e.category IS NULL)
        OR EXISTS (SELECT FROM item x WHERE x.code = %(item)s AND (x.item_id = e.item_id OR x.category = e.category)))
    AND (%(kind)s::text IS NULL OR e.kind = %(kind)s)
    AND (%(from_day)s::date IS NULL OR e.to_day >= %(from_day)s)
    AND (%(to_day)s::date IS NULL OR e.from_day <= %(to_day)s)
    AND (%(withdrawn)s OR NOT e.is_withdrawn)
    AND e.event_id > %(after)s
ORDER BY e.event_id
LIMIT %(limit)s;

-- name: of_site
SELECT e.event_id, e.revision, e.site_id AS site, i.code AS item, e.item_id, e.category, e.from_day, e.to_day, e.kind, e.name,
    e.attributes, e.effect_prior, e.known_at, e.source, e.reference, e.is_withdrawn, e.reason, e.author, e.recorded_at
FROM event e LEFT JOIN item i ON i.item_id = e.item_id
WHERE (e.site_id IS NULL OR e.site_id = %(site)s)
    AND EXISTS (
        SELECT FROM event o
        WHERE o.event_id = e.event_id AND o.to_day >= %(from_day)s AND o.from_day <= %(to_day)s)
ORDER BY e.event_id, e.revision;

-- name: categories
SELECT i.item_id, i.category FROM item i WHERE i.item_id = ANY (%(item_ids)s::bigint[]) ORDER BY i.item_id;
