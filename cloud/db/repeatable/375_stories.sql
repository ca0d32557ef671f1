-- The story of a serial and of a logistic unit: every fact that names it, as of both clocks, the latest occurrence
-- first. All functions run with the owner's rights and show the session's sites.

DROP TYPE IF EXISTS told_fact CASCADE;
CREATE TYPE told_fact AS (
    kind text, gateway text, gateway_key integer, epoch bigint, seq bigint, line integer, site text, time_zone text,
    occurred_at timestamptz, occurred_at_claimed timestamptz, time_basis text, "position" bigint, recorded_at timestamptz,
    posted_by text, actor text, device text, biz_step text, item text, item_name text, base_unit text, quantity numeric,
    unit text, from_place text, from_kind text, to_place text, to_kind text, reason text, documents jsonb,
    is_reversal boolean, is_reversed boolean, told jsonb);
COMMENT ON TYPE told_fact IS 'What only one kind of fact says is in told';

-- Whether a row's effect had been taken back by a position.
CREATE OR REPLACE FUNCTION is_reversed_by(gateway text, of_epoch bigint, of_seq bigint, until_position bigint) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM claim k JOIN ledger_entry e ON e.posting_id = k.posting_id
        WHERE k.kind = 'reversal' AND k.target = gateway || '/' || lpad(to_hex(of_epoch), 16, '0') || '/' || of_seq
            AND e.position <= until_position)
$$;

CREATE FUNCTION tell_moved(stated movement[], until_position bigint) RETURNS SETOF told_fact
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET join_collapse_limit = 1 AS $$
    SELECT 'movement', g.name, m.gateway_id, m.epoch, m.seq, 0, m.site_id, s.time_zone, m.occurred_at,
        m.occurred_at_claimed, m.time_basis, e.position, e.recorded_at, e.actor, m.detail ->> 'actor', m.detail ->> 'device',
        m.detail ->> 'biz_step', i.code, i.name, i.base_unit, m.quantity, NULL::text, fl.code, fl.kind, tl.code, tl.kind,
        m.reason, coalesce(m.detail -> 'documents', '[]'), m.reverses_seq IS NOT NULL,
        is_reversed_by(g.name, m.epoch, m.seq, until_position),
        jsonb_strip_nulls(jsonb_build_object(
            'read_as', m.identifier, 'quantity_seen', m.quantity_seen, 'unit_seen', m.unit_seen, 'from_lot', fc.lot,
            'to_lot', tc.lot, 'from_disposition', fc.disposition, 'to_disposition', tc.disposition, 'from_owner', fc.owner,
            'to_owner', tc.owner, 'serials', jsonb_array_length(m.detail -> 'epcs'),
            'confidence', m.detail -> 'confidence', 'confirmed_by', m.detail ->> 'confirmed_by',
            'weight_kg', m.detail ->> 'weight_kg'))
    FROM unnest(stated) m
    JOIN ledger_entry e ON e.posting_id = m.posting_id
    JOIN gateway g ON g.gateway_id = m.gateway_id
    JOIN site s ON s.site_id = m.site_id
    JOIN cell fc ON fc.cell_id = m.from_cell
    JOIN location fl ON fl.location_id = fc.location_id
    JOIN cell tc ON tc.cell_id = m.to_cell
    JOIN location tl ON tl.location_id = tc.location_id
    JOIN item seen ON seen.item_id = m.item_id
    LEFT JOIN aliases_at(9223372036854775807) a ON a.item_id = m.item_id
    JOIN item i ON i.item_id = coalesce(a.canonical_id, m.item_id)
$$;

