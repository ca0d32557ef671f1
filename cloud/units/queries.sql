-- name: serial_story
SELECT kind, gateway, gateway_key, epoch, seq, line, site, time_zone, occurred_at, occurred_at_claimed, time_basis,
    "position", recorded_at, posted_by, actor, device, biz_step, item, item_name, base_unit, quantity, unit, from_place,
    from_kind, to_place, to_kind, reason, documents, is_reversal, is_reversed, told
FROM read_serial_story(
    %(names)s::text[], %(tags)s::text[], %(until_at)s::timestamptz, %(until_position)s::bigint, %(below_at)s::timestamptz,
    %(below_gateway)s::integer, %(below_epoch)s::bigint, %(below_seq)s::bigint, %(below_line)s::integer, %(limit)s::integer);

-- name: serial_standing
SELECT cell_id, site, time_zone, place, place_kind, since_at, item, item_name, lot, disposition, owner
FROM read_serial_standing(%(names)s::text[], %(until_at)s::timestamptz, %(until_position)s::bigint);

-- name: unit_story
SELECT kind, gateway, gateway_key, epoch, seq, line, site, time_zone, occurred_at, occurred_at_claimed, time_basis,
    "position", recorded_at, posted_by, actor, device, biz_step, item, item_name, base_unit, quantity, unit, from_place,
    from_kind, to_place, to_kind, reason, documents, is_reversal, is_reversed, told
FROM read_unit_story(
    %(unit)s::text, %(tags)s::text[], %(until_at)s::timestamptz, %(until_position)s::bigint, %(below_at)s::timestamptz,
    %(below_gateway)s::integer, %(below_epoch)s::bigint, %(below_seq)s::bigint, %(below_line)s::integer, %(limit)s::integer);

-- name: whereabouts
SELECT step, place, kind, site, time_zone, since_at
FROM read_whereabouts(%(unit)s::text, %(until_at)s::timestamptz, %(until_position)s::bigint);

-- name: unit_content
SELECT unit, parent, depth, cell_id, item, item_name, base_unit, lot, disposition, owner, quantity, pieces, weight_kg,
    is_unchecked
FROM read_unit_content(%(unit)s::text, %(until_at)s::timestamptz, %(until_position)s::bigint);

-- name: unit_instances
SELECT instance, from_at, last_at
FROM read_unit_instances(%(unit)s::text, %(until_at)s::timestamptz, %(until_position)s::bigint);

-- name: stock_by
SELECT keys, site, place, unit, item, item_name, base_unit, lot, owner, quantity, in_units, units, places, owned, value,
    unpriced, currency, pieces, weight_kg, is_unchecked
FROM read_stock_by(
    %(by)s::text, %(site)s::text, %(item_like)s::text, %(location_like)s::text, %(until_at)s::timestamptz,
    %(until_position)s::bigint, %(after)s::text[], %(limit)s::integer);

-- name: doubt_serials
SELECT looked, serial, site, earlier, later FROM doubt_serials(%(most)s, %(within)s::interval);

-- name: end_doubts
SELECT serial, site, earlier, later FROM end_doubts(%(within)s::interval);

-- name: tell_circles
SELECT unit, parent, site, occurred_at FROM tell_circles();

-- name: forget_circles
SELECT unit FROM forget_circles();
