-- Recipes are the network's; transformations show themselves by sees_site(), which reads the sites that act_as() named.

-- name: recipes
SELECT r.code, r.version, r.kind, r.valid_from, least(r.valid_until, later.valid_from) AS valid_until, r.stated_at, r.stated_by
FROM recipe r
LEFT JOIN recipe later ON (later.code, later.version) = (r.code, r.version + 1)
WHERE (%(code)s::text IS NULL OR r.code = %(code)s)
    AND (%(version)s::integer IS NULL OR r.version = %(version)s)
    AND (%(item)s::text IS NULL OR EXISTS (
        SELECT FROM recipe_line l JOIN canonical_item n ON n.item_id = l.item_id JOIN item i ON i.item_id = n.canonical_id
        WHERE (l.code, l.version) = (r.code, r.version) AND i.code = %(item)s))
    AND (r.code, r.version) > (%(after_code)s, %(after_version)s::integer)
ORDER BY r.code, r.version
LIMIT %(limit)s;

-- name: lines
SELECT l.code, l.version, l.is_input, i.code, i.name, i.base_unit,
    round(l.quantity * n.numerator / n.denominator, 6), l.cost_share
FROM unnest(%(codes)s::text[], %(versions)s::integer[]) a (code, version)
JOIN recipe_line l ON (l.code, l.version) = (a.code, a.version)
JOIN canonical_item n ON n.item_id = l.item_id
JOIN item i ON i.item_id = n.canonical_id
ORDER BY l.code, l.version, l.is_input DESC, l.ordinal;

-- name: lock_recipe
SELECT pg_advisory_xact_lock(hashtextextended('recipe/' || %(code)s, 0));

-- name: items_of_codes
SELECT i.code, i.item_id FROM item i WHERE i.code = ANY (%(codes)s::text[]);

-- name: add_recipe
INSERT INTO recipe (code, version, kind, valid_from, valid_until, stated_by)
VALUES (%(code)s, %(version)s, %(kind)s, %(valid_from)s, %(valid_until)s, %(actor)s);

-- name: add_lines
INSERT INTO recipe_line (code, version, is_input, ordinal, item_id, quantity, cost_share)
SELECT %(code)s, %(version)s, a.is_input, a.ordinal, a.item_id, a.quantity, a.cost_share
FROM unnest(%(sides)s::boolean[], %(ordinals)s::integer[], %(items)s::bigint[], %(quantities)s::numeric[],
    %(shares)s::numeric[]) a (is_input, ordinal, item_id, quantity, cost_share);

-- name: version_at
SELECT r.version FROM recipe r
WHERE r.code = %(code)s AND r.valid_from <= %(at)s AND (r.valid_until IS NULL OR r.valid_until > %(at)s)
    AND NOT EXISTS (SELECT FROM recipe x WHERE x.code = r.code AND x.version > r.version AND x.valid_from <= %(at)s)
ORDER BY r.version DESC LIMIT 1;

-- name: recipe_of
SELECT r.code, r.version, r.times, r.is_stated FROM recipe_of(%(site)s, %(type)s, %(id)s) r WHERE r.code IS NOT NULL;

-- name: lock_transformation
SELECT pg_advisory_xact_lock(hashtextextended('transformation/' || %(site)s || '/' || %(type)s || '/' || %(id)s, 0));

-- name: plans
SELECT t.revision, t.recipe, t.version, t.times FROM transformation t
WHERE (t.site_id, t.type, t.id) = (%(site)s, %(type)s, %(id)s) ORDER BY t.revision DESC LIMIT 1;

-- name: add_plan
INSERT INTO transformation (site_id, type, id, revision, recipe, version, times, stated_by)
VALUES (%(site)s, %(type)s, %(id)s, %(revision)s, %(recipe)s, %(version)s, %(times)s, %(actor)s);

-- name: sheet
SELECT * FROM read_transformation(%(site)s, %(type)s, %(id)s);

-- name: transformations
SELECT * FROM read_transformations(%(site)s, %(from_at)s::timestamptz, %(until_at)s::timestamptz, %(after_type)s,
    %(after_id)s, %(limit)s);

-- name: unreversed
SELECT u.gateway, u.epoch, u.seq FROM unreversed_of_transformation(%(site)s, %(type)s, %(id)s) u;

-- name: currency
SELECT book_currency(%(site)s), currency_digits(book_currency(%(site)s)), s.time_zone FROM site s
WHERE s.site_id = %(site)s AND sees_site(s.site_id);
