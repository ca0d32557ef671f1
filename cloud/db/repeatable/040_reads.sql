-- What the application may read of movements and positions: only through these, for the actor's sites (P9).
-- `sites` NULL means all of them.

-- Where each unit stands as of both clocks. A unit in another unit stands where that one does; of two
-- statements for one instant the later posted counts.
CREATE OR REPLACE FUNCTION units_at(until_at timestamptz, until_position bigint)
    RETURNS TABLE (unit_id bigint, location_id bigint, parent_id bigint, since_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE latest AS (
        SELECT DISTINCT ON (u.unit_id) u.unit_id, u.location_id, u.parent_id, u.occurred_at
        FROM unit_position u
        JOIN ledger_entry e ON e.posting_id = u.posting_id
        WHERE u.occurred_at <= until_at AND e.position <= until_position
            AND NOT EXISTS (SELECT FROM unfollowed_at(until_position) v
                WHERE (v.gateway_id, v.epoch, v.seq) = (u.gateway_id, u.epoch, u.seq))
        ORDER BY u.unit_id, u.occurred_at DESC, e.position DESC, u.seq DESC
    ), climb AS (
        SELECT l.unit_id, l.location_id, l.parent_id, l.parent_id AS next_id, l.occurred_at,
            ARRAY[l.unit_id] AS seen
        FROM latest l
        UNION ALL
        SELECT c.unit_id, p.location_id, c.parent_id, p.parent_id, c.occurred_at, c.seen || p.unit_id
        FROM climb c JOIN latest p ON p.unit_id = c.next_id
        WHERE c.location_id IS NULL AND p.unit_id <> ALL (c.seen)
    )
    SELECT DISTINCT ON (c.unit_id) c.unit_id, c.location_id, c.parent_id, c.occurred_at
    FROM climb c ORDER BY c.unit_id, cardinality(c.seen) DESC
$$;

-- Stock of places: what lies there directly and the content of the units standing there (DOMAIN D5).
CREATE OR REPLACE FUNCTION stock_at(sites text[], places bigint[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (place_id bigint, unit_id bigint, cell_id bigint, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH holder AS (
        SELECT p.place_id, NULL::bigint AS unit_id, p.place_id AS location_id FROM unnest(places) p (place_id)
        UNION ALL
        SELECT u.location_id, u.unit_id, u.unit_id
        FROM units_at(until_at, until_position) u WHERE u.location_id = ANY (places)
    ), content AS (
        SELECT h.place_id, h.unit_id, c.cell_id
        FROM holder h
        JOIN location l ON l.location_id = h.place_id
        JOIN cell c ON c.location_id = h.location_id
        WHERE sites IS NULL OR l.site_id = ANY (sites)
    )
    SELECT c.place_id, c.unit_id, c.cell_id, q.quantity
    FROM content c
    JOIN as_of(ARRAY(SELECT x.cell_id FROM content x), until_at, until_position) q ON q.cell_id = c.cell_id
    WHERE q.quantity <> 0
$$;

-- What cells of these sites held, as of both clocks.
CREATE OR REPLACE FUNCTION past_balances(sites text[], cells bigint[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT q.cell_id, q.quantity
    FROM as_of(
        ARRAY(SELECT c.cell_id FROM cell c WHERE c.cell_id = ANY (cells) AND (sites IS NULL OR c.site_id = ANY (sites))),
        until_at, until_position) q
$$;

REVOKE ALL ON FUNCTION
    units_at(timestamptz, bigint), stock_at(text[], bigint[], timestamptz, bigint),
    past_balances(text[], bigint[], timestamptz, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    stock_at(text[], bigint[], timestamptz, bigint), past_balances(text[], bigint[], timestamptz, bigint)
    TO dockledger_app, dockledger_planner, dockledger_auditor;
