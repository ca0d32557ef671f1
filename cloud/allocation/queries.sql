-- name: site_day
SELECT (%(now)s::timestamptz AT TIME ZONE s.time_zone)::date, s.time_zone FROM site s
WHERE s.site_id = %(site)s AND sees_site(s.site_id);

-- name: open_items
INSERT INTO claimed_item (site_id, item_id)
SELECT %(site)s, x.item_id FROM unnest(%(items)s::bigint[]) AS x (item_id) ORDER BY x.item_id
ON CONFLICT DO NOTHING;

-- name: lock_items
SELECT c.item_id FROM claimed_item c WHERE c.site_id = %(site)s AND c.item_id = ANY (%(items)s::bigint[])
ORDER BY c.item_id FOR UPDATE;

-- name: lines
WITH claimed AS MATERIALIZED (
    SELECT k.type, k.id, k.line, sum(k.quantity) FILTER (WHERE k.kind = 'soft') AS soft,
        sum(k.quantity) FILTER (WHERE k.kind <> 'soft') AS hard
    FROM allocation k WHERE k.site_id = %(site)s AND k.ended_at IS NULL
    GROUP BY k.type, k.id, k.line
)
SELECT s.type, s.id, s.line, s.item_id, i.code AS item, s.quantity, s.lot, s.unit, s.partner, s.visit, s.priority,
    greatest((coalesce(s.due_at, %(now)s) AT TIME ZONE z.time_zone)::date, (%(now)s AT TIME ZONE z.time_zone)::date) AS needed_on,
    coalesce((SELECT t.minimum_days FROM customer_life t
        WHERE t.partner = s.partner AND (t.item_id = s.item_id OR t.item_id IS NULL)
        ORDER BY t.item_id NULLS LAST LIMIT 1), 0) AS minimum_days,
    coalesce(c.soft, 0) AS soft, coalesce(c.hard, 0) AS hard
FROM lines_to_serve(ARRAY[%(site)s]) s
LEFT JOIN claimed c ON (c.type, c.id, c.line) = (s.type, s.id, s.line)
JOIN site z ON z.site_id = s.site
JOIN item i ON i.item_id = s.item_id
WHERE (%(documents)s::text[] IS NULL OR s.type || '/' || s.id = ANY (%(documents)s))
    AND (%(visit)s::text IS NULL OR s.visit = %(visit)s)
    AND (%(due_until)s::timestamptz IS NULL OR s.due_at <= %(due_until)s)
    AND (%(items)s::bigint[] IS NULL OR s.item_id = ANY (%(items)s))
ORDER BY s.type, s.id, s.ordinal;

-- name: cells
SELECT c.cell_id, c.item_id, c.free, c.location, c.unit, c.lot, c.owner, c.expires_on, c.is_pick_face, c.is_doubted
FROM cells_to_claim(%(site)s, %(items)s, %(shippable)s) c
ORDER BY c.cell_id;

-- name: add_claims
INSERT INTO allocation (site_id, type, id, line, item_id, kind, cell_id, quantity, needed_on, why, task, task_line,
    comes_from, created_by)
SELECT %(site)s, x.type, x.id, x.line, x.item_id, x.kind, x.cell_id, x.quantity, x.needed_on, x.why, x.task, x.task_line,
    x.comes_from, %(actor)s
FROM unnest(%(types)s::text[], %(ids)s::text[], %(lines)s::text[], %(items)s::bigint[], %(kinds)s::text[],
    %(cells)s::bigint[], %(quantities)s::numeric[], %(days)s::date[], %(whys)s::jsonb[], %(tasks)s::text[],
    %(task_lines)s::integer[], %(origins)s::bigint[])
    AS x (type, id, line, item_id, kind, cell_id, quantity, needed_on, why, task, task_line, comes_from);

-- name: end_claims
UPDATE allocation SET ended_at = clock_timestamp(), ended_by = %(actor)s, ended_because = %(because)s
WHERE allocation_id = ANY (%(claims)s) AND ended_at IS NULL;

