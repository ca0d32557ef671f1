-- name: site_exists
SELECT s.site_id FROM site s WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: lock_templates
SELECT pg_advisory_xact_lock(1818321260, hashtext(%(site)s));

-- name: templates
SELECT DISTINCT ON (t.name) t.site_id AS site, t.name, t.version, t.kind, t.dots_per_mm, t.zpl, t.reason, t.set_by, t.set_at
FROM label_template t
WHERE t.site_id = %(site)s AND (%(name)s::text IS NULL OR t.name = %(name)s)
ORDER BY t.name, t.version DESC;

-- name: versions
SELECT t.site_id AS site, t.name, t.version, t.kind, t.dots_per_mm, t.zpl, t.reason, t.set_by, t.set_at
FROM label_template t
WHERE t.site_id = %(site)s AND t.name = %(name)s AND t.version < %(before)s
ORDER BY t.version DESC
LIMIT %(limit)s;

-- name: add_template
INSERT INTO label_template (site_id, name, version, kind, dots_per_mm, zpl, reason, set_by)
VALUES (%(site)s, %(name)s, %(version)s, %(kind)s, %(dots_per_mm)s, %(zpl)s, %(reason)s, %(actor)s);

-- name: audit
SELECT record_audit(%(actor)s, %(action)s, %(target)s, %(site)s, NULL, %(detail)s::jsonb);

-- name: add_print
INSERT INTO label_print (site_id, kind, template, version, subject, copies, way, reason, printed_by)
VALUES (%(site)s, %(kind)s, %(template)s, %(version)s, %(subject)s, %(copies)s, %(way)s, %(reason)s, %(actor)s);

-- name: printed_before
SELECT 1 FROM label_print p WHERE p.subject = %(subject)s AND p.kind = 'sscc'
UNION ALL
SELECT 1 FROM workflow_event w
WHERE w.workflow = 'label' AND w.site_id = %(site)s AND w.detail ->> 'subject' = %(subject)s
LIMIT 1;

-- name: prints
SELECT p.key, p.site, p.printed_at, p.kind, p.subject, p.copies, p.way, p.printer, p.is_reprint, p.reason, p.printed_by,
    p.gateway
FROM read_label_prints(%(site)s, %(before_at)s, %(before_key)s, %(limit)s) p;

-- name: reserve
SELECT g.name AS gateway, b.site_id AS site, b.block_id, b.company_prefix, b.extension_digit, b.first_serial, b.last_serial,
    b.reserved_at, b.reserved_by
FROM reserve_sscc_block(%(gateway)s, %(shelf)s, %(size)s, %(actor)s) b JOIN gateway g ON g.gateway_id = b.gateway_id
ORDER BY b.block_id;

-- name: blocks
SELECT g.name AS gateway, b.site_id AS site, b.block_id, b.company_prefix, b.extension_digit, b.first_serial, b.last_serial,
    b.reserved_at, b.reserved_by
FROM sscc_block b JOIN gateway g ON g.gateway_id = b.gateway_id
WHERE b.site_id = %(site)s AND (%(gateway)s::text IS NULL OR g.name = %(gateway)s) AND b.block_id < %(before)s
    AND (%(shelf)s::bigint IS NULL OR b.shelf = %(shelf)s)
ORDER BY b.block_id DESC
LIMIT %(limit)s;

-- name: series
SELECT s.company_prefix, s.extension_digit, s.next_serial FROM sscc_series s WHERE s.site_id = %(site)s;

-- name: printing_gateways
SELECT p.gateway, p.site, p.shelf, p.sscc_left, p.revision, p.sent_revision, p.last_shelf FROM printing_gateway p
WHERE p.site = coalesce(%(site)s, p.site) AND p.gateway = coalesce(%(gateway)s, p.gateway) AND sees_site(p.site)
ORDER BY p.gateway;

-- name: gateway_site
SELECT g.site_id FROM gateway g
WHERE g.name = %(gateway)s AND g.kind = 'edge' AND sees_site(g.site_id) AND g.state IN ('active', 'paused');

-- name: lock_reference
SELECT pg_advisory_xact_lock(1919247973, g.gateway_id) FROM gateway g WHERE g.name = %(gateway)s;

-- name: last_reference
SELECT greatest(
    (SELECT coalesce(max(m.revision), 0) FROM gateway_message m JOIN gateway g ON g.gateway_id = m.gateway_id
        WHERE g.name = %(gateway)s AND m.channel = 'reference'),
    (SELECT coalesce(max(count_said(s.health, 'reference_revision')), 0)
        FROM gateway_status s JOIN gateway g ON g.gateway_id = s.gateway_id WHERE g.name = %(gateway)s));

-- name: send_reference
INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)
SELECT g.gateway_id, 'reference', %(revision)s, %(payload)s::jsonb, %(actor)s
FROM gateway g WHERE g.name = %(gateway)s;

-- name: items
SELECT i.code, coalesce(i.name, '') AS name, i.base_unit,
    (SELECT d.value FROM identifier d WHERE d.item_id = i.item_id AND d.scheme = 'gtin' AND d.numerator = d.denominator
        ORDER BY d.valid_from DESC, d.value LIMIT 1) AS gtin
FROM item i
WHERE NOT i.is_provisional AND (i.code ILIKE %(wanted)s OR i.name ILIKE %(wanted)s)
ORDER BY i.code
LIMIT %(limit)s;

-- name: sites_of_gateways
SELECT DISTINCT g.site_id FROM gateway g
WHERE g.kind = 'edge' AND g.state IN ('active', 'paused') AND sees_site(g.site_id) ORDER BY g.site_id;

