-- Items with dated lots that could be picked at a site at an instant, and their lots as they expire: what gateways are told
-- (PROTOCOL P10), items of several lots first, then those that expire first. Where gateways bring picks and returns to is no
-- place to pick from, and what is claimed is somebody's.
DROP FUNCTION IF EXISTS lots_to_pick_first(text, timestamptz, integer);
CREATE FUNCTION lots_to_pick_first(of_site text, at timestamptz, most integer)
    RETURNS TABLE (names jsonb, lots jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH today AS (
        SELECT (at AT TIME ZONE z.time_zone)::date AS day FROM site z WHERE z.site_id = of_site AND sees_site(of_site)
    ), ends AS MATERIALIZED (
        SELECT said.place
        FROM gateway g
        CROSS JOIN LATERAL (
            SELECT r.settings -> 'workflow' AS workflow FROM gateway_config_report r
            WHERE r.gateway_id = g.gateway_id ORDER BY r.report_id DESC LIMIT 1) r
        CROSS JOIN LATERAL (VALUES (r.workflow ->> 'staging'), (r.workflow ->> 'returns')) said (place)
        WHERE g.site_id = of_site AND said.place IS NOT NULL
    ), lying AS MATERIALIZED (
        SELECT c.item_id, c.lot, min(c.expires_on) AS expires_on,
            array_agg(c.location ORDER BY c.is_pick_face DESC, c.location) AS places
        FROM (
            SELECT k.item_id, k.lot, k.expires_on, k.location, bool_or(k.is_pick_face) AS is_pick_face
            FROM cells_to_claim(of_site, ARRAY(
                SELECT DISTINCT h.item_id FROM lot_on_hand h, today t WHERE h.expires_on > t.day), ARRAY['sellable']) k
            WHERE k.free > 0 AND k.lot <> 'unspecified' AND NOT k.is_doubted
                AND NOT EXISTS (SELECT FROM ends e WHERE e.place = k.location)
            GROUP BY k.item_id, k.lot, k.expires_on, k.location) c
        WHERE coalesce(c.expires_on > (SELECT t.day FROM today t), true)
        GROUP BY c.item_id, c.lot
    ), chosen AS (
        SELECT y.item_id, count(*) > 1 AS is_a_choice, min(y.expires_on) AS expires_on
        FROM lying y
        GROUP BY y.item_id HAVING min(y.expires_on) IS NOT NULL
        ORDER BY is_a_choice DESC, expires_on, y.item_id LIMIT most
    )
    SELECT n.names, l.lots
    FROM chosen c
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('scheme', v.scheme, 'value', v.value) ORDER BY v.is_code, v.scheme, v.value)
            AS names
        FROM (
            SELECT DISTINCT x.scheme <> 'gtin' AS is_code, x.scheme, x.value
            FROM canonical_item a JOIN identifier x ON x.item_id = a.item_id
            WHERE a.canonical_id = c.item_id AND x.scheme <> 'sgtin'
            ORDER BY is_code, x.scheme, x.value LIMIT 50) v) n
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('lot', o.lot, 'expires_on', o.expires_on, 'places', to_jsonb(o.places[1:3]))
            ORDER BY o.expires_on, o.lot) AS lots
        FROM (
            SELECT y.lot, y.expires_on, y.places FROM lying y
            WHERE y.item_id = c.item_id ORDER BY y.expires_on, y.lot LIMIT 20) o) l
    WHERE n.names IS NOT NULL
    ORDER BY c.is_a_choice DESC, c.expires_on, c.item_id
$$;

REVOKE ALL ON FUNCTION lots_to_pick_first(text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lots_to_pick_first(text, timestamptz, integer) TO dockledger_app;
