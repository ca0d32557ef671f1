-- A lot's date that is stated or changed may make goods expire too soon that were received of it (DOMAIN D8). Whoever states it only
-- notes it; the job looks what came of the lot.

DROP FUNCTION IF EXISTS note_dated_scans(integer);
DROP FUNCTION IF EXISTS dated_arrivals(bigint, text);

CREATE OR REPLACE FUNCTION note_lot_date() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO lot_dated (item_id, lot)
    SELECT new.item_id, new.lot WHERE EXISTS (SELECT FROM item_life l WHERE l.item_id = new.item_id AND l.minimum_days IS NOT NULL)
    ON CONFLICT (item_id, lot) DO UPDATE SET is_noted = false;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT OR UPDATE OF expires_on ON lot
    FOR EACH ROW WHEN (new.expires_on IS NOT NULL) EXECUTE FUNCTION note_lot_date();

-- Notes the numbers under which handhelds received goods of lots that were dated since, and the visits that brought such goods loose: they
-- are looked at again.
CREATE FUNCTION note_dated_scans(most integer) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH dated AS (
        UPDATE lot_dated d SET is_noted = true
        FROM (SELECT k.item_id, k.lot FROM lot_dated k WHERE NOT k.is_noted ORDER BY k.item_id, k.lot LIMIT most FOR UPDATE) k
        WHERE (d.item_id, d.lot) = (k.item_id, k.lot)
        RETURNING d.item_id, d.lot
    ), put AS MATERIALIZED (
        SELECT t.cell_id FROM dated x
        JOIN canonical_item n ON n.canonical_id = x.item_id
        JOIN cell t ON t.item_id = n.item_id AND t.lot = x.lot
    ), moved AS MATERIALIZED (
        SELECT m.* FROM movements_of_cells(ARRAY(SELECT p.cell_id FROM put p)) m
    ), loose AS (
        INSERT INTO loose_due AS d (site_id, visit, from_at, last_at)
        SELECT DISTINCT v.site_id, v.visit, '-infinity'::timestamptz, '-infinity'::timestamptz
        FROM moved m
        JOIN cell c ON c.cell_id IN (m.from_cell, m.to_cell)
        JOIN location l ON l.location_id = c.location_id AND l.kind = 'virtual' AND starts_with(l.code, '@clearing/')
        JOIN visit v ON v.site_id = m.site_id AND v.visit = substr(l.code, length('@clearing/') + 1) AND v.direction = 'inbound'
        ORDER BY v.site_id, v.visit
        ON CONFLICT (site_id, visit) DO UPDATE SET from_at = excluded.from_at
    )
    INSERT INTO scanned_note (site_id, id)
    SELECT DISTINCT m.site_id, d ->> 'id'
    FROM moved m
    JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name <> '_cloud'
    JOIN put p ON p.cell_id = m.to_cell
    JOIN cell c ON c.cell_id = m.from_cell
    JOIN location s ON s.location_id = c.location_id AND s.code = '@supplier'
    CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
    WHERE m.reverses_seq IS NULL AND d ->> 'type' = 'receipt' AND d ->> 'line' IS NOT NULL
$$;

-- What people received as sellable of a lot, on paper or in units of a visit, and expires sooner than its item asked for then; what was
-- looked at before is left out.
CREATE FUNCTION dated_arrivals(of_item bigint, of_lot text)
    RETURNS TABLE (site text, number text, type text, partner text, gateway text, epoch bigint, seq bigint, occurred_at timestamptz,
        item text, item_id bigint, base_unit text, quantity numeric, days_left integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH put AS MATERIALIZED (
        SELECT c.cell_id
        FROM canonical_item n
        JOIN cell c ON c.item_id = n.item_id AND c.lot = of_lot AND coalesce(c.disposition, 'sellable') = 'sellable'
        JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
        WHERE n.canonical_id = of_item
    )
    SELECT m.site_id, coalesce(r.id, v.visit), CASE WHEN r.id IS NULL THEN 'visit' ELSE 'paper' END,
        coalesce(r.partner, (SELECT min(d.partner) FROM document d JOIN jsonb_array_elements(m.detail -> 'documents') x
            ON (d.site_id, d.type, d.id) = (m.site_id, x ->> 'type', x ->> 'id'))),
        g.name, m.epoch, m.seq, m.occurred_at, i.code, i.item_id, i.base_unit,
        round(m.quantity * n.numerator / n.denominator, 6), k.days
    FROM movements_of_cells(ARRAY(SELECT p.cell_id FROM put p)) m
    JOIN put p ON p.cell_id = m.to_cell
    JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name = '_cloud'
    JOIN cell f ON f.cell_id = m.from_cell
    JOIN location s ON s.location_id = f.location_id AND s.code = '@supplier'
    JOIN ledger_entry e ON e.posting_id = m.posting_id
    JOIN canonical_item n ON n.item_id = m.item_id
    JOIN item i ON i.item_id = n.canonical_id
    JOIN lot t ON t.item_id = of_item AND t.lot = of_lot
    JOIN site z ON z.site_id = m.site_id
    CROSS JOIN LATERAL (SELECT t.expires_on - (m.occurred_at AT TIME ZONE z.time_zone)::date AS days) k
    JOIN LATERAL (
        SELECT l.minimum_days FROM item_life l WHERE l.item_id = of_item AND l.set_at <= e.recorded_at
        ORDER BY l.life_id DESC LIMIT 1) l ON k.days <= l.minimum_days
    LEFT JOIN LATERAL (
        SELECT r.id, r.partner FROM jsonb_array_elements(m.detail -> 'documents') x
        JOIN receipt r ON r.site_id = m.site_id AND x ->> 'type' = 'receipt' AND r.id = x ->> 'id' LIMIT 1) r ON true
    LEFT JOIN LATERAL (
        SELECT v.visit FROM jsonb_array_elements(m.detail -> 'documents') x
        JOIN visit v ON v.site_id = m.site_id AND x ->> 'type' = 'visit' AND v.visit = x ->> 'id' LIMIT 1) v ON true
    WHERE m.reverses_seq IS NULL AND NOT is_reversed(m) AND coalesce(r.id, v.visit) IS NOT NULL
        AND NOT EXISTS (SELECT FROM scanned_hold h WHERE (h.gateway_id, h.epoch, h.seq) = (m.gateway_id, m.epoch, m.seq))
    ORDER BY m.site_id, 2, 3, m.occurred_at, m.seq
$$;

REVOKE ALL ON FUNCTION note_lot_date(), note_dated_scans(integer), dated_arrivals(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dated_arrivals(bigint, text) TO dockledger_app;
