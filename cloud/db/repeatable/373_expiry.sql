-- Lots on hand that expire, by site, with what of them could still leave and what they are worth; what the book has below
-- zero is none of them. A lot is good before its day begins at the site: the same day by which `stock_available` leaves it
-- out (360_allocation.sql; a test holds the two together).

DROP FUNCTION IF EXISTS lots_expiring(text[], text, integer, timestamptz, text[], date, text, text, text, integer);
DROP FUNCTION IF EXISTS left_expired(integer);

-- A date that is stated, changed or taken back: the lot may lie somewhere until the job has looked.
CREATE OR REPLACE FUNCTION keep_lot_date() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF new.expires_on IS NULL THEN
        DELETE FROM lot_on_hand h WHERE (h.item_id, h.lot) = (new.item_id, new.lot);
        RETURN NULL;
    END IF;
    INSERT INTO lot_on_hand AS h (item_id, lot, expires_on) VALUES (new.item_id, new.lot, new.expires_on)
    ON CONFLICT (item_id, lot) DO UPDATE SET expires_on = excluded.expires_on, is_checked = false;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER looked_for AFTER INSERT OR UPDATE OF expires_on ON lot
    FOR EACH ROW EXECUTE FUNCTION keep_lot_date();

-- Items that read as another from now on, or no more: any dated lot of both may lie somewhere.
CREATE OR REPLACE FUNCTION keep_lots_of_merged() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO lot_on_hand AS h (item_id, lot, expires_on)
    SELECT l.item_id, l.lot, l.expires_on
    FROM lot l
    WHERE l.expires_on IS NOT NULL AND l.item_id IN (
        SELECT new.from_item UNION SELECT n.canonical_id FROM canonical_item n WHERE n.item_id = new.to_item)
    ON CONFLICT (item_id, lot) DO UPDATE SET is_checked = false;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER lots_looked_for AFTER INSERT ON item_alias
    FOR EACH ROW EXECUTE FUNCTION keep_lots_of_merged();

-- Dated lots that moved in real places or units from after one position up to another.
CREATE OR REPLACE FUNCTION dated_lots_moved(above_position bigint, up_to bigint)
    RETURNS TABLE (item_id bigint, lot text, expires_on date)
    LANGUAGE sql STABLE SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off AS $$
    SELECT DISTINCT t.item_id, t.lot, t.expires_on
    FROM ledger_entry e
    JOIN movement m ON m.posting_id = e.posting_id
    CROSS JOIN LATERAL (VALUES (m.from_cell), (m.to_cell)) side (cell_id)
    JOIN cell c ON c.cell_id = side.cell_id AND c.lot IS NOT NULL
    JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
    LEFT JOIN item_alias a ON a.from_item = c.item_id
    CROSS JOIN LATERAL (SELECT CASE WHEN a.alias_id IS NULL THEN c.item_id
        ELSE (SELECT n.canonical_id FROM canonical_item n WHERE n.item_id = c.item_id) END AS item_id) n
    JOIN lot t ON t.item_id = n.item_id AND t.lot = c.lot AND t.expires_on IS NOT NULL
    WHERE e.position > above_position AND e.position <= up_to
$$;