CREATE FUNCTION tell_crossed(stated crossing[], until_position bigint) RETURNS SETOF told_fact
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT 'crossing', g.name, x.gateway_id, x.epoch, x.seq, 0, x.site_id, s.time_zone, x.occurred_at,
        x.occurred_at_claimed, x.time_basis, e.position, e.recorded_at, e.actor, x.detail ->> 'actor', x.detail ->> 'device',
        x.detail ->> 'biz_step', NULL::text, NULL::text, NULL::text, NULL::numeric, x.detail ->> 'unit',
        x.detail ->> CASE WHEN w.way = 'out' THEN 'inside_location' ELSE 'outside_location' END, NULL::text,
        x.detail ->> CASE WHEN w.way = 'out' THEN 'outside_location' ELSE 'inside_location' END, NULL::text,
        NULL::text, coalesce(x.detail -> 'documents', '[]'), false, coalesce(a.answer = 'misread', false),
        jsonb_strip_nulls(jsonb_build_object(
            'portal', x.portal, 'epc', x.epc, 'direction', x.direction, 'posted', x.posted,
            'because', x.detail ->> 'because', 'confidence', x.detail -> 'confidence', 'reads', x.reads,
            'visit', coalesce(a.visit, x.visit), 'stands', w.way, 'answer', a.answer, 'answered_by', a.answered_by,
            'answered_at', a.answered_at,
            'is_open', coalesce(a.answer = 'misread', x.posted = 'held' OR (x.posted = 'posted'
                AND coalesce(x.detail ->> 'because', '') IN ('no_visit', 'several_visits'))),
            'antennas', x.detail -> 'antennas', 'trace', x.detail -> 'trace'))
    FROM unnest(stated) x
    JOIN ledger_entry e ON e.posting_id = x.posting_id
    JOIN gateway g ON g.gateway_id = x.gateway_id
    JOIN site s ON s.site_id = x.site_id
    LEFT JOIN LATERAL (
        SELECT l.* FROM crossing_answer l JOIN ledger_entry le ON le.posting_id = l.posting_id
        WHERE l.gateway_id = x.gateway_id AND l.epoch = x.epoch AND l.seq = x.seq AND le.position <= until_position
        ORDER BY l.step DESC LIMIT 1) a ON true
    CROSS JOIN LATERAL (SELECT CASE
        WHEN a.answer IN ('in', 'out') THEN a.answer
        WHEN a.answer IN ('did_not_move', 'misread') THEN NULL
        WHEN x.posted = 'posted' THEN x.direction END AS way) w
$$;

CREATE FUNCTION tell_stood(stated unit_position[], until_position bigint) RETURNS SETOF told_fact
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT 'unit_position', g.name, p.gateway_id, p.epoch, p.seq, 0, p.site_id, s.time_zone, p.occurred_at,
        p.occurred_at_claimed, p.time_basis, e.position, e.recorded_at, e.actor, p.detail ->> 'actor', p.detail ->> 'device',
        p.detail ->> 'biz_step', NULL::text, NULL::text, NULL::text, NULL::numeric, u.code, f.code, f.kind,
        coalesce(l.code, h.code), coalesce(l.kind, h.kind), p.detail ->> 'reason',
        coalesce(p.detail -> 'documents', '[]'), p.detail ->> 'reason' = 'misread', false,
        jsonb_strip_nulls(jsonb_build_object('parent', h.code, 'confidence', p.detail -> 'confidence',
            'is_unfollowed', CASE WHEN EXISTS (SELECT FROM unfollowed_at(until_position) v
                WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq)) THEN true END))
    FROM unnest(stated) p
    JOIN ledger_entry e ON e.posting_id = p.posting_id
    JOIN gateway g ON g.gateway_id = p.gateway_id
    JOIN site s ON s.site_id = p.site_id
    JOIN location u ON u.location_id = p.unit_id
    LEFT JOIN location l ON l.location_id = p.location_id
    LEFT JOIN location h ON h.location_id = p.parent_id
    LEFT JOIN location f ON f.location_id = p.from_location_id
$$;

CREATE FUNCTION tell_counted(stated count_line[]) RETURNS SETOF told_fact
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT 'count', g.name, k.gateway_id, k.epoch, k.seq, k.line_no, n.site_id, s.time_zone, n.occurred_at,
        n.occurred_at_claimed, n.time_basis, e.position, e.recorded_at, e.actor, n.detail ->> 'actor', n.detail ->> 'device',
        n.detail ->> 'biz_step', i.code, i.name, i.base_unit, k.quantity, NULL::text, NULL::text, NULL::text, l.code, l.kind,
        NULL::text, coalesce(n.detail -> 'documents', '[]'), false, false,
        jsonb_strip_nulls(jsonb_build_object('read_as', k.identifier, 'quantity_seen', k.quantity_seen,
            'unit_seen', k.unit_seen, 'to_lot', c.lot, 'serials', jsonb_array_length(k.detail -> 'epcs'),
            'count_task', n.count_task, 'is_blind', n.is_blind, 'weight_kg', k.detail ->> 'weight_kg'))
    FROM unnest(stated) k
    JOIN count n ON (n.gateway_id, n.epoch, n.seq, n.occurred_at) = (k.gateway_id, k.epoch, k.seq, k.occurred_at)
    JOIN ledger_entry e ON e.posting_id = k.posting_id
    JOIN gateway g ON g.gateway_id = k.gateway_id
    JOIN site s ON s.site_id = n.site_id
    JOIN cell c ON c.cell_id = k.cell_id
    JOIN location l ON l.location_id = c.location_id
    LEFT JOIN aliases_at(9223372036854775807) a ON a.item_id = k.item_id
    JOIN item i ON i.item_id = coalesce(a.canonical_id, k.item_id)
