-- Stock by place, unit, lot or owner: of now, or as of an instant and a position. Goods in a unit lie where it stands.
-- Runs with the owner's rights and shows the session's sites.

DROP FUNCTION IF EXISTS read_stock_by(text, text, text, text, timestamptz, bigint, text[], integer);

-- What cells of real places hold, in the base unit of the item as it reads, and where that lies. Units of every site are
-- among them: whoever asks shows those that stand at the session's.
CREATE OR REPLACE FUNCTION stock_held(in_site text, item_like text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, site_id text, location_id bigint, is_unit boolean, item_id bigint, lot text, owner text,
        quantity numeric)
    LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    WITH candidate AS MATERIALIZED (
        SELECT c.cell_id, c.site_id, c.location_id, l.kind = 'unit' AS is_unit, ci.canonical_id, c.lot, c.owner,
            ci.numerator, ci.denominator
        FROM cell c
        JOIN location l ON l.location_id = c.location_id
        JOIN canonical_item ci ON ci.item_id = c.item_id
        JOIN item i ON i.item_id = ci.canonical_id
        WHERE l.kind <> 'virtual' AND (l.kind = 'unit' OR sees_site(c.site_id))
            AND (in_site IS NULL OR c.site_id = in_site OR l.kind = 'unit')
            AND (item_like IS NULL OR i.code ILIKE item_like OR i.name ILIKE item_like)
    ), held AS (
        SELECT b.cell_id, b.quantity
        FROM candidate d JOIN balance b ON b.cell_id = d.cell_id
        WHERE until_at IS NULL AND until_position IS NULL
        UNION ALL
        SELECT q.cell_id, q.quantity
        FROM as_of(
            ARRAY(SELECT x.cell_id FROM candidate x WHERE until_at IS NOT NULL OR until_position IS NOT NULL),
            coalesce(until_at, 'infinity'), coalesce(until_position, 9223372036854775807)) q
    )
    SELECT d.cell_id, d.site_id, d.location_id, d.is_unit, d.canonical_id, d.lot, d.owner,
        round(h.quantity * d.numerator / d.denominator, 6)
    FROM candidate d JOIN held h ON h.cell_id = d.cell_id
    WHERE h.quantity <> 0;
END
$$;

