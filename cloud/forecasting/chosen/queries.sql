-- name: item
SELECT c.canonical_id FROM item i JOIN canonical_item c ON c.item_id = i.item_id WHERE i.code = %(item)s;

-- name: site
SELECT s.site_id FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: add_choice
INSERT INTO series_choice (site_id, item_id, choice, note, chosen_by)
VALUES (%(site)s, %(item_id)s, %(choice)s, %(note)s, %(actor)s)
RETURNING choice_id;

-- name: choices
SELECT DISTINCT ON (c.canonical_id) c.canonical_id, x.choice
FROM series_choice x JOIN canonical_item c ON c.item_id = x.item_id
WHERE x.site_id = %(site)s
ORDER BY c.canonical_id, x.choice_id DESC;

-- name: models
SELECT x.item_id, x.name, x.standing, x.why, x.fits, x.evidence, x.judged_until
FROM (
    SELECT DISTINCT ON (m.item_id) m.item_id, m.name, m.standing, m.why, m.fits, m.evidence, m.judged_until
    FROM series_model m
    WHERE m.site_id = %(site)s
    ORDER BY m.item_id, m.series_model_id DESC) x
WHERE x.standing <> 'not_chosen'
ORDER BY x.item_id;

-- name: add_model
INSERT INTO series_model (site_id, item_id, run_id, name, standing, why, fits, evidence, judged_until, inputs_sha256,
    code_version, decided_by)
VALUES (%(site)s, %(item_id)s, %(run_id)s, %(name)s, %(standing)s, %(why)s, %(fits)s::jsonb, %(evidence)s::jsonb,
    %(judged_until)s, %(inputs_sha256)s, %(code_version)s, %(actor)s);

-- name: listed
SELECT m.series_model_id, s.site_id AS site, s.time_zone, i.code AS item, i.name AS item_name, i.item_id, m.run_id, m.name,
    m.standing, m.why, coalesce(m.fits -> -1 -> 'fitted', '{}') AS diagnosis, coalesce(m.evidence, '{}') AS evidence,
    m.judged_until, m.decided_at, coalesce(h.choice, 'by_value') AS choice, h.chosen_by, h.note
FROM site s
CROSS JOIN item i
LEFT JOIN LATERAL (
    SELECT x.* FROM series_model x
    WHERE x.site_id = s.site_id AND x.item_id = i.item_id
    ORDER BY x.series_model_id DESC LIMIT 1) m ON true
LEFT JOIN LATERAL (
    SELECT x.choice, x.chosen_by, x.note FROM series_choice x
    WHERE x.site_id = s.site_id AND x.item_id = i.item_id
    ORDER BY x.choice_id DESC LIMIT 1) h ON true
WHERE (s.site_id, i.item_id) IN (
        SELECT x.site_id, x.item_id FROM series_model x WHERE %(site)s::text IS NULL OR x.site_id = %(site)s
        UNION SELECT x.site_id, x.item_id FROM series_choice x WHERE %(site)s::text IS NULL OR x.site_id = %(site)s)
    AND (coalesce(h.choice, 'by_value') <> 'by_value' OR m.standing <> 'not_chosen')
    AND (%(item)s::text IS NULL OR i.code = %(item)s)
    AND (s.site_id, i.code) > (%(after_site)s::text, %(after_item)s::text)
ORDER BY s.site_id, i.code
LIMIT %(limit)s;

-- name: series
SELECT m.series_model_id, s.site_id AS site, s.time_zone, i.code AS item, i.name AS item_name, i.item_id, m.run_id, m.name,
    m.standing, m.why, coalesce(m.fits -> -1 -> 'fitted', '{}') AS diagnosis, coalesce(m.evidence, '{}') AS evidence,
    m.judged_until, m.decided_at, coalesce(h.choice, 'by_value') AS choice, h.chosen_by, h.note
FROM site s
CROSS JOIN item i
LEFT JOIN LATERAL (
    SELECT x.* FROM series_model x
    WHERE x.site_id = s.site_id AND x.item_id = i.item_id
    ORDER BY x.series_model_id DESC LIMIT 1) m ON true
LEFT JOIN LATERAL (
    SELECT x.choice, x.chosen_by, x.note FROM series_choice x
    WHERE x.site_id = s.site_id AND x.item_id = i.item_id
    ORDER BY x.choice_id DESC LIMIT 1) h ON true
WHERE s.site_id = %(site)s AND i.item_id = %(item_id)s AND sees_site(s.site_id);