$$;

-- Movements that name one of these serials, as what was read or among what was moved.
CREATE OR REPLACE FUNCTION movements_of_serials(names text[]) RETURNS SETOF movement
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT m.* FROM movement m WHERE m.identifier_scheme = 'sgtin' AND m.identifier = ANY (names)
    UNION
    SELECT m.* FROM unnest(names) n (name) CROSS JOIN LATERAL (
        SELECT x.* FROM movement x
        WHERE x.detail -> 'epcs' @> jsonb_build_array(n.name) AND x.detail ? 'epcs'
            AND NOT (x.identifier_scheme = 'sgtin' AND jsonb_array_length(x.detail -> 'epcs') = 1
                AND x.detail -> 'epcs' ->> 0 = x.identifier)) m
$$;

CREATE OR REPLACE FUNCTION count_lines_of_serials(names text[]) RETURNS SETOF count_line
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT k.* FROM count_line k WHERE k.identifier_scheme = 'sgtin' AND k.identifier = ANY (names)
    UNION
    SELECT k.* FROM unnest(names) n (name) CROSS JOIN LATERAL (
        SELECT x.* FROM count_line x
        WHERE x.detail -> 'epcs' @> jsonb_build_array(n.name) AND x.detail ? 'epcs') k
$$;

-- Crossings of tags that named one of these, or that held these characters.
CREATE OR REPLACE FUNCTION crossings_naming(names text[], tags text[]) RETURNS SETOF crossing
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT x.* FROM crossing x
    WHERE coalesce(x.detail ->> 'unit', x.detail -> 'identifier' ->> 'value') = ANY (names)
        AND (x.detail ? 'unit' OR x.detail ? 'identifier')
    UNION
    SELECT x.* FROM crossing x WHERE x.epc = ANY (tags)
$$;

