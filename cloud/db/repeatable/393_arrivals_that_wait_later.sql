-- Goods that wait although they came in sellable, and of which it is known later (DOMAIN D4). For a job with all sites.

DROP FUNCTION IF EXISTS note_arrivals(bigint, bigint);
DROP FUNCTION IF EXISTS loose_ready();
DROP FUNCTION IF EXISTS take_loose_due(text, text);
DROP FUNCTION IF EXISTS loose_arrivals(text, text);

-- Notes, by what was posted: visits of which loose goods crossed the door or were received; and under which numbers goods wait whose
-- arrival was taken back.
CREATE FUNCTION note_arrivals(start_at bigint, stop_at bigint) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH moved AS MATERIALIZED (
        SELECT m.* FROM ledger_entry e JOIN movement m ON m.posting_id = e.posting_id
        WHERE e.position > start_at AND e.position <= stop_at
    ), taken_back AS (
        INSERT INTO scanned_due AS d (site_id, id, from_at)
        SELECT DISTINCT h.site_id, h.id, '-infinity'::timestamptz
        FROM moved m
        JOIN scanned_hold h ON (h.gateway_id, h.epoch, h.seq) = (m.reverses_gateway, m.reverses_epoch, m.reverses_seq)
        WHERE m.reverses_seq IS NOT NULL
        ORDER BY 1, 2
        ON CONFLICT (site_id, id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at), items = NULL
    )
    INSERT INTO loose_due AS d (site_id, visit, from_at, last_at, is_news)
    SELECT v.site_id, v.visit, min(m.occurred_at), max(m.occurred_at), true
    FROM moved m
    JOIN cell c ON c.cell_id IN (m.from_cell, m.to_cell)
    JOIN location l ON l.location_id = c.location_id AND l.kind = 'virtual' AND starts_with(l.code, '@clearing/')
    JOIN visit v ON v.site_id = m.site_id AND v.visit = substr(l.code, length('@clearing/') + 1) AND v.direction = 'inbound'
    GROUP BY v.site_id, v.visit
    ORDER BY v.site_id, v.visit
    ON CONFLICT (site_id, visit) DO UPDATE
    SET from_at = least(d.from_at, excluded.from_at), last_at = greatest(d.last_at, excluded.last_at), is_news = true
$$;

