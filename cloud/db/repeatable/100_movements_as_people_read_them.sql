-- Movements and unit positions with the names of things, for those who have no right to the tables
-- (PROTOCOL P9). Both functions run with the owner's rights and show the sites that the session named.

DROP FUNCTION IF EXISTS read_movements(text, bigint, text, text, text, bigint, bigint, bigint, timestamptz,
    timestamptz, bigint, text, text, integer);
DROP FUNCTION IF EXISTS read_cell_history(bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint,
    integer);
DROP FUNCTION IF EXISTS tell_movements(movement[]);
DROP FUNCTION IF EXISTS read_balance(bigint, timestamptz, bigint);
DROP FUNCTION IF EXISTS read_item_history(text, text, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer);
DROP FUNCTION IF EXISTS read_cell_changes(bigint, timestamptz, bigint, timestamptz, bigint, timestamptz, integer, bigint,
    bigint, integer);
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
DECLARE
    there bigint[] := ARRAY(
        SELECT c.cell_id FROM location l JOIN cell c ON c.location_id = l.location_id WHERE l.code = at_location);
BEGIN
    RETURN QUERY
    -- Those of the page are found first and told then: a posting may have 20,000.
    SELECT t.* FROM tell_movements(ARRAY(
        SELECT m
        FROM movement m
        JOIN ledger_entry e ON e.posting_id = m.posting_id
        JOIN gateway g ON g.gateway_id = m.gateway_id
        WHERE sees_site(m.site_id)
            AND e.position <= below_position
            AND (e.position, g.name, m.seq) < (below_position, below_gateway, below_seq)
            AND (above_position IS NULL OR e.position > above_position)
            AND (of_gateway IS NULL OR g.name = of_gateway)
            AND (of_epoch IS NULL OR m.epoch = of_epoch)
            AND (only_seq IS NULL OR m.seq = only_seq)
            AND (in_site IS NULL OR m.site_id = in_site)
            AND (of_item IS NULL OR m.item_id IN (
                SELECT ci.item_id FROM canonical_item ci JOIN item wanted ON wanted.item_id = ci.canonical_id
                WHERE wanted.code = of_item))
            AND (at_location IS NULL OR m.from_cell = ANY (there) OR m.to_cell = ANY (there))
            AND (occurred_from IS NULL OR m.occurred_at >= occurred_from)
            AND (occurred_until IS NULL OR m.occurred_at <= occurred_until)
            AND (with_reason IS NULL OR m.reason = with_reason)
        ORDER BY e.position DESC, g.name DESC, m.seq DESC
        LIMIT at_most)) t;
END
$$;

-- Tells movements in the order in which they are given. Its joins are made in the order written, each a look-up by
-- key, whatever the statistics say of a younger table.
CREATE FUNCTION tell_movements(stated movement[])
    RETURNS SETOF movement_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1 AS $$
BEGIN
    RETURN QUERY
    WITH alias AS MATERIALIZED (
        SELECT a.item_id, a.canonical_id FROM aliases_at(9223372036854775807) a WHERE EXISTS (SELECT FROM item_alias)
    )
    SELECT g.name, m.epoch, m.seq, m.gateway_id, m.site_id, s.time_zone,
        m.occurred_at, m.occurred_at_claimed, m.time_basis, e.position, e.recorded_at, e.actor, e.kind,
        i.code, i.name, i.base_unit, seen.code, m.item_id,
        m.quantity, m.identifier_scheme, m.identifier, m.quantity_seen, m.unit_seen,
        m.from_cell, fl.code, fc.lot, fc.disposition, fc.owner,
        m.to_cell, tl.code, tc.lot, tc.disposition, tc.owner,
        m.reason, rg.name, m.reverses_epoch, m.reverses_seq,
        m.detail ->> 'actor', m.detail ->> 'device', m.detail
    FROM unnest(stated) WITH ORDINALITY m
    JOIN ledger_entry e ON e.posting_id = m.posting_id
    JOIN gateway g ON g.gateway_id = m.gateway_id
    JOIN site s ON s.site_id = m.site_id
    JOIN item seen ON seen.item_id = m.item_id
    LEFT JOIN alias a ON a.item_id = m.item_id
    JOIN item i ON i.item_id = coalesce(a.canonical_id, m.item_id)
    JOIN cell fc ON fc.cell_id = m.from_cell
    JOIN location fl ON fl.location_id = fc.location_id
    JOIN cell tc ON tc.cell_id = m.to_cell
    JOIN location tl ON tl.location_id = tc.location_id
    LEFT JOIN gateway rg ON rg.gateway_id = m.reverses_gateway
    ORDER BY m.ordinality;
END
$$;

-- The latest instant that a fact posted by a position can have occurred at: facts of the future are not believed
-- (PROTOCOL P2), and clocks of two machines are less than a day apart.
CREATE OR REPLACE FUNCTION occurred_by(until_position bigint) RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT e.recorded_at + INTERVAL '1 day' FROM ledger_entry e WHERE e.position = until_position), 'infinity')
$$;

