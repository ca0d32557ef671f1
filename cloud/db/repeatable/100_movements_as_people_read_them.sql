-- Movements and unit positions with the names of things, for those who have no right to the tables
-- (PROTOCOL P9). Both functions run with the owner's rights and show the sites that the session named.

DROP FUNCTION IF EXISTS read_movements(text, bigint, text, text, text, bigint, bigint, bigint, timestamptz,
    timestamptz, bigint, text, text, integer);
DROP FUNCTION IF EXISTS read_cell_history(bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint,
    integer);
DROP FUNCTION IF EXISTS read_units(text, text, text, integer);
DROP FUNCTION IF EXISTS read_balances(text, text, text, text, text, bigint, timestamptz, bigint, boolean,
    boolean, text, text, bigint, integer);
DROP VIEW IF EXISTS movement_told;

CREATE VIEW movement_told AS
SELECT g.name AS gateway, m.epoch, m.seq, m.gateway_id AS gateway_key, m.site_id AS site, s.time_zone,
    m.occurred_at, m.occurred_at_claimed, m.time_basis, e.position, e.recorded_at, e.actor AS posted_by,
    e.kind AS posting_kind,
    i.code AS item, i.name AS item_name, i.base_unit, seen.code AS item_seen, m.item_id,
    m.quantity, m.identifier_scheme, m.identifier, m.quantity_seen, m.unit_seen,
    m.from_cell, fl.code AS from_location, fc.lot AS from_lot, fc.disposition AS from_disposition,
    fc.owner AS from_owner,
    m.to_cell, tl.code AS to_location, tc.lot AS to_lot, tc.disposition AS to_disposition,
    tc.owner AS to_owner,
    m.reason, rg.name AS reverses_gateway, m.reverses_epoch, m.reverses_seq,
    m.detail ->> 'actor' AS actor, m.detail ->> 'device' AS device, m.detail
FROM movement m
JOIN ledger_entry e ON e.posting_id = m.posting_id
JOIN gateway g ON g.gateway_id = m.gateway_id
JOIN site s ON s.site_id = m.site_id
JOIN item seen ON seen.item_id = m.item_id
JOIN canonical_item c ON c.item_id = m.item_id
JOIN item i ON i.item_id = c.canonical_id
JOIN cell fc ON fc.cell_id = m.from_cell
JOIN location fl ON fl.location_id = fc.location_id
JOIN cell tc ON tc.cell_id = m.to_cell
JOIN location tl ON tl.location_id = tc.location_id
LEFT JOIN gateway rg ON rg.gateway_id = m.reverses_gateway;

-- In the ledger's order, the latest first; below a row's place for the next page.
CREATE FUNCTION read_movements(
    of_gateway text, of_epoch bigint, in_site text, of_item text, at_location text,
    below_position bigint, below_seq bigint, above_position bigint,
    occurred_from timestamptz, occurred_until timestamptz, only_seq bigint, below_gateway text,
    with_reason text, at_most integer)
    RETURNS SETOF movement_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT t.* FROM movement_told t
    WHERE sees_site(t.site)
        AND t.position <= below_position
        AND (t.position, t.gateway, t.seq) < (below_position, below_gateway, below_seq)
        AND (above_position IS NULL OR t.position > above_position)
        AND (of_gateway IS NULL OR t.gateway = of_gateway)
        AND (of_epoch IS NULL OR t.epoch = of_epoch)
        AND (only_seq IS NULL OR t.seq = only_seq)
        AND (in_site IS NULL OR t.site = in_site)
        AND (of_item IS NULL OR t.item_id IN (
            SELECT ci.item_id FROM canonical_item ci JOIN item wanted ON wanted.item_id = ci.canonical_id
            WHERE wanted.code = of_item))
        AND (at_location IS NULL OR t.from_location = at_location OR t.to_location = at_location)
        AND (occurred_from IS NULL OR t.occurred_at >= occurred_from)
        AND (occurred_until IS NULL OR t.occurred_at <= occurred_until)
        AND (with_reason IS NULL OR t.reason = with_reason)
    ORDER BY t.position DESC, t.gateway DESC, t.seq DESC
    LIMIT at_most;
END
$$;

-- What entered and left a cell up to an instant and a position, the latest occurrence first.
CREATE FUNCTION read_cell_history(
    of_cell bigint, until_at timestamptz, until_position bigint,
    below_at timestamptz, below_gateway integer, below_epoch bigint, below_seq bigint, at_most integer)
    RETURNS SETOF movement_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    of_item bigint := (SELECT c.item_id FROM cell c WHERE c.cell_id = of_cell AND sees_site(c.site_id));
BEGIN
    RETURN QUERY
    SELECT t.* FROM movement_told t
    WHERE t.item_id = of_item
        AND (t.from_cell = of_cell OR t.to_cell = of_cell)
        AND t.occurred_at <= until_at AND t.position <= until_position
        AND (t.occurred_at, t.gateway_key, t.epoch, t.seq) < (below_at, below_gateway, below_epoch, below_seq)
    ORDER BY t.occurred_at DESC, t.gateway_key DESC, t.epoch DESC, t.seq DESC
    LIMIT at_most;
END
$$;

