-- What units that crossed a door carry of a visit's papers that declare no units (DOMAIN D2, D5): what they hold, what left on them for
-- another site, and whether somebody moved it on paper.

DROP FUNCTION IF EXISTS held_aboard(text, text[]);
DROP FUNCTION IF EXISTS under_way_aboard(text, text, text[]);
DROP FUNCTION IF EXISTS units_aboard(text[]);

-- Units, and all that stand in them, however deep: each once, with the units around it that are asked about, outermost first.
CREATE FUNCTION units_aboard(units text[]) RETURNS TABLE (around text[], unit text, unit_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH inside AS MATERIALIZED (
        SELECT DISTINCT u.location_id AS around_id, u.code AS around, w.unit_id
        FROM location u
        CROSS JOIN LATERAL units_within(u.location_id, 'infinity', 9223372036854775807) w
        WHERE u.kind = 'unit' AND u.code = ANY (units)
    ), depth AS (
        SELECT i.unit_id, count(*) AS depth FROM inside i GROUP BY i.unit_id
    )
    SELECT array_agg(i.around ORDER BY d.depth, i.around), l.code, l.location_id
    FROM inside i JOIN depth d ON d.unit_id = i.around_id JOIN location l ON l.location_id = i.unit_id
    GROUP BY l.code, l.location_id
$$;

-- Own sellable goods in units, in base units: what a transfer may take along.
CREATE FUNCTION held_aboard(of_site text, units text[])
    RETURNS TABLE (around text[], unit text, item text, lot text, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.around, a.unit, i.code, c.lot, sum(round(b.quantity * n.numerator / n.denominator, 6))
    FROM units_aboard(units) a
    JOIN cell c ON c.location_id = a.unit_id AND c.owner IS NULL AND coalesce(c.disposition, 'sellable') = 'sellable'
    JOIN balance b ON b.cell_id = c.cell_id
    JOIN canonical_item n ON n.item_id = c.item_id
    JOIN item i ON i.item_id = n.canonical_id
    WHERE sees_site(of_site)
    GROUP BY a.around, a.unit, i.code, c.lot
    HAVING sum(b.quantity) > 0
    ORDER BY a.around, a.unit, i.code, c.lot NULLS LAST
$$;

-- What left in units for transfers of an inbound visit and did not come in them yet, by the line under which it left, in base units.
CREATE FUNCTION under_way_aboard(of_site text, of_visit text, units text[])
    RETURNS TABLE (around text[], unit text, id text, line text, item text, lot text, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH inside AS MATERIALIZED (
        SELECT a.around, a.unit FROM units_aboard(units) a
    ), sent AS MATERIALIZED (
        SELECT t.from_site, array_agg(t.id) AS ids
        FROM visit_document d JOIN transfer t ON t.id = d.id AND t.to_site = d.site_id
        WHERE (d.site_id, d.visit) = (of_site, of_visit) AND d.type = 'transfer' AND sees_site(of_site)
        GROUP BY t.from_site
    ), moves AS (
        SELECT m.id, m.line, m.item_id, m.lot, m.from_code AS unit, m.quantity
        FROM sent s CROSS JOIN LATERAL moves_naming_lines(ARRAY[s.from_site], 'transfer', s.ids, false, NULL) m
        WHERE m.from_place = 'unit' AND m.to_code = '@transit'
        UNION ALL
        SELECT m.id, m.line, m.item_id, m.lot, m.to_code, -m.quantity
        FROM sent s CROSS JOIN LATERAL moves_naming_lines(ARRAY[of_site], 'transfer', s.ids, false, NULL) m
        WHERE m.to_place = 'unit' AND m.from_code = '@transit'
    )
    SELECT x.around, x.unit, m.id, m.line, i.code, m.lot, sum(m.quantity)
    FROM inside x JOIN moves m ON m.unit = x.unit JOIN item i ON i.item_id = m.item_id
    GROUP BY x.around, x.unit, m.id, m.line, i.code, m.lot
    HAVING sum(m.quantity) > 0
    ORDER BY x.around, x.unit, m.id, m.line, i.code, m.lot NULLS LAST
$$;

-- Units whose goods somebody moved for a line of a visit's papers since an instant, into them or out of them as the visit goes.
CREATE OR REPLACE FUNCTION units_moved_for(of_site text, of_visit text, units text[], since_at timestamptz) RETURNS TABLE (unit text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT o.unit
    FROM (
        SELECT d.type, v.direction, array_agg(d.id) AS ids
        FROM visit v JOIN visit_document d ON (d.site_id, d.visit) = (v.site_id, v.visit)
        WHERE (v.site_id, v.visit) = (of_site, of_visit) AND sees_site(of_site)
        GROUP BY d.type, v.direction
    ) p
    CROSS JOIN LATERAL moves_naming_lines(ARRAY[of_site], p.type, p.ids, true, NULL) m
    JOIN units_aboard(units) a ON a.unit = CASE p.direction WHEN 'inbound' THEN m.to_code ELSE m.from_code END
    CROSS JOIN LATERAL unnest(a.around) o (unit)
    WHERE m.occurred_at >= since_at AND CASE p.direction WHEN 'inbound' THEN m.from_place ELSE m.to_place END = 'virtual'
        AND CASE p.direction WHEN 'inbound' THEN m.to_place ELSE m.from_place END = 'unit'
    ORDER BY o.unit
$$;

REVOKE ALL ON FUNCTION units_aboard(text[]), held_aboard(text, text[]), under_way_aboard(text, text, text[]),
    units_moved_for(text, text, text[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_aboard(text, text[]), under_way_aboard(text, text, text[]),
    units_moved_for(text, text, text[], timestamptz) TO dockledger_app;
