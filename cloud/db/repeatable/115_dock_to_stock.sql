-- From the dock to the shelf (DOMAIN D4): when goods of receipts were first seen or received, and when all of a line stood
-- usable in a place that no door leads to. What handhelds received and is inspected was received when it was scanned; what left although it waited is decided, too. A unit is put away when it stands there; loose goods when as much of the item
-- has left the place they were put to as had come until then, first in, first out. NULL: not yet.
DROP FUNCTION IF EXISTS dock_to_stock(text[], timestamptz, timestamptz);

CREATE FUNCTION dock_to_stock(sites text[], from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (site text, receipt text, line text, item text, quantity numeric, location text, unit text,
        partner text, began_at timestamptz, received_at timestamptz, put_away_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH came AS MATERIALIZED (
        SELECT l.site_id, l.id, l.line, l.ordinal, l.item_id, l.received - l.held AS quantity, l.location, l.unit, l.condition,
            r.partner, coalesce(scan.occurred_at, r.occurred_at) AS occurred_at, r.visit,
            EXISTS (SELECT FROM portal p WHERE (p.site_id, p.inside_location) = (l.site_id, l.location)) AS is_staged
        FROM receipt r
        JOIN receipt_line l ON (l.site_id, l.id) = (r.site_id, r.id)
        LEFT JOIN LATERAL (
            SELECT min(o.occurred_at) AS occurred_at
            FROM scanned_hold h JOIN movement o ON (o.gateway_id, o.epoch, o.seq) = (h.gateway_id, h.epoch, h.seq)
            WHERE (h.site_id, h.receipt, h.line) = (l.site_id, l.id, l.line)) scan ON true
        WHERE (sites IS NULL OR r.site_id = ANY (sites)) AND r.occurred_at >= from_at - interval '30 days'
            AND r.occurred_at < until_at AND r.origin <> 'customer' AND l.received > l.held AND l.item_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM receipt_line_reversal v WHERE (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line))
    ), counted AS MATERIALIZED (
        SELECT c.*, c.unit IS NULL AND c.is_staged AS is_loose,
            sum(c.quantity) OVER (PARTITION BY c.site_id, c.item_id, c.location, c.unit IS NULL AND c.is_staged
                ORDER BY c.occurred_at, c.id, c.ordinal) AS until_here
        FROM came c
    ), watched AS (
        SELECT x.site_id, x.item_id, x.location, min(x.occurred_at) AS since_at FROM counted x
        WHERE x.is_loose GROUP BY x.site_id, x.item_id, x.location
    ), gone AS (
        SELECT w.site_id, w.item_id, w.location, m.occurred_at,
            sum(m.quantity) OVER (PARTITION BY w.site_id, w.item_id, w.location ORDER BY m.occurred_at, m.seq) AS until_here
        FROM watched w
        JOIN location f ON (f.site_id, f.code) = (w.site_id, w.location) AND f.kind <> 'unit'
        JOIN movement m ON m.item_id = w.item_id AND m.occurred_at >= w.since_at AND m.site_id = w.site_id
        JOIN cell fc ON fc.cell_id = m.from_cell AND fc.location_id = f.location_id
        JOIN cell tc ON tc.cell_id = m.to_cell AND coalesce(tc.disposition, 'sellable') = 'sellable'
        JOIN location t ON t.location_id = tc.location_id AND (t.kind <> 'virtual' OR t.code = '@customer')
        WHERE tc.location_id <> f.location_id AND m.reverses_seq IS NULL
            AND NOT EXISTS (SELECT FROM portal p WHERE (p.site_id, p.inside_location) = (t.site_id, t.code))
    ), uninspected AS MATERIALIZED (
        SELECT m.site, m.id, m.line, sum(m.quantity) AS quantity, max(m.occurred_at) AS last_at
        FROM (SELECT c.site_id, array_agg(DISTINCT c.id) AS ids FROM came c WHERE c.condition = 'inspection' GROUP BY c.site_id) o
        CROSS JOIN LATERAL moves_of_lines(ARRAY[o.site_id], 'receipt', o.ids) m
        WHERE m.reason = 'left' AND m.from_as = 'inspection' AND m.to_as <> 'inspection'
        GROUP BY m.site, m.id, m.line
    ), paired AS MATERIALIZED (
        SELECT e.*, min(e.left_at) OVER (PARTITION BY e.site_id, e.item_id, e.location, e.is_loose
            ORDER BY e.until_here, e.rank ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS gone_at
        FROM (
            SELECT c.site_id, c.id, c.line, c.ordinal, c.item_id, c.quantity, c.location, c.unit, c.condition, c.partner,
                c.occurred_at, c.visit, c.is_loose, c.until_here, 0 AS rank, NULL::timestamptz AS left_at
            FROM counted c
            UNION ALL
            SELECT g.site_id, NULL, NULL, NULL, g.item_id, NULL, g.location, NULL, NULL, NULL, NULL, NULL, true,
                g.until_here, 1, g.occurred_at
            FROM gone g) e
    )
    SELECT c.site_id, c.id, c.line, i.code, c.quantity, c.location, c.unit, c.partner,
        least(c.occurred_at, v.arrived_at, seen.first_at), c.occurred_at,
        CASE WHEN c.condition = 'inspection' AND judged.last_at IS NULL THEN NULL
            ELSE greatest(judged.last_at, CASE
                WHEN c.unit IS NOT NULL THEN stood.first_at
                WHEN c.is_loose THEN c.gone_at
                ELSE c.occurred_at END) END
    FROM paired c
    JOIN item i ON i.item_id = c.item_id
    LEFT JOIN visit v ON (v.site_id, v.visit) = (c.site_id, c.visit)
    LEFT JOIN LATERAL (
        SELECT CASE WHEN sum(d.quantity) >= c.quantity THEN max(d.at) END AS last_at
        FROM (
            SELECT j.quantity, j.judged_at AS at FROM judgement j
            WHERE (j.site_id, j.id, j.line) = (c.site_id, c.id, c.line) AND j.waited_as = 'inspection'
            UNION ALL
            SELECT n.quantity, n.last_at FROM uninspected n WHERE (n.site, n.id, n.line) = (c.site_id, c.id, c.line)) d) judged ON true
    LEFT JOIN location u ON u.kind = 'unit' AND u.code = c.unit
    LEFT JOIN LATERAL (
        SELECT min(p.occurred_at) AS first_at FROM unit_position p
        WHERE p.unit_id = u.location_id AND p.site_id = c.site_id
            AND p.occurred_at BETWEEN c.occurred_at - interval '1 day' AND c.occurred_at) seen ON true
    LEFT JOIN LATERAL (
        SELECT min(p.occurred_at) AS first_at FROM unit_position p JOIN location o ON o.location_id = p.location_id
        WHERE p.unit_id = u.location_id AND p.occurred_at >= c.occurred_at - interval '1 day' AND o.site_id = c.site_id
            AND o.kind <> 'virtual'
            AND NOT EXISTS (SELECT FROM portal d WHERE (d.site_id, d.inside_location) = (o.site_id, o.code))) stood ON true
    WHERE c.rank = 0 AND c.occurred_at >= dock_to_stock.from_at
    ORDER BY c.occurred_at, c.site_id, c.id, c.ordinal
$$;
REVOKE ALL ON FUNCTION dock_to_stock(text[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dock_to_stock(text[], timestamptz, timestamptz)
    TO dockledger_app, dockledger_planner, dockledger_auditor;