-- Visits of whose loose goods a watermark has passed something that must be looked at, or that bring returns, once something of them is
-- known: those wait at once, and what is told late of them lets them follow.
CREATE FUNCTION loose_ready() RETURNS TABLE (site text, visit text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.site_id, d.visit
    FROM loose_due d LEFT JOIN resolver_reach r ON r.site_id = d.site_id
    WHERE d.from_at <= r.until_at OR (d.is_news AND EXISTS (
        SELECT FROM visit_document v WHERE (v.site_id, v.visit, v.type) = (d.site_id, d.visit, 'customer_return')))
    ORDER BY d.site_id, d.visit
$$;

-- Takes what is due of a visit; what no watermark has passed yet stays. `all`: a watermark has passed something; `returns`: what is
-- known of returns only; NULL: another took it.
CREATE FUNCTION take_loose_due(of_site text, of_visit text) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    due   loose_due;
    until timestamptz;
BEGIN
    SELECT d.* INTO due FROM loose_due d WHERE (d.site_id, d.visit) = (of_site, of_visit) FOR UPDATE;
    SELECT r.until_at INTO until FROM resolver_reach r WHERE r.site_id = of_site;
    IF due.from_at <= until THEN
        DELETE FROM loose_due d WHERE (d.site_id, d.visit) = (of_site, of_visit) AND d.last_at <= until;
        UPDATE loose_due d SET from_at = until + interval '1 microsecond', is_news = false
        WHERE (d.site_id, d.visit) = (of_site, of_visit);
        RETURN 'all';
    END IF;
    UPDATE loose_due d SET is_news = false WHERE (d.site_id, d.visit) = (of_site, of_visit) AND d.is_news;
    RETURN CASE WHEN FOUND THEN 'returns' END;
END
$$;

-- Loose goods of a visit that crossed its door inwards and were received from suppliers, in the order in which they crossed, as far as
-- both is so: what crossed first was received first. Of a visit that brings a customer return also what none of its other papers names
-- and crossed, whether it was received or not: that is returned, and nobody's to take before it is graded. `asked` is what of a crossing
-- was to wait before; `recorded_at`, when its receipt became known; `days_left`, until its lot expires, where that is less than its item
-- asked for then. What went out again is of what crossed last.
CREATE FUNCTION loose_arrivals(of_site text, of_visit text)
    RETURNS TABLE (number text, type text, partner text, gateway text, epoch bigint, seq bigint, occurred_at timestamptz,
        item text, item_id bigint, base_unit text, quantity numeric, days_left integer, is_return boolean, recorded_at timestamptz,
        asked numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH paper AS MATERIALIZED (
        SELECT d.type, array_agg(d.id) AS ids FROM visit_document d
        WHERE (d.site_id, d.visit) = (of_site, of_visit) AND EXISTS (
            SELECT FROM visit_document v WHERE (v.site_id, v.visit, v.type) = (of_site, of_visit, 'customer_return'))
        GROUP BY d.type
    ), named AS MATERIALIZED (
        SELECT p.type = 'customer_return' AS is_return, n.item_id, min(n.partner) AS partner
        FROM paper p CROSS JOIN LATERAL lines_now(ARRAY[of_site], p.type, p.ids, false, NULL) n
        GROUP BY 1, 2
    ), account AS MATERIALIZED (
        SELECT c.cell_id FROM location l JOIN cell c ON c.location_id = l.location_id
        WHERE l.site_id = of_site AND l.code = '@clearing/' || of_visit
    ), moves AS MATERIALIZED (
        SELECT m.*, n.canonical_id, g.name AS gateway, round(m.quantity * n.numerator / n.denominator, 6) AS base,
            p.kind <> 'virtual' AS is_crossing, p.code, m.from_cell = a.cell_id AS is_in, coalesce(t.lot, f.lot) AS lot, e.recorded_at
        FROM movements_of_cells(ARRAY(SELECT a.cell_id FROM account a)) m
        JOIN account a ON a.cell_id IN (m.from_cell, m.to_cell)
        JOIN gateway g ON g.gateway_id = m.gateway_id
        JOIN ledger_entry e ON e.posting_id = m.posting_id
        JOIN canonical_item n ON n.item_id = m.item_id
        JOIN cell f ON f.cell_id = m.from_cell
        JOIN cell t ON t.cell_id = m.to_cell
        JOIN location p ON p.location_id = CASE WHEN m.from_cell = a.cell_id THEN t.location_id ELSE f.location_id END
        WHERE m.reverses_seq IS NULL AND m.adjustment_id IS NULL AND NOT m.detail ? 'inferred' AND NOT is_reversed(m)
    ), received AS (
        SELECT m.canonical_id, m.lot, m.recorded_at, m.base, m.occurred_at,
            (SELECT min(d.partner) FROM document d JOIN jsonb_array_elements(m.detail -> 'documents') x
                ON (d.site_id, d.type, d.id) = (of_site, x ->> 'type', x ->> 'id')) AS partner,
            m.code = '@customer' AS is_return,
            sum(m.base) OVER (PARTITION BY m.canonical_id ORDER BY m.recorded_at, m.epoch, m.seq) AS until
        FROM moves m WHERE m.code IN ('@supplier', '@customer') AND m.gateway = '_cloud' AND NOT m.is_in
    ), crossed AS MATERIALIZED (
        SELECT m.*, sum(m.base) OVER (PARTITION BY m.canonical_id ORDER BY m.occurred_at, m.gateway_id, m.epoch, m.seq) AS until,
            (SELECT coalesce(sum(o.base) FILTER (WHERE o.is_in), 0) - coalesce(sum(o.base) FILTER (WHERE NOT o.is_in), 0) FROM moves o
                WHERE o.canonical_id = m.canonical_id AND o.is_crossing) AS net
        FROM moves m WHERE m.is_crossing AND m.is_in
    ), returned AS MATERIALIZED (
        SELECT DISTINCT c.canonical_id,
            coalesce((SELECT n.partner FROM named n WHERE n.is_return AND n.item_id = c.canonical_id),
                (SELECT min(n.partner) FROM named n WHERE n.is_return)) AS partner
        FROM crossed c
        WHERE EXISTS (SELECT FROM paper) AND NOT EXISTS (SELECT FROM named n WHERE NOT n.is_return AND n.item_id = c.canonical_id)
    ), arrived AS (
        SELECT c.gateway_id, c.gateway, c.epoch, c.seq, c.occurred_at, c.canonical_id, coalesce(c.lot, r.lot) AS lot, r.partner,
            r.is_return, r.recorded_at, r.occurred_at AS received_at,
            least(c.until, r.until, c.net) - greatest(c.until - c.base, r.until - r.base) AS quantity
        FROM crossed c JOIN received r ON r.canonical_id = c.canonical_id
        WHERE NOT EXISTS (SELECT FROM returned b WHERE b.canonical_id = c.canonical_id)
        UNION ALL
        SELECT c.gateway_id, c.gateway, c.epoch, c.seq, c.occurred_at, c.canonical_id, c.lot, b.partner, true, c.recorded_at, c.occurred_at,
            least(c.until, c.net) - (c.until - c.base)
        FROM crossed c JOIN returned b ON b.canonical_id = c.canonical_id
    )
    SELECT of_visit, 'visit', a.partner, a.gateway, a.epoch, a.seq, a.occurred_at, i.code, i.item_id, i.base_unit, a.quantity,
        CASE WHEN y.days <= l.minimum_days AND NOT a.is_return THEN y.days END, a.is_return, a.recorded_at, coalesce((
            SELECT sum(h.asked) FROM scanned_hold h WHERE (h.gateway_id, h.epoch, h.seq) = (a.gateway_id, a.epoch, a.seq)), 0)
    FROM arrived a
    JOIN item i ON i.item_id = a.canonical_id
    JOIN site z ON z.site_id = of_site
    LEFT JOIN lot t ON t.item_id = a.canonical_id AND t.lot = a.lot
    CROSS JOIN LATERAL (SELECT t.expires_on - (a.received_at AT TIME ZONE z.time_zone)::date AS days) y
    LEFT JOIN LATERAL (
        SELECT x.minimum_days FROM item_life x WHERE x.item_id = a.canonical_id AND x.set_at <= a.recorded_at
        ORDER BY x.life_id DESC LIMIT 1) l ON true
    WHERE a.quantity > 0
    ORDER BY a.occurred_at, a.gateway, a.epoch, a.seq, a.recorded_at
$$;

REVOKE ALL ON FUNCTION note_arrivals(bigint, bigint), loose_ready(), take_loose_due(text, text), loose_arrivals(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION loose_ready(), take_loose_due(text, text), loose_arrivals(text, text) TO dockledger_app;