-- Where each of these units stands at last, whatever it is nested in.
CREATE OR REPLACE FUNCTION places_of_units(units bigint[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (unit_id bigint, place_id bigint)
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE climb AS (
        SELECT u.unit_id, u.unit_id AS next_id, NULL::bigint AS place_id, ARRAY[u.unit_id] AS seen
        FROM unnest(units) u (unit_id)
        UNION ALL
        SELECT c.unit_id, last.parent_id, last.location_id, c.seen || last.parent_id
        FROM climb c
        CROSS JOIN LATERAL (
            SELECT p.location_id, p.parent_id
            FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = c.next_id AND p.occurred_at <= until_at AND e.position <= until_position
                AND NOT EXISTS (SELECT FROM unfollowed_at(until_position) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
            ORDER BY p.occurred_at DESC, e.position DESC, p.seq DESC LIMIT 1) last
        WHERE c.place_id IS NULL AND (last.parent_id IS NULL OR last.parent_id <> ALL (c.seen))
    )
    SELECT c.unit_id, c.place_id FROM climb c WHERE c.place_id IS NOT NULL
$$;

-- Rows in the order of their keys. `value` is what of it is ours at its cost; NULL where a cost is not known, or
-- nothing of it is ours. Stock that another owns is none of ours (DOMAIN D8). `is_unchecked`: by unit, some of it came as
-- its paper declares it and was not counted in the unit since.
CREATE FUNCTION read_stock_by(
    by_what text, in_site text, item_like text, location_like text, until_at timestamptz, until_position bigint,
    after_keys text[], at_most integer)
    RETURNS TABLE (keys text[], site text, place text, unit text, item text, item_name text, base_unit text, lot text,
        owner text, quantity numeric, in_units numeric, units integer, places integer, owned numeric, value numeric,
        unpriced integer, currency text, pieces numeric, weight_kg numeric, is_unchecked boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT * FROM stock_held(in_site, item_like, until_at, until_position)
    ), standing AS MATERIALIZED (
        SELECT * FROM places_of_units(ARRAY(SELECT DISTINCT h.location_id FROM held h WHERE h.is_unit),
            coalesce(until_at, 'infinity'), coalesce(until_position, 9223372036854775807))
    ), lying AS (
        SELECT h.*, coalesce(p.site_id, h.site_id) AS at_site, p.code AS at_place, l.code AS holder,
            is_valued(coalesce(p.kind, l.kind), coalesce(p.code, l.code), h.owner) AS is_ours
        FROM held h
        JOIN location l ON l.location_id = h.location_id
        LEFT JOIN standing s ON h.is_unit AND s.unit_id = h.location_id
        LEFT JOIN location p ON p.location_id = CASE WHEN h.is_unit THEN s.place_id ELSE h.location_id END
    ), keyed AS MATERIALIZED (
        SELECT y.*, i.code, i.name, i.base_unit AS measure, ARRAY[y.at_site,
                CASE by_what WHEN 'place' THEN coalesce(y.at_place, '') WHEN 'unit' THEN y.holder WHEN 'lot' THEN i.code
                    ELSE coalesce(y.owner, '') END,
                CASE by_what WHEN 'lot' THEN coalesce(y.lot, '') ELSE i.code END,
                CASE by_what WHEN 'unit' THEN coalesce(y.lot, '') ELSE '' END] COLLATE "C" AS sorted
        FROM lying y JOIN item i ON i.item_id = y.item_id
        WHERE sees_site(y.at_site) AND (in_site IS NULL OR y.at_site = in_site) AND (by_what <> 'unit' OR y.is_unit)
            AND (location_like IS NULL OR y.at_place ILIKE location_like OR y.holder ILIKE location_like)
    ), page AS MATERIALIZED ( -- what follows is looked up for these alone
        SELECT k.sorted FROM keyed k WHERE k.sorted > after_keys GROUP BY k.sorted ORDER BY k.sorted LIMIT at_most
    ), shown AS MATERIALIZED (
        SELECT k.* FROM page p JOIN keyed k ON k.sorted = p.sorted
    ), measured AS MATERIALIZED (
        SELECT * FROM measured_at(ARRAY(SELECT s.cell_id FROM shown s),
            coalesce(until_at, 'infinity'), coalesce(until_position, 9223372036854775807))
    ), unchecked AS MATERIALIZED (
        SELECT n.unit, n.item_id
        FROM unchecked_in_units(ARRAY(SELECT DISTINCT s.holder FROM shown s WHERE by_what = 'unit'),
            coalesce(until_at, 'infinity'), coalesce(until_position, 9223372036854775807)) n
    ), book AS MATERIALIZED (
        SELECT z.at_site, book_currency(z.at_site) AS currency
        FROM (SELECT DISTINCT s.at_site FROM shown s WHERE by_what = 'owner') z
    ), cost AS MATERIALIZED (
        SELECT b.at_site, b.currency, k.item_id, k.cost
        FROM book b
        CROSS JOIN LATERAL unit_costs(
            b.at_site, coalesce(until_at, clock_timestamp()), coalesce(until_position, 9223372036854775807)) k
    )
    SELECT k.sorted, min(k.at_site), CASE WHEN by_what IN ('place', 'unit') THEN min(k.at_place) END,
        CASE WHEN by_what = 'unit' THEN min(k.holder) END, min(k.code), min(k.name), min(k.measure),
        CASE WHEN by_what IN ('unit', 'lot') THEN min(k.lot) END, CASE WHEN by_what = 'owner' THEN min(k.owner) END,
        sum(k.quantity), coalesce(sum(k.quantity) FILTER (WHERE k.is_unit), 0),
        (count(DISTINCT k.holder) FILTER (WHERE k.is_unit))::integer, count(DISTINCT k.at_place)::integer,
        coalesce(sum(k.quantity) FILTER (WHERE k.is_ours), 0),
        CASE WHEN bool_and(NOT k.is_ours OR c.cost IS NOT NULL) THEN
            sum(round(k.quantity * c.cost, currency_digits(c.currency))) FILTER (WHERE k.is_ours) END,
        (count(*) FILTER (WHERE by_what = 'owner' AND k.is_ours AND c.cost IS NULL))::integer, min(c.currency),
        sum(m.pieces), sum(m.weight_kg),
        bool_or(EXISTS (SELECT FROM unchecked n WHERE (n.unit, n.item_id) = (k.holder, x.item_id)))
    FROM shown k
    JOIN cell x ON x.cell_id = k.cell_id
    LEFT JOIN cost c ON c.at_site = k.at_site AND c.item_id = k.item_id
    LEFT JOIN measured m ON m.cell_id = k.cell_id
    GROUP BY k.sorted
    ORDER BY k.sorted;
END
$$;

REVOKE ALL ON FUNCTION
    stock_held(text, text, timestamptz, bigint), places_of_units(bigint[], timestamptz, bigint),
    read_stock_by(text, text, text, text, timestamptz, bigint, text[], integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_stock_by(text, text, text, text, timestamptz, bigint, text[], integer) TO dockledger_app;
