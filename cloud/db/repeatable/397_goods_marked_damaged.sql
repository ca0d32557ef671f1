-- Good stock that handhelds marked damaged at a place, in the next stretch of the ledger's order: by item, lot and place. What
-- waited for somebody's judgement is not among it, nor what was taken back. The first row tells how far it was looked.
DROP FUNCTION IF EXISTS marked_damaged(integer);

CREATE FUNCTION marked_damaged(most integer)
    RETURNS TABLE (looked bigint, site text, item_id bigint, item text, base_unit text, lot text, place text, quantity numeric,
        reason text, last_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    start_at bigint;
    stop_at  bigint;
BEGIN
    SELECT h.position INTO start_at FROM damaged_head h FOR UPDATE;
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    UPDATE damaged_head SET position = stop_at WHERE position < stop_at;
    looked := stop_at - start_at;
    RETURN NEXT;
    RETURN QUERY
    SELECT looked, m.site_id, i.item_id, i.code, i.base_unit, c.lot, p.name,
        sum(round(m.quantity * n.numerator / n.denominator, 6)),
        (array_agg(m.reason ORDER BY m.occurred_at DESC, m.seq DESC))[1], max(m.occurred_at)
    FROM ledger_entry e
    JOIN movement m ON m.posting_id = e.posting_id AND m.reverses_seq IS NULL
    JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name <> '_cloud'
    JOIN cell f ON f.cell_id = m.from_cell AND coalesce(f.disposition, 'sellable') = 'sellable'
    JOIN cell c ON c.cell_id = m.to_cell AND c.disposition = 'damaged'
    JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
    JOIN canonical_item n ON n.item_id = m.item_id
    JOIN item i ON i.item_id = n.canonical_id
    CROSS JOIN LATERAL (SELECT CASE l.kind WHEN 'unit' THEN 'unit ' || l.code ELSE l.code END AS name) p
    WHERE e.position > start_at AND e.position <= stop_at AND NOT is_reversed(m)
    GROUP BY m.site_id, i.item_id, i.code, i.base_unit, c.lot, p.name
    ORDER BY m.site_id, i.item_id, c.lot, p.name;
END
$$;

REVOKE ALL ON FUNCTION marked_damaged(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION marked_damaged(integer) TO dockledger_app;