-- What entered and left a cell up to an instant and a position, the latest occurrence first.
CREATE FUNCTION read_cell_history(
    of_cell bigint, until_at timestamptz, until_position bigint,
    below_at timestamptz, below_gateway integer, below_epoch bigint, below_seq bigint, at_most integer)
    RETURNS SETOF movement_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    of_item bigint := (SELECT c.item_id FROM cell c WHERE c.cell_id = of_cell AND sees_site(c.site_id));
    newest  CONSTANT timestamptz := least(until_at, below_at, occurred_by(until_position));
BEGIN
    RETURN QUERY
    SELECT t.*
    FROM (
        SELECT array_agg(k.whole) AS stated
        FROM (
            SELECT m AS whole
            FROM movement m JOIN ledger_entry e ON e.posting_id = m.posting_id
            WHERE m.item_id = of_item AND (m.from_cell = of_cell OR m.to_cell = of_cell)
                AND m.occurred_at <= newest AND e.position <= until_position
                AND (m.occurred_at, m.gateway_id, m.epoch, m.seq) < (below_at, below_gateway, below_epoch, below_seq)
            ORDER BY m.occurred_at DESC, m.gateway_id DESC, m.epoch DESC, m.seq DESC
            LIMIT at_most
        ) k
    ) named
    CROSS JOIN LATERAL tell_movements(named.stated) t;
END
$$;

-- Items that read as the one of a code, itself included.
CREATE OR REPLACE FUNCTION items_reading_as(of_code text) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    wanted bigint := (SELECT i.item_id FROM item i WHERE i.code = of_code);
BEGIN
    IF NOT EXISTS (SELECT FROM item_alias) THEN
        RETURN ARRAY[wanted];
    END IF;
    RETURN ARRAY(SELECT c.item_id FROM canonical_item c WHERE c.canonical_id = wanted);
END
$$;

-- What moved of an item, whatever it was called then, up to an instant and a position, the latest occurrence first.
CREATE FUNCTION read_item_history(
    of_item text, in_site text, until_at timestamptz, until_position bigint,
    below_at timestamptz, below_gateway integer, below_epoch bigint, below_seq bigint, at_most integer)
    RETURNS SETOF movement_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    sources CONSTANT bigint[] := items_reading_as(of_item);
    newest  CONSTANT timestamptz := least(until_at, below_at, occurred_by(until_position));
BEGIN
    RETURN QUERY
    SELECT t.*
    FROM (
        SELECT array_agg(k.whole) AS stated
        FROM (
            SELECT m.whole
            FROM unnest(sources) source (item_id)
            CROSS JOIN LATERAL (
                SELECT x AS whole, x.gateway_id, x.epoch, x.seq, x.occurred_at
                FROM movement x JOIN ledger_entry e ON e.posting_id = x.posting_id
                WHERE x.item_id = source.item_id AND x.occurred_at <= newest AND e.position <= until_position
                    AND (x.occurred_at, x.gateway_id, x.epoch, x.seq)
                        < (below_at, below_gateway, below_epoch, below_seq)
                    AND sees_site(x.site_id) AND (in_site IS NULL OR x.site_id = in_site)
                ORDER BY x.occurred_at DESC, x.gateway_id DESC, x.epoch DESC, x.seq DESC
                LIMIT at_most) m
            ORDER BY m.occurred_at DESC, m.gateway_id DESC, m.epoch DESC, m.seq DESC
            LIMIT at_most
        ) k
    ) named
    CROSS JOIN LATERAL tell_movements(named.stated) t;
END
$$;

-- Why a cell held another quantity at one moment than at another: the movements that count in only one of them, the
-- latest occurrence first. A moment is an instant and a position.
CREATE FUNCTION read_cell_changes(
    of_cell bigint, from_at timestamptz, from_position bigint, to_at timestamptz, to_position bigint,
    below_at timestamptz, below_gateway integer, below_epoch bigint, below_seq bigint, at_most integer)
    RETURNS SETOF movement_told LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    of_item bigint := (SELECT c.item_id FROM cell c WHERE c.cell_id = of_cell AND sees_site(c.site_id));
    folded  bigint := (SELECT f.position FROM fold_head f);
