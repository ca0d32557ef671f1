-- name: find_lot
SELECT i.item_id, i.code, i.name, i.base_unit, i.is_lot_controlled, %(lot)s AS lot, t.expires_on, t.stated_by, t.produced_on,
    CASE WHEN t.is_expiry_stated THEN 'stated' WHEN t.expires_on IS NULL THEN NULL WHEN t.label_expires_on IS NULL THEN 'shelf_life'
        WHEN t.is_best_before THEN 'best_before' ELSE 'label' END AS expires_by
FROM item named
JOIN canonical_item n ON n.item_id = named.item_id
JOIN item i ON i.item_id = n.canonical_id
LEFT JOIN lot t ON t.item_id = i.item_id AND t.lot = %(lot)s
WHERE named.code = %(item)s AND (t.lot IS NOT NULL OR EXISTS (
    SELECT FROM canonical_item a JOIN cell c ON c.item_id = a.item_id
    WHERE a.canonical_id = i.item_id AND c.lot = %(lot)s));

-- name: note_lot_labels
SELECT note_lot_labels(%(most)s);

-- name: take_labels_due
DELETE FROM lot_label_due d
WHERE d.note_id IN (SELECT k.note_id FROM lot_label_due k ORDER BY k.note_id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING d.item_id, d.lot;

-- name: read_as
SELECT a.item_id, a.lot FROM unnest(%(items)s::bigint[], %(lots)s::text[]) a (item_id, lot)
UNION
SELECT n.canonical_id, a.lot
FROM unnest(%(items)s::bigint[], %(lots)s::text[]) a (item_id, lot) JOIN canonical_item n ON n.item_id = a.item_id
ORDER BY 1, 2;

-- name: settle_lot_labels
SELECT settle_lot_labels(%(items)s::bigint[], %(lots)s::text[]);

-- name: lot_labels_of
SELECT item_id, lot, produced_on, packed_on, best_before, sell_by, use_by, said, site, gateway, actor, occurred_at, noted_at
FROM lot_labels_of(%(items)s::bigint[], %(lots)s::text[]);

-- name: dated_lots
SELECT t.item_id, i.code AS item, t.lot, t.expires_on, t.produced_on, t.is_best_before AND NOT t.is_expiry_stated AS is_best_before,
    t.is_production_stated, t.labels_differ, e.stated_at AS expiry_said_at, p.stated_at AS production_said_at
FROM unnest(%(items)s::bigint[], %(lots)s::text[]) a (item_id, lot)
JOIN lot t ON (t.item_id, t.lot) = (a.item_id, a.lot)
JOIN item i ON i.item_id = t.item_id
LEFT JOIN LATERAL (SELECT s.stated_at FROM lot_statement s WHERE (s.item_id, s.lot) = (t.item_id, t.lot) AND s.expiry IS NOT NULL
    ORDER BY s.statement_id DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (SELECT s.stated_at FROM lot_statement s WHERE (s.item_id, s.lot) = (t.item_id, t.lot) AND s.production IS NOT NULL
    ORDER BY s.statement_id DESC LIMIT 1) p ON true
WHERE isfinite(coalesce(t.expires_on, t.stated_at::date))
ORDER BY t.item_id, t.lot;

-- name: keep_labels_differ
UPDATE lot t SET labels_differ = x.told
FROM unnest(%(items)s::bigint[], %(lots)s::text[], %(told)s::text[]) x (item_id, lot, told)
WHERE (t.item_id, t.lot) = (x.item_id, x.lot);

-- name: lot_statements
SELECT statement_id, expiry, expires_on, production, produced_on, reason, stated_by, stated_at
FROM lot_statement WHERE item_id = %(item_id)s AND lot = %(lot)s ORDER BY statement_id DESC LIMIT %(limit)s;

-- name: links
SELECT site, type, id, is_input, item_id, item, base_unit, lot, quantity, first_at, last_at, time_zone
FROM lot_links(%(items)s::bigint[], %(lots)s::text[], %(consumed)s::boolean[]);

-- name: serial_links
SELECT site, type, id, is_input, item_id, item, base_unit, lot, quantity, first_at, last_at, time_zone, serial
FROM serial_links(%(serials)s::text[], %(items)s::bigint[], %(lots)s::text[], %(consumed)s::boolean);

-- name: find_serial
SELECT s.serial, i.item_id, i.code AS item, i.name AS item_name, i.base_unit, s.lot
FROM serials_stand(%(names)s::text[]) s JOIN item i ON i.code = s.item
ORDER BY s.since_at DESC, s.serial LIMIT 1;

-- name: serials_stand
SELECT serial, site, time_zone, item, lot, place, place_kind, stands, disposition, since_at, partner, papers
FROM serials_stand(%(serials)s::text[]);

-- name: stock
SELECT nth, cell_id, item_id, item, base_unit, lot, site, location, unit, is_virtual, disposition, owner, quantity
FROM lot_stock(%(items)s::bigint[], %(lots)s::text[]);

-- name: recipients
SELECT nth, site, partner, type, id, item, base_unit, lot, quantity, first_at, last_at, time_zone, papers
FROM lot_recipients(%(items)s::bigint[], %(lots)s::text[], %(since)s::timestamptz[]);

-- name: history
SELECT gateway, epoch, seq, gateway_key, site, time_zone, occurred_at, recorded_at, position, item, base_unit, quantity,
    from_location, from_lot, from_disposition, to_location, to_lot, to_disposition, reason, actor, documents, rule
FROM lot_history(%(items)s::bigint[], %(lots)s::text[], %(below_at)s, %(below_gateway)s, %(below_epoch)s, %(below_seq)s,
    %(limit)s);

-- name: lots
SELECT item, item_name, base_unit, lot, expires_on, on_hand, sites
FROM lot_list(%(item)s, %(pattern)s, %(only_held)s, %(after_item)s, %(after_lot)s, %(limit)s);

-- name: own_identifiers
SELECT i.item_id, i.code, n.scheme, n.value
FROM item i
LEFT JOIN LATERAL (
    SELECT d.scheme, d.value FROM identifier d
    WHERE d.item_id = i.item_id AND d.numerator = d.denominator
        AND NOT EXISTS (SELECT FROM identifier e WHERE (e.scheme, e.value) = (d.scheme, d.value) AND e.valid_from <> d.valid_from)
    ORDER BY d.scheme <> 'sku', d.scheme, d.value LIMIT 1) n ON true
WHERE i.item_id = ANY (%(items)s::bigint[])
ORDER BY i.item_id;

-- name: add_recall
INSERT INTO recall (item_id, lot, reason, note, with_possible, opened_by)
VALUES (%(item_id)s, %(lot)s, %(reason)s, %(note)s, %(with_possible)s, %(actor)s)
ON CONFLICT (item_id, lot) WHERE ended_at IS NULL DO NOTHING
RETURNING recall_id;

-- name: add_recall_lots
INSERT INTO recall_lot (recall_id, item_id, lot, steps, is_possible, since)
SELECT %(recall)s, x.item_id, x.lot, x.steps, x.is_possible, x.since
FROM unnest(%(items)s::bigint[], %(lots)s::text[], %(steps)s::integer[], %(possible)s::boolean[],
    %(since)s::timestamptz[]) x (item_id, lot, steps, is_possible, since)
ON CONFLICT (recall_id, item_id, lot) DO UPDATE
SET is_possible = excluded.is_possible, since = excluded.since
WHERE (recall_lot.is_possible, recall_lot.since) IS DISTINCT FROM (excluded.is_possible, excluded.since);

-- name: add_recall_site
INSERT INTO recall_site (recall_id, site_id, decision_id) VALUES (%(recall)s, %(site)s, %(decision)s);

-- name: end_recall
UPDATE recall SET ended_at = clock_timestamp(), ended_by = %(actor)s, ended_because = %(because)s
WHERE recall_id = %(recall)s AND ended_at IS NULL;

-- name: recalls
SELECT r.recall_id, i.code AS item, i.name AS item_name, i.base_unit, i.item_id, r.lot, r.reason, r.note, r.with_possible,
    r.opened_at, r.opened_by, r.ended_at, r.ended_by, r.ended_because,
    (SELECT count(DISTINCT (k.canonical_id, l.lot)) FROM recall_lot l JOIN canonical_item k ON k.item_id = l.item_id
     WHERE l.recall_id = r.recall_id) AS lots
FROM recall r JOIN canonical_item n ON n.item_id = r.item_id JOIN item i ON i.item_id = n.canonical_id
WHERE (%(recall)s::bigint IS NULL OR r.recall_id = %(recall)s)
    AND (%(item_id)s::bigint IS NULL OR EXISTS (
        SELECT FROM recall_lot l JOIN canonical_item k ON k.item_id = l.item_id
        WHERE l.recall_id = r.recall_id AND k.canonical_id = %(item_id)s AND l.lot = %(lot)s))
    AND (%(with_ended)s OR r.ended_at IS NULL) AND r.recall_id < %(before)s
ORDER BY r.recall_id DESC
LIMIT %(limit)s;

-- name: recall_sites
SELECT s.site_id AS site, s.decision_id, d.state, z.time_zone
FROM recall_site s JOIN decision d ON d.decision_id = s.decision_id JOIN site z ON z.site_id = s.site_id
WHERE s.recall_id = %(recall)s
ORDER BY s.site_id;

-- name: recall_stock
SELECT site, cell_id, item_id, own_item_id, item, base_unit, lot, location, unit, disposition, owner, quantity, own_quantity,
    is_possible
FROM recall_stock(%(recall)s, %(site)s);

-- name: recall_holds
SELECT from_cell, to_cell, own_item_id, lot, location, unit, disposition, owner, held, on_hand
FROM recall_holds(%(recall)s, %(site)s);

-- name: unknown_lots
WITH named AS MATERIALIZED (
    SELECT n.item_id, i.is_lot_controlled FROM canonical_item n JOIN item i ON i.item_id = n.canonical_id
    WHERE n.canonical_id = %(item_id)s
)
SELECT x.lot, (
    SELECT min(f.first_at) FROM named n CROSS JOIN LATERAL resolver_firsts(n.item_id, ARRAY[%(lot)s], 'infinity') f)
FROM (VALUES (NULL::text), ('unspecified')) x (lot)
WHERE EXISTS (
    SELECT FROM named n JOIN cell c ON c.item_id = n.item_id AND c.lot IS NOT DISTINCT FROM x.lot
    JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
    WHERE x.lot IS NOT NULL OR NOT n.is_lot_controlled);

-- name: told_of_recall
SELECT DISTINCT ON (t.dedup_key) t.dedup_key, t.resolved_at IS NULL, t.summary, t.detail
FROM ticket t WHERE t.dedup_key = ANY (%(keys)s::text[])
ORDER BY t.dedup_key, t.ticket_id DESC;

-- name: held_by_others
SELECT h.to_cell AS cell_id, coalesce(sum(h.held) FILTER (WHERE s.recall_id < %(recall)s), 0) AS earlier,
    coalesce(sum(h.held) FILTER (WHERE s.recall_id > %(recall)s), 0) AS later
FROM recall_site s
JOIN decision d ON d.decision_id = s.decision_id AND d.state = 'applied'
CROSS JOIN LATERAL recall_holds(s.recall_id, s.site_id) h
WHERE s.recall_id <> %(recall)s AND EXISTS (
    SELECT FROM recall_lot o JOIN recall_lot l ON l.recall_id = %(recall)s AND l.lot IS NOT DISTINCT FROM o.lot
    WHERE o.recall_id = s.recall_id)
GROUP BY h.to_cell;

-- name: held_elsewhere_by
SELECT count(*) FROM recall r
JOIN recall_lot l ON l.recall_id = r.recall_id AND (r.with_possible OR NOT l.is_possible)
JOIN recall_site s ON s.recall_id = r.recall_id AND s.site_id = %(site)s
JOIN decision d ON d.decision_id = s.decision_id AND d.state = 'applied'
JOIN canonical_item k ON k.item_id = l.item_id
WHERE r.recall_id <> %(recall)s AND r.ended_at IS NULL AND k.canonical_id = %(item_id)s
    AND l.lot IS NOT DISTINCT FROM %(lot)s;

-- name: costs
SELECT item_id, cost, currency FROM lot_costs(%(site)s, %(items)s::bigint[]);

-- name: picked_of_recalled
SELECT allocation_id, type, id, line, item_id, item, quantity, recall_id, lot FROM picked_of_recalled(%(site)s);

-- name: canonical_of
SELECT n.canonical_id FROM canonical_item n WHERE n.item_id = %(item_id)s;

-- name: now
SELECT clock_timestamp();

-- name: sites
SELECT s.site_id FROM site s ORDER BY s.site_id;

-- name: sites_with_recalls
SELECT DISTINCT s.site_id FROM recall_site s JOIN recall r ON r.recall_id = s.recall_id AND r.ended_at IS NULL
ORDER BY s.site_id;

-- name: recall_lots
SELECT i.item_id, l.lot, i.code, i.base_unit, min(l.steps), bool_and(l.is_possible), min(l.since)
FROM recall_lot l JOIN canonical_item k ON k.item_id = l.item_id JOIN item i ON i.item_id = k.canonical_id
WHERE l.recall_id = %(recall)s
GROUP BY i.item_id, l.lot
ORDER BY 5, 6, i.code, l.lot;

-- name: resolver_mark
SELECT resolver_mark(%(most)s);

-- name: resolver_mark_papers
SELECT resolver_mark_papers(clock_timestamp());

-- name: resolver_mark_dates
SELECT resolver_mark_dates();

-- name: keep_on_hand
SELECT keep_lots_on_hand(%(most)s);

-- name: ready_items
SELECT DISTINCT r.item_id FROM resolver_ready(NULL) r ORDER BY r.item_id;

-- name: take_due
SELECT site, from_at FROM resolver_ready(%(item_id)s);

-- name: settle_due
DELETE FROM resolver_due WHERE item_id = %(item_id)s AND site_id = ANY (%(sites)s::text[]);

-- name: put_due
INSERT INTO resolver_due AS d (item_id, site_id, from_at)
SELECT %(item_id)s, x.site_id, x.from_at FROM unnest(%(sites)s::text[], %(from)s::timestamptz[]) x (site_id, from_at)
ON CONFLICT (item_id, site_id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at);

-- name: item_policy
SELECT i.code, i.is_lot_controlled, i.lot_rule,
    coalesce((SELECT jsonb_object_agg(l.lot, l.expires_on) FROM canonical_item n JOIN lot l ON l.item_id = n.canonical_id
        WHERE n.item_id = i.item_id AND l.expires_on IS NOT NULL), '{}') AS dates
FROM item i WHERE i.item_id = %(item_id)s;

-- name: resolver_facts
SELECT gateway, epoch, seq, occurred_at, site, quantity, is_taken_back, is_due, from_place, from_kind, from_code, from_lot,
    from_disposition, from_owner, to_place, to_kind, to_code, to_lot, to_disposition, to_owner, adjustment, serials,
    document_lots, unit_lots, is_open
FROM resolver_facts(%(item_id)s, %(from_at)s, %(limit)s);

-- name: resolver_receipts
SELECT place, lot, came_at FROM resolver_receipts(%(item_id)s, %(places)s::bigint[], %(from_at)s, %(until_at)s);

-- name: resolver_posted
SELECT gateway, epoch, seq, side, lot, owner, quantity FROM resolver_posted(%(item_id)s, %(from_at)s, %(until_at)s);

-- name: resolver_state
SELECT place, disposition, lot, owner, quantity FROM resolver_state(%(item_id)s, %(places)s::bigint[], %(before_at)s);

-- name: resolver_firsts
SELECT lot, first_at FROM resolver_firsts(%(item_id)s, %(lots)s::text[], %(before_at)s);

-- name: serial_lots
SELECT serial, lot FROM serial_lots(%(serials)s::text[]);

-- name: unstated
SELECT cell_id, site, item, item_name, base_unit, location, unit, lot, disposition, owner, quantity, time_zone, is_resolved
FROM unstated_stock(%(sites)s::text[], %(item)s, %(after)s, %(limit)s);

-- name: set_policy
UPDATE item SET is_lot_controlled = %(is_lot_controlled)s, lot_rule = %(rule)s
WHERE code = %(item)s AND (is_lot_controlled, lot_rule) IS DISTINCT FROM (%(is_lot_controlled)s, %(rule)s)
RETURNING item_id;

-- name: due_from_the_first
INSERT INTO resolver_due AS d (item_id, site_id, from_at)
SELECT %(item_id)s, s.site_id, '1970-01-01T00:00:00Z' FROM site s
WHERE EXISTS (SELECT FROM cell c WHERE c.item_id = %(item_id)s AND c.site_id = s.site_id)
ON CONFLICT (item_id, site_id) DO UPDATE SET from_at = excluded.from_at;

-- name: position
SELECT h.position FROM ledger_head h WHERE h.shard = 0;

-- name: item_id
SELECT i.item_id FROM item i WHERE i.code = %(item)s;

-- name: item_of_cell
SELECT c.item_id FROM cell c WHERE c.cell_id = %(cell_id)s;

-- name: hold_cell
SELECT lock_cells(NULL, ARRAY[%(cell_id)s::bigint]);

-- name: expiring
SELECT site, item_id, item, item_name, base_unit, lot, expires_on, days_left, on_hand, shippable_quantity, value, currency,
    stated_by
FROM lots_expiring(%(sites)s::text[], %(item)s, %(days)s, %(now)s, %(shippable)s::text[], %(after_day)s, %(after_site)s,
    %(after_item)s, %(after_lot)s, %(limit)s);

-- name: watches
SELECT s.site_id AS site, coalesce(w.days, %(days)s) AS days, w.owner, w.set_by
FROM site s LEFT JOIN expiry_watch w ON w.site_id = s.site_id
WHERE sees_site(s.site_id)
ORDER BY s.site_id;

-- name: put_watch
INSERT INTO expiry_watch (site_id, days, owner, set_by) VALUES (%(site)s, %(days)s, %(owner)s, %(actor)s)
ON CONFLICT (site_id) DO UPDATE
SET days = excluded.days, owner = excluded.owner, set_at = clock_timestamp(), set_by = excluded.set_by
WHERE (expiry_watch.days, expiry_watch.owner) IS DISTINCT FROM (excluded.days, excluded.owner);

-- name: expiry_told
SELECT item_id, lot, told_as FROM expiry_told WHERE site_id = %(site)s ORDER BY item_id, lot FOR UPDATE;

-- name: tell_expiry
INSERT INTO expiry_told (site_id, item_id, lot, told_as)
SELECT %(site)s, x.item_id, x.lot, x.told_as FROM unnest(%(items)s::bigint[], %(lots)s::text[], %(told)s::text[])
    x (item_id, lot, told_as)
ON CONFLICT (site_id, item_id, lot) DO UPDATE SET told_as = excluded.told_as, told_at = clock_timestamp();

-- name: forget_expiry
DELETE FROM expiry_told t USING unnest(%(items)s::bigint[], %(lots)s::text[]) x (item_id, lot)
WHERE t.site_id = %(site)s AND (t.item_id, t.lot) = (x.item_id, x.lot);

-- name: unfit
SELECT nth, is_expired, recall
FROM unfit_lots(%(sites)s::text[], %(items)s::text[], %(lots)s::text[], %(units)s::text[], %(now)s,
    %(as_of)s::timestamptz);

-- name: marked_damaged
SELECT looked, site, item_id, item, base_unit, lot, place, quantity, reason, last_at FROM marked_damaged(%(most)s);

-- name: left_expired
SELECT looked, kind, site, item_id, item, base_unit, lot, expires_on, document, quantity, place, partner, minimum_days,
    earlier, last_at, is_inferred, rule
FROM left_expired(%(most)s);
