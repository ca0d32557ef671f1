-- What transformations used and made, and what of its cost each output carries (DOMAIN D6, D8). The last function shows the
-- sites that the session named; the others serve it and the closing of periods.

DROP FUNCTION IF EXISTS read_transformations(text, timestamptz, timestamptz, text, text, integer);
DROP FUNCTION IF EXISTS read_transformation(text, text, text);
DROP FUNCTION IF EXISTS unreversed_of_transformation(text, text, text);
DROP FUNCTION IF EXISTS average_with(average_base[], made_line[], jsonb, integer, boolean);
DROP FUNCTION IF EXISTS average_with(average_base[], made_line[], jsonb, integer, integer, boolean);
DROP FUNCTION IF EXISTS carry(made_line[], jsonb, integer);
DROP FUNCTION IF EXISTS lines_behind(text, text, text, bigint, timestamptz, bigint, boolean);
DROP FUNCTION IF EXISTS made_lines(text, bigint, timestamptz, bigint);
DROP FUNCTION IF EXISTS transformations_since(text, bigint, timestamptz, bigint);
DROP FUNCTION IF EXISTS lines_of_transformations(text, text[], text[], bigint, timestamptz, bigint);
DROP FUNCTION IF EXISTS moves_of_transformations(text, text[], text[]);

