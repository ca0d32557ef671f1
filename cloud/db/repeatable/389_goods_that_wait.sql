-- Goods of receipts that wait for a person: came in in a condition that is not sellable, and left it by no movement that
-- names the receipt's line. They lie where those movements put them, and never more wait than lie: what a handheld judged, or
-- somebody took, was of what came first. What somebody carried on in a condition that waits is found where it lies now, and
-- whose it is now. No owner: our own. The rest of what lies in such a condition no receipt brought: a handheld's return that no
-- paper told of, a hold by hand; `numbers`: those of returns that handhelds named for it. `days_left`: until its lot expired when it
-- came, where that was less than its item asked for, so that it is inspected.
DROP FUNCTION IF EXISTS goods_that_wait(text[], text, text);
DROP FUNCTION IF EXISTS goods_that_wait(text[], text, text, text);
DROP FUNCTION IF EXISTS came_last(bigint[], numeric);

-- Since when so many base units wait that no receipt brought and that lie in some cells, if what came first was taken first; and
-- the numbers of returns under which handhelds brought them. What followed there came where it was followed from, at most 30 days
-- before.
CREATE FUNCTION came_last(of_cells bigint[], waiting numeric) RETURNS TABLE (since_at timestamptz, numbers text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(min(CASE WHEN k.detail ->> 'actor' = 'job:receipts' THEN coalesce((
            SELECT min(o.occurred_at) FROM movement o WHERE o.item_id = k.item_id AND o.to_cell = k.from_cell
                AND o.occurred_at > k.occurred_at - interval '30 days'), k.occurred_at) ELSE k.occurred_at END),
            statement_timestamp()),
        coalesce(array_agg(DISTINCT d.id) FILTER (WHERE d.id IS NOT NULL), '{}')
    FROM (
        SELECT m.occurred_at, m.item_id, m.from_cell, m.detail, coalesce(sum(round(m.quantity * n.numerator / n.denominator, 6))
            OVER (ORDER BY m.occurred_at DESC, m.seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS later
        FROM movements_of_cells(of_cells) m
        JOIN canonical_item n ON n.item_id = m.item_id
        WHERE m.to_cell = ANY (of_cells) AND NOT m.from_cell = ANY (of_cells) AND m.reverses_seq IS NULL AND NOT is_reversed(m)
            AND NOT m.detail @? '$.documents[*] ? (@.type == "receipt" && exists (@.line))'
    ) k
    LEFT JOIN LATERAL (
        SELECT x ->> 'id' AS id FROM jsonb_array_elements(coalesce(k.detail -> 'documents', '[]')) x
        WHERE x ->> 'type' = 'customer_return') d ON true
    WHERE k.later < waiting
$$;
REVOKE ALL ON FUNCTION came_last(bigint[], numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION came_last(bigint[], numeric) TO dockledger_app;

-- Of one receipt, one item (its code; as goods read by now), or all.
CREATE FUNCTION goods_that_wait(sites text[], waits_as text, of_receipt text, of_item text)
    RETURNS TABLE (site text, receipt text, line text, waits_as text, lot text, owner text, identifier_scheme text,
        identifier text, item text, item_name text, base_unit text,
        quantity numeric, location text, unit text, partner text, is_unexpected boolean, reason text,
        since_at timestamptz, numbers text[], days_left integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH named AS MATERIALIZED (
        SELECT n.item_id FROM item i JOIN canonical_item n ON n.canonical_id = i.item_id WHERE i.code = of_item
    ), line AS MATERIALIZED (
        SELECT l.site_id, l.id, l.line, l.received, n.canonical_id FROM receipt_line l
        JOIN canonical_item n ON n.item_id = l.item_id
        WHERE (sites IS NULL OR l.site_id = ANY (sites))
            AND (of_item IS NULL OR l.item_id IN (SELECT k.item_id FROM named k))
            AND (l.condition IN ('inspection', 'returned') OR l.held > 0) AND l.received > 0
            AND NOT EXISTS (SELECT FROM receipt_line_reversal v WHERE (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line))
    ), stands AS MATERIALIZED (
        -- what is in a unit waits where that stands, wherever the unit was heard of first
        SELECT w.unit, w.site FROM units_stand(ARRAY(
            SELECT DISTINCT p.code
            FROM cell c
            JOIN balance b ON b.cell_id = c.cell_id AND b.quantity <> 0
            JOIN location p ON p.location_id = c.location_id AND p.kind = 'unit'
            JOIN canonical_item n ON n.item_id = c.item_id
            WHERE c.disposition IN ('inspection', 'returned', 'hold')
                AND (of_item IS NULL OR c.item_id IN (SELECT k.item_id FROM named k))
                AND (of_receipt IS NULL OR n.canonical_id IN (SELECT k.canonical_id FROM line k WHERE k.id = of_receipt)))) w
    ), asked AS MATERIALIZED (
        -- of a receipt: its items, whose other receipts' goods lie beside
        SELECT k.site_id, k.canonical_id FROM line k WHERE of_receipt IS NULL OR k.id = of_receipt
        UNION
        SELECT coalesce(s.site, c.site_id), n.canonical_id
        FROM cell c
        JOIN balance b ON b.cell_id = c.cell_id AND b.quantity > 0
        JOIN canonical_item n ON n.item_id = c.item_id
        JOIN location p ON p.location_id = c.location_id
        LEFT JOIN stands s ON p.kind = 'unit' AND s.unit = p.code
        WHERE of_receipt IS NULL AND c.disposition IN ('inspection', 'returned', 'hold')
            AND (sites IS NULL OR coalesce(s.site, c.site_id) = ANY (sites))
            AND (of_item IS NULL OR c.item_id IN (SELECT k.item_id FROM named k))
    ), lies AS MATERIALIZED (
        SELECT c.cell_id, a.site_id AS site, n.canonical_id AS item_id, c.location_id, p.kind AS place, p.code,
            c.disposition AS state, c.lot, coalesce(c.owner, '') AS owner,
            round(b.quantity * n.numerator / n.denominator, 6) AS quantity
        FROM asked a
        JOIN canonical_item n ON n.canonical_id = a.canonical_id
        JOIN cell c ON c.item_id = n.item_id AND c.disposition IN ('inspection', 'returned', 'hold')
        JOIN location p ON p.location_id = c.location_id AND p.kind <> 'virtual'
        JOIN balance b ON b.cell_id = c.cell_id AND b.quantity <> 0
        LEFT JOIN stands s ON p.kind = 'unit' AND s.unit = p.code
        WHERE coalesce(s.site, c.site_id) = a.site_id
    ), candidate AS MATERIALIZED (
        SELECT DISTINCT k.site_id, k.id FROM line k
        WHERE EXISTS (SELECT FROM lies y WHERE y.site = k.site_id AND y.item_id = k.canonical_id AND y.quantity > 0)
            AND k.received > coalesce((
                SELECT sum(j.quantity) FROM judgement j
                WHERE (j.site_id, j.id, j.line) = (k.site_id, k.id, k.line) AND j.verdict IN ('sellable', 'damaged')
                    AND NOT EXISTS (SELECT FROM movement m WHERE m.posting_id = j.posting_id AND is_reversed(m))), 0)
    ), moves AS (
        SELECT m.site, m.id, m.line, m.lot, m.item_id, x.state, x.place, x.code, x.owner, sum(x.quantity) AS quantity
        FROM (SELECT c.site_id, array_agg(c.id) AS ids FROM candidate c GROUP BY c.site_id) o
        CROSS JOIN LATERAL moves_of_lines(ARRAY[o.site_id], 'receipt', o.ids) m
        CROSS JOIN LATERAL (VALUES (m.to_as, m.quantity, m.to_place, m.to_code, coalesce(m.to_owner, '')),
            (m.from_as, -m.quantity, m.from_place, m.from_code, coalesce(m.from_owner, '')))
            AS x (state, quantity, place, code, owner)
        WHERE x.place <> 'virtual' AND x.state IN ('inspection', 'returned', 'hold')
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), said AS (
        -- what was judged where somebody had carried it unseen, or had made it another's, is taken off the
        -- places that are known, the fullest last
        SELECT m.*, r.occurred_at,
            least(m.quantity, sum(m.quantity) OVER line - coalesce(sum(greatest(m.quantity, 0)) OVER before, 0)) AS waiting
        FROM moves m
        JOIN receipt r ON (r.site_id, r.id) = (m.site, m.id)
        WINDOW line AS (PARTITION BY m.site, m.id, m.line, m.state, m.lot, m.item_id),
            before AS (PARTITION BY m.site, m.id, m.line, m.state, m.lot, m.item_id
                ORDER BY m.quantity DESC, m.code, m.owner
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), by_place AS (
        SELECT y.site, y.item_id, y.state, y.place, y.code, sum(y.quantity) AS quantity FROM lies y GROUP BY 1, 2, 3, 4, 5
    ), by_lot AS (
        SELECT y.site, y.item_id, y.state, y.place, y.code, y.lot, y.owner, sum(y.quantity) AS quantity,
            array_agg(y.cell_id) AS cells
        FROM lies y GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), of_lot AS (
        -- what came last was taken last
        SELECT s.*, greatest(least(s.waiting, coalesce(y.quantity, 0)
            - coalesce(sum(s.waiting) OVER (PARTITION BY s.site, s.item_id, s.state, s.place, s.code, s.lot, s.owner
                ORDER BY s.occurred_at DESC, s.id DESC, s.line DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)), 0) AS there
        FROM said s
        LEFT JOIN by_lot y
            ON (y.site, y.item_id, y.state, y.place, y.code, y.owner) = (s.site, s.item_id, s.state, s.place, s.code, s.owner)
            AND y.lot IS NOT DISTINCT FROM s.lot
        WHERE s.waiting > 0
    ), known AS MATERIALIZED (
        -- what was taken without its lot or owner lacks of all
        SELECT o.*, greatest(least(o.there, coalesce(y.quantity, 0)
            - coalesce(sum(o.there) OVER (PARTITION BY o.site, o.item_id, o.state, o.place, o.code
                ORDER BY o.occurred_at DESC, o.id DESC, o.line DESC, o.lot, o.owner ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)), 0)
            AS lies
        FROM of_lot o
        LEFT JOIN by_place y ON (y.site, y.item_id, y.state, y.place, y.code) = (o.site, o.item_id, o.state, o.place, o.code)
    ), missed AS (
        SELECT k.site, k.id, k.line, k.lot, k.owner, k.item_id, sum(k.waiting - k.lies) AS quantity,
            min(k.occurred_at) AS occurred_at
        FROM known k
        GROUP BY k.site, k.id, k.line, k.lot, k.owner, k.item_id
        HAVING sum(k.waiting - k.lies) > 0
    ), brought AS (
        -- carried there from where goods waited, by movements that name no receipt
        SELECT m.to_cell AS cell_id, sum(round(m.quantity * n.numerator / n.denominator, 6)) AS quantity
        FROM movements_of_cells(ARRAY(SELECT y.cell_id FROM lies y JOIN missed x ON (x.site, x.item_id) = (y.site, y.item_id)
            AND x.lot IS NOT DISTINCT FROM y.lot WHERE y.quantity > 0)) m
        JOIN canonical_item n ON n.item_id = m.item_id
        JOIN lies y ON y.cell_id = m.to_cell
        JOIN cell f ON f.cell_id = m.from_cell AND f.disposition IN ('inspection', 'returned', 'hold')
        JOIN location p ON p.location_id = f.location_id AND p.kind <> 'virtual'
        WHERE m.reverses_seq IS NULL AND NOT m.detail @? '$.documents[*] ? (@.type == "receipt" && exists (@.line))'
            AND NOT is_reversed(m)
        GROUP BY m.to_cell
    ), beside AS (
        SELECT y.*, least(coalesce(g.quantity, 0), y.quantity - coalesce((SELECT sum(k.lies) FROM known k
            WHERE (k.site, k.item_id, k.state, k.place, k.code, k.owner)
                    = (y.site, y.item_id, y.state, y.place, y.code, y.owner)
                AND k.lot IS NOT DISTINCT FROM y.lot), 0)) AS spare
        FROM by_lot y
        CROSS JOIN LATERAL (SELECT sum(b.quantity) AS quantity FROM brought b WHERE b.cell_id = ANY (y.cells)) g
    ), own AS MATERIALIZED (
        -- so much lies elsewhere with whose it was; the rest is another's now
        SELECT x.site, x.item_id, x.lot, x.owner, least(x.quantity, e.quantity) AS quantity
        FROM (SELECT x.site, x.item_id, x.lot, x.owner, sum(x.quantity) AS quantity FROM missed x GROUP BY 1, 2, 3, 4) x
        JOIN (
            SELECT b.site, b.item_id, b.lot, b.owner, sum(b.spare) AS quantity FROM beside b WHERE b.spare > 0
            GROUP BY 1, 2, 3, 4) e
            ON (e.site, e.item_id, e.owner) = (x.site, x.item_id, x.owner) AND e.lot IS NOT DISTINCT FROM x.lot
    ), sought AS (
        SELECT s.*, sum(s.part) OVER (PARTITION BY s.site, s.item_id, s.lot, s.whose
            ORDER BY s.occurred_at, s.id, s.line, s.owner) AS until
        FROM (
            SELECT x.*, w.whose, w.part
            FROM (
                SELECT x.*, coalesce(o.quantity, 0) AS own, sum(x.quantity) OVER (PARTITION BY x.site, x.item_id, x.lot, x.owner
                    ORDER BY x.occurred_at, x.id, x.line) AS so_far
                FROM missed x
                LEFT JOIN own o ON (o.site, o.item_id, o.owner) = (x.site, x.item_id, x.owner)
                    AND o.lot IS NOT DISTINCT FROM x.lot) x
            CROSS JOIN LATERAL (SELECT least(x.so_far, x.own) - least(x.so_far - x.quantity, x.own) AS own_part) k
            CROSS JOIN LATERAL (VALUES (x.owner, k.own_part), (NULL, x.quantity - k.own_part)) AS w (whose, part)) s
        WHERE s.part > 0
    ), elsewhere AS (
        SELECT s.*, sum(s.part) OVER (PARTITION BY s.site, s.item_id, s.lot, s.whose ORDER BY s.state DESC, s.code, s.owner) AS until
        FROM (
            SELECT b.*, w.whose, w.part
            FROM (
                SELECT b.*, coalesce(o.quantity, 0) AS own, sum(b.spare) OVER (PARTITION BY b.site, b.item_id, b.lot, b.owner
                    ORDER BY b.state DESC, b.code) AS so_far
                FROM beside b
                LEFT JOIN own o ON (o.site, o.item_id, o.owner) = (b.site, b.item_id, b.owner)
                    AND o.lot IS NOT DISTINCT FROM b.lot
                WHERE b.spare > 0) b
            CROSS JOIN LATERAL (SELECT least(b.so_far, b.own) - least(b.so_far - b.spare, b.own) AS own_part) k
            CROSS JOIN LATERAL (VALUES (b.owner, k.own_part), (NULL, b.spare - k.own_part)) AS w (whose, part)) s
        WHERE s.part > 0
    ), waits AS (
        SELECT k.site, k.id, k.line, k.lot, k.owner, k.item_id, k.state, k.place, k.code, sum(k.quantity) AS waiting
        FROM (
            SELECT k.site, k.id, k.line, k.lot, k.owner, k.item_id, k.state, k.place, k.code, k.lies AS quantity FROM known k
            UNION ALL
            SELECT x.site, x.id, x.line, x.lot, e.owner, x.item_id, e.state, e.place, e.code,
                least(x.until, e.until) - greatest(x.until - x.part, e.until - e.part)
            FROM sought x
            JOIN elsewhere e ON (e.site, e.item_id) = (x.site, x.item_id) AND e.lot IS NOT DISTINCT FROM x.lot
                AND e.whose IS NOT DISTINCT FROM x.whose AND x.until > e.until - e.part AND e.until > x.until - x.part
        ) k
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), spare AS (
        SELECT y.*, y.quantity - coalesce((SELECT sum(w.waiting) FROM waits w
            WHERE (w.site, w.item_id, w.state, w.place, w.code, w.owner) = (y.site, y.item_id, y.state, y.place, y.code, y.owner)
                AND w.lot IS NOT DISTINCT FROM y.lot), 0) AS rest
        FROM by_lot y
        WHERE of_receipt IS NULL AND (goods_that_wait.waits_as IS NULL OR y.state = goods_that_wait.waits_as)
    ), unbrought AS (
        SELECT s.*, least(s.rest, p.quantity - coalesce((SELECT sum(w.waiting) FROM waits w
                WHERE (w.site, w.item_id, w.state, w.place, w.code) = (s.site, s.item_id, s.state, s.place, s.code)), 0)
            - coalesce(sum(s.rest) OVER (PARTITION BY s.site, s.item_id, s.state, s.place, s.code
                ORDER BY s.lot, s.owner ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS waiting
        FROM spare s
        JOIN by_place p ON (p.site, p.item_id, p.state, p.place, p.code) = (s.site, s.item_id, s.state, s.place, s.code)
        WHERE s.rest > 0
    )
    SELECT m.site, m.id, m.line, m.state, m.lot, nullif(m.owner, ''), l.identifier_scheme, l.identifier, i.code, i.name, i.base_unit,
        m.waiting, CASE WHEN m.place <> 'unit' THEN m.code ELSE coalesce(u.location, l.location) END,
        CASE WHEN m.place = 'unit' THEN m.code END, r.partner, l.is_unexpected,
        CASE WHEN k.days_left IS NULL THEN l.reason ELSE 'short_life' END, r.occurred_at, '{}'::text[], k.days_left
    FROM waits m
    JOIN receipt r ON (r.site_id, r.id) = (m.site, m.id)
    JOIN receipt_line l ON (l.site_id, l.id, l.line) = (m.site, m.id, m.line)
    JOIN item i ON i.item_id = m.item_id
    LEFT JOIN LATERAL (SELECT w.location FROM units_stand(ARRAY[m.code]) w WHERE w.site = m.site AND NOT w.is_virtual) u
        ON m.place = 'unit' AND m.code IS DISTINCT FROM l.unit
    CROSS JOIN LATERAL (SELECT CASE WHEN m.state = 'inspection' THEN l.days_left END AS days_left) k
    WHERE m.waiting > 0 AND (goods_that_wait.waits_as IS NULL OR m.state = goods_that_wait.waits_as)
        AND (of_receipt IS NULL OR m.id = of_receipt)
    UNION ALL
    SELECT m.site, NULL, NULL, m.state, m.lot, nullif(m.owner, ''), 'sku', i.code, i.code, i.name, i.base_unit, m.waiting,
        CASE WHEN m.place <> 'unit' THEN m.code ELSE coalesce(u.location, m.code) END, CASE WHEN m.place = 'unit' THEN m.code END,
        (SELECT min(d.partner) FROM document d WHERE d.site_id = m.site AND d.type = 'customer_return' AND d.id = ANY (k.numbers)),
        false, NULL, k.since_at, k.numbers, NULL
    FROM unbrought m
    JOIN item i ON i.item_id = m.item_id
    LEFT JOIN LATERAL units_stand(ARRAY[m.code]) u ON m.place = 'unit'
    CROSS JOIN LATERAL came_last(m.cells, m.waiting) k
    WHERE m.waiting > 0 AND NOT coalesce(u.is_virtual, false) AND coalesce(u.site, m.site) = m.site
$$;
REVOKE ALL ON FUNCTION goods_that_wait(text[], text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goods_that_wait(text[], text, text, text) TO dockledger_app, dockledger_planner, dockledger_auditor;

-- What handhelds, or people by a movement that names no receipt, found goods to be that waited: the latest first, of so many of
-- the latest movements out of where goods wait. What is in a unit may be judged wherever that stood, whoever filled it first.
DROP FUNCTION IF EXISTS goods_judged_otherwise(text[], text, integer);

CREATE FUNCTION goods_judged_otherwise(sites text[], waited_as text, of_latest integer)
    RETURNS TABLE (site text, item text, waited_as text, verdict text, quantity numeric, reason text, location text,
        judged_at timestamptz, judged_by text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH waiting AS MATERIALIZED (
        SELECT c.cell_id, c.item_id FROM cell c
        WHERE (sites IS NULL OR c.site_id = ANY (sites)
                OR EXISTS (SELECT FROM unit_position p WHERE p.unit_id = c.location_id AND p.site_id = ANY (sites)))
            AND c.disposition IN ('inspection', 'returned', 'hold')
            AND (goods_judged_otherwise.waited_as IS NULL OR c.disposition = goods_judged_otherwise.waited_as)
    ), changed AS MATERIALIZED (
        SELECT DISTINCT d.cell_id, d.item_id, d.occurred_at
        FROM (
            SELECT w.cell_id, w.item_id, d.occurred_at FROM waiting w JOIN cell_delta d ON d.cell_id = w.cell_id AND d.delta < 0
            ORDER BY d.occurred_at DESC LIMIT of_latest) d
    ), taken AS (
        SELECT m.* FROM changed c
        JOIN movement m ON m.item_id = c.item_id AND m.occurred_at = c.occurred_at AND m.from_cell = c.cell_id
        UNION
        SELECT m.* FROM ledger_entry e JOIN movement m ON m.posting_id = e.posting_id
        WHERE e.position > (SELECT f.position FROM fold_head f) AND m.from_cell IN (SELECT w.cell_id FROM waiting w)
    )
    SELECT m.site_id, i.code, f.disposition, coalesce(t.disposition, 'sellable'), round(m.quantity * n.numerator / n.denominator, 6),
        m.reason, p.code, m.occurred_at, coalesce(m.detail ->> 'actor', m.detail ->> 'device', g.name)
    FROM taken m
    JOIN cell f ON f.cell_id = m.from_cell
    JOIN cell t ON t.cell_id = m.to_cell AND t.disposition IS DISTINCT FROM f.disposition
    JOIN location p ON p.location_id = t.location_id AND p.kind <> 'virtual'
    JOIN gateway g ON g.gateway_id = m.gateway_id
    JOIN canonical_item n ON n.item_id = m.item_id
    JOIN item i ON i.item_id = n.canonical_id
    WHERE m.reverses_seq IS NULL AND NOT m.detail @? '$.documents[*] ? (@.type == "receipt" && exists (@.line))'
        AND (sites IS NULL OR m.site_id = ANY (sites)) AND NOT is_reversed(m) AND m.detail ->> 'actor' IS DISTINCT FROM 'job:receipts'
        AND NOT EXISTS (SELECT FROM judgement j WHERE j.posting_id = m.posting_id)
    ORDER BY m.occurred_at DESC, m.seq DESC
$$;
REVOKE ALL ON FUNCTION goods_judged_otherwise(text[], text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goods_judged_otherwise(text[], text, integer) TO dockledger_app;