-- Logistic units and where each stands now.
CREATE FUNCTION read_units(in_site text, of_unit text, after_unit text, at_most integer)
    RETURNS TABLE (unit text, scheme text, instance integer, site text, time_zone text, location text,
        parent text, since_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT l.code, u.scheme, u.instance, coalesce(p.site_id, l.site_id), s.time_zone, place.code, holder.code,
        p.occurred_at
    FROM logistic_unit u
    JOIN location l ON l.location_id = u.location_id
    LEFT JOIN LATERAL (
        SELECT x.* FROM unit_position x JOIN ledger_entry e ON e.posting_id = x.posting_id
        WHERE x.unit_id = u.location_id
        ORDER BY x.occurred_at DESC, e.position DESC, x.seq DESC LIMIT 1
    ) p ON true
    JOIN site s ON s.site_id = coalesce(p.site_id, l.site_id)
    LEFT JOIN location place ON place.location_id = p.location_id
    LEFT JOIN location holder ON holder.location_id = p.parent_id
    WHERE sees_site(s.site_id) AND l.code > after_unit
        AND (in_site IS NULL OR s.site_id = in_site)
        AND (of_unit IS NULL OR l.code = of_unit)
    ORDER BY l.code
    LIMIT at_most;
END
$$;

-- Balances by site, item and cell: of now, or as of an instant and a position. Empty cells on request only;
-- they are passed over in portions, so that a page costs what it shows.
CREATE FUNCTION read_balances(
    in_site text, of_item text, item_like text, at_location text, location_like text, of_cell bigint,
    until_at timestamptz, until_position bigint, with_virtual boolean, with_zero boolean,
    after_site text, after_item text, after_cell bigint, at_most integer)
    RETURNS TABLE (cell_id bigint, site text, time_zone text, item text, item_name text, base_unit text,
        location text, location_kind text, lot text, disposition text, owner text, quantity numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    is_present CONSTANT boolean := until_at IS NULL AND until_position IS NULL;
    portion    CONSTANT integer := least(2 * at_most, 2000);
    given      integer := 0;
    seen       integer;
    row        record;
BEGIN
    LOOP
        seen := 0;
        FOR row IN
            WITH candidate AS MATERIALIZED (
                SELECT c.cell_id, c.site_id, s.time_zone, i.code, i.name, i.base_unit, l.code AS place,
                    l.kind, c.lot, c.disposition, c.owner, ci.numerator, ci.denominator
                FROM cell c
                JOIN canonical_item ci ON ci.item_id = c.item_id
                JOIN item i ON i.item_id = ci.canonical_id
                JOIN location l ON l.location_id = c.location_id
                JOIN site s ON s.site_id = c.site_id
                WHERE sees_site(c.site_id)
                    AND (c.site_id, i.code, c.cell_id) > (after_site, after_item, after_cell)
                    AND (in_site IS NULL OR c.site_id = in_site)
                    AND (of_cell IS NULL OR c.cell_id = of_cell)
                    AND (of_item IS NULL OR i.code = of_item)
                    AND (item_like IS NULL OR i.code ILIKE item_like OR i.name ILIKE item_like)
                    AND (at_location IS NULL OR l.code = at_location)
                    AND (location_like IS NULL OR l.code ILIKE location_like)
                    AND (with_virtual OR l.kind <> 'virtual')
                ORDER BY c.site_id, i.code, c.cell_id
                LIMIT portion
            )
            SELECT d.*, round(coalesce(b.quantity, q.quantity, 0) * d.numerator / d.denominator, 6) AS amount
            FROM candidate d
            LEFT JOIN balance b ON is_present AND b.cell_id = d.cell_id
            LEFT JOIN as_of(
                ARRAY(SELECT x.cell_id FROM candidate x WHERE NOT is_present),
                coalesce(until_at, 'infinity'), coalesce(until_position, 9223372036854775807)
            ) q ON q.cell_id = d.cell_id
            ORDER BY d.site_id, d.code, d.cell_id
        LOOP
            seen := seen + 1;
            after_site := row.site_id;
            after_item := row.code;
            after_cell := row.cell_id;
            CONTINUE WHEN row.amount = 0 AND NOT with_zero;
            SELECT row.cell_id, row.site_id, row.time_zone, row.code, row.name, row.base_unit, row.place,
                row.kind, row.lot, row.disposition, row.owner, row.amount
            INTO cell_id, site, time_zone, item, item_name, base_unit, location, location_kind, lot,
                disposition, owner, quantity;
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

REVOKE ALL ON FUNCTION
    read_movements(text, bigint, text, text, text, bigint, bigint, bigint, timestamptz, timestamptz, bigint, text, text, integer),
    read_cell_history(bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_units(text, text, text, integer),
    read_balances(text, text, text, text, text, bigint, timestamptz, bigint, boolean, boolean, text, text, bigint, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    read_movements(text, bigint, text, text, text, bigint, bigint, bigint, timestamptz, timestamptz, bigint, text, text, integer),
    read_cell_history(bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_units(text, text, text, integer),
    read_balances(text, text, text, text, text, bigint, timestamptz, bigint, boolean, boolean, text, text, bigint, integer)
    TO dockledger_app;
