-- name: judged
SELECT x.place, l.kind, l.quantity, told.canonical_id, line_item.code, asked.canonical_id, asked.item_id, sent.canonical_id,
    sent.item_id, s.site_id IS NOT NULL
FROM unnest(%(places)s::bigint[], %(sites)s::text[], %(sources)s::text[], %(documents)s::text[], %(lines)s::text[],
    %(asked)s::text[], %(sent)s::text[]) AS x (place, site, source, document, line, asked, sent)
LEFT JOIN site s ON s.site_id = x.site AND sees_site(s.site_id)
LEFT JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (x.site, x.source, x.document, x.line)
LEFT JOIN canonical_item told ON told.item_id = l.item_id
LEFT JOIN item line_item ON line_item.item_id = told.canonical_id
LEFT JOIN item a ON a.code = x.asked
LEFT JOIN canonical_item asked ON asked.item_id = a.item_id
LEFT JOIN item b ON b.code = x.sent
LEFT JOIN canonical_item sent ON sent.item_id = b.item_id
ORDER BY x.place;

-- name: put
INSERT INTO demand_substitution AS s (site_id, source, document, line, asked_item_id, asked_quantity, sent_item_id,
    sent_quantity, sent_at, reason, recorded_by)
SELECT x.site, x.source, x.document, x.line, x.asked, x.asked_quantity, x.sent, x.sent_quantity, x.sent_at, x.reason,
    %(actor)s
FROM unnest(%(sites)s::text[], %(sources)s::text[], %(documents)s::text[], %(lines)s::text[], %(asked)s::bigint[],
    %(asked_quantities)s::numeric[], %(sent)s::bigint[], %(sent_quantities)s::numeric[], %(sent_ats)s::timestamptz[],
    %(reasons)s::text[])
    AS x (site, source, document, line, asked, asked_quantity, sent, sent_quantity, sent_at, reason)
ON CONFLICT (site_id, source, document, line, sent_item_id) DO UPDATE
SET asked_item_id = excluded.asked_item_id, asked_quantity = excluded.asked_quantity,
    sent_quantity = excluded.sent_quantity, sent_at = excluded.sent_at, reason = excluded.reason,
    recorded_at = clock_timestamp(), recorded_by = excluded.recorded_by
WHERE (s.asked_item_id, s.asked_quantity, s.sent_quantity, s.sent_at, s.reason) IS DISTINCT FROM
    (excluded.asked_item_id, excluded.asked_quantity, excluded.sent_quantity, excluded.sent_at, excluded.reason)
RETURNING s.site_id, s.source, s.document, s.line, (s.xmax = 0);

-- name: excesses
SELECT x.site_id, x.source, x.document, x.line, trim_scale(x.quantity), trim_scale(sum(x.part))
FROM (
    SELECT s.site_id, s.source, s.document, s.line, l.quantity * told.numerator / told.denominator AS quantity,
        CASE WHEN told.canonical_id = sent.canonical_id THEN s.sent_quantity * sent.numerator / sent.denominator
            ELSE s.asked_quantity * asked.numerator / asked.denominator END AS part
    FROM demand_substitution s
    JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (s.site_id, s.source, s.document, s.line)
    JOIN canonical_item told ON told.item_id = l.item_id
    JOIN canonical_item asked ON asked.item_id = s.asked_item_id
    JOIN canonical_item sent ON sent.item_id = s.sent_item_id
    WHERE (s.site_id, s.source, s.document, s.line) IN (
        SELECT g.site, g.source, g.document, g.line
        FROM unnest(%(sites)s::text[], %(sources)s::text[], %(documents)s::text[], %(lines)s::text[])
            AS g (site, source, document, line))) x
GROUP BY x.site_id, x.source, x.document, x.line, x.quantity
HAVING sum(x.part) > x.quantity
ORDER BY x.site_id, x.source, x.document, x.line;

-- name: substitutions
SELECT s.site_id AS site, s.source, s.document, s.line, a.code AS asked, s.asked_quantity, b.code AS sent, s.sent_quantity,
    s.sent_at, s.reason, s.recorded_at, s.recorded_by
FROM demand_substitution s
JOIN canonical_item ca ON ca.item_id = s.asked_item_id
JOIN item a ON a.item_id = ca.canonical_id
JOIN canonical_item cb ON cb.item_id = s.sent_item_id
JOIN item b ON b.item_id = cb.canonical_id
WHERE (s.site_id, s.source, s.document, s.line, b.code)
        > (%(after_site)s, %(after_source)s, %(after_document)s, %(after_line)s, %(after_sent)s)
    AND (%(site)s::text IS NULL OR s.site_id = %(site)s)
    AND (%(item)s::text IS NULL OR %(item)s IN (a.code, b.code))
ORDER BY s.site_id, s.source, s.document, s.line, b.code
LIMIT %(limit)s;

-- name: feedback
SELECT f.item, f.asked, f.short, f.sent_instead, f.stood_in, f.has_left AS "left"
FROM pub_demand_feedback(%(site)s, %(from_at)s, %(until_at)s) f;

-- name: left_days
SELECT d.item, d.item_id, d.day - %(from_day)s::date, d.quantity::double precision
FROM pub_demand_days(%(sites)s::text[], %(from_day)s::date, %(until_day)s::date, true) d;
