-- name: crossings
SELECT gateway, epoch, seq, gateway_key, site, time_zone, occurred_at, occurred_at_claimed, time_basis, first_seen_at,
    "position", recorded_at, posted_by, portal, epc, direction, reads, posted, because, visit, confidence, unit,
    identifier_scheme, identifier, unit_seen, inside_location, outside_location, device, evidence, antennas, trace,
    detail, step, answer, answer_visit, answered_by, answered_at, visit_now, stands, card
FROM read_crossings(
    NULL, NULL, NULL, %(site)s, %(portal)s, %(epc)s, %(visit)s, %(direction)s, %(posted)s, %(card)s,
    %(occurred_from)s, %(occurred_until)s, %(before_at)s, %(before_gateway)s, %(before_epoch)s, %(before_seq)s,
    %(limit)s);

-- name: doors
SELECT gateway, epoch, seq, gateway_key, site, time_zone, occurred_at, occurred_at_claimed, time_basis, first_seen_at,
    "position", recorded_at, posted_by, portal, epc, direction, reads, posted, because, visit, confidence, unit,
    identifier_scheme, identifier, unit_seen, inside_location, outside_location, device, evidence, antennas, trace,
    detail, step, answer, answer_visit, answered_by, answered_at, visit_now, stands, card
FROM read_doors(%(site)s, %(portal)s, %(posted)s, %(per_portal)s);

-- name: open_cards
SELECT gateway, epoch, seq, gateway_key, site, time_zone, occurred_at, occurred_at_claimed, time_basis, first_seen_at,
    "position", recorded_at, posted_by, portal, epc, direction, reads, posted, because, visit, confidence, unit,
    identifier_scheme, identifier, unit_seen, inside_location, outside_location, device, evidence, antennas, trace,
    detail, step, answer, answer_visit, answered_by, answered_at, visit_now, stands, card
FROM read_open_cards(%(site)s, %(after_at)s, %(after_gateway)s, %(after_epoch)s, %(after_seq)s, %(limit)s);

-- name: answered_cards
SELECT gateway, epoch, seq, gateway_key, site, time_zone, occurred_at, occurred_at_claimed, time_basis, first_seen_at,
    "position", recorded_at, posted_by, portal, epc, direction, reads, posted, because, visit, confidence, unit,
    identifier_scheme, identifier, unit_seen, inside_location, outside_location, device, evidence, antennas, trace,
    detail, step, answer, answer_visit, answered_by, answered_at, visit_now, stands, card
FROM read_answered_cards(
    %(site)s, %(before_at)s, %(before_gateway)s, %(before_epoch)s, %(before_seq)s, %(limit)s);

-- name: crossing
SELECT gateway, epoch, seq, gateway_key, site, time_zone, occurred_at, occurred_at_claimed, time_basis, first_seen_at,
    "position", recorded_at, posted_by, portal, epc, direction, reads, posted, because, visit, confidence, unit,
    identifier_scheme, identifier, unit_seen, inside_location, outside_location, device, evidence, antennas, trace,
    detail, step, answer, answer_visit, answered_by, answered_at, visit_now, stands, card
FROM crossing_within(%(sites)s::text[], %(gateway)s, %(epoch)s::bigint, %(seq)s::bigint);

-- name: records
SELECT kind, gateway, epoch, seq, "position", recorded_at, occurred_at, item, quantity, unit, from_place, to_place, reason, actor,
    is_reversal, is_reversed
FROM crossing_records(%(sites)s::text[], %(gateway)s, %(epoch)s::bigint, %(seq)s::bigint);

-- name: observations
SELECT is_later, kind, gateway, epoch, seq, observed_at, from_place, to_place, direction, actor
FROM crossing_observations(%(sites)s::text[], %(gateway)s, %(epoch)s::bigint, %(seq)s::bigint);

-- name: answers
SELECT step, answer, visit, answered_by, answered_at, "position"
FROM crossing_answers(%(sites)s::text[], %(gateway)s, %(epoch)s::bigint, %(seq)s::bigint);

-- name: open_visits
SELECT visit, site, door, direction, from_at, clearing_account
FROM choosable_visits(%(sites)s::text[]);

-- name: count_open
SELECT count_open_cards(%(at_most)s);

-- name: add_answer
SELECT add_crossing_answer(
    %(gateway)s, %(epoch)s::bigint, %(seq)s::bigint, %(crossing_at)s::timestamptz, %(step)s, %(answer)s, %(visit)s,
    %(actor)s);

-- name: overdue
SELECT site, portal, count(*)::integer AS cards, min(occurred_at) AS oldest_at
FROM open_cards(NULL, NULL)
WHERE occurred_at < %(before)s
GROUP BY site, portal
ORDER BY site, portal;

-- name: overdue_tickets
SELECT dedup_key FROM ticket WHERE kind = %(kind)s AND resolved_at IS NULL ORDER BY dedup_key;