-- name: claims
SELECT k.allocation_id, k.site_id AS site, k.type, k.id, k.line, k.item_id, i.code AS item, k.kind, k.quantity, k.cell_id,
    CASE WHEN l.kind = 'unit' THEN NULL ELSE l.code END AS location, CASE WHEN l.kind = 'unit' THEN l.code END AS unit,
    c.lot, t.expires_on, k.needed_on, k.why, k.task, k.task_line, k.created_at, k.created_by, k.ended_at, k.ended_because
FROM allocation k
JOIN item i ON i.item_id = k.item_id
LEFT JOIN cell c ON c.cell_id = k.cell_id
LEFT JOIN location l ON l.location_id = c.location_id
LEFT JOIN lot t ON t.item_id = k.item_id AND t.lot = c.lot
WHERE k.allocation_id > %(after)s
    AND (%(site)s::text IS NULL OR k.site_id = %(site)s)
    AND (%(document)s::text IS NULL OR k.type || '/' || k.id = %(document)s)
    AND (%(item)s::text IS NULL OR i.code = %(item)s)
    AND (%(with_ended)s OR k.ended_at IS NULL)
ORDER BY k.allocation_id
LIMIT %(limit)s;

-- name: open_claims
SELECT k.allocation_id, k.type, k.id, k.line, k.item_id, k.kind, k.cell_id, k.quantity, k.needed_on, k.why, k.task, k.task_line
FROM allocation k
WHERE k.site_id = %(site)s AND k.ended_at IS NULL
    AND (%(items)s::bigint[] IS NULL OR k.item_id = ANY (%(items)s))
    AND (%(document)s::text IS NULL OR k.type || '/' || k.id = %(document)s)
ORDER BY k.allocation_id
FOR UPDATE;

-- name: items_of_document
SELECT DISTINCT k.item_id FROM allocation k
WHERE k.site_id = %(site)s AND k.ended_at IS NULL AND k.type || '/' || k.id = %(document)s
ORDER BY k.item_id;

-- name: available
SELECT a.site, a.item, a.name, a.base_unit, a.item_id, a.on_hand, a.usable, a.soft, a.hard, a.picked, a.in_transit, a.available
FROM stock_available(%(sites)s, %(item)s, %(shippable)s, %(now)s, %(after_site)s, %(after_item)s, %(limit)s) a
ORDER BY a.site, a.item;

-- name: stock_of_item
SELECT c.cell_id, c.item_id, c.free, c.location, c.unit, c.lot, c.owner, c.expires_on, c.is_pick_face, c.is_doubted, c.held
FROM cells_to_claim(%(site)s, ARRAY[%(item_id)s]::bigint[], %(shippable)s) c
ORDER BY c.cell_id;

-- name: receipts_of_item
SELECT 'purchase_order' AS type, o.id, o.line, o.supplier AS partner, o.due_on, o.quantity, o.id AS order_id,
    o.line AS order_line
FROM pub_open_order_lines(ARRAY[%(site)s]) o WHERE o.item_id = %(item_id)s
UNION ALL
SELECT a.type, a.id, a.line, a.partner, a.due_on, a.quantity, a.order_id, a.order_line
FROM lines_to_come(ARRAY[%(site)s]) a WHERE a.item_id = %(item_id)s
ORDER BY 5, 1, 2, 3;

-- name: item_by_code
SELECT c.canonical_id FROM item i JOIN canonical_item c ON c.item_id = i.item_id WHERE i.code = %(item)s;

-- name: put_lot
INSERT INTO lot (item_id, lot, expires_on, produced_on, is_expiry_stated, is_production_stated, stated_by)
SELECT %(item_id)s, %(lot)s, %(expires_on)s::date, %(produced_on)s::date, %(states_expiry)s, %(produced_on)s::date IS NOT NULL,
    %(actor)s
WHERE %(states_expiry)s OR %(produced_on)s::date IS NOT NULL
    OR EXISTS (SELECT FROM lot k WHERE k.item_id = %(item_id)s AND k.lot = %(lot)s)
