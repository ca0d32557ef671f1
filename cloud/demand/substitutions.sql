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
SELECT s.site_id, s.source, s.document, s.line, trim_scale(l.quantity),
    trim_scale(sum(CASE WHEN told.canonical_id = sent.canonical_id THEN s.sent_quantity ELSE s.asked_quantity END))
FROM demand_substitution s
JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (s.site_id, s.source, s.document, s.line)
JOIN canonical_item told ON told.item_id = l.item_id
JOIN canonical_item sent ON sent.item_id = s.sent_item_id
WHERE (s.site_id, s.source, s.document, s.line) IN (
    SELECT x.site, x.source, x.document, x.line
    FROM unnest(%(sites)s::text[], %(sources)s::text[], %(documents)s::text[], %(lines)s::text[])
        AS x (site, source, document, line))
GROUP BY s.site_id, s.source, s.document, s.line, l.quantity
HAVING sum(CASE WHEN told.canonical_id = sent.canonical_id THEN s.sent_quantity ELSE s.asked_quantity END) > l.quantity
ORDER BY s.site_id, s.source, s.document, s.line;

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
WITH requested AS (
    SELECT c.canonical_id AS item_id, l.site_id, l.source, l.document, l.line, l.quantity
    FROM demand_line l
    JOIN canonical_item c ON c.item_id = l.item_id
    WHERE l.site_id = %(site)s AND l.kind = 'requested' AND l.requested_at >= %(from_at)s AND l.requested_at < %(until_at)s
), short AS (
    SELECT c.canonical_id AS item_id, sum(o.quantity) AS quantity
    FROM pub_outbound_lines(ARRAY[%(site)s], %(from_at)s, '', %(until_at)s, NULL) o
    JOIN item i ON i.code = o.item
    JOIN canonical_item c ON c.item_id = i.item_id
    JOIN demand_source d ON d.site_id = %(site)s AND d.kind = 'orders'
    JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (%(site)s, d.name, o.document, o.line)
    WHERE o.short_at IS NOT NULL
    GROUP BY c.canonical_id
), told AS (
    SELECT ca.canonical_id AS asked_id, cb.canonical_id AS sent_id, s.asked_quantity, s.sent_quantity,
        r.item_id = cb.canonical_id AS is_as_sent
    FROM demand_substitution s
    JOIN requested r USING (site_id, source, document, line)
    JOIN canonical_item ca ON ca.item_id = s.asked_item_id
    JOIN canonical_item cb ON cb.item_id = s.sent_item_id
    WHERE s.sent_quantity > 0
), change AS (
    SELECT r.item_id, sum(r.quantity) AS lines_say, 0::numeric AS short, 0::numeric AS sent_instead, 0::numeric AS stood_in,
        0::numeric AS moved
    FROM requested r GROUP BY r.item_id
    UNION ALL
    SELECT h.item_id, 0, h.quantity, 0, 0, 0 FROM short h
    UNION ALL
    SELECT t.asked_id, 0, 0, t.asked_quantity, 0, CASE WHEN t.is_as_sent THEN t.asked_quantity ELSE 0 END FROM told t
    UNION ALL
    SELECT t.sent_id, 0, 0, 0, t.sent_quantity, CASE WHEN t.is_as_sent THEN -t.sent_quantity ELSE 0 END FROM told t
)
SELECT i.code AS item, sum(c.lines_say) + sum(c.moved) AS asked, sum(c.short) AS short, sum(c.sent_instead) AS sent_instead,
    sum(c.stood_in) AS stood_in
FROM change c
JOIN item i ON i.item_id = c.item_id
GROUP BY i.code
HAVING sum(c.short) > 0 OR sum(c.sent_instead) > 0 OR sum(c.stood_in) > 0
ORDER BY sum(c.short) + sum(c.sent_instead) + sum(c.stood_in) DESC, i.code;

-- name: left_days
WITH changed AS (
    SELECT c.canonical_id AS item_id, l.requested_at AS at, -o.quantity AS quantity
    FROM site_days(ARRAY[%(site)s], %(from_day)s::date, %(until_day)s::date) w
    CROSS JOIN LATERAL pub_outbound_lines(ARRAY[%(site)s], w.begins[1] - INTERVAL '1 day', '', w.ends_at + INTERVAL '1 day',
        NULL) o
    JOIN demand_source d ON d.site_id = %(site)s AND d.kind = 'orders'
    JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (%(site)s, d.name, o.document, o.line)
    JOIN canonical_item c ON c.item_id = l.item_id
    WHERE o.short_at IS NOT NULL
    UNION ALL
    SELECT c.canonical_id, l.requested_at, x.quantity
    FROM demand_substitution s
    JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (s.site_id, s.source, s.document, s.line)
    CROSS JOIN LATERAL (VALUES (s.asked_item_id, -s.asked_quantity), (s.sent_item_id, s.sent_quantity)) x (item_id, quantity)
    JOIN canonical_item c ON c.item_id = x.item_id
    WHERE s.site_id = %(site)s AND s.sent_quantity > 0
)
SELECT h.item_id, width_bucket(h.at, d.begins) - 1, sum(h.quantity)::double precision
FROM site_days(ARRAY[%(site)s], %(from_day)s::date, %(until_day)s::date) d
JOIN changed h ON h.at >= d.begins[1] AND h.at < d.ends_at
GROUP BY 1, 2
ORDER BY 1, 2;
