-- Goods that wait, on hold, in inspection or as returned, and are carried on by handhelds that know nothing of it (DOMAIN D4): what a place
-- lacks of sellable ones was taken of those that wait there. For a job with all sites.

DROP FUNCTION IF EXISTS note_moved_holds(bigint, bigint);
DROP FUNCTION IF EXISTS held_ready();
DROP FUNCTION IF EXISTS take_held_due(bigint);
DROP FUNCTION IF EXISTS held_standing(bigint);
DROP FUNCTION IF EXISTS held_overdrawn(bigint);
DROP FUNCTION IF EXISTS held_lines(bigint[]);
DROP FUNCTION IF EXISTS carried_from(text, bigint[], timestamptz[]);
DROP FUNCTION IF EXISTS note_carried_back(bigint, bigint);
DROP FUNCTION IF EXISTS is_carried_back(movement);

-- Notes where goods wait of which something was taken as sellable, or that came to wait after more had left, or of which a
-- gateway took some, maybe after they were judged; by what was posted.
CREATE FUNCTION note_moved_holds(start_at bigint, stop_at bigint) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH moved AS MATERIALIZED (
        SELECT m.from_cell, m.to_cell, m.occurred_at, m.reverses_seq IS NOT NULL AS is_reversal
        FROM ledger_entry e JOIN movement m ON m.posting_id = e.posting_id
        WHERE e.position > start_at AND e.position <= stop_at
    ), candidate AS MATERIALIZED (
        SELECT h.cell_id, h.site_id, h.item_id AS waits, c.item_id AS taken, m.occurred_at AS at
        FROM moved m
        JOIN cell c ON c.cell_id = m.from_cell AND coalesce(c.disposition, 'sellable') = 'sellable'
        JOIN cell h ON h.location_id = c.location_id AND h.disposition IN ('hold', 'inspection', 'returned')
            AND h.lot IS NOT DISTINCT FROM c.lot AND h.owner IS NOT DISTINCT FROM c.owner
        JOIN balance b ON b.cell_id = h.cell_id AND b.quantity > 0
        WHERE NOT m.is_reversal
        UNION ALL
        SELECT h.cell_id, h.site_id, h.item_id, h.item_id, '-infinity'
        FROM moved m JOIN cell h ON h.cell_id = m.to_cell AND h.disposition IN ('hold', 'inspection', 'returned')
        WHERE NOT m.is_reversal
        UNION ALL
        SELECT h.cell_id, h.site_id, h.item_id, h.item_id, m.occurred_at
        FROM moved m
        CROSS JOIN LATERAL (VALUES (m.from_cell, false), (m.to_cell, true)) x (cell_id, is_entered)
        JOIN cell h ON h.cell_id = x.cell_id AND h.disposition IN ('hold', 'inspection', 'returned')
            AND (NOT x.is_entered OR h.disposition = 'returned' OR m.is_reversal)
        JOIN location l ON l.location_id = h.location_id AND l.kind <> 'virtual'
    )
    INSERT INTO held_due AS d (cell_id, site_id, from_at, last_at)
    SELECT k.cell_id, k.site_id, min(k.at), max(k.at)
    FROM candidate k
    WHERE k.waits = k.taken OR EXISTS (SELECT FROM canonical_item a JOIN canonical_item b ON b.canonical_id = a.canonical_id
        WHERE a.item_id = k.waits AND b.item_id = k.taken)
    GROUP BY k.cell_id, k.site_id
    ORDER BY k.cell_id
    ON CONFLICT (cell_id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at), last_at = greatest(d.last_at, excluded.last_at)
$$;

-- Whether a movement takes one back by which goods were carried between places: they are where they were before.
CREATE FUNCTION is_carried_back(m movement) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.reverses_seq IS NOT NULL
        AND NOT EXISTS (SELECT FROM cell c JOIN location l ON l.location_id = c.location_id AND l.kind = 'virtual'
            WHERE c.cell_id IN (m.from_cell, m.to_cell))
        AND EXISTS (SELECT FROM movement o
            WHERE (o.gateway_id, o.epoch, o.seq) = (m.reverses_gateway, m.reverses_epoch, m.reverses_seq)
                AND o.detail ->> 'actor' IS DISTINCT FROM 'job:receipts')
$$;

