-- What allocation reads of documents and of the ledger.

DROP FUNCTION IF EXISTS lines_to_serve(text[]);
DROP FUNCTION IF EXISTS lines_to_come(text[]);

-- What must leave, in base units of the canonical item, with the visit that will take it: customers' orders before transfers.
-- A line whose name or unit is not known is not there: the documents show it as such.
CREATE FUNCTION lines_to_serve(sites text[])
    RETURNS TABLE (site text, type text, id text, line text, ordinal integer, item_id bigint, quantity numeric, lot text,
        unit text, partner text, due_at timestamptz, priority integer, visit text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH leaving AS (
        SELECT n.*, 1 AS priority FROM open_document_lines(sites, 'outbound_order') n
        UNION ALL
        SELECT n.*, 2 FROM open_document_lines(sites, 'transfer') n JOIN transfer t ON (t.from_site, t.id) = (n.site, n.id)
        WHERE t.departed_at IS NULL
    )
    SELECT n.site, n.type, n.id, n.line, n.ordinal, n.item_id, round(n.quantity, 6), n.lot, n.unit, n.partner,
        coalesce(v.from_at, n.due_on::timestamp AT TIME ZONE z.time_zone), n.priority, v.visit
    FROM leaving n
    JOIN site z ON z.site_id = n.site
    LEFT JOIN LATERAL (
        SELECT w.visit, w.from_at FROM visit_document t
        JOIN visit w ON (w.site_id, w.visit) = (t.site_id, t.visit) AND w.direction = 'outbound' AND w.state = 'open'
        WHERE (t.site_id, t.type, t.id) = (n.site, n.type, n.id)
        ORDER BY w.from_at, w.visit LIMIT 1) v ON true
    WHERE sees_site(n.site) AND n.item_id IS NOT NULL AND n.quantity > 0
$$;

-- Notices of goods that are to come: ASNs not received, with the order's line they deliver, and transfers that have left.
CREATE FUNCTION lines_to_come(sites text[])
    RETURNS TABLE (site text, type text, id text, line text, item_id bigint, quantity numeric, due_on date, partner text,
        order_id text, order_line text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT n.site, n.type, n.id, n.line, n.item_id, round(n.quantity, 6),
        coalesce((v.from_at AT TIME ZONE z.time_zone)::date, n.due_on), n.partner, n.order_id, n.order_line
    FROM open_document_lines(sites, 'asn') n
    JOIN site z ON z.site_id = n.site
    LEFT JOIN LATERAL (
        SELECT min(w.from_at) AS from_at FROM visit_document t
        JOIN visit w ON (w.site_id, w.visit) = (t.site_id, t.visit) AND w.direction = 'inbound' AND w.state = 'open'
        WHERE (t.site_id, t.type, t.id) = (n.site, n.type, n.id)) v ON true
    WHERE sees_site(n.site) AND n.item_id IS NOT NULL AND n.quantity > 0
    UNION ALL
    SELECT t.site, 'transfer', t.document, t.line, t.item_id, t.quantity, t.expected_on, t.from_site, NULL, NULL
    FROM pub_in_transit(sites) t WHERE sees_site(t.site)
$$;

DROP FUNCTION IF EXISTS cells_to_claim(text, bigint[], text[]);

-- What cells of a site can still give, in base units of the canonical item: goods that may leave, in bins and in units
-- that stand there, less what is claimed of them. What picks have taken or put there since claims were told of picks last
-- counts as if they had not: it is somebody's. A cell that a pick found short of is doubted until it is counted.
CREATE FUNCTION cells_to_claim(of_site text, items bigint[], shippable text[])
    RETURNS TABLE (cell_id bigint, item_id bigint, held numeric, hard numeric, picked numeric, free numeric, location text,
        unit text, lot text, disposition text, owner text, expires_on date, is_pick_face boolean, is_doubted boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH untold AS (
        SELECT x.cell_id, sum(x.quantity) AS quantity
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        JOIN canonical_item c ON c.item_id = m.item_id
        CROSS JOIN LATERAL (VALUES (m.to_cell, m.quantity), (m.from_cell, -m.quantity)) x (cell_id, quantity)
        WHERE e.position > (SELECT t.position FROM task_head t) AND c.canonical_id = ANY (items)
            AND m.detail @> '{"documents": [{"type": "task"}]}'
            AND EXISTS (SELECT FROM task t WHERE t.site_id = of_site AND t.ended_at IS NULL)
        GROUP BY x.cell_id
    ), held AS (
        SELECT c.cell_id, a.canonical_id AS item_id, l.code, l.kind = 'unit' AS is_unit, c.lot, c.disposition, c.owner,
            (b.quantity - coalesce(u.quantity, 0)) * a.numerator / a.denominator AS quantity,
            f.location_id IS NOT NULL AS is_face
        FROM canonical_item a
        JOIN cell c ON c.item_id = a.item_id
        JOIN balance b ON b.cell_id = c.cell_id
        JOIN location l ON l.location_id = c.location_id
        LEFT JOIN untold u ON u.cell_id = c.cell_id
        LEFT JOIN pick_face f ON f.location_id = c.location_id AND f.item_id = a.canonical_id
        WHERE a.canonical_id = ANY (items) AND l.kind <> 'virtual' AND (c.site_id = of_site OR l.kind = 'unit')
            AND coalesce(c.disposition, 'sellable') = ANY (shippable) AND sees_site(of_site)
    ), claimed AS MATERIALIZED (
        SELECT x.cell_id, sum(x.quantity) FILTER (WHERE x.kind = 'hard') AS hard,
            sum(x.quantity) FILTER (WHERE x.kind = 'picked') AS picked
        FROM allocation x WHERE x.item_id = ANY (items) AND x.ended_at IS NULL AND x.cell_id IS NOT NULL
        GROUP BY x.cell_id
    ), stands AS (
        SELECT w.unit, w.site, w.location, w.is_virtual
        FROM where_units_stand(ARRAY(SELECT DISTINCT h.code FROM held h WHERE h.is_unit)) w
    )
    SELECT h.cell_id, h.item_id, round(h.quantity, 6), coalesce(k.hard, 0), coalesce(k.picked, 0),
        round(h.quantity, 6) - coalesce(k.hard, 0) - coalesce(k.picked, 0), coalesce(s.location, h.code),
        CASE WHEN h.is_unit THEN h.code END, h.lot, h.disposition, h.owner, t.expires_on, h.is_face,
        EXISTS (SELECT FROM task_fact d WHERE d.kind = 'short' AND d.cell_id = h.cell_id AND NOT EXISTS (
            SELECT FROM count_line n WHERE n.cell_id = h.cell_id AND n.occurred_at >= d.occurred_at))
    FROM held h
    LEFT JOIN stands s ON h.is_unit AND s.unit = h.code
    LEFT JOIN lot t ON t.item_id = h.item_id AND t.lot = h.lot
    LEFT JOIN claimed k ON k.cell_id = h.cell_id
    WHERE (NOT h.is_unit OR (s.site = of_site AND NOT s.is_virtual)) AND (h.quantity <> 0 OR k.hard > 0 OR k.picked > 0)
$$;

-- Stock by site and item: what lies there, what of it may leave and is good then, what is claimed and how far, what is on
-- its way there from another site, and what nobody has claimed; below zero where more is claimed than there is.
CREATE OR REPLACE FUNCTION stock_available(sites text[], of_item text, shippable text[], at timestamptz, after_site text,
    after_item text, most integer)
    RETURNS TABLE (site text, item text, name text, base_unit text, item_id bigint, on_hand numeric, usable numeric,
        soft numeric, hard numeric, picked numeric, in_transit numeric, available numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH held AS (
        SELECT c.site_id, l.kind, l.code, a.canonical_id AS item_id, c.lot, c.disposition,
            b.quantity * a.numerator / a.denominator AS quantity
        FROM balance b
        JOIN cell c ON c.cell_id = b.cell_id
        JOIN location l ON l.location_id = c.location_id
        JOIN canonical_item a ON a.item_id = c.item_id
        JOIN item i ON i.item_id = a.canonical_id
        WHERE b.quantity <> 0 AND (of_item IS NULL OR i.code = of_item)
            AND l.kind <> 'virtual'
            AND (sites IS NULL OR l.kind = 'unit' OR c.site_id = ANY (sites))
    ), stands AS (
        SELECT w.unit, w.site, w.is_virtual
        FROM units_stand(ARRAY(SELECT DISTINCT h.code FROM held h WHERE h.kind = 'unit')) w
    ), placed AS (
        SELECT coalesce(s.site, h.site_id) AS site_id, h.item_id, h.quantity,
            coalesce(h.disposition, 'sellable') = ANY (shippable)
                AND coalesce(t.expires_on > (at AT TIME ZONE z.time_zone)::date, true) AS is_usable
        FROM held h
        LEFT JOIN stands s ON h.kind = 'unit' AND s.unit = h.code
        LEFT JOIN lot t ON t.item_id = h.item_id AND t.lot = h.lot
        JOIN site z ON z.site_id = coalesce(s.site, h.site_id)
        WHERE NOT coalesce(s.is_virtual, false) AND sees_site(z.site_id) AND (sites IS NULL OR z.site_id = ANY (sites))
    ), stock AS (
        SELECT p.site_id, p.item_id, sum(p.quantity) AS on_hand, sum(p.quantity) FILTER (WHERE p.is_usable) AS usable
        FROM placed p GROUP BY p.site_id, p.item_id
    ), coming AS (
        SELECT t.site AS site_id, t.item_id, sum(t.quantity) AS quantity
        FROM pub_in_transit(sites) t WHERE sees_site(t.site) GROUP BY t.site, t.item_id
    ), claimed AS (
        SELECT k.site_id, k.item_id, sum(k.quantity) FILTER (WHERE k.kind = 'soft') AS soft,
            sum(k.quantity) FILTER (WHERE k.kind = 'hard') AS hard, sum(k.quantity) FILTER (WHERE k.kind = 'picked') AS picked
        FROM allocation k
        WHERE k.ended_at IS NULL AND sees_site(k.site_id) AND (sites IS NULL OR k.site_id = ANY (sites))
        GROUP BY k.site_id, k.item_id
    )
    SELECT site_id, i.code, i.name, i.base_unit, i.item_id, round(coalesce(s.on_hand, 0), 6), round(coalesce(s.usable, 0), 6),
        coalesce(k.soft, 0), coalesce(k.hard, 0), coalesce(k.picked, 0), round(coalesce(t.quantity, 0), 6),
        round(coalesce(s.usable, 0) - coalesce(k.soft, 0) - coalesce(k.hard, 0) - coalesce(k.picked, 0), 6)
    FROM stock s
    FULL JOIN claimed k USING (site_id, item_id)
    FULL JOIN coming t USING (site_id, item_id)
    JOIN item i USING (item_id)
    WHERE (of_item IS NULL OR i.code = of_item) AND (site_id, i.code) > (after_site, after_item)
    ORDER BY site_id, i.code
    LIMIT most
$$;

REVOKE ALL ON FUNCTION cells_to_claim(text, bigint[], text[]),
    stock_available(text[], text, text[], timestamptz, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cells_to_claim(text, bigint[], text[]),
    stock_available(text[], text, text[], timestamptz, text, text, integer) TO dockledger_app;
REVOKE ALL ON FUNCTION lines_to_serve(text[]), lines_to_come(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lines_to_serve(text[]), lines_to_come(text[]) TO dockledger_app;
