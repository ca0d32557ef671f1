-- Lots through everything that is made of them (DOMAIN D6): stock, history, genealogy and who got them. A lot is named by
-- its canonical item. All functions show the sites that the session named.

DROP FUNCTION IF EXISTS lot_links(bigint[], text[], boolean[]);
DROP FUNCTION IF EXISTS links_of_transformations(text[], text[], text[]);
DROP FUNCTION IF EXISTS transformations_of_lots(bigint[], text[], boolean[]);
DROP FUNCTION IF EXISTS lot_stock(bigint[], text[]);
DROP FUNCTION IF EXISTS lot_recipients(bigint[], text[], timestamptz[]);
DROP FUNCTION IF EXISTS lot_history(bigint[], text[], timestamptz, integer, bigint, bigint, integer);
DROP FUNCTION IF EXISTS lot_list(text, text, boolean, text, text, integer);
DROP FUNCTION IF EXISTS lot_cells(bigint[], text[], text);
DROP FUNCTION IF EXISTS movements_of_cells(bigint[]);

-- Every movement in or out of cells, whatever the length of their items' histories: the fold knows when each cell changed,
-- what it has not reached yet is read from the movements.
CREATE FUNCTION movements_of_cells(cells bigint[]) RETURNS SETOF movement
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off AS $$
    SELECT DISTINCT ON (x.gateway_id, x.epoch, x.seq, x.occurred_at) x.*
    FROM (
        SELECT m.*
        FROM (
            SELECT DISTINCT c.item_id, d.cell_id, d.occurred_at
            FROM unnest(cells) k (cell_id)
            JOIN cell c ON c.cell_id = k.cell_id
            JOIN cell_delta d ON d.cell_id = c.cell_id
        ) changed
        JOIN movement m ON m.item_id = changed.item_id AND m.occurred_at = changed.occurred_at
            AND (m.from_cell = changed.cell_id OR m.to_cell = changed.cell_id)
        UNION ALL
        SELECT m.*
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        WHERE e.position > (SELECT f.position FROM fold_head f)
            AND (m.from_cell = ANY (cells) OR m.to_cell = ANY (cells))
    ) x
$$;

