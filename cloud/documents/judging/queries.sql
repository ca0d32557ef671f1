-- name: waiting
SELECT w.site, w.receipt, w.line, w.waits_as, w.lot, w.owner, w.identifier_scheme, w.identifier, w.item, w.item_name, w.base_unit, w.quantity, w.location, w.unit,
    w.partner, w.is_unexpected, w.reason, w.since_at, s.time_zone, w.numbers, w.days_left
FROM goods_that_wait(%(sites)s::text[], %(waits_as)s, NULL, NULL) w JOIN site s ON s.site_id = w.site
ORDER BY w.since_at, w.site, w.receipt, w.line, w.waits_as, w.lot, w.owner NULLS FIRST, w.location, w.unit
LIMIT %(limit)s;

-- name: waiting_of
SELECT w.site, w.receipt, w.line, w.waits_as, w.lot, w.owner, w.identifier_scheme, w.identifier, w.item, w.item_name, w.base_unit, w.quantity, w.location, w.unit,
    w.partner, w.is_unexpected, w.reason, w.since_at, s.time_zone, w.numbers, w.days_left
FROM goods_that_wait(ARRAY[%(site)s::text], %(waits_as)s, %(receipt)s::text, %(item)s::text) w JOIN site s ON s.site_id = w.site
WHERE w.receipt IS NOT DISTINCT FROM %(receipt)s::text AND w.line IS NOT DISTINCT FROM %(line)s::text
    AND w.item = coalesce(%(item)s::text, w.item) AND (%(lot)s::text IS NULL OR w.lot = %(lot)s)
    AND coalesce(w.owner, '') = coalesce(%(owner)s::text, w.owner, '') AND (%(unit)s::text IS NULL OR w.unit = %(unit)s)
ORDER BY w.since_at, w.lot, w.owner NULLS FIRST, w.location, w.unit;

-- name: add_judgement
INSERT INTO judgement (site_id, id, line, item_id, waited_as, verdict, quantity, grade, reason, location, posting_id, decision_id,
    judged_by)
VALUES (%(site)s, %(receipt)s, %(line)s, (SELECT i.item_id FROM item i WHERE i.code = %(item)s), %(waited_as)s, %(verdict)s, %(quantity)s, %(grade)s, %(reason)s, %(location)s,
    %(posting_id)s, %(decision_id)s, %(actor)s);

-- name: judgements
SELECT j.judgement_id AS number, j.site_id AS site, j.id AS receipt, j.line, i.code AS item, j.waited_as, j.verdict,
    j.quantity, j.grade, j.reason, j.location, j.judged_at, j.judged_by, s.time_zone
FROM judgement j
LEFT JOIN receipt_line l ON (l.site_id, l.id, l.line) = (j.site_id, j.id, j.line)
JOIN site s ON s.site_id = j.site_id
LEFT JOIN canonical_item c ON c.item_id = coalesce(l.item_id, j.item_id)
LEFT JOIN item i ON i.item_id = c.canonical_id
WHERE (%(site)s::text IS NULL OR j.site_id = %(site)s) AND (%(waited_as)s::text IS NULL OR j.waited_as = %(waited_as)s)
    AND j.judgement_id < %(before)s
ORDER BY j.judgement_id DESC
LIMIT %(limit)s;

-- name: scrap_asked
SELECT count(*), coalesce(bool_or(d.state IN ('draft', 'submitted', 'approved')), false)
FROM decision d
WHERE d.kind = %(kind)s AND d.site_id = %(site)s AND starts_with(d.subject, %(line)s || '/');

-- name: cost_of
SELECT c.cost, c.currency FROM read_item_costs(%(item)s) c WHERE c.site = %(site)s;

-- name: now
SELECT clock_timestamp();

-- name: cells_of_goods
SELECT c.cell_id
FROM (
    SELECT l.item_id FROM receipt_line l WHERE (l.site_id, l.id, l.line) = (%(site)s, %(receipt)s, %(line)s)
    UNION ALL
    SELECT i.item_id FROM item i WHERE i.code = %(item)s) k
JOIN canonical_item a ON a.item_id = k.item_id
JOIN canonical_item n ON n.canonical_id = a.canonical_id
JOIN cell c ON c.item_id = n.item_id AND c.disposition IN ('inspection', 'returned', 'hold')
JOIN location l ON l.location_id = c.location_id AND (c.site_id = %(site)s OR l.kind = 'unit');

-- name: cells_of_item
SELECT c.cell_id
FROM canonical_item n
JOIN cell c ON c.item_id = n.item_id AND c.disposition = %(waits_as)s
JOIN location l ON l.location_id = c.location_id AND (c.site_id = %(site)s OR l.kind = 'unit')
WHERE n.canonical_id = %(item_id)s;

-- name: judged_otherwise
SELECT o.site, o.item, o.waited_as, o.verdict, o.quantity, o.reason, o.location, o.judged_at, o.judged_by, s.time_zone
FROM goods_judged_otherwise(%(sites)s::text[], %(waited_as)s, %(of_latest)s) o JOIN site s ON s.site_id = o.site
LIMIT %(limit)s;

-- name: held_overdrawn
SELECT site, item, base_unit, place, disposition, key, quantity, receipts FROM held_overdrawn(%(cell)s);
