-- name: find_lot
SELECT i.item_id, i.code, i.name, i.base_unit, i.is_lot_controlled, %(lot)s AS lot, t.expires_on, t.stated_by
FROM item named
JOIN canonical_item n ON n.item_id = named.item_id
JOIN item i ON i.item_id = n.canonical_id
LEFT JOIN lot t ON t.item_id = i.item_id AND t.lot = %(lot)s
WHERE named.code = %(item)s AND (t.lot IS NOT NULL OR EXISTS (
    SELECT FROM canonical_item a JOIN cell c ON c.item_id = a.item_id
    WHERE a.canonical_id = i.item_id AND c.lot = %(lot)s));

-- name: links
SELECT site, type, id, is_input, item_id, item, base_unit, lot, quantity, first_at, last_at, time_zone
FROM lot_links(%(items)s::bigint[], %(lots)s::text[], %(consumed)s::boolean[]);

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
