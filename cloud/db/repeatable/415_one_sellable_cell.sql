-- Goods whose condition was stated as sellable, and those of which nobody said one, are of one cell: that without a condition
-- (DOMAIN D1). What was posted before that was so stands in cells of its own, and is moved out of them in the ledger's order.

-- States, in posting p, that what such cells hold where goods lie is in the cell without a condition, from now on; of all of
-- them. It moves no goods, and no account of those who bring or take them. The caller adds it to the balances. Returns how many.
CREATE OR REPLACE FUNCTION move_stated_sellable(p bigint, cells bigint[], actor text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    stated bigint[];
    moved  integer;
BEGIN
    SELECT array_agg(c.cell_id) INTO stated
    FROM cell c
    JOIN balance b ON b.cell_id = c.cell_id AND b.quantity <> 0
    JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
    WHERE c.disposition = 'sellable' AND (cells IS NULL OR c.cell_id = ANY (cells));
    IF stated IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO cell (item_id, location_id, lot, disposition, owner, site_id, posting_id)
    SELECT c.item_id, c.location_id, c.lot, NULL, c.owner, c.site_id, p
    FROM cell c WHERE c.cell_id = ANY (stated)
    ORDER BY 1, 2, 3, 5
    ON CONFLICT DO NOTHING;
    PERFORM lock_cells(NULL, stated);
    INSERT INTO movement (
        gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
        identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, reason, detail)
    SELECT g.gateway_id, 0, nextval('cloud_row_seq'), now.at, p, c.item_id,
        CASE WHEN b.quantity > 0 THEN c.cell_id ELSE plain.cell_id END,
        CASE WHEN b.quantity > 0 THEN plain.cell_id ELSE c.cell_id END,
        abs(b.quantity), c.site_id, 'sku', i.code, abs(b.quantity), 'base', now.at, 'claimed', 'same_condition',
        jsonb_build_object('actor', actor)
    FROM cell c
    JOIN balance b ON b.cell_id = c.cell_id AND b.quantity <> 0
    JOIN cell plain ON plain.item_id = c.item_id AND plain.location_id = c.location_id AND plain.disposition IS NULL
        AND plain.lot IS NOT DISTINCT FROM c.lot AND plain.owner IS NOT DISTINCT FROM c.owner
    JOIN item i ON i.item_id = c.item_id
    JOIN gateway g ON g.name = '_cloud'
    CROSS JOIN (SELECT clock_timestamp() AS at) now
    WHERE c.cell_id = ANY (stated);
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END
$$;

-- Lets nothing stand in cells of stated sellable goods that a posting took back, or bound to a count, from before.
CREATE OR REPLACE FUNCTION leave_stated_sellable(p bigint, actor text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off AS $$
DECLARE
    touched bigint[];
    begun   timestamptz := clock_timestamp();
BEGIN
    IF NOT EXISTS (SELECT FROM cell c WHERE c.disposition = 'sellable') THEN
        RETURN;
    END IF;
    SELECT array_agg(c.cell_id) INTO touched
    FROM (
        SELECT m.from_cell AS cell_id FROM movement m WHERE m.posting_id = p
        UNION
        SELECT m.to_cell FROM movement m WHERE m.posting_id = p
    ) x
    JOIN cell c ON c.cell_id = x.cell_id
    WHERE c.disposition = 'sellable';
    IF touched IS NULL OR move_stated_sellable(p, touched, actor) = 0 THEN
        RETURN;
    END IF;
    INSERT INTO balance AS b (cell_id, site_id, quantity)
    SELECT x.cell_id, c.site_id, sum(x.delta)
    FROM movement m
    CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity), (m.to_cell, m.quantity)) x (cell_id, delta)
    JOIN cell c ON c.cell_id = x.cell_id
    WHERE m.posting_id = p AND m.reason = 'same_condition' AND m.occurred_at >= begun
    GROUP BY x.cell_id, c.site_id
    ORDER BY x.cell_id
    ON CONFLICT (cell_id) DO UPDATE SET quantity = b.quantity + excluded.quantity;
END
$$;

REVOKE ALL ON FUNCTION move_stated_sellable(bigint, bigint[], text), leave_stated_sellable(bigint, text) FROM PUBLIC;

-- Once, with the upgrade: what stands in such cells is moved in one posting, and what is claimed of it is claimed where it is.
DO $$
DECLARE
    posting bigint;
BEGIN
    IF NOT EXISTS (
        SELECT FROM cell c JOIN balance b ON b.cell_id = c.cell_id AND b.quantity <> 0
        JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual' WHERE c.disposition = 'sellable')
    THEN
        RETURN;
    END IF;
    SELECT b.posting_id INTO posting FROM begin_posting() b;
    PERFORM move_stated_sellable(posting, NULL, 'system:upgrade');
    UPDATE allocation a SET cell_id = t.cell_id
    FROM cell c JOIN cell t ON t.item_id = c.item_id AND t.location_id = c.location_id AND t.disposition IS NULL
        AND t.lot IS NOT DISTINCT FROM c.lot AND t.owner IS NOT DISTINCT FROM c.owner
    WHERE c.cell_id = a.cell_id AND c.disposition = 'sellable' AND a.ended_at IS NULL;
    PERFORM close_posting(posting, 'statement', 'system:upgrade');
    PERFORM set_config('dockledger.posting', '', true);
END
$$;
