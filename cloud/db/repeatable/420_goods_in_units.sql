-- All that units hold, and units that stand in them, however deep: by item and lot in base units, whatever its condition and whosever it
-- is. What stands in several of the units is told once, under the first of them.
CREATE OR REPLACE FUNCTION goods_in_units(of_site text, units text[])
    RETURNS TABLE (aboard text, unit text, item_id bigint, item text, lot text, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH inside AS MATERIALIZED (
        SELECT min(u.code) AS aboard, w.unit_id
        FROM location u
        CROSS JOIN LATERAL units_within(u.location_id, 'infinity', 9223372036854775807) w
        WHERE u.kind = 'unit' AND u.code = ANY (units)
        GROUP BY w.unit_id
    )
    SELECT a.aboard, l.code, n.canonical_id, i.code, c.lot, sum(round(b.quantity * n.numerator / n.denominator, 6))
    FROM inside a
    JOIN location l ON l.location_id = a.unit_id
    JOIN cell c ON c.location_id = a.unit_id
    JOIN balance b ON b.cell_id = c.cell_id
    JOIN canonical_item n ON n.item_id = c.item_id
    JOIN item i ON i.item_id = n.canonical_id
    WHERE sees_site(of_site)
    GROUP BY a.aboard, l.code, n.canonical_id, i.code, c.lot
    HAVING sum(b.quantity) > 0
    ORDER BY a.aboard, l.code, i.code, c.lot NULLS LAST
$$;
REVOKE ALL ON FUNCTION goods_in_units(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goods_in_units(text, text[]) TO dockledger_app;
