-- Goods of receipts that wait for a person: came in in a condition that is not sellable, and left it by no movement that
-- names the receipt's line. They lie where those movements put them; somebody may have carried them on since.
DROP FUNCTION IF EXISTS goods_that_wait(text[], text, text);

CREATE FUNCTION goods_that_wait(sites text[], waits_as text, of_receipt text)
    RETURNS TABLE (site text, receipt text, line text, waits_as text, lot text, identifier_scheme text,
        identifier text, item text, item_name text, base_unit text,
        quantity numeric, location text, unit text, partner text, is_unexpected boolean, reason text,
        since_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH candidate AS (
        SELECT l.site_id, l.id FROM receipt_line l
        WHERE (sites IS NULL OR l.site_id = ANY (sites)) AND (of_receipt IS NULL OR l.id = of_receipt)
            AND (l.condition IN ('inspection', 'returned') OR l.held > 0) AND l.received > 0
            AND NOT EXISTS (SELECT FROM receipt_line_reversal v WHERE (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line))
            AND l.received > coalesce((SELECT sum(j.quantity) FROM judgement j
                WHERE (j.site_id, j.id, j.line) = (l.site_id, l.id, l.line) AND j.verdict IN ('sellable', 'damaged')), 0)
        GROUP BY l.site_id, l.id
    ), moves AS (
        SELECT m.site, m.id, m.line, m.lot, m.item_id, x.state, x.place, x.code, sum(x.quantity) AS quantity
        FROM (SELECT c.site_id, array_agg(c.id) AS ids FROM candidate c GROUP BY c.site_id) o
        CROSS JOIN LATERAL moves_of_lines(ARRAY[o.site_id], 'receipt', o.ids) m
        CROSS JOIN LATERAL (VALUES (m.to_as, m.quantity, m.to_place, m.to_code), (m.from_as, -m.quantity, m.from_place, m.from_code))
            AS x (state, quantity, place, code)
        WHERE x.place <> 'virtual' AND x.state IN ('inspection', 'returned', 'hold')
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ), waits AS (
        -- what was judged where somebody had carried it unseen is taken off the places that are known, the fullest last
        SELECT m.*, least(m.quantity, sum(m.quantity) OVER line - coalesce(sum(greatest(m.quantity, 0)) OVER before, 0)) AS waiting
        FROM moves m
        WINDOW line AS (PARTITION BY m.site, m.id, m.line, m.state, m.lot, m.item_id),
            before AS (PARTITION BY m.site, m.id, m.line, m.state, m.lot, m.item_id ORDER BY m.quantity DESC, m.code
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )
    SELECT m.site, m.id, m.line, m.state, m.lot, l.identifier_scheme, l.identifier, i.code, i.name, i.base_unit,
        m.waiting, CASE WHEN m.place <> 'unit' THEN m.code ELSE coalesce(u.location, l.location) END,
        CASE WHEN m.place = 'unit' THEN m.code END, r.partner, l.is_unexpected, l.reason, r.occurred_at
    FROM waits m
    JOIN receipt r ON (r.site_id, r.id) = (m.site, m.id)
    JOIN receipt_line l ON (l.site_id, l.id, l.line) = (m.site, m.id, m.line)
    JOIN item i ON i.item_id = m.item_id
    LEFT JOIN LATERAL (SELECT w.location FROM units_stand(ARRAY[m.code]) w WHERE w.site = m.site AND NOT w.is_virtual) u
        ON m.place = 'unit' AND m.code IS DISTINCT FROM l.unit
    WHERE m.waiting > 0 AND (goods_that_wait.waits_as IS NULL OR m.state = goods_that_wait.waits_as)
$$;
REVOKE ALL ON FUNCTION goods_that_wait(text[], text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goods_that_wait(text[], text, text) TO dockledger_app, dockledger_planner, dockledger_auditor;