-- In which units something stood and when, those around these included, from when it was put into one until it left.
CREATE OR REPLACE FUNCTION units_around(
    units bigint[], from_at timestamptz[], to_at timestamptz[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (unit_id bigint, since_at timestamptz, left_at timestamptz)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH RECURSIVE around AS (
        SELECT s.unit_id, s.since_at, s.left_at, 1 AS depth FROM unnest(units, from_at, to_at) s (unit_id, since_at, left_at)
        UNION
        SELECT held.parent_id, greatest(a.since_at, held.occurred_at), least(a.left_at, held.next_at), a.depth + 1
        FROM around a
        CROSS JOIN LATERAL (
            SELECT p.parent_id, p.occurred_at, lead(p.occurred_at, 1, 'infinity')
                OVER (ORDER BY p.occurred_at, e.position, p.seq) AS next_at
            FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = a.unit_id AND p.occurred_at <= until_at AND e.position <= until_position
                AND NOT EXISTS (SELECT FROM unfollowed_at(until_position) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))) held
        WHERE held.parent_id IS NOT NULL AND held.next_at > a.since_at AND held.occurred_at < a.left_at AND a.depth < 8
    )
    SELECT a.unit_id, a.since_at, a.left_at FROM around a
$$;

-- Movements of a serial that stand, each with when the next one took over.
CREATE OR REPLACE FUNCTION standing_of_serials(names text[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (to_cell bigint, occurred_at timestamptz, next_at timestamptz)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT m.to_cell, m.occurred_at, lead(m.occurred_at, 1, 'infinity') OVER in_time
    FROM movements_of_serials(names) m
    JOIN ledger_entry e ON e.posting_id = m.posting_id
    JOIN gateway g ON g.gateway_id = m.gateway_id
    WHERE m.occurred_at <= until_at AND e.position <= until_position AND sees_site(m.site_id)
        AND m.reverses_seq IS NULL AND NOT is_reversed_by(g.name, m.epoch, m.seq, until_position)
    WINDOW in_time AS (ORDER BY m.occurred_at, e.position, m.gateway_id, m.seq)
$$;

-- Where a serial is: the cell that the last movement that stands put it into.
CREATE OR REPLACE FUNCTION read_serial_standing(names text[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, site text, time_zone text, place text, place_kind text, since_at timestamptz, item text,
        item_name text, lot text, disposition text, owner text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT c.cell_id, z.site_id, z.time_zone, l.code, l.kind, s.occurred_at, i.code, i.name, c.lot, c.disposition, c.owner
    FROM standing_of_serials(names, until_at, until_position) s
    JOIN cell c ON c.cell_id = s.to_cell
    JOIN site z ON z.site_id = c.site_id
    JOIN location l ON l.location_id = c.location_id
    LEFT JOIN aliases_at(9223372036854775807) a ON a.item_id = c.item_id
    JOIN item i ON i.item_id = coalesce(a.canonical_id, c.item_id)
    ORDER BY s.next_at DESC, s.occurred_at DESC LIMIT 1
$$;

-- Every fact of a serial below a place in time. `names` are its pure identities, `tags` what its tag may hold.
CREATE FUNCTION read_serial_story(
    names text[], tags text[], until_at timestamptz, until_position bigint, below_at timestamptz, below_gateway integer,
    below_epoch bigint, below_seq bigint, below_line integer, at_most integer)
    RETURNS SETOF told_fact LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT f.*
    FROM (
        SELECT * FROM tell_moved(ARRAY(SELECT m FROM movements_of_serials(names) m), until_position)
        UNION ALL
        SELECT * FROM tell_crossed(ARRAY(SELECT x FROM crossings_naming(names, tags) x), until_position)
        UNION ALL
        SELECT * FROM tell_counted(ARRAY(SELECT k FROM count_lines_of_serials(names) k))
        UNION ALL
        SELECT * FROM tell_stood(ARRAY(
            SELECT DISTINCT p
            FROM (
                SELECT array_agg(c.location_id) AS units, array_agg(s.occurred_at) AS from_at, array_agg(s.next_at) AS to_at
                FROM standing_of_serials(names, until_at, until_position) s
                JOIN cell c ON c.cell_id = s.to_cell
                JOIN logistic_unit u ON u.location_id = c.location_id
            ) held
            CROSS JOIN LATERAL units_around(held.units, held.from_at, held.to_at, until_at, until_position) u
            JOIN unit_position p ON p.unit_id = u.unit_id AND p.occurred_at >= u.since_at AND p.occurred_at < u.left_at),
            until_position)
    ) f
    WHERE sees_site(f.site) AND f.occurred_at <= until_at AND f."position" <= until_position
        AND (f.occurred_at, f.gateway_key, f.epoch, f.seq, f.line)
            < (below_at, below_gateway, below_epoch, below_seq, below_line)
    ORDER BY f.occurred_at DESC, f.gateway_key DESC, f.epoch DESC, f.seq DESC, f.line DESC
    LIMIT at_most;
END
$$;

-- What of a cell's goods was both counted and weighed as of both clocks: pieces and kilograms. Cells of which nothing was
-- are absent.
CREATE OR REPLACE FUNCTION measured_at(cells bigint[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, pieces numeric, weight_kg numeric)
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT s.cell_id, sum(s.sign * s.quantity_seen), sum(s.sign * s.weight)
    FROM (
        SELECT m.to_cell AS cell_id, 1 AS sign, m.quantity_seen, (m.detail ->> 'weight_kg')::numeric AS weight, m.gateway_id,
            m.epoch, m.seq, m.posting_id, m.occurred_at, m.reverses_seq
        FROM movement m WHERE m.to_cell = ANY (cells) AND m.detail ? 'weight_kg'
        UNION ALL
        SELECT m.from_cell, -1, m.quantity_seen, (m.detail ->> 'weight_kg')::numeric, m.gateway_id, m.epoch, m.seq,
            m.posting_id, m.occurred_at, m.reverses_seq
        FROM movement m WHERE m.from_cell = ANY (cells) AND m.detail ? 'weight_kg'
    ) s
    JOIN ledger_entry e ON e.posting_id = s.posting_id
    JOIN gateway g ON g.gateway_id = s.gateway_id
    WHERE s.occurred_at <= until_at AND e.position <= until_position AND s.reverses_seq IS NULL
        AND NOT is_reversed_by(g.name, s.epoch, s.seq, until_position)
    GROUP BY s.cell_id
$$;

REVOKE ALL ON FUNCTION
    measured_at(bigint[], timestamptz, bigint),
    is_reversed_by(text, bigint, bigint, bigint), tell_moved(movement[], bigint), tell_crossed(crossing[], bigint),
    tell_stood(unit_position[], bigint), tell_counted(count_line[]), movements_of_serials(text[]), count_lines_of_serials(text[]),
    crossings_naming(text[], text[]),
    units_around(bigint[], timestamptz[], timestamptz[], timestamptz, bigint),
    standing_of_serials(text[], timestamptz, bigint), read_serial_standing(text[], timestamptz, bigint),
    read_serial_story(text[], text[], timestamptz, bigint, timestamptz, integer, bigint, bigint, integer, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    read_serial_standing(text[], timestamptz, bigint),
    read_serial_story(text[], text[], timestamptz, bigint, timestamptz, integer, bigint, bigint, integer, integer)
    TO dockledger_app;
