-- Goods of receipts that wait for a person: came in in a condition that is not sellable, and left it by no movement that
-- names the receipt's line. Where they were put is what the receipt says; somebody may have carried them on since.
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
        SELECT m.site, m.id, m.line, x.state, x.quantity, m.lot, m.item_id
        FROM (SELECT c.site_id, array_agg(c.id) AS ids FROM candidate c GROUP BY c.site_id) o
        CROSS JOIN LATERAL moves_of_lines(ARRAY[o.site_id], 'receipt', o.ids) m
        CROSS JOIN LATERAL (VALUES (m.to_as, m.quantity, m.to_place), (m.from_as, -m.quantity, m.from_place))
            AS x (state, quantity, place)
        WHERE x.place <> 'virtual' AND x.state IN ('inspection', 'returned', 'hold')
    )
    SELECT m.site, m.id, m.line, m.state, m.lot, l.identifier_scheme, l.identifier, i.code, i.name, i.base_unit,
        sum(m.quantity), l.location, l.unit, r.partner,
        l.is_unexpected, l.reason, r.occurred_at
    FROM moves m
    JOIN receipt r ON (r.site_id, r.id) = (m.site, m.id)
    JOIN receipt_line l ON (l.site_id, l.id, l.line) = (m.site, m.id, m.line)
    JOIN item i ON i.item_id = m.item_id
    WHERE goods_that_wait.waits_as IS NULL OR m.state = goods_that_wait.waits_as
    GROUP BY m.site, m.id, m.line, m.state, m.lot, l.identifier_scheme, l.identifier, i.code, i.name, i.base_unit, l.location, l.unit, r.partner,
        l.is_unexpected, l.reason, r.occurred_at
    HAVING sum(m.quantity) > 0
$$;
REVOKE ALL ON FUNCTION goods_that_wait(text[], text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goods_that_wait(text[], text, text) TO dockledger_app, dockledger_planner, dockledger_auditor;