BEGIN
    RETURN QUERY
    WITH late AS MATERIALIZED ( -- posted between the two positions, and occurred by both instants
        SELECT d.position FROM cell_delta d
        WHERE d.cell_id = of_cell AND d.position > least(from_position, to_position)
            AND d.position <= greatest(from_position, to_position) AND d.occurred_at <= least(from_at, to_at)
        UNION
        SELECT e.position FROM ledger_entry e
        WHERE e.position > greatest(folded, least(from_position, to_position))
            AND e.position <= greatest(from_position, to_position)
    ), wanted AS MATERIALIZED (
        SELECT m.gateway_id, m.epoch, m.seq, m.occurred_at
        FROM movement m JOIN ledger_entry e ON e.posting_id = m.posting_id
        WHERE m.item_id = of_item AND (m.from_cell = of_cell OR m.to_cell = of_cell)
            AND m.occurred_at > least(from_at, to_at) AND m.occurred_at <= greatest(from_at, to_at)
            AND (m.occurred_at <= from_at AND e.position <= from_position)
                <> (m.occurred_at <= to_at AND e.position <= to_position)
        UNION
        SELECT m.gateway_id, m.epoch, m.seq, m.occurred_at
        FROM late l
        JOIN ledger_entry e ON e.position = l.position
        JOIN movement m ON m.posting_id = e.posting_id
        WHERE (m.from_cell = of_cell OR m.to_cell = of_cell) AND m.occurred_at <= least(from_at, to_at)
    )
    SELECT t.*
    FROM (
        SELECT array_agg(k.whole) AS stated
        FROM (
            SELECT m AS whole FROM wanted w
            JOIN movement m ON m.gateway_id = w.gateway_id AND m.epoch = w.epoch AND m.seq = w.seq
                AND m.occurred_at = w.occurred_at
            WHERE (w.occurred_at, w.gateway_id, w.epoch, w.seq) < (below_at, below_gateway, below_epoch, below_seq)
            ORDER BY w.occurred_at DESC, w.gateway_id DESC, w.epoch DESC, w.seq DESC
            LIMIT at_most
        ) k
    ) named
    CROSS JOIN LATERAL tell_movements(named.stated) t;
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
    SELECT l.code, u.scheme,
        coalesce((SELECT max(n.instance) FROM read_unit_instances(l.code, 'infinity', 9223372036854775807) n), 1),
        coalesce(p.site_id, l.site_id), s.time_zone, place.code, holder.code,
        p.occurred_at
    FROM logistic_unit u
    JOIN location l ON l.location_id = u.location_id
    LEFT JOIN LATERAL (
        SELECT x.* FROM unit_position x JOIN ledger_entry e ON e.posting_id = x.posting_id
        WHERE x.unit_id = u.location_id AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
            WHERE (v.gateway_id, v.epoch, v.seq) = (x.gateway_id, x.epoch, x.seq))
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

-- The balance of one cell, zero included: of now, or as of an instant and a position.
CREATE FUNCTION read_balance(of_cell bigint, until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, site text, time_zone text, item text, item_name text, base_unit text,
        location text, location_kind text, lot text, disposition text, owner text, quantity numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    found_one cell;
    canonical bigint;
    upper_one numeric := 1;
    lower_one numeric := 1;
    held      numeric;
BEGIN
    SELECT c.* INTO found_one FROM cell c WHERE c.cell_id = of_cell AND sees_site(c.site_id);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF until_at IS NULL AND until_position IS NULL THEN
        SELECT b.quantity INTO held FROM balance b WHERE b.cell_id = of_cell;
    ELSE
        SELECT q.quantity INTO held FROM as_of(
            ARRAY[of_cell], coalesce(until_at, 'infinity'), coalesce(until_position, 9223372036854775807)) q;
    END IF;
    canonical := found_one.item_id;
    IF EXISTS (SELECT FROM item_alias a WHERE a.from_item = found_one.item_id) THEN
        SELECT c.canonical_id, c.numerator, c.denominator INTO canonical, upper_one, lower_one
        FROM canonical_item c WHERE c.item_id = found_one.item_id;
    END IF;
    RETURN QUERY
    SELECT of_cell, found_one.site_id, s.time_zone, i.code, i.name, i.base_unit, l.code, l.kind, found_one.lot,
        found_one.disposition, found_one.owner, round(coalesce(held, 0) * upper_one / lower_one, 6)
    FROM site s, item i, location l
    WHERE s.site_id = found_one.site_id AND i.item_id = canonical AND l.location_id = found_one.location_id;
END
$$;

REVOKE ALL ON FUNCTION
    read_movements(text, bigint, text, text, text, bigint, bigint, bigint, timestamptz, timestamptz, bigint, text, text, integer),
    read_cell_history(bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_balance(bigint, timestamptz, bigint),
    read_item_history(text, text, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_cell_changes(bigint, timestamptz, bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_units(text, text, text, integer),
    read_balances(text, text, text, text, text, bigint, timestamptz, bigint, boolean, boolean, text, text, bigint, integer)
    FROM PUBLIC;
REVOKE ALL ON FUNCTION tell_movements(movement[]), occurred_by(bigint), items_reading_as(text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    read_movements(text, bigint, text, text, text, bigint, bigint, bigint, timestamptz, timestamptz, bigint, text, text, integer),
    read_cell_history(bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_balance(bigint, timestamptz, bigint),
    read_item_history(text, text, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_cell_changes(bigint, timestamptz, bigint, timestamptz, bigint, timestamptz, integer, bigint, bigint, integer),
    read_units(text, text, text, integer),
    read_balances(text, text, text, text, text, bigint, timestamptz, bigint, boolean, boolean, text, text, bigint, integer)
    TO dockledger_app;
