-- An item at a glance, and what differs between two moments. All show the session's sites.

DROP FUNCTION IF EXISTS read_differences(text, text, text, text, timestamptz, bigint, timestamptz, bigint, text, text, bigint, integer);

-- Cells that held another quantity at one moment than at another, by site, item and cell; passed over in portions,
-- so that a page costs what it shows.
CREATE FUNCTION read_differences(
    in_site text, of_item text, item_like text, location_like text, from_at timestamptz, from_position bigint,
    to_at timestamptz, to_position bigint, after_site text, after_item text, after_cell bigint, at_most integer)
    RETURNS TABLE (cell_id bigint, site text, item text, item_name text, base_unit text, location text,
        location_kind text, lot text, disposition text, owner text, before numeric, after numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    portion CONSTANT integer := least(2 * at_most, 2000);
    given   integer := 0;
    seen    integer;
    row     record;
BEGIN
    LOOP
        seen := 0;
        FOR row IN
            WITH candidate AS MATERIALIZED (
                SELECT c.cell_id, c.site_id, i.code, i.name, i.base_unit, l.code AS place, l.kind, c.lot, c.disposition,
                    c.owner, ci.numerator, ci.denominator
                FROM cell c
                JOIN canonical_item ci ON ci.item_id = c.item_id
                JOIN item i ON i.item_id = ci.canonical_id
                JOIN location l ON l.location_id = c.location_id
                WHERE sees_site(c.site_id)
                    AND (c.site_id, i.code, c.cell_id) > (after_site, after_item, after_cell)
                    AND (in_site IS NULL OR c.site_id = in_site)
                    AND (of_item IS NULL OR i.code = of_item)
                    AND (item_like IS NULL OR i.code ILIKE item_like OR i.name ILIKE item_like)
                    AND (location_like IS NULL OR l.code ILIKE location_like)
                    AND l.kind <> 'virtual'
                ORDER BY c.site_id, i.code, c.cell_id
                LIMIT portion
            )
            SELECT d.*, round(f.quantity * d.numerator / d.denominator, 6) AS held_before,
                round(t.quantity * d.numerator / d.denominator, 6) AS held_after
            FROM candidate d
            JOIN as_of(ARRAY(SELECT x.cell_id FROM candidate x), from_at, from_position) f ON f.cell_id = d.cell_id
            JOIN as_of(ARRAY(SELECT x.cell_id FROM candidate x), to_at, to_position) t ON t.cell_id = d.cell_id
            ORDER BY d.site_id, d.code, d.cell_id
        LOOP
            seen := seen + 1;
            after_site := row.site_id;
            after_item := row.code;
            after_cell := row.cell_id;
            CONTINUE WHEN row.held_before = row.held_after;
            SELECT row.cell_id, row.site_id, row.code, row.name, row.base_unit, row.place, row.kind, row.lot,
                row.disposition, row.owner, row.held_before, row.held_after
            INTO cell_id, site, item, item_name, base_unit, location, location_kind, lot, disposition, owner, before,
                after;
            RETURN NEXT;
            given := given + 1;
            IF given = at_most THEN
                RETURN;
            END IF;
        END LOOP;
        EXIT WHEN seen < portion;
    END LOOP;
END
$$;

-- The last position that had been recorded by an instant; 0: none.
CREATE OR REPLACE FUNCTION position_at(at_instant timestamptz) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT e.position FROM ledger_entry e WHERE e.recorded_at <= at_instant
        ORDER BY e.recorded_at DESC, e.position DESC LIMIT 1), 0)
$$;

-- What an item costs at each of the session's sites now, as far as is known.
CREATE OR REPLACE FUNCTION read_item_costs(of_item text)
    RETURNS TABLE (site text, currency text, basis text, cost numeric, detail jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.site_id, book_currency(s.site_id), k.basis, k.cost, k.detail
    FROM item i
    CROSS JOIN site s
    CROSS JOIN LATERAL unit_costs(s.site_id, clock_timestamp(), 9223372036854775807) k
    WHERE i.code = of_item AND sees_site(s.site_id) AND k.item_id = i.item_id
    ORDER BY s.site_id
$$;

-- Counts in which an item was reported, the latest first.
CREATE OR REPLACE FUNCTION read_item_counts(of_item text, at_most integer)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint, site text, time_zone text, observed_at timestamptz,
        location text, lot text, quantity numeric, counted_by text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT g.name, n.epoch, n.seq, n.site_id, s.time_zone, n.occurred_at, l.code, c.lot, k.quantity,
        coalesce(n.detail ->> 'actor', n.detail ->> 'device')
    FROM canonical_item ci
    JOIN item i ON i.item_id = ci.canonical_id AND i.code = of_item
    JOIN cell c ON c.item_id = ci.item_id AND sees_site(c.site_id)
    JOIN count_line k ON k.cell_id = c.cell_id
    JOIN count n ON (n.gateway_id, n.epoch, n.seq, n.occurred_at) = (k.gateway_id, k.epoch, k.seq, k.occurred_at)
    JOIN gateway g ON g.gateway_id = n.gateway_id
    JOIN site s ON s.site_id = n.site_id
    JOIN location l ON l.location_id = n.location_id
    ORDER BY n.occurred_at DESC, n.gateway_id, n.epoch, n.seq, k.line_no
    LIMIT at_most
$$;

REVOKE ALL ON FUNCTION
    read_differences(text, text, text, text, timestamptz, bigint, timestamptz, bigint, text, text, bigint, integer),
    position_at(timestamptz), read_item_costs(text), read_item_counts(text, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    read_differences(text, text, text, text, timestamptz, bigint, timestamptz, bigint, text, text, bigint, integer),
    position_at(timestamptz), read_item_costs(text), read_item_counts(text, integer)
    TO dockledger_app;