ON CONFLICT (item_id, lot) DO UPDATE
SET produced_on = CASE WHEN excluded.is_production_stated THEN excluded.produced_on ELSE lot.produced_on END,
    is_production_stated = excluded.is_production_stated OR (lot.is_production_stated AND NOT %(takes_back_production)s),
    expires_on = CASE WHEN excluded.is_expiry_stated THEN excluded.expires_on ELSE lot.expires_on END,
    is_expiry_stated = excluded.is_expiry_stated OR (lot.is_expiry_stated AND NOT %(takes_back_expiry)s),
    stated_at = clock_timestamp(), stated_by = excluded.stated_by
WHERE lot.labels_differ IS NOT NULL
    OR (excluded.is_production_stated AND (NOT lot.is_production_stated OR lot.produced_on <> excluded.produced_on))
    OR (lot.is_production_stated AND NOT excluded.is_production_stated AND %(takes_back_production)s)
    OR (excluded.is_expiry_stated
        AND (NOT lot.is_expiry_stated OR lot.expires_on IS DISTINCT FROM excluded.expires_on))
    OR (lot.is_expiry_stated AND NOT excluded.is_expiry_stated AND %(takes_back_expiry)s)
RETURNING CASE WHEN lot.is_expiry_stated THEN lot.expires_on END, CASE WHEN lot.is_production_stated THEN lot.produced_on END;

-- name: add_lot_statement
INSERT INTO lot_statement (item_id, lot, expiry, expires_on, production, produced_on, reason, stated_by)
VALUES (%(item_id)s, %(lot)s,
    CASE WHEN %(states_expiry)s THEN CASE WHEN %(expires_on)s::date IS NULL THEN 'keeps' ELSE 'on' END
        WHEN %(takes_back_expiry)s THEN 'taken_back' END, %(expires_on)s::date,
    CASE WHEN %(produced_on)s::date IS NOT NULL THEN 'on' WHEN %(takes_back_production)s THEN 'taken_back' END,
    %(produced_on)s::date, %(reason)s, %(actor)s);

-- name: note_lot
INSERT INTO lot_label_due (item_id, lot) VALUES (%(item_id)s, %(lot)s);

-- name: put_life
INSERT INTO customer_life (partner, item_id, minimum_days, stated_by)
VALUES (%(partner)s, %(item_id)s, %(days)s, %(actor)s)
ON CONFLICT (partner, item_id) DO UPDATE
SET minimum_days = excluded.minimum_days, stated_at = clock_timestamp(), stated_by = excluded.stated_by
WHERE customer_life.minimum_days <> excluded.minimum_days;

-- name: gateways_of_site
SELECT g.name FROM gateway g WHERE g.site_id = %(site)s AND g.kind = 'edge' AND g.state = 'active' ORDER BY g.name;

-- name: place
SELECT l.location_id, l.kind FROM location l WHERE l.site_id = %(site)s AND l.code = %(code)s AND l.kind IN ('bin', 'zone');

-- name: put_face
INSERT INTO pick_face (site_id, location_id, item_id, minimum, maximum, set_by)
VALUES (%(site)s, %(location_id)s, %(item_id)s, %(minimum)s, %(maximum)s, %(actor)s)
ON CONFLICT (location_id, item_id) DO UPDATE
SET minimum = excluded.minimum, maximum = excluded.maximum, set_at = clock_timestamp(), set_by = excluded.set_by
WHERE (pick_face.minimum, pick_face.maximum) <> (excluded.minimum, excluded.maximum);

-- name: drop_face
DELETE FROM pick_face WHERE location_id = %(location_id)s AND item_id = %(item_id)s;

-- name: sites_with_claims
SELECT k.site_id FROM allocation k WHERE k.ended_at IS NULL
UNION SELECT t.site_id FROM task t WHERE t.ended_at IS NULL
UNION SELECT f.site_id FROM pick_face f
ORDER BY 1;