-- Notes goods that wait where a carry that was taken back had taken sellable ones to, by what was posted.
CREATE FUNCTION note_carried_back(start_at bigint, stop_at bigint) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    INSERT INTO held_due AS d (cell_id, site_id, from_at, last_at)
    SELECT h.cell_id, h.site_id, min(m.occurred_at), max(m.occurred_at)
    FROM ledger_entry e
    JOIN movement m ON m.posting_id = e.posting_id AND m.reverses_seq IS NOT NULL
    JOIN cell c ON c.cell_id = m.from_cell AND coalesce(c.disposition, 'sellable') = 'sellable'
    JOIN canonical_item a ON a.item_id = c.item_id
    JOIN canonical_item n ON n.canonical_id = a.canonical_id
    JOIN cell h ON h.location_id = c.location_id AND h.disposition IN ('hold', 'inspection', 'returned') AND h.item_id = n.item_id
        AND h.lot IS NOT DISTINCT FROM c.lot AND h.owner IS NOT DISTINCT FROM c.owner
    JOIN balance b ON b.cell_id = h.cell_id AND b.quantity > 0
    WHERE e.position > start_at AND e.position <= stop_at AND is_carried_back(m)
    GROUP BY h.cell_id, h.site_id
    ORDER BY h.cell_id
    ON CONFLICT (cell_id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at), last_at = greatest(d.last_at, excluded.last_at)
$$;