-- Gateways of a site whose last reference data was of other recipes or plans.
-- name: not_told
SELECT g.site_id AS site, g.name AS gateway, p.shelf
FROM gateway g
LEFT JOIN printing_gateway p ON p.gateway_id = g.gateway_id
LEFT JOIN LATERAL (
    SELECT m.payload ->> 'recipes_sha256' AS sha256 FROM gateway_message m
    WHERE m.gateway_id = g.gateway_id AND m.channel = 'reference'
    ORDER BY m.revision DESC, m.message_id DESC LIMIT 1) said ON true
WHERE g.site_id = %(site)s AND g.kind = 'edge' AND g.state IN ('active', 'paused')
    AND said.sha256 IS DISTINCT FROM %(sha256)s::text
ORDER BY g.name;

-- name: sites_of_doors
SELECT DISTINCT g.site_id FROM portal d JOIN gateway g ON g.gateway_id = d.gateway_id
WHERE g.kind = 'edge' AND g.state IN ('active', 'paused') AND sees_site(g.site_id) ORDER BY g.site_id;

-- name: gateways_of_doors
SELECT g.site_id AS site, g.name AS gateway, p.shelf
FROM gateway g
LEFT JOIN printing_gateway p ON p.gateway_id = g.gateway_id
WHERE g.site_id = %(site)s AND g.kind = 'edge' AND g.state IN ('active', 'paused')
    AND EXISTS (SELECT FROM portal d WHERE d.gateway_id = g.gateway_id)
ORDER BY g.name;

-- name: has_doors
SELECT 1 FROM portal d JOIN gateway g ON g.gateway_id = d.gateway_id WHERE g.name = %(gateway)s LIMIT 1;

-- name: units_known_at
SELECT units_known_at(%(site)s, %(limit)s);

-- name: units_told
SELECT ARRAY(SELECT jsonb_array_elements_text(coalesce(m.payload -> 'known_units', '[]'))) FROM gateway_message m
JOIN gateway g ON g.gateway_id = m.gateway_id
WHERE g.name = %(gateway)s AND m.channel = 'reference'
ORDER BY m.revision DESC, m.message_id DESC LIMIT 1;

-- name: lots_to_pick_first
SELECT names, lots FROM lots_to_pick_first(%(site)s, %(now)s, %(limit)s);

-- name: pickable_told
SELECT coalesce(m.payload -> 'pickable', '[]') FROM gateway_message m
JOIN gateway g ON g.gateway_id = m.gateway_id
WHERE g.name = %(gateway)s AND m.channel = 'reference'
ORDER BY m.revision DESC, m.message_id DESC LIMIT 1;

-- name: sites_of_handhelds
SELECT DISTINCT g.site_id FROM gateway g
WHERE g.kind = 'edge' AND g.state IN ('active', 'paused') AND sees_site(g.site_id) AND has_handhelds(g.gateway_id)
ORDER BY g.site_id;

-- name: gateways_of_handhelds
SELECT g.site_id AS site, g.name AS gateway, p.shelf
FROM gateway g
LEFT JOIN printing_gateway p ON p.gateway_id = g.gateway_id
WHERE g.site_id = %(site)s AND g.kind = 'edge' AND g.state IN ('active', 'paused') AND has_handhelds(g.gateway_id)
ORDER BY g.name;

-- name: has_handhelds
SELECT 1 FROM gateway g WHERE g.name = %(gateway)s AND has_handhelds(g.gateway_id);

-- name: told_plans
SELECT p.type, p.id, p.recipe, p.version, p.times
FROM (
    SELECT DISTINCT ON (t.type, t.id) t.type, t.id, t.recipe, t.version, t.times, t.stated_at
    FROM transformation t WHERE t.site_id = %(site)s AND t.stated_at > %(since)s
    ORDER BY t.type, t.id, t.revision DESC) p
ORDER BY p.stated_at DESC, p.type, p.id
LIMIT 500;

-- name: told_recipes
SELECT r.code, r.version, r.kind, r.valid_from, least(r.valid_until, later.valid_from) AS valid_until
FROM recipe r
LEFT JOIN recipe later ON (later.code, later.version) = (r.code, r.version + 1)
LEFT JOIN unnest(%(codes)s::text[], %(versions)s::integer[]) p (code, version) ON (p.code, p.version) = (r.code, r.version)
WHERE p.code IS NOT NULL OR coalesce(least(r.valid_until, later.valid_from), 'infinity') > %(now)s
ORDER BY p.code IS NULL, r.stated_at DESC, r.code, r.version
LIMIT 1000;

-- name: parts_of_recipes
SELECT l.code, l.version, l.is_input, i.item_id, i.code, round(l.quantity * n.numerator / n.denominator, 6)
FROM unnest(%(codes)s::text[], %(versions)s::integer[]) a (code, version)
JOIN recipe_line l ON (l.code, l.version) = (a.code, a.version)
JOIN canonical_item n ON n.item_id = l.item_id
JOIN item i ON i.item_id = n.canonical_id
ORDER BY l.code, l.version, l.is_input DESC, l.ordinal;

-- name: names_of_items
SELECT c.canonical_id, n.scheme, n.value, n.numerator * c.numerator, n.denominator * c.denominator
FROM canonical_item c
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (x.scheme, x.value) x.scheme, x.value, x.numerator, x.denominator
    FROM identifier x WHERE x.item_id = c.item_id AND x.scheme <> 'sgtin'
    ORDER BY x.scheme, x.value, x.valid_from DESC) n
WHERE c.canonical_id = ANY (%(items)s::bigint[])
ORDER BY c.canonical_id, n.scheme, n.value;