-- name: claimed_items
SELECT k.item_id FROM allocation k WHERE k.site_id = %(site)s AND k.ended_at IS NULL
UNION
SELECT c.canonical_id FROM allocation k JOIN canonical_item c ON c.item_id = k.item_id
WHERE k.site_id = %(site)s AND k.ended_at IS NULL
ORDER BY 1;

-- name: items_as_they_read
SELECT c.item_id, i.code AS item, c.canonical_id AS now_id, n.code AS now, c.numerator, c.denominator
FROM canonical_item c
JOIN item i ON i.item_id = c.item_id
JOIN item n ON n.item_id = c.canonical_id
WHERE c.item_id = ANY (%(items)s::bigint[])
ORDER BY c.item_id;

-- name: cells_to_look_at
SELECT c.cell_id, least(-c.free, c.hard) AS beyond, i.code AS item, c.location, c.lot, c.expires_on,
    coalesce(c.expires_on <= (%(now)s::timestamptz AT TIME ZONE z.time_zone)::date, false) AS is_expired
FROM cells_to_claim(%(site)s, %(items)s, %(shippable)s) c
JOIN item i ON i.item_id = c.item_id
JOIN site z ON z.site_id = %(site)s
WHERE c.hard > 0 AND (c.free < 0 OR c.expires_on IS NOT NULL)
ORDER BY c.cell_id;

-- name: last_wave
SELECT g.name, w.to_location, w.wave_id
FROM wave w JOIN gateway g ON g.gateway_id = w.gateway_id
WHERE w.site_id = %(site)s ORDER BY w.wave_id DESC LIMIT 1;

-- name: wave_of_task
SELECT t.task, g.name, t.wave_id, l.to_location
FROM task t
JOIN gateway g ON g.gateway_id = t.gateway_id
JOIN task_line l ON l.task = t.task
WHERE t.task = ANY (%(tasks)s::text[])
GROUP BY t.task, g.name, t.wave_id, l.to_location
ORDER BY t.task;

-- What has expired fills no face; claims on it are none that it must serve.
-- name: faces
SELECT l.code AS location, i.code AS item, f.item_id, f.location_id, f.minimum, f.maximum,
    coalesce((SELECT sum(b.quantity * a.numerator / a.denominator)
        FROM canonical_item a JOIN cell c ON c.item_id = a.item_id JOIN balance b ON b.cell_id = c.cell_id
        LEFT JOIN lot t ON t.item_id = f.item_id AND t.lot = c.lot
        WHERE a.canonical_id = f.item_id AND c.location_id = f.location_id
            AND coalesce(t.expires_on > d.today, true) AND coalesce(c.disposition, 'sellable') = ANY (%(shippable)s)), 0) AS held,
    coalesce((SELECT sum(k.quantity) FROM allocation k JOIN cell c ON c.cell_id = k.cell_id
        LEFT JOIN lot t ON t.item_id = f.item_id AND t.lot = c.lot
        WHERE k.ended_at IS NULL AND k.kind = 'hard' AND k.item_id = f.item_id AND c.location_id = f.location_id
            AND coalesce(t.expires_on > d.today, true)), 0) AS claimed,
    coalesce((SELECT sum(n.open) FROM task t JOIN task_line_now n ON n.task = t.task
        WHERE t.site_id = f.site_id AND t.kind = 'move' AND t.ended_at IS NULL AND n.item_id = f.item_id
            AND n.to_location = l.code), 0) AS coming
FROM pick_face f
JOIN location l ON l.location_id = f.location_id
JOIN item i ON i.item_id = f.item_id
JOIN site z ON z.site_id = f.site_id
CROSS JOIN LATERAL (
    SELECT (coalesce(%(now)s::timestamptz, clock_timestamp()) AT TIME ZONE z.time_zone)::date AS today) d
WHERE f.site_id = %(site)s AND (l.code, i.code) > (%(after_location)s, %(after_item)s)
ORDER BY l.code, i.code
LIMIT %(limit)s;