-- The cells of lots; NULL as a lot: the item's cells without one. In the account of a code, or everywhere.
CREATE FUNCTION lot_cells(items bigint[], lots text[], account text)
    RETURNS TABLE (nth bigint, cell_id bigint, location_id bigint, canonical_id bigint, numerator numeric, denominator numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT a.nth, c.cell_id, c.location_id, n.canonical_id, n.numerator, n.denominator
    FROM unnest(items, lots) WITH ORDINALITY a (item_id, lot, nth)
    JOIN canonical_item n ON n.canonical_id = a.item_id
    JOIN cell c ON c.item_id = n.item_id AND c.lot = a.lot
    JOIN location l ON l.location_id = c.location_id
    WHERE a.lot IS NOT NULL AND (account IS NULL OR (l.kind = 'virtual' AND l.code = account))
    UNION ALL
    SELECT a.nth, c.cell_id, c.location_id, n.canonical_id, n.numerator, n.denominator
    FROM unnest(items, lots) WITH ORDINALITY a (item_id, lot, nth)
    JOIN canonical_item n ON n.canonical_id = a.item_id
    JOIN cell c ON c.item_id = n.item_id AND c.lot IS NULL
    JOIN location l ON l.location_id = c.location_id
    WHERE a.lot IS NULL AND (account IS NULL OR (l.kind = 'virtual' AND l.code = account))
$$;

-- What an inferred movement infers something about; of any other movement, itself.
CREATE OR REPLACE FUNCTION stated_movement(m movement) RETURNS movement
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    stated movement;
BEGIN
    IF NOT m.detail ? 'inferred' THEN
        RETURN m;
    END IF;
    SELECT o.* INTO stated
    FROM gateway g
    JOIN movement o ON o.gateway_id = g.gateway_id
        AND o.epoch = ('x' || (m.detail #>> '{inferred,of,epoch}'))::bit(64)::bigint
        AND o.seq = (m.detail #>> '{inferred,of,seq}')::bigint
    WHERE g.name = m.detail #>> '{inferred,of,gateway}';
    RETURN stated;
END
$$;

-- Whether somebody has taken a movement back.
CREATE OR REPLACE FUNCTION is_reversed(m movement) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM gateway g
        JOIN claim x ON x.kind = 'reversal' AND x.target = g.name || '/' || lpad(to_hex(m.epoch), 16, '0') || '/' || m.seq
        WHERE g.gateway_id = m.gateway_id)
$$;

-- Under which id things were made of others: the document whose line the movement names, else the posting itself.
CREATE OR REPLACE FUNCTION transformation_of(m movement, OUT type text, OUT id text)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(d.type, 'posting'), coalesce(d.id, m.posting_id::text)
    FROM (SELECT 1) one
    LEFT JOIN LATERAL (
        SELECT x.value ->> 'type' AS type, x.value ->> 'id' AS id
        FROM jsonb_array_elements(coalesce(m.detail -> 'documents', '[]')) WITH ORDINALITY x
        WHERE x.value ->> 'line' IS NOT NULL AND x.value ->> 'type' NOT IN ('task', 'visit')
        ORDER BY x.ordinality LIMIT 1) d ON true
$$;

-- Transformations that consumed lots, or made them.
CREATE FUNCTION transformations_of_lots(items bigint[], lots text[], consumed boolean[])
    RETURNS TABLE (site text, type text, id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off AS $$
    SELECT DISTINCT o.site_id, k.type, k.id
    FROM (
        SELECT k.location_id AS account, consumed[k.nth] AS consumed, array_agg(k.cell_id) AS cells
        FROM lot_cells(items, lots, '@transformation') k GROUP BY 1, 2
    ) b
    CROSS JOIN LATERAL movements_of_cells(b.cells) m
    CROSS JOIN LATERAL stated_movement(m) o
    JOIN cell c ON c.cell_id = CASE WHEN b.consumed THEN o.to_cell ELSE o.from_cell END AND c.location_id = b.account
    CROSS JOIN LATERAL transformation_of(o) k
    WHERE m.reverses_seq IS NULL AND sees_site(o.site_id)
$$;

-- Everything that transformations consumed and made by lot, net of what was taken back and as later evidence has it.
CREATE FUNCTION links_of_transformations(sites text[], types text[], ids text[])
    RETURNS TABLE (site text, type text, id text, is_input boolean, item_id bigint, item text, base_unit text, lot text,
        quantity numeric, first_at timestamptz, last_at timestamptz, time_zone text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off AS $$
    WITH named AS MATERIALIZED (
        SELECT n.site_id, l.location_id AS account, n.type, n.id
        FROM unnest(sites, types, ids) n (site_id, type, id)
        JOIN location l ON l.site_id = n.site_id AND l.kind = 'virtual' AND l.code = '@transformation'
    ), stated AS MATERIALIZED (
        SELECT n.site_id, n.account, n.type, n.id, found.whole
        FROM named n
        CROSS JOIN LATERAL (
            SELECT m AS whole FROM movement m
            WHERE n.type <> 'posting' AND m.detail @? '$.documents[*].line' AND m.site_id = n.site_id
                AND m.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', n.type, 'id', n.id))
            UNION ALL
            SELECT m AS whole FROM movement m
            WHERE n.type = 'posting' AND m.posting_id = n.id::bigint AND m.site_id = n.site_id
        ) found
        WHERE (found.whole).reverses_seq IS NULL AND NOT (found.whole).detail ? 'inferred'
    ), side AS (
        SELECT s.site_id, s.type, s.id, (s.whole).occurred_at, t.location_id = s.account AS is_input,
            CASE WHEN t.location_id = s.account THEN (s.whole).to_cell ELSE (s.whole).from_cell END AS cell_id,
            (s.whole).quantity, (s.whole).gateway_id, (s.whole).epoch, (s.whole).seq, (s.whole).item_id, s.account
        FROM stated s
        JOIN cell f ON f.cell_id = (s.whole).from_cell
        JOIN cell t ON t.cell_id = (s.whole).to_cell
        WHERE (f.location_id = s.account) <> (t.location_id = s.account) AND NOT is_reversed(s.whole)
    ), known AS (
        SELECT d.site_id, d.type, d.id, d.occurred_at, d.is_input, d.cell_id, d.quantity FROM side d
        UNION ALL
        SELECT d.site_id, d.type, d.id, d.occurred_at, d.is_input, x.cell_id, x.quantity
        FROM side d
        JOIN gateway g ON g.gateway_id = d.gateway_id
        JOIN movement r ON r.item_id = d.item_id AND r.occurred_at = d.occurred_at
            AND r.detail #> '{inferred,of}' = jsonb_build_object(
                'gateway', g.name, 'epoch', lpad(to_hex(d.epoch), 16, '0'), 'seq', d.seq)
        CROSS JOIN LATERAL (VALUES (r.from_cell, -r.quantity), (r.to_cell, r.quantity)) x (cell_id, quantity)
        JOIN cell c ON c.cell_id = x.cell_id AND c.location_id = d.account
    )
    SELECT k.site_id, k.type, k.id, k.is_input, n.canonical_id, i.code, i.base_unit, c.lot,
        round(sum(k.quantity * n.numerator / n.denominator), 6), min(k.occurred_at), max(k.occurred_at), z.time_zone
    FROM known k
    JOIN cell c ON c.cell_id = k.cell_id
    JOIN canonical_item n ON n.item_id = c.item_id
    JOIN item i ON i.item_id = n.canonical_id
    JOIN site z ON z.site_id = k.site_id
    GROUP BY k.site_id, k.type, k.id, k.is_input, n.canonical_id, i.code, i.base_unit, c.lot, z.time_zone
    HAVING sum(k.quantity) > 0
    ORDER BY k.site_id, k.type, k.id, k.is_input DESC, i.code, c.lot
$$;

-- Transformations that consumed (or made) lots, with everything that each consumed and made.
CREATE FUNCTION lot_links(items bigint[], lots text[], consumed boolean[])
    RETURNS TABLE (site text, type text, id text, is_input boolean, item_id bigint, item text, base_unit text, lot text,
        quantity numeric, first_at timestamptz, last_at timestamptz, time_zone text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT l.*
    FROM (
        SELECT array_agg(t.site) AS sites, array_agg(t.type) AS types, array_agg(t.id) AS ids
        FROM transformations_of_lots(items, lots, consumed) t
    ) found
    CROSS JOIN LATERAL links_of_transformations(found.sites, found.types, found.ids) l
    ORDER BY l.site, l.type, l.id, l.is_input DESC, l.item, l.lot
$$;

-- Whether the session sees where a cell's goods lie: those in a unit where it stands, at the cell's site while nobody has
-- said. Who sees every site is not asked where units stand.
CREATE OR REPLACE FUNCTION sees_goods(c cell, l location) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN l.kind <> 'unit' OR sees_site('') THEN sees_site(c.site_id)
        ELSE sees_site(coalesce((SELECT w.site FROM units_stand(ARRAY[l.code]) w), c.site_id)) END
$$;

-- Where lots lie now, in bins and in units that stand there.
CREATE FUNCTION lot_stock(items bigint[], lots text[])
    RETURNS TABLE (nth bigint, cell_id bigint, item_id bigint, item text, base_unit text, lot text, site text, location text,
        unit text, is_virtual boolean, disposition text, owner text, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH held AS MATERIALIZED (
        SELECT k.nth, k.cell_id, k.canonical_id, l.code, l.kind, c.site_id, c.lot, c.disposition, c.owner,
            round(b.quantity * k.numerator / k.denominator, 6) AS quantity
        FROM lot_cells(items, lots, NULL) k
        JOIN balance b ON b.cell_id = k.cell_id
        JOIN cell c ON c.cell_id = k.cell_id
        JOIN location l ON l.location_id = k.location_id
        WHERE b.quantity <> 0
    ), stands AS (
        SELECT w.unit, w.site, w.location, w.is_virtual
        FROM units_stand(ARRAY(SELECT DISTINCT h.code FROM held h WHERE h.kind = 'unit')) w
    )
    SELECT h.nth, h.cell_id, h.canonical_id, i.code, i.base_unit, h.lot, coalesce(s.site, h.site_id),
        CASE WHEN h.kind = 'unit' THEN s.location ELSE h.code END, CASE WHEN h.kind = 'unit' THEN h.code END,
        CASE WHEN h.kind = 'unit' THEN coalesce(s.is_virtual, false) ELSE h.kind = 'virtual' END,
        h.disposition, h.owner, h.quantity
    FROM held h
    JOIN item i ON i.item_id = h.canonical_id
    LEFT JOIN stands s ON h.kind = 'unit' AND s.unit = h.code
    WHERE sees_site(coalesce(s.site, h.site_id))
    ORDER BY h.nth, coalesce(s.site, h.site_id), 8, 9, h.cell_id
$$;

-- Who got lots: what went to customers less what came back, by the document that it went under. A lot that is stated on one
-- side only, and not inferred on the customer's, is known all the same. Where a lot was not kept, only what went from an
-- instant on.
CREATE FUNCTION lot_recipients(items bigint[], lots text[], since timestamptz[])
    RETURNS TABLE (nth bigint, site text, partner text, type text, id text, item text, base_unit text, lot text,
        quantity numeric, first_at timestamptz, last_at timestamptz, time_zone text, papers text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH asked AS MATERIALIZED (
        SELECT k.nth, k.cell_id, k.canonical_id, k.numerator, k.denominator FROM lot_cells(items, lots, '@customer') k
    ), lotless AS MATERIALIZED (
        SELECT k.cell_id, k.canonical_id, k.numerator, k.denominator
        FROM (SELECT array_agg(DISTINCT x) AS named FROM unnest(items) x) i
        CROSS JOIN LATERAL lot_cells(i.named, array_fill(NULL::text, ARRAY[cardinality(i.named)]), '@customer') k
    ), lying AS MATERIALIZED (
        SELECT k.nth, k.cell_id, k.canonical_id FROM lot_cells(items, lots, NULL) k
        WHERE lots[k.nth] IS NOT NULL AND EXISTS (SELECT FROM lotless c WHERE c.canonical_id = k.canonical_id)
    ), moved AS MATERIALIZED (
        SELECT a.nth, a.canonical_id, o.site_id, o.occurred_at, o.detail,
            CASE WHEN m.to_cell = a.cell_id THEN m.quantity ELSE -m.quantity END * a.numerator / a.denominator AS quantity
        FROM movements_of_cells(ARRAY(SELECT x.cell_id FROM asked x)) m
        JOIN asked a ON a.cell_id IN (m.from_cell, m.to_cell)
        CROSS JOIN LATERAL (SELECT CASE WHEN m.reverses_seq IS NULL THEN m ELSE (
            SELECT v FROM movement v WHERE v.gateway_id = m.reverses_gateway AND v.epoch = m.reverses_epoch
                AND v.seq = m.reverses_seq) END AS whole) first
        CROSS JOIN LATERAL stated_movement(first.whole) o
        WHERE sees_site(o.site_id) AND (since[a.nth] IS NULL OR o.occurred_at >= since[a.nth])
            AND (lots[a.nth] IS NOT NULL OR NOT EXISTS (
                SELECT FROM cell x WHERE x.cell_id IN (o.from_cell, o.to_cell) AND x.cell_id <> a.cell_id AND x.lot IS NOT NULL))
        UNION ALL
        SELECT y.nth, y.canonical_id, o.site_id, o.occurred_at, o.detail,
            CASE WHEN m.to_cell = c.cell_id THEN m.quantity ELSE -m.quantity END * c.numerator / c.denominator
        FROM movements_of_cells(ARRAY(SELECT x.cell_id FROM lying x)) m
        JOIN lotless c ON c.cell_id IN (m.from_cell, m.to_cell)
        JOIN lying y ON y.cell_id IN (m.from_cell, m.to_cell)
        CROSS JOIN LATERAL (SELECT CASE WHEN m.reverses_seq IS NULL THEN m ELSE (
            SELECT v FROM movement v WHERE v.gateway_id = m.reverses_gateway AND v.epoch = m.reverses_epoch
                AND v.seq = m.reverses_seq) END AS whole) first
        CROSS JOIN LATERAL (SELECT (first.whole).*) o
        JOIN gateway g ON g.gateway_id = o.gateway_id
        WHERE sees_site(o.site_id) AND NOT m.detail ? 'inferred' AND (since[y.nth] IS NULL OR o.occurred_at >= since[y.nth])
            AND NOT EXISTS (
                SELECT FROM movement r
                WHERE r.item_id = o.item_id AND r.occurred_at = o.occurred_at AND c.cell_id IN (r.from_cell, r.to_cell)
                    AND r.detail #> '{inferred,of}' = jsonb_build_object(
                        'gateway', g.name, 'epoch', lpad(to_hex(o.epoch), 16, '0'), 'seq', o.seq))
    ), papers AS (
        SELECT m.*, d.type, d.id, p.partner,
            (SELECT string_agg(DISTINCT (x ->> 'type') || ' ' || (x ->> 'id'), ', ')
             FROM jsonb_array_elements(coalesce(m.detail -> 'documents', '[]')) x) AS papers
        FROM moved m
        LEFT JOIN LATERAL (
            SELECT x.value ->> 'type' AS type, x.value ->> 'id' AS id
            FROM jsonb_array_elements(coalesce(m.detail -> 'documents', '[]')) WITH ORDINALITY x
            ORDER BY (x.value ->> 'type') = 'outbound_order' DESC, (x.value ->> 'type') = 'customer_return' DESC,
                x.ordinality LIMIT 1) d ON true
        LEFT JOIN document p ON (p.site_id, p.type, p.id) = (m.site_id, d.type, d.id)
    )
    SELECT r.nth, r.site_id, r.partner, r.type, r.id, i.code, i.base_unit, lots[r.nth], round(sum(r.quantity), 6),
        min(r.occurred_at), max(r.occurred_at), z.time_zone, string_agg(DISTINCT r.papers, ', ')
    FROM papers r
    JOIN item i ON i.item_id = r.canonical_id
    JOIN site z ON z.site_id = r.site_id
    GROUP BY r.nth, r.site_id, r.partner, r.type, r.id, i.code, i.base_unit, z.time_zone
    HAVING sum(r.quantity) <> 0
    ORDER BY r.nth, r.partner, r.site_id, r.type, r.id
$$;

-- What moved of lots, the latest occurrence first; below a row's place for the next page.
CREATE FUNCTION lot_history(items bigint[], lots text[], below_at timestamptz, below_gateway integer, below_epoch bigint,
    below_seq bigint, at_most integer)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint, gateway_key integer, site text, time_zone text,
        occurred_at timestamptz, recorded_at timestamptz, "position" bigint, item text, base_unit text, quantity numeric,
        from_location text, from_lot text, from_disposition text, to_location text, to_lot text, to_disposition text,
        reason text, actor text, documents jsonb, rule text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.gateway, t.epoch, t.seq, t.gateway_key, t.site, t.time_zone, t.occurred_at, t.recorded_at, t.position, t.item,
        t.base_unit, t.quantity, t.from_location, t.from_lot, t.from_disposition, t.to_location, t.to_lot, t.to_disposition,
        t.reason, coalesce(t.actor, t.device), coalesce(t.detail -> 'documents', '[]'), t.detail #>> '{inferred,rule}'
    FROM (
        SELECT array_agg(k.whole) AS stated
        FROM (
            SELECT m AS whole
            FROM movements_of_cells(ARRAY(SELECT c.cell_id FROM lot_cells(items, lots, NULL) c)) m
            WHERE sees_site(m.site_id)
                AND (m.occurred_at, m.gateway_id, m.epoch, m.seq) < (below_at, below_gateway, below_epoch, below_seq)
            ORDER BY m.occurred_at DESC, m.gateway_id DESC, m.epoch DESC, m.seq DESC
            LIMIT at_most
        ) k
    ) named
    CROSS JOIN LATERAL tell_movements(named.stated) t
$$;

-- Lots by item and name, with what lies there of each at the session's sites; after a place in that order. First the
-- page: from each lot the index leads to the next one, past the cells between them; then what lies there of it.
CREATE FUNCTION lot_list(of_item text, like_lot text, only_held boolean, after_item text, after_lot text, at_most integer)
    RETURNS TABLE (item text, item_name text, base_unit text, lot text, expires_on date, on_hand numeric, sites integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off AS $$
    WITH shown AS MATERIALIZED (
        SELECT i.item_id, i.code, i.name, i.base_unit, x.lot, row_number() OVER (ORDER BY i.code, x.lot) AS nth
        FROM item i
        CROSS JOIN LATERAL (
            WITH RECURSIVE names AS MATERIALIZED (
                SELECT s.item_id FROM unnest(items_reading_as(i.code)) s (item_id)
            ), walk AS (
                SELECT CASE WHEN i.code > after_item THEN '' ELSE after_lot END AS lot, 0 AS steps
                UNION ALL
                SELECT (
                    SELECT min(f.lot)
                    FROM names s
                    CROSS JOIN LATERAL (
                        SELECT c.lot
                        FROM cell c
                        WHERE c.item_id = s.item_id AND c.lot > w.lot AND (like_lot IS NULL OR c.lot ILIKE like_lot)
                            AND (NOT only_held OR EXISTS (
                                SELECT FROM balance b JOIN location l ON l.location_id = c.location_id
                                WHERE b.cell_id = c.cell_id AND b.quantity <> 0 AND l.kind <> 'virtual'))
                            AND ((NOT only_held AND sees_site(c.site_id)) OR EXISTS (
                                SELECT FROM location l WHERE l.location_id = c.location_id AND sees_goods(c, l)))
                        ORDER BY c.lot LIMIT 1) f
                ), w.steps + 1
                FROM walk w WHERE w.lot IS NOT NULL AND w.steps < at_most
            )
            SELECT w.lot FROM walk w WHERE w.steps > 0 AND w.lot IS NOT NULL
        ) x
        WHERE (of_item IS NULL OR i.code = of_item) AND i.code >= after_item
            AND NOT EXISTS (SELECT FROM item_alias a WHERE a.from_item = i.item_id AND a.to_item <> i.item_id)
        ORDER BY i.code, x.lot
        LIMIT at_most
    ), ratio AS MATERIALIZED (
        SELECT n.item_id, n.canonical_id, n.numerator, n.denominator
        FROM (SELECT DISTINCT p.code FROM shown p) named
        CROSS JOIN LATERAL unnest(items_reading_as(named.code)) s (item_id)
        JOIN canonical_item n ON n.item_id = s.item_id
    ), lying AS MATERIALIZED (
        SELECT p.nth, r.numerator, r.denominator, c.site_id, CASE WHEN l.kind = 'unit' THEN l.code END AS unit,
            sum(b.quantity) AS quantity
        FROM shown p
        JOIN ratio r ON r.canonical_id = p.item_id
        JOIN cell c ON c.item_id = r.item_id AND c.lot = p.lot
        JOIN location l ON l.location_id = c.location_id
        JOIN balance b ON b.cell_id = c.cell_id
        WHERE l.kind <> 'virtual' AND b.quantity <> 0
        GROUP BY 1, 2, 3, 4, 5
    ), stands AS MATERIALIZED (
        SELECT w.unit, w.site, w.is_virtual
        FROM units_stand(ARRAY(SELECT DISTINCT y.unit FROM lying y WHERE y.unit IS NOT NULL)) w
    ), held AS MATERIALIZED (
        SELECT y.nth, round(sum(y.quantity * y.numerator / y.denominator), 6) AS quantity,
            count(DISTINCT coalesce(s.site, y.site_id))::integer AS sites
        FROM lying y
        LEFT JOIN stands s ON s.unit = y.unit
        WHERE NOT coalesce(s.is_virtual, false) AND sees_site(coalesce(s.site, y.site_id))
        GROUP BY y.nth
    )
    SELECT p.code, p.name, p.base_unit, p.lot, t.expires_on, coalesce(h.quantity, 0), coalesce(h.sites, 0)
    FROM shown p
    LEFT JOIN lot t ON t.item_id = p.item_id AND t.lot = p.lot
    LEFT JOIN held h ON h.nth = p.nth
    ORDER BY p.code, p.lot
$$;

REVOKE ALL ON FUNCTION
    movements_of_cells(bigint[]), lot_cells(bigint[], text[], text), stated_movement(movement), is_reversed(movement),
    transformation_of(movement), transformations_of_lots(bigint[], text[], boolean[]),
    links_of_transformations(text[], text[], text[]), lot_links(bigint[], text[], boolean[]), lot_stock(bigint[], text[]),
    lot_recipients(bigint[], text[], timestamptz[]),
    lot_history(bigint[], text[], timestamptz, integer, bigint, bigint, integer),
    lot_list(text, text, boolean, text, text, integer), sees_goods(cell, location)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lot_links(bigint[], text[], boolean[]), lot_stock(bigint[], text[]), lot_recipients(bigint[], text[], timestamptz[]),
    lot_history(bigint[], text[], timestamptz, integer, bigint, bigint, integer),
    lot_list(text, text, boolean, text, text, integer)
    TO dockledger_app;