-- Goods that wait of which a watermark has passed something that must be looked at; what is inspected before what is on hold.
CREATE FUNCTION held_ready() RETURNS TABLE (site text, cell_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.site_id, d.cell_id
    FROM held_due d
    JOIN resolver_reach r ON r.site_id = d.site_id AND d.from_at <= r.until_at
    JOIN cell c ON c.cell_id = d.cell_id
    ORDER BY d.site_id, c.location_id, c.item_id, c.disposition DESC, d.cell_id
$$;

-- Takes what is due of goods that wait; what no watermark has passed yet stays. False: another took it.
CREATE FUNCTION take_held_due(of_cell bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    until timestamptz;
BEGIN
    SELECT r.until_at INTO until FROM held_due d JOIN resolver_reach r ON r.site_id = d.site_id AND d.from_at <= r.until_at
    WHERE d.cell_id = of_cell FOR UPDATE OF d;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM held_due d WHERE d.cell_id = of_cell AND d.last_at <= until;
    UPDATE held_due d SET from_at = until + interval '1 microsecond' WHERE d.cell_id = of_cell;
    RETURN true;
END
$$;

-- Where goods wait, how many, and how many sellable ones lack beside them: now, and without what gateways told of after the site
-- was whole; never more than wait.
CREATE FUNCTION held_standing(of_cell bigint)
    RETURNS TABLE (site text, item_id bigint, item text, base_unit text, location text, unit text, lot text, owner text, disposition text,
        stands text, held_cells bigint[], cells bigint[], lies numeric, lacks numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH waits AS MATERIALIZED (
        SELECT c.*, n.canonical_id, l.code, l.kind FROM cell c
        JOIN canonical_item n ON n.item_id = c.item_id
        JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
        WHERE c.cell_id = of_cell AND c.disposition IN ('hold', 'inspection', 'returned')
    ), beside AS MATERIALIZED (
        SELECT c.cell_id, c.item_id, nullif(c.disposition, 'sellable') AS disposition, n.numerator, n.denominator
        FROM waits w
        JOIN canonical_item n ON n.canonical_id = w.canonical_id
        JOIN cell c ON c.item_id = n.item_id AND c.location_id = w.location_id AND c.lot IS NOT DISTINCT FROM w.lot
            AND c.owner IS NOT DISTINCT FROM w.owner AND (c.disposition IS NULL OR c.disposition IN ('sellable', w.disposition))
    ), waiting AS MATERIALIZED (
        SELECT sum(round(b.quantity * s.numerator / s.denominator, 6)) AS quantity
        FROM beside s JOIN balance b ON b.cell_id = s.cell_id WHERE s.disposition IS NOT NULL
    ), lacking AS MATERIALIZED (
        SELECT -greatest(sum(k.quantity), sum(k.quantity - k.later)) AS quantity
        FROM (
            SELECT round(coalesce(b.quantity, 0) * s.numerator / s.denominator, 6) AS quantity,
                round(coalesce(t.quantity, 0) * s.numerator / s.denominator, 6) AS later
            FROM waits w
            JOIN resolver_reach r ON r.site_id = w.site_id
            JOIN beside s ON s.disposition IS NULL
            LEFT JOIN balance b ON b.cell_id = s.cell_id
            CROSS JOIN LATERAL (
                SELECT sum(m.quantity * ((m.to_cell = s.cell_id)::integer - (m.from_cell = s.cell_id)::integer)) AS quantity
                FROM movement m JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name <> '_cloud'
                WHERE m.item_id = s.item_id AND m.occurred_at > r.until_at AND s.cell_id IN (m.from_cell, m.to_cell)) t
        ) k
    )
    SELECT w.site_id, i.item_id, i.code, i.base_unit, CASE WHEN w.kind <> 'unit' THEN w.code END,
        CASE WHEN w.kind = 'unit' THEN w.code END, w.lot, w.owner, w.disposition, coalesce(u.location, w.code),
        ARRAY(SELECT s.cell_id FROM beside s WHERE s.disposition IS NOT NULL ORDER BY 1),
        ARRAY(SELECT s.cell_id FROM beside s WHERE s.disposition IS NULL ORDER BY 1), y.quantity, least(k.quantity, y.quantity)
    FROM waits w
    JOIN item i ON i.item_id = w.canonical_id
    JOIN lacking k ON k.quantity > 0
    JOIN waiting y ON y.quantity > 0
    LEFT JOIN LATERAL units_stand(ARRAY[w.code]) u ON w.kind = 'unit'
$$;

-- What lies where goods wait, in base units, whatever its lot and owner; below zero where more was judged or taken than came, with
-- the receipts whose goods people judged there last.
CREATE FUNCTION held_overdrawn(of_cell bigint)
    RETURNS TABLE (site text, item text, base_unit text, place text, disposition text, key text, quantity numeric, receipts text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH beside AS MATERIALIZED (
        SELECT c.cell_id, w.site_id, w.disposition, w.location_id, a.canonical_id, n.numerator, n.denominator
        FROM cell w
        JOIN canonical_item a ON a.item_id = w.item_id
        JOIN canonical_item n ON n.canonical_id = a.canonical_id
        JOIN cell c ON c.item_id = n.item_id AND c.location_id = w.location_id AND c.disposition = w.disposition
        WHERE w.cell_id = of_cell
    ), lies AS (
        SELECT k.site_id, k.disposition, k.location_id, k.canonical_id, array_agg(k.cell_id) AS cells,
            sum(round(coalesce(b.quantity, 0) * k.numerator / k.denominator, 6)) AS quantity
        FROM beside k LEFT JOIN balance b ON b.cell_id = k.cell_id
        GROUP BY 1, 2, 3, 4
    )
    SELECT y.site_id, i.code, i.base_unit, l.code, y.disposition,
        y.site_id || '/' || y.location_id || '/' || y.canonical_id || '/' || y.disposition, y.quantity,
        CASE WHEN y.quantity < 0 THEN ARRAY(
            SELECT r.id FROM (
                SELECT d ->> 'id' AS id, max(m.occurred_at) AS last_at
                FROM movements_of_cells(y.cells) m
                JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name = '_cloud'
                CROSS JOIN LATERAL jsonb_array_elements(coalesce(m.detail -> 'documents', '[]')) d
                WHERE m.from_cell = ANY (y.cells) AND m.reverses_seq IS NULL AND d ->> 'type' = 'receipt'
                    AND d ->> 'line' IS NOT NULL AND NOT is_reversed(m)
                GROUP BY 1 ORDER BY 2 DESC LIMIT 5) r
            ORDER BY r.id)
        ELSE '{}' END
    FROM lies y
    JOIN item i ON i.item_id = y.canonical_id
    JOIN location l ON l.location_id = y.location_id
$$;

-- Lines of receipts whose goods wait in some cells, in base units, the first that came first, with when they did: a paper may
-- be written up to a day after its goods were put away.
CREATE FUNCTION held_lines(held_cells bigint[]) RETURNS TABLE (receipt text, line text, quantity numeric, since_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH moves AS MATERIALIZED (
        SELECT m.site_id, d ->> 'id' AS id, d ->> 'line' AS line,
            sum(round(m.quantity * n.numerator / n.denominator, 6)
                * ((m.to_cell = ANY (held_cells))::integer - (m.from_cell = ANY (held_cells))::integer)) AS quantity
        FROM movements_of_cells(held_cells) m
        JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name = '_cloud'
        JOIN canonical_item n ON n.item_id = m.item_id
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(m.detail -> 'documents', '[]')) d
        WHERE d ->> 'type' = 'receipt' AND d ->> 'line' IS NOT NULL AND m.reverses_seq IS NULL AND NOT is_reversed(m)
        GROUP BY 1, 2, 3
    )
    SELECT m.id, m.line, m.quantity, s.since_at
    FROM moves m
    JOIN receipt r ON (r.site_id, r.id) = (m.site_id, m.id)
    CROSS JOIN LATERAL (
        SELECT coalesce(min(o.occurred_at), r.occurred_at - interval '1 day') AS since_at
        FROM scanned_hold h
        JOIN movement o ON (o.gateway_id, o.epoch, o.seq) = (h.gateway_id, h.epoch, h.seq)
        WHERE (h.site_id, h.receipt, h.line) = (m.site_id, m.id, m.line)) s
    WHERE m.quantity > 0
    ORDER BY s.since_at, m.id, m.line
$$;

-- Where goods were carried out of sellable cells, each since an instant, and what of it lies there sellable; the latest first.
-- `is_gone`: to an account, out of the site, or in another condition.
CREATE FUNCTION carried_from(of_site text, from_cells bigint[], sinces timestamptz[])
    RETURNS TABLE (cells bigint[], location text, unit text, lot text, owner text, quantity numeric, stands text, came numeric,
        since_at timestamptz, is_gone boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH carried AS MATERIALIZED (
        SELECT m.to_cell, m.occurred_at, round(m.quantity * n.numerator / n.denominator, 6) AS quantity
        FROM unnest(from_cells, sinces) a (cell_id, since_at)
        JOIN cell f ON f.cell_id = a.cell_id
        JOIN canonical_item n ON n.item_id = f.item_id
        JOIN movement m ON m.item_id = f.item_id AND m.occurred_at >= a.since_at AND m.from_cell = f.cell_id
        WHERE (m.reverses_seq IS NULL OR is_carried_back(m)) AND m.adjustment_id IS NULL
            AND m.detail ->> 'actor' IS DISTINCT FROM 'job:receipts' AND NOT m.to_cell = ANY (from_cells) AND NOT is_reversed(m)
    ), there AS MATERIALIZED (
        SELECT t.cell_id, t.location_id, l.code, l.kind, t.lot, t.owner, sum(k.quantity) AS came, min(k.occurred_at) AS since_at,
            max(k.occurred_at) AS last_at, l.kind = 'virtual' OR coalesce(t.disposition, 'sellable') <> 'sellable' AS is_gone,
            round(coalesce(min(b.quantity), 0) * min(n.numerator) / min(n.denominator), 6) AS lies
        FROM carried k
        JOIN cell t ON t.cell_id = k.to_cell
        JOIN canonical_item n ON n.item_id = t.item_id
        JOIN location l ON l.location_id = t.location_id
        LEFT JOIN balance b ON b.cell_id = t.cell_id
        GROUP BY t.cell_id, l.location_id
    ), stands AS MATERIALIZED (
        SELECT w.unit, w.site, w.location, w.is_virtual
        FROM units_stand(ARRAY(SELECT DISTINCT t.code FROM there t WHERE t.kind = 'unit')) w
    )
    SELECT array_agg(t.cell_id ORDER BY t.cell_id), CASE WHEN t.kind <> 'unit' THEN t.code END,
        CASE WHEN t.kind = 'unit' THEN t.code END, t.lot, t.owner, sum(t.lies), coalesce(u.location, t.code), sum(t.came),
        min(t.since_at), g.is_gone
    FROM there t
    LEFT JOIN stands u ON t.kind = 'unit' AND u.unit = t.code
    CROSS JOIN LATERAL (SELECT t.is_gone OR coalesce(u.is_virtual OR u.site <> of_site, false)) g (is_gone)
    GROUP BY t.location_id, t.code, t.kind, t.lot, t.owner, u.location, g.is_gone
    ORDER BY max(t.last_at) DESC, t.code
$$;

REVOKE ALL ON FUNCTION is_carried_back(movement), note_carried_back(bigint, bigint), note_moved_holds(bigint, bigint), held_ready(), take_held_due(bigint), held_standing(bigint),
    held_overdrawn(bigint), held_lines(bigint[]), carried_from(text, bigint[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_ready(), take_held_due(bigint), held_standing(bigint), held_overdrawn(bigint), held_lines(bigint[]),
    carried_from(text, bigint[], timestamptz[]) TO dockledger_app;