-- Looks at the lots that moved in the next stretch of the ledger's order, and at those nobody has looked at yet; gives how
-- many there were: as many as were asked for, then there may be more.
CREATE OR REPLACE FUNCTION keep_lots_on_hand(most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at bigint;
    stop_at  bigint;
    looked   bigint;
BEGIN
    SELECT h.position INTO start_at FROM lot_on_hand_head h FOR UPDATE;
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    IF NOT EXISTS (SELECT FROM lot t WHERE t.expires_on IS NOT NULL) THEN
        UPDATE lot_on_hand_head k SET position = h.position FROM ledger_head h WHERE h.shard = 0 AND k.position < h.position;
        RETURN 0;
    END IF;
    WITH asked AS MATERIALIZED (
        SELECT d.item_id, d.lot, d.expires_on FROM dated_lots_moved(start_at, stop_at) d
        UNION
        (SELECT h.item_id, h.lot, h.expires_on FROM lot_on_hand h WHERE NOT h.is_checked LIMIT most)
    ), found AS MATERIALIZED (
        SELECT a.*, EXISTS (
            SELECT FROM lot_cells(ARRAY[a.item_id], ARRAY[a.lot], NULL) k
            JOIN location l ON l.location_id = k.location_id AND l.kind <> 'virtual'
            JOIN balance b ON b.cell_id = k.cell_id AND b.quantity > 0) AS lies
        FROM asked a
    ), gone AS (
        DELETE FROM lot_on_hand h USING found f WHERE (h.item_id, h.lot) = (f.item_id, f.lot) AND NOT f.lies
    ), kept AS (
        INSERT INTO lot_on_hand (item_id, lot, expires_on, is_checked)
        SELECT f.item_id, f.lot, f.expires_on, true FROM found f WHERE f.lies
        ON CONFLICT (item_id, lot) DO UPDATE SET is_checked = true
    )
    SELECT count(*) INTO looked FROM found;
    UPDATE lot_on_hand_head SET position = stop_at WHERE position < stop_at;
    RETURN greatest(stop_at - start_at, looked, 0);
END
$$;

-- A page of lots that expire: days are taken one after the other until it is full.
CREATE FUNCTION lots_expiring(sites text[], of_item text, within_days integer, at timestamptz, shippable text[],
    after_day date, after_site text, after_item text, after_lot text, at_most integer)
    RETURNS TABLE (site text, item_id bigint, item text, item_name text, base_unit text, lot text, expires_on date,
        days_left integer, on_hand numeric, shippable_quantity numeric, value numeric, currency text, stated_by text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    last_day  CONSTANT date := (SELECT max((at AT TIME ZONE s.time_zone)::date) + within_days FROM site s
        WHERE sees_site(s.site_id) AND (sites IS NULL OR s.site_id = ANY (sites)));
    of_id     CONSTANT bigint := (SELECT i.item_id FROM item i WHERE i.code = of_item);
    young_items bigint[];
    young_lots  text[];
    from_day  date := after_day;
    until_day date;
    given     integer := 0;
    more      integer;
BEGIN
    SELECT coalesce(array_agg(d.item_id), '{}'), coalesce(array_agg(d.lot), '{}') INTO young_items, young_lots
    FROM lot_on_hand_head h CROSS JOIN LATERAL dated_lots_moved(h.position, 9223372036854775807) d;
    LOOP
        SELECT max(x.expires_on) INTO until_day
        FROM (
            (SELECT h.expires_on FROM lot_on_hand h
            WHERE h.expires_on BETWEEN from_day AND last_day AND (of_item IS NULL OR h.item_id = of_id)
            ORDER BY h.expires_on LIMIT at_most)
            UNION ALL
            SELECT t.expires_on
            FROM unnest(young_items, young_lots) y (item_id, lot)
            JOIN lot t ON t.item_id = y.item_id AND t.lot = y.lot
            WHERE t.expires_on BETWEEN from_day AND last_day AND (of_item IS NULL OR t.item_id = of_id)
            ORDER BY 1 LIMIT at_most
        ) x;
        EXIT WHEN until_day IS NULL;
        RETURN QUERY
        WITH day AS MATERIALIZED (
            SELECT s.site_id, (at AT TIME ZONE s.time_zone)::date AS today FROM site s
            WHERE sees_site(s.site_id) AND (sites IS NULL OR s.site_id = ANY (sites))
        ), dated AS MATERIALIZED (
            SELECT t.item_id, t.lot, t.expires_on, t.stated_by, row_number() OVER (ORDER BY t.item_id, t.lot) AS nth
            FROM (
                SELECT h.item_id, h.lot FROM lot_on_hand h WHERE h.expires_on BETWEEN from_day AND until_day
                UNION
                SELECT y.item_id, y.lot FROM unnest(young_items, young_lots) y (item_id, lot)
            ) k
            JOIN lot t ON t.item_id = k.item_id AND t.lot = k.lot
            WHERE t.expires_on BETWEEN from_day AND until_day AND (of_item IS NULL OR t.item_id = of_id)
        ), held AS (
            SELECT k.nth, k.site, sum(k.quantity) AS on_hand,
                coalesce(sum(k.quantity) FILTER (WHERE coalesce(k.disposition, 'sellable') = ANY (shippable)), 0) AS may_leave,
                sum(k.quantity) FILTER (WHERE k.owner IS NULL) AS own
            FROM lot_stock(ARRAY(SELECT d.item_id FROM dated d ORDER BY d.nth), ARRAY(SELECT d.lot FROM dated d ORDER BY d.nth)) k
            WHERE NOT k.is_virtual
            GROUP BY k.nth, k.site
            HAVING sum(k.quantity) > 0
        ), cost AS MATERIALIZED (
            SELECT d.site_id, c.item_id, c.cost, c.currency
            FROM day d CROSS JOIN LATERAL lot_costs(d.site_id, ARRAY(SELECT DISTINCT x.item_id FROM dated x)) c
            WHERE EXISTS (SELECT FROM dated)
        )
        SELECT d.site_id, i.item_id, i.code, i.name, i.base_unit, t.lot, t.expires_on, t.expires_on - d.today,
            round(h.on_hand, 6), round(h.may_leave, 6), round(coalesce(h.own, 0) * c.cost, currency_digits(c.currency)),
            c.currency, t.stated_by
        FROM held h
        JOIN dated t ON t.nth = h.nth
        JOIN day d ON d.site_id = h.site AND t.expires_on <= d.today + within_days
        JOIN item i ON i.item_id = t.item_id
        LEFT JOIN cost c ON c.site_id = h.site AND c.item_id = t.item_id
        WHERE (t.expires_on, h.site, i.code, t.lot) > (after_day, after_site, after_item, after_lot)
        ORDER BY t.expires_on, h.site, i.code, t.lot
        LIMIT at_most - given;
        GET DIAGNOSTICS more = ROW_COUNT;
        given := given + more;
        EXIT WHEN given >= at_most;
        from_day := until_day + 1;
    END LOOP;
END
$$;

-- What gateways stated, since the last time, to have left for customers (`shipped`), or to have been `picked`, of a lot whose
-- day had begun at the site by then: a handheld that works without a network cannot refuse it. And what left (`short`), by
-- handheld or on paper, of a lot that will not last as long as its customer asks. Where neither side's lot was stated, as
-- the resolver infers it (`is_inferred`, by `rule`; what it withdraws counts below zero, so each inference counts once, also of
-- what is taken back by now: the resolver withdraws that). The first row says how much was looked at.
CREATE FUNCTION left_expired(most integer)
    RETURNS TABLE (looked bigint, kind text, site text, item_id bigint, item text, base_unit text, lot text,
        expires_on date, document text, quantity numeric, place text, partner text, minimum_days integer, earlier text,
        last_at timestamptz, is_inferred boolean, rule text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    start_at bigint;
    stop_at  bigint;
BEGIN
    SELECT h.position INTO start_at FROM left_expired_head h FOR UPDATE;
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    UPDATE left_expired_head SET position = stop_at WHERE position < stop_at;
    looked := stop_at - start_at;
    RETURN NEXT;
    RETURN QUERY
    SELECT looked, k.kind, m.site_id, i.item_id, i.code, i.base_unit, y.lot, t.expires_on, d.name,
        sum(round(m.quantity * n.numerator / n.denominator, 6) * CASE WHEN v.is_withdrawn THEN -1 ELSE 1 END),
        (array_agg(CASE l.kind WHEN 'unit' THEN 'unit ' || l.code ELSE l.code END ORDER BY m.occurred_at DESC))[1],
        w.partner, w.minimum_days, min(d.earlier) FILTER (WHERE k.kind = 'later'), max(m.occurred_at), o.seq IS NOT NULL,
        string_agg(DISTINCT m.detail #>> '{inferred,rule}', ', ') FILTER (WHERE o.seq IS NOT NULL AND NOT v.is_withdrawn)
    FROM ledger_entry e
    JOIN movement m ON m.posting_id = e.posting_id AND m.reverses_seq IS NULL
    CROSS JOIN LATERAL (SELECT coalesce((m.detail #>> '{inferred,withdraws}')::boolean, false) AS is_withdrawn) v
    LEFT JOIN LATERAL (
        SELECT s.gateway_id, s.seq, s.from_cell, s.to_cell, s.detail
        FROM gateway w JOIN movement s ON s.gateway_id = w.gateway_id
            AND s.epoch = ('x' || (m.detail #>> '{inferred,of,epoch}'))::bit(64)::bigint AND s.seq = (m.detail #>> '{inferred,of,seq}')::bigint
        WHERE m.detail #>> '{inferred,side}' = 'destination' AND w.name = m.detail #>> '{inferred,of,gateway}') o ON true
    JOIN gateway g ON g.gateway_id = coalesce(o.gateway_id, m.gateway_id)
    JOIN cell f ON f.cell_id = coalesce(o.from_cell, m.from_cell)
    JOIN cell c ON c.cell_id = coalesce(o.to_cell, m.to_cell)
    JOIN location l ON l.location_id = c.location_id
    JOIN canonical_item n ON n.item_id = m.item_id
    JOIN item i ON i.item_id = n.canonical_id
    CROSS JOIN LATERAL (SELECT coalesce(c.lot, f.lot, m.detail #>> '{inferred,lot}', 'unspecified') AS lot) y
    LEFT JOIN lot t ON t.item_id = i.item_id AND t.lot = y.lot AND t.expires_on IS NOT NULL
    JOIN site z ON z.site_id = m.site_id
    CROSS JOIN LATERAL (SELECT t.expires_on - (m.occurred_at AT TIME ZONE z.time_zone)::date AS days) x
    CROSS JOIN LATERAL (
        SELECT coalesce(min((p ->> 'type') || '/' || (p ->> 'id')) FILTER (
                WHERE p ->> 'type' IN ('shipment', 'outbound_order', 'transfer')
                OR l.kind <> 'virtual' AND p ->> 'type' = 'pick'), 'no document') AS name,
            coalesce(min(p ->> 'id') FILTER (WHERE p ->> 'type' = 'outbound_order'),
                min(p ->> 'id') FILTER (WHERE p ->> 'type' = 'shipment' AND g.name <> '_cloud')) AS order_id,
            min(p ->> 'id') FILTER (WHERE p ->> 'type' = 'earlier_lot') AS earlier
        FROM jsonb_array_elements(coalesce(coalesce(o.detail, m.detail) -> 'documents', '[]')) p) d
    LEFT JOIN LATERAL (
        SELECT o.partner, y.minimum_days
        FROM document o JOIN customer_life y ON y.partner = o.partner AND (y.item_id = i.item_id OR y.item_id IS NULL)
        WHERE x.days > 0 AND (o.site_id, o.type, o.id) = (m.site_id, 'outbound_order', d.order_id)
        ORDER BY y.item_id NULLS LAST LIMIT 1) w ON true
    CROSS JOIN LATERAL (SELECT CASE
        WHEN l.code = '@customer' AND x.days > 0 AND x.days <= w.minimum_days AND f.location_id <> c.location_id THEN 'short'
        WHEN o.seq IS NULL AND l.kind <> 'virtual' AND d.earlier IS NOT NULL AND coalesce(x.days > 0, true) THEN 'later'
        WHEN g.name = '_cloud' OR coalesce(x.days > 0, true) THEN NULL
        WHEN l.code = '@customer' THEN 'shipped'
        WHEN l.kind <> 'virtual' AND coalesce(o.detail, m.detail) ->> 'biz_step' = 'picking' THEN 'picked' END AS kind) k
    WHERE e.position > start_at AND e.position <= stop_at AND k.kind IS NOT NULL AND NOT is_reversed(m)
        AND (NOT m.detail ? 'inferred' OR o.seq IS NOT NULL AND f.lot IS NULL AND c.lot IS NULL)
        AND (t.lot IS NOT NULL OR m.detail @> '{"documents": [{"type": "earlier_lot"}]}')
    GROUP BY k.kind, m.site_id, i.item_id, i.code, i.base_unit, y.lot, t.expires_on, d.name, w.partner, w.minimum_days, o.seq IS NOT NULL
    ORDER BY m.site_id, i.item_id, y.lot, d.name, k.kind, o.seq IS NOT NULL;
END
$$;

REVOKE ALL ON FUNCTION keep_lot_date(), keep_lots_of_merged(), left_expired(integer), dated_lots_moved(bigint, bigint), keep_lots_on_hand(integer),
    lots_expiring(text[], text, integer, timestamptz, text[], date, text, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_lots_on_hand(integer), left_expired(integer),
    lots_expiring(text[], text, integer, timestamptz, text[], date, text, text, text, integer) TO dockledger_app;
