-- Every statement limits itself by sees_site(), which reads the sites that act_as() named.

-- name: sites
SELECT site_id AS site, name, time_zone
FROM site
WHERE sees_site(site_id)
ORDER BY site_id
LIMIT 1000;

-- name: items
SELECT i.code, i.name, i.category, i.base_unit, i.is_integer_only, i.is_provisional,
       i.is_lot_controlled, i.is_serialised, (
           SELECT l.minimum_days FROM item_life AS l WHERE l.item_id = i.item_id ORDER BY l.life_id DESC LIMIT 1) AS minimum_life_days,
       i.shelf_life_days, c.code AS merged_into
FROM item AS i
LEFT JOIN canonical_item AS ci ON ci.item_id = i.item_id AND ci.canonical_id <> i.item_id
LEFT JOIN item AS c ON c.item_id = ci.canonical_id
WHERE i.code > %(after)s
  AND (%(text)s::text IS NULL OR i.code ILIKE %(pattern)s OR i.name ILIKE %(pattern)s
       OR EXISTS (SELECT FROM identifier AS d WHERE d.item_id = i.item_id AND d.value = %(text)s))
ORDER BY i.code
LIMIT %(limit)s;

-- name: item
SELECT i.code, i.name, i.category, i.base_unit, i.is_integer_only, i.is_provisional,
       i.is_lot_controlled, i.is_serialised, (
           SELECT l.minimum_days FROM item_life AS l WHERE l.item_id = i.item_id ORDER BY l.life_id DESC LIMIT 1) AS minimum_life_days,
       i.shelf_life_days, c.code AS merged_into
FROM item AS i
LEFT JOIN canonical_item AS ci ON ci.item_id = i.item_id AND ci.canonical_id <> i.item_id
LEFT JOIN item AS c ON c.item_id = ci.canonical_id
WHERE i.code = %(code)s;

-- name: identifiers
SELECT d.scheme, d.value, d.numerator, d.denominator,
       nullif(d.valid_from, '-infinity') AS valid_from
FROM identifier AS d
JOIN item AS i USING (item_id)
WHERE i.code = %(code)s
ORDER BY d.scheme, d.value, d.valid_from
LIMIT 1000;

-- name: locations
SELECT l.site_id AS site, l.code, l.kind, p.code AS parent, l.is_provisional
FROM location AS l
LEFT JOIN location AS p ON p.location_id = l.parent_id
WHERE (l.site_id, l.code) > (%(after_site)s, %(after_code)s) AND l.kind <> 'unit'
  AND sees_site(l.site_id)
  AND (%(site)s::text IS NULL OR l.site_id = %(site)s)
  AND (%(kind)s::text IS NULL OR l.kind = %(kind)s)
  AND (%(pattern)s::text IS NULL OR l.code ILIKE %(pattern)s)
ORDER BY l.site_id, l.code
LIMIT %(limit)s;

-- name: batches
SELECT g.name AS gateway, b.site_id AS site, b.epoch, b.batch_no, b.sha256, b.prev_sha256, b.first_seq,
       b.last_seq, b.complete_until, b.is_final, b.status, b.received_at, e.position, e.recorded_at, b.gateway_id AS gateway_key
FROM ledger_entry AS e
JOIN batch AS b USING (posting_id)
JOIN gateway AS g USING (gateway_id)
WHERE (e.position, b.gateway_id, b.batch_no) < (%(before_position)s, %(before_gateway)s, %(before_no)s)
  AND e.position <= %(before_position)s
  AND sees_site(b.site_id)
  AND (%(gateway)s::text IS NULL OR g.name = %(gateway)s)
ORDER BY e.position DESC, b.gateway_id DESC, b.batch_no DESC
LIMIT %(limit)s;

-- name: gateway_hours
SELECT gateway, site, hour, crossings, held, reads, sightings, heard, unacked_rows, oldest_unacked_age_s,
       is_outbox_full, is_clock_ok, readers_connected
