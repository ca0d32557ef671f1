-- Cells of real places that are below zero now, and were where their site's watermark stands: what is known is whole up to there,
-- so that nothing explains them that is still to come from before (DOMAIN D7). Accounts (`@supplier`, `@clearing/…`) go below zero
-- by their nature. Items that read as one count as one. Of each site the furthest below zero, at most so many.
DROP FUNCTION IF EXISTS negative_stock(integer);
CREATE FUNCTION negative_stock(at_most integer)
    RETURNS TABLE (site text, item text, base_unit text, place text, lot text, disposition text, owner text, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH below AS MATERIALIZED (
        SELECT k.site_id, n.canonical_id, k.location_id, k.lot, k.disposition, k.owner, min(b.quantity) AS lowest
        FROM balance b
        JOIN cell k ON k.cell_id = b.cell_id
        JOIN location l ON l.location_id = k.location_id AND l.kind <> 'virtual'
        JOIN canonical_item n ON n.item_id = k.item_id
        WHERE b.quantity < 0
        GROUP BY 1, 2, 3, 4, 5, 6
    ), furthest AS (
        SELECT w.*, row_number() OVER (PARTITION BY w.site_id ORDER BY w.lowest, w.canonical_id, w.location_id) AS nth
        FROM below w
    ), cells AS MATERIALIZED (
        SELECT f.site_id, f.canonical_id, f.location_id, f.lot, f.disposition, f.owner,
            array_agg(k.cell_id) AS ids, sum(b.quantity) AS quantity
        FROM furthest f
        JOIN canonical_item n ON n.canonical_id = f.canonical_id
        JOIN cell k ON k.item_id = n.item_id AND k.location_id = f.location_id AND k.lot IS NOT DISTINCT FROM f.lot
            AND k.disposition IS NOT DISTINCT FROM f.disposition AND k.owner IS NOT DISTINCT FROM f.owner
        JOIN balance b ON b.cell_id = k.cell_id
        WHERE f.nth <= at_most
        GROUP BY 1, 2, 3, 4, 5, 6
        HAVING sum(b.quantity) < 0
    )
    SELECT c.site_id, i.code, i.base_unit, l.code, c.lot, c.disposition, c.owner, c.quantity
    FROM cells c
    JOIN item i ON i.item_id = c.canonical_id
    JOIN location l ON l.location_id = c.location_id
    CROSS JOIN LATERAL (SELECT sum(q.quantity) AS quantity FROM books_at(c.ids, counted_until(c.site_id)) q) past
    WHERE past.quantity < 0
    ORDER BY c.site_id, c.quantity, i.code, l.code, c.lot, c.disposition, c.owner
$$;
REVOKE ALL ON FUNCTION negative_stock(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION negative_stock(integer) TO dockledger_app;