-- Every statement of transformations, in or out of the site's account, those that were taken back included; in base units of
-- the item that goes by now.
CREATE FUNCTION moves_of_transformations(of_site text, types text[], ids text[])
    RETURNS TABLE (type text, id text, is_input boolean, item_id bigint, quantity numeric, occurred_at timestamptz,
        owner text, gateway_id integer, gateway text, epoch bigint, seq bigint, own_position bigint, cell_id bigint, epcs jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT n.type, n.id, tl.code = '@transformation', c.canonical_id, round(m.quantity * c.numerator / c.denominator, 6),
        m.occurred_at, CASE WHEN tl.code = '@transformation' THEN fc.owner ELSE tc.owner END, m.gateway_id, g.name, m.epoch,
        m.seq, e.position, CASE WHEN tl.code = '@transformation' THEN m.from_cell ELSE m.to_cell END,
        coalesce(m.detail -> 'epcs', '[]')
    FROM unnest(types, ids) n (type, id)
    CROSS JOIN LATERAL (
        SELECT x.* FROM movement x
        WHERE n.type <> 'posting' AND x.detail @? '$.documents[*].line' AND x.site_id = of_site
            AND x.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', n.type, 'id', n.id))
        UNION ALL
        SELECT x.* FROM movement x
        WHERE n.type = 'posting' AND x.posting_id = CASE WHEN n.id ~ '^[0-9]{1,18}$' THEN n.id::bigint END AND x.site_id = of_site) m
    JOIN ledger_entry e ON e.posting_id = m.posting_id
    JOIN gateway g ON g.gateway_id = m.gateway_id
    JOIN canonical_item c ON c.item_id = m.item_id
    JOIN cell fc ON fc.cell_id = m.from_cell JOIN location fl ON fl.location_id = fc.location_id
    JOIN cell tc ON tc.cell_id = m.to_cell JOIN location tl ON tl.location_id = tc.location_id
    WHERE m.reverses_seq IS NULL AND (fl.code = '@transformation') <> (tl.code = '@transformation')
        AND NOT coalesce(m.detail ? 'inferred', false)
$$;

-- By which recipe a transformation is done: as was planned, as its movements say, else the one that held for its first
-- output when the first of it was made.
CREATE OR REPLACE FUNCTION recipe_of(
    of_site text, of_type text, of_id text, OUT code text, OUT version integer, OUT times numeric, OUT is_stated boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT x.code, x.version, x.times, x.is_stated
    FROM (
        (SELECT 1 AS place, t.recipe AS code, t.version, t.times, true AS is_stated FROM transformation t
         WHERE (t.site_id, t.type, t.id) = (of_site, of_type, of_id) ORDER BY t.revision DESC LIMIT 1)
        UNION ALL
        (WITH named AS MATERIALIZED (
            SELECT m.detail, m.occurred_at, m.gateway_id, m.epoch, m.seq FROM movement m
            WHERE m.detail @? '$.documents[*].line' AND m.site_id = of_site
                AND m.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', of_type, 'id', of_id)))
         SELECT 2, r.code, r.version, NULL, true
         FROM named m
         CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
         JOIN recipe r ON d ->> 'type' = 'recipe' AND r.code || '/' || r.version = d ->> 'id'
         ORDER BY m.occurred_at DESC, m.gateway_id, m.epoch, m.seq LIMIT 1)
        UNION ALL
        (SELECT 3, r.code, r.version, NULL, false
         FROM moves_of_transformations(of_site, ARRAY[of_type], ARRAY[of_id]) m
         JOIN recipe_line l ON NOT l.is_input AND l.ordinal = 1
         JOIN canonical_item n ON n.item_id = l.item_id AND n.canonical_id = m.item_id
         JOIN recipe r ON (r.code, r.version) = (l.code, l.version) AND r.kind = of_type AND r.valid_from <= m.occurred_at
            AND (r.valid_until IS NULL OR r.valid_until > m.occurred_at)
         WHERE NOT m.is_input
         ORDER BY m.occurred_at, r.valid_from DESC, r.code LIMIT 1)
    ) x
    ORDER BY x.place LIMIT 1
$$;

-- What transformations used and made since a close, as known at a position: what counts now less what had counted by then.
-- Of one that had made nothing by then, all that it had used counts now; of one that has made nothing any more, nothing does.
-- What a close held costs what the first close that holds it says. Goods of other owners make what they cost unknown.
CREATE FUNCTION lines_of_transformations(
    of_site text, types text[], ids text[], before_id bigint, until_at timestamptz, until_position bigint)
    RETURNS SETOF made_line LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE held AS (
        SELECT c.close_id, c.opens_from, c.ends_at, c.as_of_position FROM period_close c WHERE c.close_id = before_id
        UNION ALL
        SELECT c.close_id, c.opens_from, c.ends_at, c.as_of_position FROM held h JOIN period_close c ON c.close_id = h.opens_from
    ), book AS (
        SELECT book_currency(of_site) AS currency, known_until(until_position) AS known, s.time_zone,
            coalesce(b.ends_at, '-infinity') AS ends_at, coalesce(b.as_of_position, 0) AS as_of_position
        FROM site s LEFT JOIN period_close b ON b.close_id = before_id WHERE s.site_id = of_site
    ), move AS MATERIALIZED (
        SELECT m.*, k.counted, k.counts
        FROM moves_of_transformations(of_site, types, ids) m
        CROSS JOIN book b
        CROSS JOIN LATERAL (
            SELECT (m.occurred_at <= b.ends_at AND m.own_position <= b.as_of_position
                    AND NOT is_reversed_by(m.gateway, m.epoch, m.seq, b.as_of_position))::integer AS counted,
                (m.occurred_at <= until_at AND m.own_position <= until_position
                    AND NOT is_reversed_by(m.gateway, m.epoch, m.seq, until_position))::integer AS counts) k
    ), begun AS (
        SELECT m.type, m.id, coalesce(bool_or(NOT m.is_input AND m.counted = 1), false) AS had_made,
            bool_or(m.is_input AND m.counts = 1) AS uses, bool_or(NOT m.is_input AND m.counts = 1) AS makes
        FROM move m GROUP BY m.type, m.id
    ), counted AS (
        SELECT m.*, g.uses, CASE WHEN m.is_input AND NOT g.had_made THEN m.counts
            WHEN m.is_input AND NOT g.makes THEN -m.counted ELSE m.counts - m.counted END AS sign,
            m.is_input AND m.counted > m.counts AS is_returned
        FROM move m JOIN begun g USING (type, id)
    ), priced AS (
        SELECT c.*, CASE WHEN c.is_input AND c.owner IS NULL THEN coalesce(standard.cost, earlier.cost) END AS cost,
            standard.cost IS NULL AND c.counted = 1 AS is_earlier, standard.cost AS standard
        FROM counted c
        CROSS JOIN book b
        LEFT JOIN LATERAL (
            SELECT round(k.cost * rate_at(k.currency, b.currency, (c.occurred_at AT TIME ZONE b.time_zone)::date, b.known), 6)
                AS cost
            FROM item_cost k
            WHERE k.item_id = c.item_id AND k.site_id = of_site AND k.valid_from <= c.occurred_at AND k.recorded_at <= b.known
            ORDER BY k.valid_from DESC LIMIT 1) standard ON true
        LEFT JOIN LATERAL (
            SELECT h.close_id FROM held h WHERE h.ends_at >= c.occurred_at AND h.as_of_position >= c.own_position
            ORDER BY h.ends_at LIMIT 1) first ON c.counted = 1
        LEFT JOIN period_cost earlier ON (earlier.close_id, earlier.item_id, earlier.basis)
            = (first.close_id, c.item_id, 'average')
        WHERE c.is_input OR c.owner IS NULL
    ), line AS (
        SELECT p.type, p.id, p.is_input, p.item_id, sum(p.sign * p.quantity) AS quantity,
            sum(p.sign * p.quantity * p.cost) AS known_value,
            coalesce(sum(p.sign * p.quantity) FILTER (WHERE p.is_input AND p.cost IS NULL AND NOT p.is_earlier), 0) AS open_quantity,
            coalesce(bool_or((p.is_input AND p.sign <> 0 AND (p.owner IS NOT NULL OR (p.is_earlier AND p.cost IS NULL)))
                OR (NOT p.is_input AND p.sign > 0 AND NOT coalesce(p.uses, false))), false) AS is_unknown,
            (array_agg(p.standard ORDER BY p.occurred_at DESC, p.own_position DESC))[1] AS standard,
            sum(p.counts * p.quantity) AS weight, bool_or(p.sign <> 0 OR p.is_returned) AS is_concerned,
            coalesce(sum(p.quantity) FILTER (WHERE p.is_returned AND p.owner IS NULL), 0) AS returned,
            CASE WHEN coalesce(bool_and(p.cost IS NOT NULL) FILTER (WHERE p.is_returned AND p.owner IS NULL), true) THEN
                coalesce(sum(p.quantity * p.cost) FILTER (WHERE p.is_returned AND p.owner IS NULL), 0) END AS returned_value
        FROM priced p
        GROUP BY p.type, p.id, p.is_input, p.item_id
    ), by_recipe AS MATERIALIZED (
        SELECT g.type, g.id, r.code, r.version
        FROM (
            SELECT x.type, x.id FROM line x WHERE NOT x.is_input AND x.standard IS NULL
            GROUP BY x.type, x.id HAVING count(*) > 1
        ) g  -- one product carries all, whatever its recipe says
        CROSS JOIN LATERAL recipe_of(of_site, g.type, g.id) r WHERE r.code IS NOT NULL
    )
    SELECT l.type, l.id, l.is_input, l.item_id, i.code, l.quantity, coalesce(l.known_value, 0), l.open_quantity, l.is_unknown,
        CASE WHEN NOT l.is_input THEN l.standard END, (
            SELECT s.cost_share FROM recipe_line s JOIN canonical_item n ON n.item_id = s.item_id
            WHERE (s.code, s.version) = (r.code, r.version) AND NOT s.is_input AND NOT l.is_input
                AND n.canonical_id = l.item_id LIMIT 1),
        CASE
            WHEN l.is_input THEN NULL
            WHEN bool_or(NOT l.is_input AND l.quantity > 0) OVER one THEN greatest(l.quantity, 0)
            WHEN bool_or(NOT l.is_input AND l.weight > 0) OVER one THEN l.weight
            ELSE abs(l.quantity) END,
        l.returned, l.returned_value
    FROM line l
    JOIN item i ON i.item_id = l.item_id
    LEFT JOIN by_recipe r ON (r.type, r.id) = (l.type, l.id)
    WHERE (l.type, l.id) IN (SELECT x.type, x.id FROM line x WHERE x.is_concerned) AND (l.is_concerned OR NOT l.is_input)
    WINDOW one AS (PARTITION BY l.type, l.id)
$$;

-- What items the transformations used and made that a site did since a close, or that something came late of; what was taken
-- back too.
CREATE FUNCTION transformations_since(of_site text, before_id bigint, until_at timestamptz, until_position bigint)
    RETURNS TABLE (type text, id text, is_input boolean, item_id bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    before period_close;
BEGIN
    SELECT * INTO before FROM period_close c WHERE c.close_id = before_id;
    RETURN QUERY
    WITH account AS MATERIALIZED (
        SELECT c.cell_id, c.item_id FROM location l JOIN cell c ON c.location_id = l.location_id
        WHERE l.site_id = of_site AND l.kind = 'virtual' AND l.code = '@transformation'
    ), touched AS (
        -- By item, not by cell: a kit with lots of its own has as many cells there as were made.
        SELECT m AS whole FROM (SELECT DISTINCT a.item_id FROM account a) i
        JOIN movement m ON m.item_id = i.item_id AND m.occurred_at <= until_at
            AND m.occurred_at > coalesce(before.ends_at, '-infinity')
        WHERE m.from_cell IN (SELECT a.cell_id FROM account a) OR m.to_cell IN (SELECT a.cell_id FROM account a)
        UNION ALL
        SELECT m FROM prior_facts(of_site, before.ends_at, before.as_of_position, until_position) f
        JOIN movement m ON (m.gateway_id, m.epoch, m.seq, m.occurred_at) = (f.gateway_id, f.epoch, f.seq, f.occurred_at)
        WHERE EXISTS (SELECT FROM account a WHERE a.cell_id IN (m.from_cell, m.to_cell))
    ), named AS MATERIALIZED (
        SELECT DISTINCT n.type, n.id, (o.whole).to_cell IN (SELECT a.cell_id FROM account a) AS is_input,
            (o.whole).item_id AS moved_item
        FROM touched t
        CROSS JOIN LATERAL (SELECT CASE WHEN (t.whole).reverses_seq IS NULL THEN t.whole ELSE (
            SELECT v FROM movement v WHERE v.gateway_id = (t.whole).reverses_gateway
                AND v.epoch = (t.whole).reverses_epoch AND v.seq = (t.whole).reverses_seq) END AS whole) o
        CROSS JOIN LATERAL transformation_of(o.whole) n
        WHERE NOT coalesce((o.whole).detail ? 'inferred', false)
    )
    SELECT n.type, n.id, n.is_input, c.canonical_id FROM named n JOIN canonical_item c ON c.item_id = n.moved_item
    UNION
    -- What began before the close has other movements too.
    SELECT m.type, m.id, m.is_input, m.item_id
    FROM (
        SELECT array_agg(x.type) AS types, array_agg(x.id) AS ids FROM (SELECT DISTINCT n.type, n.id FROM named n) x
    ) a
    CROSS JOIN LATERAL moves_of_transformations(of_site, a.types, a.ids) m
    WHERE before_id IS NOT NULL;
END
$$;

-- The same as `lines_of_transformations` of all that a site did since a close, or that something came late of.
CREATE FUNCTION made_lines(of_site text, before_id bigint, until_at timestamptz, until_position bigint)
    RETURNS SETOF made_line LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.*
    FROM (
        SELECT array_agg(x.type ORDER BY x.type, x.id) AS types, array_agg(x.id ORDER BY x.type, x.id) AS ids
        FROM (SELECT DISTINCT t.type, t.id FROM transformations_since(of_site, before_id, until_at, until_position) t) x
    ) a
    CROSS JOIN LATERAL lines_of_transformations(of_site, a.types, a.ids, before_id, until_at, until_position) l
    WHERE a.types IS NOT NULL
$$;

-- The lines that the values of one transformation follow from, and the items whose costs do: of what it used and, if asked,
-- of all that this was made of in turn. Whatever else used one of those is among them: what an item costs is rounded over
-- all that used it.
CREATE FUNCTION lines_behind(
    of_site text, of_type text, of_id text, before_id bigint, until_at timestamptz, until_position bigint, is_deep boolean,
    OUT items bigint[], OUT lines made_line[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    edges record;
    known integer := -1;
    names record;
BEGIN
    SELECT array_agg(t.type) AS types, array_agg(t.id) AS ids, array_agg(t.is_input) AS sides, array_agg(t.item_id) AS items
    INTO edges FROM transformations_since(of_site, before_id, until_at, until_position) t;
    items := ARRAY(
        SELECT DISTINCT e.item_id FROM unnest(edges.types, edges.ids, edges.sides, edges.items) e (type, id, is_input, item_id)
        WHERE e.is_input AND (e.type, e.id) = (of_type, of_id));
    WHILE is_deep AND cardinality(items) <> known LOOP
        known := cardinality(items);
        items := ARRAY(
            SELECT unnest(lines_behind.items)
            UNION
            SELECT e.item_id
            FROM unnest(edges.types, edges.ids, edges.sides, edges.items) e (type, id, is_input, item_id)
            WHERE e.is_input AND (e.type, e.id) IN (
                SELECT m.type, m.id
                FROM unnest(edges.types, edges.ids, edges.sides, edges.items) m (type, id, is_input, item_id)
                WHERE NOT m.is_input AND m.item_id = ANY (lines_behind.items)));
    END LOOP;
    SELECT array_agg(x.type ORDER BY x.type, x.id) AS types, array_agg(x.id ORDER BY x.type, x.id) AS ids INTO names
    FROM (
        SELECT DISTINCT e.type, e.id
        FROM unnest(edges.types, edges.ids, edges.sides, edges.items) e (type, id, is_input, item_id)
        WHERE (e.type, e.id) = (of_type, of_id) OR ((e.is_input OR is_deep) AND e.item_id = ANY (lines_behind.items))
    ) x;
    lines := ARRAY(
        SELECT l FROM lines_of_transformations(of_site, names.types, names.ids, before_id, until_at, until_position) l);
END
$$;

-- What was used costs, and what of that each output carries, to the currency's smallest unit; NULL: nobody knows. What an
-- item costs is rounded as it adds up over transformations by name, so that all of them cost what all that was used does.
-- Outputs with a standard cost carry that, the others the rest: by the recipe's shares, else by quantity. What does not divide goes,
-- one smallest unit each, to those that lost most by rounding down, of equals to the first by code.
CREATE FUNCTION carry(lines made_line[], costs jsonb, digits integer)
    RETURNS TABLE (type text, id text, is_input boolean, item_id bigint, quantity numeric, value numeric, has_standard boolean)
    LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    WITH exact_line AS MATERIALIZED (
        SELECT l.*, CASE WHEN l.is_input AND NOT l.is_unknown THEN l.known_value
            + CASE WHEN l.open_quantity = 0 THEN 0 ELSE l.open_quantity * (costs ->> l.item_id::text)::numeric END END AS exact
        FROM unnest(lines) l
    ), summed AS (
        SELECT l.*, sum(l.exact) OVER (PARTITION BY l.is_input, l.item_id ORDER BY l.type, l.id) AS so_far
        FROM exact_line l
    ), line AS MATERIALIZED (
        SELECT l.*, CASE
            WHEN l.is_unknown THEN NULL
            WHEN l.is_input THEN CASE WHEN l.exact IS NOT NULL THEN round(l.so_far, digits) - round(l.so_far - l.exact, digits) END
            WHEN l.standard IS NOT NULL THEN round(l.quantity * l.standard, digits) END AS value
        FROM summed l
    ), whole AS MATERIALIZED (
        SELECT l.type, l.id, sum(l.value) FILTER (WHERE l.is_input) AS used,
            bool_or((l.is_input AND l.value IS NULL) OR l.is_unknown) AS is_unknown,
            coalesce(sum(l.value) FILTER (WHERE NOT l.is_input), 0) AS at_standard,
            coalesce(bool_and(l.share IS NOT NULL) FILTER (WHERE NOT l.is_input AND l.standard IS NULL), false) AS by_share
        FROM line l GROUP BY l.type, l.id
    ), rest AS (
        SELECT w.type, w.id, w.by_share, CASE
            WHEN w.is_unknown THEN NULL
            WHEN sign(coalesce(w.used, 0) - w.at_standard) = sign(coalesce(w.used, 0)) THEN coalesce(w.used, 0) - w.at_standard
            ELSE 0 END AS value
        FROM whole w
    ), weighed AS (
        SELECT l.type, l.id, l.item_id, l.code, l.quantity, r.value,
            CASE WHEN r.by_share THEN l.share ELSE abs(l.weight) END AS weight
        FROM line l JOIN rest r ON (r.type, r.id) = (l.type, l.id)
        WHERE NOT l.is_input AND l.standard IS NULL
    ), exact AS (
        SELECT w.*, abs(w.value) * w.weight / nullif(sum(w.weight) OVER one, 0) AS part FROM weighed w
        WINDOW one AS (PARTITION BY w.type, w.id)
    ), floored AS (
        SELECT e.*, trunc(e.part, digits) AS low FROM exact e
    ), ranked AS (
        SELECT f.*, (abs(f.value) - sum(f.low) OVER one) * power(10::numeric, digits) AS units_left,
            row_number() OVER (PARTITION BY f.type, f.id ORDER BY f.part - f.low DESC, f.code) AS nth
        FROM floored f
        WINDOW one AS (PARTITION BY f.type, f.id)
    )
    SELECT k.type, k.id, false, k.item_id, k.quantity,
        sign(k.value) * (k.low + CASE WHEN k.nth <= k.units_left THEN power(10::numeric, -digits) ELSE 0 END), false
    FROM ranked k
    UNION ALL
    SELECT l.type, l.id, l.is_input, l.item_id, l.quantity, l.value, l.standard IS NOT NULL
    FROM line l WHERE l.is_input OR l.standard IS NOT NULL
$$;

-- The periodic averages, with what was made at the costs given: (opening + purchases + made) / quantities. NULL where a
-- price is not known; what it was before where nothing is left to divide by. Not strict: what was made at an unknown cost is
-- left out for now. What was made is worth so many digits, an average has so many places.
CREATE FUNCTION average_with(
    bases average_base[], lines made_line[], costs jsonb, digits integer, places integer, is_strict boolean)
    RETURNS TABLE (item_id bigint, cost numeric, made numeric, made_value numeric, pooled numeric)
    LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    WITH made AS (
        SELECT c.item_id, sum(c.quantity) AS quantity, sum(c.value) AS value,
            bool_or(c.value IS NULL) AND is_strict AS is_unknown
        FROM carry(lines, costs, digits) c
        WHERE NOT c.is_input AND NOT c.has_standard AND (is_strict OR c.value IS NOT NULL)
        GROUP BY c.item_id
    ), pool AS (
        SELECT b.*, coalesce(m.quantity, 0) AS made, coalesce(m.value, 0) AS made_value,
            coalesce(m.is_unknown, false) AS is_unknown, b.opening + b.bought + coalesce(m.quantity, 0) AS quantity,
            b.opening * coalesce(b.before_cost, 0) + b.value + coalesce(m.value, 0) AS worth
        FROM unnest(bases) b LEFT JOIN made m ON m.item_id = b.item_id
    )
    SELECT p.item_id,
        CASE
            WHEN p.unpriced > 0 OR p.is_unknown OR (p.opening > 0 AND p.before_cost IS NULL) THEN NULL
            WHEN p.quantity > 0 AND p.worth >= 0 THEN round(p.worth / p.quantity, places)
            ELSE p.before_cost END,
        p.made, p.made_value, CASE WHEN p.quantity > 0 AND p.worth >= 0 THEN p.quantity END
    FROM pool p
$$;

-- What a transformation used and made by item, with what that cost and carries: the sum of what the closes have that something
-- of it fell into, and one now would have. What it used counts from where the first of it was made; when a close had what
-- it made and nothing of that is left, no figure has it, and no value is told.
CREATE FUNCTION read_transformation(of_site text, of_type text, of_id text)
    RETURNS TABLE (is_input boolean, item text, item_name text, base_unit text, quantity numeric, value numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    present  timestamptz := clock_timestamp();
    period   record;
    behind   record;
    costs    jsonb;
    carried  jsonb := '[]';
    was_made boolean := false;
BEGIN
    IF NOT sees_site(of_site) THEN
        RETURN;
    END IF;
    FOR period IN
        WITH RECURSIVE held AS (
            SELECT c.* FROM period_close c WHERE c.close_id = close_before(of_site, present)
            UNION ALL
            SELECT c.* FROM held h JOIN period_close c ON c.close_id = h.opens_from
        ), stretch AS (
            SELECT h.close_id, h.opens_from AS before_id, h.ends_at AS until_at, h.as_of_position AS reached FROM held h
            UNION ALL
            SELECT NULL, close_before(of_site, present), present, 9223372036854775807
        ), move AS MATERIALIZED (
            SELECT * FROM moves_of_transformations(of_site, ARRAY[of_type], ARRAY[of_id]) m WHERE NOT m.is_input
        ), made AS (
            SELECT s.*, EXISTS (
                SELECT FROM move m WHERE m.occurred_at <= s.until_at AND m.own_position <= s.reached
                    AND NOT is_reversed_by(m.gateway, m.epoch, m.seq, s.reached)) AS has_made
            FROM stretch s
        ), since AS (
            SELECT m.*, lag(m.has_made, 1, false) OVER (ORDER BY m.until_at) AS had_made FROM made m
        )
        SELECT s.* FROM since s
        WHERE (s.close_id IS NULL OR s.had_made OR s.has_made) AND EXISTS (
            SELECT FROM lines_of_transformations(
                of_site, ARRAY[of_type], ARRAY[of_id], s.before_id, s.until_at, s.reached))
    LOOP
        was_made := was_made OR period.close_id IS NOT NULL;
        SELECT b.items, b.lines INTO behind
        FROM lines_behind(
            of_site, of_type, of_id, period.before_id, period.until_at, period.reached, period.close_id IS NULL) b;
        IF period.close_id IS NULL THEN
            SELECT jsonb_object_agg(a.item_id, a.cost) INTO costs
            FROM average_costs(
                of_site, period.before_id, period.until_at, period.reached, behind.lines, behind.items) a;
        ELSE
            SELECT jsonb_object_agg(p.item_id, p.cost) INTO costs
            FROM period_cost p WHERE p.close_id = period.close_id AND p.basis = 'average';
        END IF;
        SELECT carried || coalesce(jsonb_agg(to_jsonb(c)), '[]') INTO carried
        FROM carry(behind.lines, coalesce(costs, '{}'), currency_digits(book_currency(of_site))) c
        WHERE (c.type, c.id) = (of_type, of_id);
    END LOOP;
    RETURN QUERY
    WITH moved AS (
        SELECT m.is_input, m.item_id, sum(m.quantity) AS quantity
        FROM moves_of_transformations(of_site, ARRAY[of_type], ARRAY[of_id]) m
        WHERE NOT is_reversed_by(m.gateway, m.epoch, m.seq, 9223372036854775807)
        GROUP BY m.is_input, m.item_id
    ), summed AS (
        SELECT c.is_input, c.item_id, CASE WHEN bool_and(c.value IS NOT NULL) THEN sum(c.value) END AS value
        FROM jsonb_to_recordset(carried) c (is_input boolean, item_id bigint, value numeric)
        GROUP BY c.is_input, c.item_id
    )
    SELECT m.is_input, i.code, i.name, i.base_unit, m.quantity,
        CASE WHEN NOT was_made OR bool_or(NOT m.is_input) OVER () THEN s.value END
    FROM moved m
    JOIN item i ON i.item_id = m.item_id
    LEFT JOIN summed s ON (s.is_input, s.item_id) = (m.is_input, m.item_id)
    ORDER BY m.is_input DESC, i.code;
END
$$;

-- Transformations of a site of which something happened in a stretch of time, or that were planned in it; after a name.
CREATE FUNCTION read_transformations(
    of_site text, from_at timestamptz, until_at timestamptz, after_type text, after_id text, at_most integer)
    RETURNS TABLE (type text, id text, first_at timestamptz, last_at timestamptz, recipe text, version integer, times numeric,
        is_stated boolean, item text, base_unit text, quantity numeric, time_zone text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH account AS MATERIALIZED (
        SELECT c.cell_id, c.item_id FROM location l JOIN cell c ON c.location_id = l.location_id
        WHERE l.site_id = of_site AND l.kind = 'virtual' AND l.code = '@transformation'
    ), named AS MATERIALIZED (
        SELECT DISTINCT n.type, n.id
        FROM (SELECT DISTINCT a.item_id FROM account a) i
        JOIN movement m ON m.item_id = i.item_id AND m.occurred_at >= from_at AND m.occurred_at < until_at
            AND m.reverses_seq IS NULL
            AND (m.from_cell IN (SELECT a.cell_id FROM account a) OR m.to_cell IN (SELECT a.cell_id FROM account a))
        CROSS JOIN LATERAL transformation_of(m) n
        WHERE NOT coalesce(m.detail ? 'inferred', false)
        UNION
        SELECT t.type, t.id FROM transformation t
        WHERE t.site_id = of_site AND t.stated_at >= from_at AND t.stated_at < until_at
    ), shown AS (
        SELECT n.type, n.id FROM named n
        WHERE (n.type, n.id) > (after_type, after_id) AND sees_site(of_site)
        ORDER BY n.type, n.id LIMIT at_most
    )
    SELECT s.type, s.id, w.first_at, w.last_at, r.code, r.version, r.times, r.is_stated, i.code, i.base_unit, p.quantity,
        z.time_zone
    FROM shown s
    JOIN site z ON z.site_id = of_site
    CROSS JOIN LATERAL (
        SELECT min(m.occurred_at) AS first_at, max(m.occurred_at) AS last_at
        FROM moves_of_transformations(of_site, ARRAY[s.type], ARRAY[s.id]) m) w
    LEFT JOIN LATERAL (
        SELECT m.item_id, sum(m.quantity) AS quantity
        FROM moves_of_transformations(of_site, ARRAY[s.type], ARRAY[s.id]) m
        WHERE NOT m.is_input AND NOT is_reversed_by(m.gateway, m.epoch, m.seq, 9223372036854775807)
        GROUP BY m.item_id ORDER BY sum(m.quantity) DESC, m.item_id LIMIT 1) p ON true
    LEFT JOIN item i ON i.item_id = p.item_id
    CROSS JOIN LATERAL recipe_of(of_site, s.type, s.id) r
    ORDER BY s.type, s.id
$$;

-- What of a transformation can be taken back: every movement of it that nobody has.
CREATE FUNCTION unreversed_of_transformation(of_site text, of_type text, of_id text)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.gateway, m.epoch, m.seq
    FROM moves_of_transformations(of_site, ARRAY[of_type], ARRAY[of_id]) m
    WHERE sees_site(of_site) AND NOT is_reversed_by(m.gateway, m.epoch, m.seq, 9223372036854775807)
    ORDER BY m.occurred_at, m.gateway, m.epoch, m.seq
$$;

REVOKE ALL ON FUNCTION
    recipe_of(text, text, text), moves_of_transformations(text, text[], text[]),
    lines_of_transformations(text, text[], text[], bigint, timestamptz, bigint),
    made_lines(text, bigint, timestamptz, bigint), transformations_since(text, bigint, timestamptz, bigint),
    lines_behind(text, text, text, bigint, timestamptz, bigint, boolean),
    read_transformation(text, text, text),
    read_transformations(text, timestamptz, timestamptz, text, text, integer),
    unreversed_of_transformation(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recipe_of(text, text, text), read_transformation(text, text, text),
    read_transformations(text, timestamptz, timestamptz, text, text, integer),
    unreversed_of_transformation(text, text, text) TO dockledger_app;
