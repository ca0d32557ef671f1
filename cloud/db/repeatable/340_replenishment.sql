-- What other folders read of replenishment (STYLE §3), and what replenishment reads of the ledger.

DROP FUNCTION IF EXISTS pub_open_order_lines(text[]);
DROP FUNCTION IF EXISTS pub_usable_stock(text[]);
DROP FUNCTION IF EXISTS order_lines_received(text[], text);
DROP FUNCTION IF EXISTS pub_planning_parameters(text[]);

-- The latest approved parameters of each site and item; NULL means every site.
CREATE FUNCTION pub_planning_parameters(sites text[])
    RETURNS TABLE (site text, item text, item_id bigint, review_days integer, protection_days integer, demand_type text,
        bucket text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT ON (p.site_id, p.item_id)
        p.site_id, i.code, p.item_id, p.review_days, p.protection_days, p.demand_type, p.bucket
    FROM planning_parameters p JOIN item i ON i.item_id = p.item_id
    WHERE sites IS NULL OR p.site_id = ANY (sites)
    ORDER BY p.site_id, p.item_id, p.parameter_id DESC
$$;

-- What of the lines of purchase orders has come, in base units: movements that name a line, from the supplier's
-- account or back into it, less those that were reversed, and what handhelds received of lines that have not come whole by
-- movements that name them. `of_order` NULL means every order of the sites.
CREATE FUNCTION order_lines_received(sites text[], of_order text)
    RETURNS TABLE (site text, id text, line text, received numeric, damaged numeric, first_at timestamptz, last_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH asked AS (
        SELECT l.site_id, l.id, l.line, l.item_id, o.created_at
        FROM purchase_order_line l JOIN purchase_order o ON (o.site_id, o.id) = (l.site_id, l.id)
        WHERE (sites IS NULL OR l.site_id = ANY (sites)) AND (of_order IS NULL OR l.id = of_order)
    ), alike AS (
        SELECT DISTINCT x.item_id, c.item_id AS moved_id, c.numerator, c.denominator
        FROM asked x
        JOIN canonical_item own ON own.item_id = x.item_id
        JOIN canonical_item c ON c.canonical_id = own.canonical_id
    ), named AS (
        SELECT m.site_id, d ->> 'id' AS id, d ->> 'line' AS line, m.occurred_at, m.quantity, a.item_id,
            a.numerator, a.denominator, f.code AS from_code, t.code AS to_code, tc.disposition
        FROM alike a
        JOIN movement m ON m.item_id = a.moved_id
        CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
        JOIN gateway g ON g.gateway_id = m.gateway_id
        JOIN cell fc ON fc.cell_id = m.from_cell JOIN location f ON f.location_id = fc.location_id
        JOIN cell tc ON tc.cell_id = m.to_cell JOIN location t ON t.location_id = tc.location_id
        WHERE m.detail @> '{"documents": [{"type": "purchase_order"}]}'
            AND (sites IS NULL OR m.site_id = ANY (sites))
            AND d ->> 'type' = 'purchase_order' AND (of_order IS NULL OR d ->> 'id' = of_order)
            AND NOT EXISTS (SELECT FROM claim c WHERE c.kind = 'reversal'
                AND c.target = g.name || '/' || lpad(to_hex(m.epoch), 16, '0') || '/' || m.seq)
    ), unsettled AS (
        SELECT DISTINCT x.id FROM asked x
        WHERE of_order IS NOT NULL OR NOT EXISTS (SELECT FROM claim c WHERE c.kind = 'document_line'
            AND c.target = x.site_id || '/purchase_order/' || x.id || '/' || x.line)
    ), moved AS (
        SELECT n.site_id, n.id, n.line, n.item_id, n.occurred_at, n.disposition,
            CASE WHEN n.from_code = '@supplier' THEN 1 WHEN n.to_code = '@supplier' THEN -1 ELSE 0 END
            * round(n.quantity * n.numerator / n.denominator, 6) AS quantity_in
        FROM named n
        UNION ALL
        SELECT x.site_id, x.id, x.line, x.item_id, m.occurred_at, tc.disposition, s.quantity
        FROM scanned_moves_of_lines(sites, 'purchase_order', ARRAY(SELECT u.id FROM unsettled u)) s
        JOIN asked x ON (x.site_id, x.id, x.line) = (s.site, s.id, s.line)
        JOIN movement m ON (m.gateway_id, m.epoch, m.seq) = (s.gateway_id, s.epoch, s.seq)
        JOIN cell tc ON tc.cell_id = m.to_cell
    )
    SELECT a.site_id, a.id, a.line, coalesce(sum(m.quantity_in), 0),
        coalesce(sum(m.quantity_in) FILTER (WHERE m.disposition = 'damaged'), 0),
        min(m.occurred_at) FILTER (WHERE m.quantity_in > 0), max(m.occurred_at) FILTER (WHERE m.quantity_in > 0)
    FROM asked a
    LEFT JOIN moved m ON (m.site_id, m.id, m.line, m.item_id) = (a.site_id, a.id, a.line, a.item_id)
    GROUP BY a.site_id, a.id, a.line
$$;

-- What is still to come of orders that were sent, as they were confirmed and taken, and when.
CREATE FUNCTION pub_open_order_lines(sites text[])
    RETURNS TABLE (site text, id text, line text, supplier text, item_id bigint, ordered numeric, received numeric,
        quantity numeric, due_on date, sent_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.site_id, l.id, l.line, o.supplier, c.canonical_id, l.quantity, r.received, l.quantity - r.received,
        l.due_on, o.sent_at
    FROM purchase_order o
    JOIN purchase_order_line_now l ON (l.site_id, l.id) = (o.site_id, o.id)
    JOIN canonical_item c ON c.item_id = l.item_id
    JOIN order_lines_received(sites, NULL) r ON (r.site, r.id, r.line) = (l.site_id, l.id, l.line)
    WHERE o.state = 'sent' AND (sites IS NULL OR o.site_id = ANY (sites)) AND l.quantity > r.received
        AND NOT EXISTS (SELECT FROM document_line_end_now e
            WHERE (e.site_id, e.type, e.id, e.line) = (l.site_id, 'purchase_order', l.id, l.line))
    ORDER BY l.site_id, l.id, l.line
$$;

-- Stock that can be sold, by the site where it lies or where the unit stands that holds it.
CREATE FUNCTION pub_usable_stock(sites text[])
    RETURNS TABLE (site text, item_id bigint, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH held AS (
        SELECT c.site_id, l.kind = 'unit' AS is_unit, l.code, ci.canonical_id,
            b.quantity * ci.numerator / ci.denominator AS quantity
        FROM balance b
        JOIN cell c ON c.cell_id = b.cell_id
        JOIN location l ON l.location_id = c.location_id
        JOIN canonical_item ci ON ci.item_id = c.item_id
        WHERE b.quantity <> 0 AND l.kind <> 'virtual' AND coalesce(c.disposition, 'sellable') = 'sellable'
            AND (sites IS NULL OR l.kind = 'unit' OR c.site_id = ANY (sites))
    ), stands AS (
        SELECT w.unit, w.site, w.is_virtual
        FROM where_units_stand(ARRAY(SELECT DISTINCT h.code FROM held h WHERE h.is_unit)) w
    )
    SELECT coalesce(s.site, h.site_id), h.canonical_id, round(sum(h.quantity), 6)
    FROM held h
    LEFT JOIN stands s ON h.is_unit AND s.unit = h.code
    WHERE NOT coalesce(s.is_virtual, false)
        AND (sites IS NULL OR coalesce(s.site, h.site_id) = ANY (sites))
    GROUP BY 1, 2
    ORDER BY 1, 2
$$;

REVOKE ALL ON FUNCTION
    pub_planning_parameters(text[]), order_lines_received(text[], text), pub_open_order_lines(text[]),
    pub_usable_stock(text[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    pub_planning_parameters(text[]), order_lines_received(text[], text), pub_open_order_lines(text[]),
    pub_usable_stock(text[])
    TO dockledger_app, dockledger_planner, dockledger_auditor;
