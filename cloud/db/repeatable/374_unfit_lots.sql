-- Which goods may not be used because of their lot: its day has begun where they lie or their unit stands, by the same
-- calendar as in `stock_available` (360_allocation.sql; a test holds the two together), or an open recall reaches it that the
-- site has not given back. Goods are named by item, lot and where they lie; of those about which there is nothing to say
-- no row is given. `as_of` NULL asks about now.
DROP FUNCTION IF EXISTS unfit_lots(text[], text[], text[], text[], timestamptz, timestamptz);

CREATE FUNCTION unfit_lots(sites text[], items text[], lots text[], units text[], now_at timestamptz, as_of timestamptz)
    RETURNS TABLE (nth bigint, is_expired boolean, recall bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH stands AS MATERIALIZED (
        SELECT w.unit, w.site
        FROM where_units_stand(ARRAY(SELECT DISTINCT u.unit FROM unnest(units) u (unit) WHERE u.unit IS NOT NULL)) w
    ), asked AS MATERIALIZED (
        SELECT a.nth, coalesce(s.site, a.site) AS site, i.item_id, a.lot
        FROM unnest(sites, items, lots, units) WITH ORDINALITY a (site, item, lot, unit, nth)
        JOIN item i ON i.code = a.item
        LEFT JOIN stands s ON s.unit = a.unit
        WHERE a.lot IS NOT NULL
    ), reached AS MATERIALIZED (
        SELECT n.canonical_id, l.lot, r.recall_id
        FROM recall r
        JOIN recall_lot l ON l.recall_id = r.recall_id AND (r.with_possible OR NOT l.is_possible)
        JOIN canonical_item n ON n.item_id = l.item_id
        WHERE CASE WHEN as_of IS NULL THEN r.ended_at IS NULL
            ELSE r.opened_at <= as_of AND (r.ended_at IS NULL OR r.ended_at > as_of) END
    ), told AS (
        SELECT a.nth, coalesce(t.expires_on <= (coalesce(as_of, now_at) AT TIME ZONE z.time_zone)::date, false) AS is_expired, (
            SELECT min(r.recall_id)
            FROM reached r
            WHERE r.canonical_id = a.item_id AND r.lot = a.lot AND NOT EXISTS (
                SELECT FROM recall_site s JOIN decision d ON d.decision_id = s.decision_id
                WHERE s.recall_id = r.recall_id AND s.site_id = a.site AND d.state IN ('rejected', 'reversed'))) AS recall
        FROM asked a
        JOIN site z ON z.site_id = a.site
        LEFT JOIN lot t ON t.item_id = a.item_id AND t.lot = a.lot
        WHERE sees_site(a.site)
    )
    SELECT t.nth, t.is_expired, t.recall FROM told t WHERE t.is_expired OR t.recall IS NOT NULL ORDER BY t.nth
$$;

REVOKE ALL ON FUNCTION unfit_lots(text[], text[], text[], text[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unfit_lots(text[], text[], text[], text[], timestamptz, timestamptz) TO dockledger_app;
