-- What recalls hold, may hold and have held. All functions show the sites that the session named.

DROP FUNCTION IF EXISTS recall_stock(bigint, text);
DROP FUNCTION IF EXISTS recall_holds(bigint, text);
DROP FUNCTION IF EXISTS lot_costs(text, bigint[]);
DROP FUNCTION IF EXISTS picked_of_recalled(text);
DROP FUNCTION IF EXISTS held_in_units(text[]);

-- What lies there of all that a recall reaches, in bins and units, those in docks too; at one site or everywhere.
CREATE FUNCTION recall_stock(of_recall bigint, of_site text)
    RETURNS TABLE (site text, cell_id bigint, item_id bigint, own_item_id bigint, item text, base_unit text, lot text,
        location text, unit text, disposition text, owner text, quantity numeric, own_quantity numeric, is_possible boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH reached AS MATERIALIZED (
        SELECT array_agg(x.canonical_id ORDER BY x.canonical_id, x.lot) AS items,
            array_agg(x.lot ORDER BY x.canonical_id, x.lot) AS lots,
            array_agg(x.is_possible ORDER BY x.canonical_id, x.lot) AS possible
        FROM (
            SELECT n.canonical_id, l.lot, bool_and(l.is_possible) AS is_possible
            FROM recall_lot l
            JOIN recall r ON r.recall_id = l.recall_id
            JOIN canonical_item n ON n.item_id = l.item_id
            WHERE l.recall_id = of_recall AND (r.with_possible OR NOT l.is_possible)
            GROUP BY n.canonical_id, l.lot
        ) x
    )
    SELECT s.site, s.cell_id, s.item_id, c.item_id, s.item, s.base_unit, s.lot, s.location, s.unit, s.disposition, s.owner,
        s.quantity, b.quantity, r.possible[s.nth]
    FROM reached r
    CROSS JOIN LATERAL lot_stock(r.items, r.lots) s
    JOIN cell c ON c.cell_id = s.cell_id
    JOIN balance b ON b.cell_id = s.cell_id
    WHERE (NOT s.is_virtual OR (s.unit IS NOT NULL AND s.location LIKE '@clearing/%')) AND s.quantity > 0 AND (of_site IS NULL OR s.site = of_site)
    ORDER BY s.site, s.cell_id
$$;

-- What a recall holds at a site, by the condition it was in before and where that was: held less given back, and what lies
-- there of it now.
CREATE FUNCTION recall_holds(of_recall bigint, of_site text)
    RETURNS TABLE (from_cell bigint, to_cell bigint, own_item_id bigint, lot text, location text, unit text,
        disposition text, owner text, held numeric, on_hand numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH moved AS (
        SELECT CASE WHEN t.disposition = 'recalled' THEN m.from_cell ELSE m.to_cell END AS free_cell,
            CASE WHEN t.disposition = 'recalled' THEN m.to_cell ELSE m.from_cell END AS held_cell,
            CASE WHEN t.disposition = 'recalled' THEN m.quantity ELSE -m.quantity END AS quantity
        FROM movement m
        JOIN cell t ON t.cell_id = m.to_cell
        WHERE m.detail @? '$.documents[*].line' AND m.site_id = of_site AND sees_site(m.site_id)
            AND m.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', 'recall', 'id', 'R' || of_recall))
            AND m.reverses_seq IS NULL
    )
    SELECT min(v.free_cell), v.held_cell, f.item_id, f.lot, l.code, CASE WHEN l.kind = 'unit' THEN l.code END,
        nullif(f.disposition, 'sellable'), f.owner, sum(v.quantity), greatest(coalesce(b.quantity, 0), 0)
    FROM moved v
    JOIN cell f ON f.cell_id = v.free_cell
    JOIN location l ON l.location_id = f.location_id
    LEFT JOIN balance b ON b.cell_id = v.held_cell
    GROUP BY v.held_cell, f.item_id, f.lot, f.location_id, l.code, l.kind, nullif(f.disposition, 'sellable'), f.owner, b.quantity
    HAVING sum(v.quantity) > 0
    ORDER BY 1, 2
$$;

-- What a base unit of items costs at a site now, in the currency of its books; an item without a cost is not there.
CREATE FUNCTION lot_costs(of_site text, items bigint[]) RETURNS TABLE (item_id bigint, cost numeric, currency text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.item_id, k.cost, book_currency(of_site)
    FROM unit_costs(of_site, clock_timestamp(), 9223372036854775807) k
    WHERE k.item_id = ANY (items) AND k.cost IS NOT NULL AND sees_site(of_site)
$$;

-- Claims on picked goods that a recall holds by now.
CREATE FUNCTION picked_of_recalled(of_site text)
    RETURNS TABLE (allocation_id bigint, type text, id text, line text, item_id bigint, item text, quantity numeric,
        recall_id bigint, lot text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT ON (a.allocation_id) a.allocation_id, a.type, a.id, a.line, a.item_id, i.code, a.quantity, r.recall_id, c.lot
    FROM recall r
    JOIN recall_lot l ON l.recall_id = r.recall_id AND (r.with_possible OR NOT l.is_possible)
    JOIN recall_site s ON s.recall_id = r.recall_id AND s.site_id = of_site
    JOIN decision d ON d.decision_id = s.decision_id AND d.state = 'applied'
    JOIN allocation a ON a.site_id = of_site AND a.ended_at IS NULL AND a.kind = 'picked'
    JOIN canonical_item own ON own.item_id = l.item_id
    JOIN canonical_item n ON n.item_id = a.item_id AND n.canonical_id = own.canonical_id
    JOIN cell c ON c.cell_id = a.cell_id AND c.lot IS NOT DISTINCT FROM l.lot
    JOIN item i ON i.item_id = a.item_id
    LEFT JOIN balance b ON b.cell_id = a.cell_id
    WHERE r.ended_at IS NULL AND coalesce(b.quantity, 0) < a.quantity AND sees_site(of_site)
    ORDER BY a.allocation_id, r.recall_id
$$;

-- What units hold, themselves or in units that stand in them, as far as the session may see where that is.
CREATE FUNCTION held_in_units(units text[])
    RETURNS TABLE (unit text, item_id bigint, item text, lot text, disposition text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE within AS (
        SELECT u.code AS outer_code, u.location_id AS unit_id, ARRAY[u.location_id] AS seen
        FROM location u WHERE u.kind = 'unit' AND u.code = ANY (units)
        UNION ALL
        SELECT w.outer_code, child.unit_id, w.seen || child.unit_id
        FROM within w
        CROSS JOIN LATERAL (SELECT DISTINCT p.unit_id FROM unit_position p WHERE p.parent_id = w.unit_id) child
        CROSS JOIN LATERAL (
            SELECT p.parent_id
            FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = child.unit_id AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
                WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
            ORDER BY p.occurred_at DESC, e.position DESC, p.seq DESC LIMIT 1) last
        WHERE last.parent_id = w.unit_id AND child.unit_id <> ALL (w.seen)
    )
    SELECT DISTINCT w.outer_code, n.canonical_id, i.code, c.lot, coalesce(c.disposition, 'sellable')
    FROM within w
    JOIN cell c ON c.location_id = w.unit_id
    JOIN balance b ON b.cell_id = c.cell_id AND b.quantity > 0
    JOIN canonical_item n ON n.item_id = c.item_id
    JOIN item i ON i.item_id = n.canonical_id
    LEFT JOIN units_stand(units) s ON s.unit = w.outer_code
    WHERE sees_site(coalesce(s.site, c.site_id))
    ORDER BY w.outer_code, i.code, c.lot, 5
$$;

REVOKE ALL ON FUNCTION recall_stock(bigint, text), recall_holds(bigint, text), lot_costs(text, bigint[]),
    picked_of_recalled(text), held_in_units(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recall_stock(bigint, text), recall_holds(bigint, text), lot_costs(text, bigint[]),
    picked_of_recalled(text), held_in_units(text[]) TO dockledger_app;
