-- A logistic unit: where it stands, what is in it, and every fact that names it, as of both clocks (DOMAIN D5). All
-- functions run with the owner's rights and show the session's sites.

DROP FUNCTION IF EXISTS read_unit_content(text, timestamptz, bigint);
DROP FUNCTION IF EXISTS unchecked_in_units(text[], timestamptz, bigint);

-- What a unit and the units in it, however deep, are as of both clocks.
CREATE OR REPLACE FUNCTION units_within(of_unit bigint, until_at timestamptz, until_position bigint)
    RETURNS TABLE (unit_id bigint, parent_id bigint, depth integer)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH RECURSIVE inside AS (
        SELECT of_unit AS unit_id, NULL::bigint AS parent_id, 0 AS depth, ARRAY[of_unit] AS seen
        UNION ALL
        SELECT c.unit_id, i.unit_id, i.depth + 1, i.seen || c.unit_id
        FROM inside i
        CROSS JOIN LATERAL (
            SELECT DISTINCT p.unit_id FROM unit_position p WHERE p.parent_id = i.unit_id AND p.occurred_at <= until_at) c
        CROSS JOIN LATERAL (
            SELECT p.parent_id FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = c.unit_id AND p.occurred_at <= until_at AND e.position <= until_position
                AND NOT EXISTS (SELECT FROM unfollowed_at(until_position) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
            ORDER BY p.occurred_at DESC, e.position DESC, p.seq DESC LIMIT 1) last
        WHERE last.parent_id = i.unit_id AND c.unit_id <> ALL (i.seen)
    )
    SELECT i.unit_id, i.parent_id, i.depth FROM inside i
$$;

-- Where a unit stands: each unit around it, and at last a place, or none if that was never said. From inside out.
CREATE OR REPLACE FUNCTION read_whereabouts(of_unit text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (step integer, place text, kind text, site text, time_zone text, since_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE climb AS (
        SELECT 0 AS step, l.location_id AS place_id, NULL::timestamptz AS since_at, ARRAY[l.location_id] AS seen
        FROM location l WHERE l.kind = 'unit' AND l.code = of_unit
        UNION ALL
        SELECT c.step + 1, coalesce(last.location_id, last.parent_id), last.occurred_at,
            c.seen || coalesce(last.location_id, last.parent_id)
        FROM climb c
        CROSS JOIN LATERAL (
            SELECT p.location_id, p.parent_id, p.occurred_at
            FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = c.place_id AND p.occurred_at <= until_at AND e.position <= until_position
                AND NOT EXISTS (SELECT FROM unfollowed_at(until_position) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
            ORDER BY p.occurred_at DESC, e.position DESC, p.seq DESC LIMIT 1) last
        WHERE coalesce(last.location_id, last.parent_id) <> ALL (c.seen)
    )
    SELECT c.step, l.code, l.kind, s.site_id, s.time_zone, c.since_at
    FROM climb c JOIN location l ON l.location_id = c.place_id JOIN site s ON s.site_id = l.site_id
    WHERE c.step > 0 AND sees_site(l.site_id)
    ORDER BY c.step
$$;

-- Movements into and out of a unit: found by its cells' changes, not by all that ever moved of its items.
CREATE OR REPLACE FUNCTION movements_of_unit(of_unit bigint) RETURNS SETOF movement
    LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    cells  CONSTANT bigint[] := ARRAY(SELECT c.cell_id FROM cell c WHERE c.location_id = of_unit);
    folded CONSTANT bigint := (SELECT f.position FROM fold_head f);
BEGIN
    RETURN QUERY
    SELECT m.*
    FROM (SELECT DISTINCT c.cell_id, c.item_id, d.occurred_at
        FROM cell c JOIN cell_delta d ON d.cell_id = c.cell_id WHERE c.location_id = of_unit) d
    JOIN movement m ON m.item_id = d.item_id AND m.occurred_at = d.occurred_at
        AND (m.from_cell = d.cell_id OR m.to_cell = d.cell_id)
    UNION
    SELECT m.*
    FROM ledger_entry e JOIN movement m ON m.posting_id = e.posting_id
    WHERE e.position > folded AND (m.from_cell = ANY (cells) OR m.to_cell = ANY (cells));
END
$$;

-- Items that came with these units as their papers declare them (DOMAIN D5), and that nobody has counted in them since.
CREATE FUNCTION unchecked_in_units(units text[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (unit text, item_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH moved AS MATERIALIZED (
        SELECT u.code, u.location_id, m.site_id, m.gateway_id, m.epoch, m.seq, m.item_id, m.to_cell, m.from_cell, m.reason,
            m.occurred_at, m.reverses_gateway, m.reverses_epoch, m.reverses_seq
        FROM location u
        CROSS JOIN LATERAL movements_of_unit(u.location_id) m
        JOIN ledger_entry e ON e.posting_id = m.posting_id AND e.position <= until_position
        WHERE u.kind = 'unit' AND u.code = ANY (units) AND m.occurred_at <= until_at
    ), declared AS (
        SELECT m.code, m.location_id, m.item_id, max(m.occurred_at) AS came_at
        FROM moved m
        JOIN cell t ON t.cell_id = m.to_cell AND t.location_id = m.location_id
        JOIN cell f ON f.cell_id = m.from_cell
        JOIN location s ON s.location_id = f.location_id AND s.code IN ('@supplier', '@transit')
        WHERE m.reason IN ('completeness_inferred', 'not_read') AND m.reverses_seq IS NULL AND sees_site(m.site_id)
            AND NOT EXISTS (SELECT FROM moved r
                WHERE (r.reverses_gateway, r.reverses_epoch, r.reverses_seq) = (m.gateway_id, m.epoch, m.seq))
        GROUP BY m.code, m.location_id, m.item_id
    )
    SELECT d.code, d.item_id
    FROM declared d
    WHERE NOT EXISTS (
        SELECT FROM cell x
        JOIN count_line k ON k.cell_id = x.cell_id AND k.occurred_at >= d.came_at AND k.occurred_at <= until_at
        JOIN ledger_entry e ON e.posting_id = k.posting_id AND e.position <= until_position
        WHERE x.location_id = d.location_id AND x.item_id = d.item_id)
$$;

-- What is in a unit and in the units in it; a unit that holds nothing is told too.
CREATE FUNCTION read_unit_content(of_unit text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (unit text, parent text, depth integer, cell_id bigint, item text, item_name text, base_unit text,
        lot text, disposition text, owner text, quantity numeric, pieces numeric, weight_kg numeric, is_unchecked boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH inside AS MATERIALIZED (
        SELECT w.* FROM location l CROSS JOIN LATERAL units_within(l.location_id, until_at, until_position) w
        WHERE l.kind = 'unit' AND l.code = of_unit
    ), held AS MATERIALIZED (
        SELECT c.cell_id, c.location_id, c.item_id, c.lot, c.disposition, c.owner
        FROM inside w JOIN cell c ON c.location_id = w.unit_id
        WHERE sees_site(c.site_id) OR EXISTS (SELECT FROM units_stand(ARRAY[of_unit]) s WHERE sees_site(s.site))
    ), amount AS (
        SELECT h.*, q.quantity, m.pieces, m.weight_kg
        FROM held h
        JOIN as_of(ARRAY(SELECT x.cell_id FROM held x), until_at, until_position) q ON q.cell_id = h.cell_id
        LEFT JOIN measured_at(ARRAY(SELECT x.cell_id FROM held x), until_at, until_position) m ON m.cell_id = h.cell_id
        WHERE q.quantity <> 0
    ), unchecked AS MATERIALIZED (
        SELECT n.unit, n.item_id
        FROM unchecked_in_units(
            ARRAY(SELECT DISTINCT l.code FROM amount a JOIN location l ON l.location_id = a.location_id),
            until_at, until_position) n
    )
    SELECT u.code, p.code, w.depth, a.cell_id, i.code, i.name, i.base_unit, a.lot, a.disposition, a.owner,
        round(a.quantity * coalesce(al.numerator, 1) / coalesce(al.denominator, 1), 6), a.pieces, a.weight_kg,
        EXISTS (SELECT FROM unchecked n WHERE (n.unit, n.item_id) = (u.code, a.item_id))
    FROM inside w
    JOIN location u ON u.location_id = w.unit_id
    LEFT JOIN location p ON p.location_id = w.parent_id
    LEFT JOIN amount a ON a.location_id = w.unit_id
    LEFT JOIN aliases_at(9223372036854775807) al ON al.item_id = a.item_id
    LEFT JOIN item i ON i.item_id = coalesce(al.canonical_id, a.item_id)
    WHERE sees_site(u.site_id) OR a.cell_id IS NOT NULL
    ORDER BY w.depth, u.code, i.code, a.lot NULLS LAST, a.cell_id
$$;

-- Times in which the same SSCC was one unit: it is another one when nothing was heard of it for twelve months, after
-- which GS1 lets an SSCC be used again.
CREATE OR REPLACE FUNCTION read_unit_instances(of_unit text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (instance integer, from_at timestamptz, last_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH fact AS (
        SELECT p.occurred_at
        FROM location l
        JOIN unit_position p ON p.unit_id = l.location_id
        JOIN ledger_entry e ON e.posting_id = p.posting_id AND e.position <= until_position
        WHERE l.kind = 'unit' AND l.code = of_unit AND p.occurred_at <= until_at AND sees_site(p.site_id)
        UNION
        SELECT m.occurred_at
        FROM location l
        CROSS JOIN LATERAL movements_of_unit(l.location_id) m
        JOIN ledger_entry e ON e.posting_id = m.posting_id AND e.position <= until_position
        WHERE l.kind = 'unit' AND l.code = of_unit AND m.occurred_at <= until_at AND sees_site(m.site_id)
    ), begun AS (
        SELECT f.occurred_at, count(*) FILTER (WHERE f.is_new) OVER (ORDER BY f.occurred_at) AS instance
        FROM (SELECT occurred_at, coalesce(occurred_at - INTERVAL '12 months' >= lag(occurred_at) OVER (ORDER BY occurred_at),
            true) AS is_new FROM fact) f
    )
    SELECT b.instance::integer, min(b.occurred_at), max(b.occurred_at) FROM begun b GROUP BY b.instance ORDER BY b.instance
$$;

-- Every fact of a unit below a place in time: where it and what it stood in stood, what was put into it and taken out,
-- other units too, crossings, counts of its content.
CREATE FUNCTION read_unit_story(
    of_unit text, tags text[], until_at timestamptz, until_position bigint, below_at timestamptz, below_gateway integer,
    below_epoch bigint, below_seq bigint, below_line integer, at_most integer)
    RETURNS SETOF told_fact LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    of_id  CONSTANT bigint := (SELECT l.location_id FROM location l WHERE l.kind = 'unit' AND l.code = of_unit);
    newest CONSTANT timestamptz := least(until_at, below_at);
BEGIN
    RETURN QUERY
    SELECT f.*
    FROM (
        SELECT * FROM tell_stood(ARRAY(
            SELECT DISTINCT p.whole
            FROM units_around(
                ARRAY[of_id], ARRAY['-infinity'::timestamptz], ARRAY['infinity'::timestamptz], until_at, until_position) u
            CROSS JOIN LATERAL (
                SELECT x AS whole
                FROM unit_position x JOIN ledger_entry e ON e.posting_id = x.posting_id
                WHERE x.unit_id = u.unit_id AND x.occurred_at >= u.since_at AND x.occurred_at < u.left_at
                    AND x.occurred_at <= newest AND e.position <= until_position
                    AND (x.occurred_at, x.gateway_id, x.epoch, x.seq, 0)
                        < (below_at, below_gateway, below_epoch, below_seq, below_line)
                ORDER BY x.occurred_at DESC, x.gateway_id DESC, x.epoch DESC, x.seq DESC
                LIMIT at_most) p
            UNION
            SELECT y.whole
            FROM (SELECT DISTINCT x.unit_id FROM unit_position x WHERE x.parent_id = of_id) child
            CROSS JOIN LATERAL (
                SELECT x AS whole, x.parent_id, lag(x.parent_id) OVER (ORDER BY x.occurred_at, e.position, x.seq) AS was_in
                FROM unit_position x JOIN ledger_entry e ON e.posting_id = x.posting_id
                WHERE x.unit_id = child.unit_id AND x.occurred_at <= until_at AND e.position <= until_position) y
            WHERE y.parent_id = of_id OR y.was_in = of_id), until_position)
        UNION ALL
        SELECT * FROM tell_moved(ARRAY(SELECT m FROM movements_of_unit(of_id) m), until_position)
        UNION ALL
        SELECT * FROM tell_crossed(ARRAY(SELECT x FROM crossings_naming(ARRAY[of_unit], tags) x), until_position)
        UNION ALL
        SELECT * FROM tell_counted(ARRAY(
            SELECT k FROM cell c JOIN count_line k ON k.cell_id = c.cell_id WHERE c.location_id = of_id))
    ) f
    WHERE sees_site(f.site) AND f.occurred_at <= until_at AND f."position" <= until_position
        AND (f.occurred_at, f.gateway_key, f.epoch, f.seq, f.line)
            < (below_at, below_gateway, below_epoch, below_seq, below_line)
    ORDER BY f.occurred_at DESC, f.gateway_key DESC, f.epoch DESC, f.seq DESC, f.line DESC
    LIMIT at_most;
END
$$;

REVOKE ALL ON FUNCTION
    units_within(bigint, timestamptz, bigint), read_whereabouts(text, timestamptz, bigint),
    read_unit_content(text, timestamptz, bigint), unchecked_in_units(text[], timestamptz, bigint), movements_of_unit(bigint),
    read_unit_instances(text, timestamptz, bigint),
    read_unit_story(text, text[], timestamptz, bigint, timestamptz, integer, bigint, bigint, integer, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    read_whereabouts(text, timestamptz, bigint), read_unit_content(text, timestamptz, bigint),
    unchecked_in_units(text[], timestamptz, bigint), read_unit_instances(text, timestamptz, bigint),
    read_unit_story(text, text[], timestamptz, bigint, timestamptz, integer, bigint, bigint, integer, integer)
    TO dockledger_app;