FROM gateway_hours(
    %(site)s::text, %(gateway)s::text, coalesce(%(since)s::timestamptz, '-infinity'),
    coalesce(%(until)s::timestamptz, 'infinity'), %(before_hour)s::timestamptz, %(before_gateway)s::text, %(limit)s);

-- name: site_completeness
SELECT c.site_id AS site, s.time_zone, nullif(c.complete_until, '-infinity') AS complete_until,
       c.active_gateways, c.offline_gateways
FROM site_completeness AS c
JOIN site AS s USING (site_id)
WHERE sees_site(c.site_id)
ORDER BY c.site_id
LIMIT 1000;

-- name: ledger
SELECT i.ledger_id::text AS ledger_id, h.position, nullif(h.recorded_at, '-infinity') AS recorded_at
FROM ledger_identity AS i, ledger_head AS h
WHERE h.shard = 0;

-- name: gateways
SELECT g.gateway, g.site_id AS site, s.time_zone, g.state, g.presence, g.heard_at,
       nullif(g.complete_until, '-infinity') AS complete_until,
       t.status ->> 'agent' AS agent, t.health_at,
       (t.health #>> '{outbox,unacked_rows}')::bigint AS unacked_rows,
       (t.health #>> '{outbox,oldest_unacked_age_s}')::float8 AS oldest_unacked_age_s,
       (t.health #>> '{outbox,is_full}')::boolean AS is_outbox_full,
       (t.health #>> '{clock,ok}')::boolean AS is_clock_ok,
       coalesce(t.health -> 'readers', '[]') AS readers
FROM gateway_completeness AS g
JOIN site AS s USING (site_id)
LEFT JOIN gateway_status AS t USING (gateway_id)
WHERE sees_site(g.site_id) AND g.gateway > %(after)s
ORDER BY g.gateway
LIMIT %(limit)s;

-- name: gaps
SELECT g.site_id AS site, s.time_zone, w.name AS gateway, g.gap_device AS device, g.from_at, g.to_at, g.cause
FROM (
    SELECT DISTINCT ON (gateway_id, gap_device, from_at) site_id, gateway_id, gap_device, from_at, to_at, cause
    FROM gap
    WHERE sees_site(site_id) AND (%(site)s::text IS NULL OR site_id = %(site)s)
    ORDER BY gateway_id, gap_device, from_at, to_at NULLS LAST
) AS g
JOIN site AS s USING (site_id)
JOIN gateway AS w USING (gateway_id)
WHERE (g.from_at, w.name, g.gap_device)
      < (coalesce(%(before_at)s::timestamptz, 'infinity'), %(before_gateway)s, %(before_device)s)
  AND (NOT %(open_only)s OR g.to_at IS NULL)
ORDER BY g.from_at DESC, w.name DESC, g.gap_device DESC
LIMIT %(limit)s;

-- name: flow
SELECT g.name AS gateway, date_bin('1 minute', b.received_at, 'epoch') AS minute_at,
       sum(b.last_seq - b.first_seq + 1)::bigint AS records
FROM batch AS b
JOIN gateway AS g USING (gateway_id)
WHERE b.received_at >= %(since_at)s AND sees_site(b.site_id)
GROUP BY g.name, minute_at
ORDER BY g.name, minute_at
LIMIT 100000;

-- name: quarantine
SELECT quarantine_id, received_at, topic, site_id AS site, gateway, epoch, batch_no, seq, reason, message,
       state, settled_at, settled_by, octet_length(payload) AS size
FROM quarantine
WHERE quarantine_id < %(before)s AND (site_id IS NULL AND %(all_sites)s OR sees_site(site_id))
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(reason)s::text IS NULL OR reason = %(reason)s)
ORDER BY quarantine_id DESC
LIMIT %(limit)s;

-- name: quarantined
SELECT quarantine_id, received_at, topic, site_id AS site, gateway, epoch, batch_no, seq, reason, message,
       state, settled_at, settled_by, octet_length(payload) AS size, payload, sha256,
       r.asked_at AS replay_asked_at, r.asked_by AS replay_asked_by, r.refusal AS replay_refusal
FROM quarantine
LEFT JOIN replay_request AS r USING (quarantine_id)
WHERE quarantine_id = %(quarantine_id)s AND (site_id IS NULL AND %(all_sites)s OR sees_site(site_id));

-- name: held
SELECT count(*) AS held
FROM (SELECT FROM quarantine
      WHERE state = 'held' AND (site_id IS NULL AND %(all_sites)s OR sees_site(site_id)) LIMIT 10000) AS waiting;

-- name: is_migrated
SELECT count(*) FROM ledger_identity;

-- name: movements
SELECT *
FROM read_movements(
    of_gateway => %(gateway)s, of_epoch => %(epoch)s, only_seq => %(seq)s, in_site => %(site)s,
    of_item => %(item)s, at_location => %(location)s, with_reason => %(reason)s,
    occurred_from => %(occurred_from)s, occurred_until => %(occurred_until)s,
    above_position => %(above_position)s, below_position => %(below_position)s,
    below_gateway => %(below_gateway)s, below_seq => %(below_seq)s, at_most => %(limit)s);

-- name: cell_history
SELECT *
FROM read_cell_history(
    of_cell => %(cell_id)s, until_at => %(until_at)s, until_position => %(until_position)s,
    below_at => %(below_at)s, below_gateway => %(below_gateway)s, below_epoch => %(below_epoch)s,
    below_seq => %(below_seq)s, at_most => %(limit)s);

-- name: item_history
SELECT *
FROM read_item_history(
    of_item => %(item)s, in_site => %(site)s, until_at => %(until_at)s, until_position => %(until_position)s,
    below_at => %(below_at)s, below_gateway => %(below_gateway)s, below_epoch => %(below_epoch)s,
    below_seq => %(below_seq)s, at_most => %(limit)s);

-- name: cell_changes
SELECT *
FROM read_cell_changes(
    of_cell => %(cell_id)s, from_at => %(from_at)s, from_position => %(from_position)s, to_at => %(to_at)s,
    to_position => %(to_position)s, below_at => %(below_at)s, below_gateway => %(below_gateway)s,
    below_epoch => %(below_epoch)s, below_seq => %(below_seq)s, at_most => %(limit)s);

-- name: differences
SELECT *
FROM read_differences(
    in_site => %(site)s, of_item => %(item)s, item_like => %(item_like)s, location_like => %(location_like)s,
    from_at => %(from_at)s, from_position => %(from_position)s, to_at => %(to_at)s, to_position => %(to_position)s,
    after_site => %(after_site)s, after_item => %(after_item)s, after_cell => %(after_cell)s, at_most => %(limit)s);

-- name: position_at
SELECT position_at(%(recorded_at)s::timestamptz);

-- name: costs_of_item
SELECT * FROM read_item_costs(%(item)s);

-- name: counts_of_item
SELECT * FROM read_item_counts(%(item)s, %(limit)s);

-- name: balance
SELECT * FROM read_balance(%(cell_id)s, %(until_at)s::timestamptz, %(until_position)s::bigint);

-- name: balances
SELECT *
FROM read_balances(
    in_site => %(site)s, of_item => %(item)s, item_like => %(item_like)s, at_location => %(location)s,
    location_like => %(location_like)s, of_cell => %(cell_id)s, until_at => %(until_at)s,
    until_position => %(until_position)s, with_virtual => %(with_virtual)s, with_zero => %(with_zero)s,
    after_site => %(after_site)s, after_item => %(after_item)s, after_cell => %(after_cell)s,
    at_most => %(limit)s);

-- name: units
SELECT * FROM read_units(in_site => %(site)s, of_unit => %(unit)s, after_unit => %(after)s, at_most => %(limit)s);

-- name: batch_of_row
SELECT b.batch_no, b.sha256, b.received_at
FROM batch AS b
JOIN gateway AS g USING (gateway_id)
WHERE g.name = %(gateway)s AND b.epoch = %(epoch)s AND %(seq)s BETWEEN b.first_seq AND b.last_seq
  AND sees_site(b.site_id)
ORDER BY b.batch_no
LIMIT 1;

-- name: live_revision
SELECT live_revision();
