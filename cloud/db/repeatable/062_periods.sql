-- Closing a period (DOMAIN D7): the figure (occurred <= end, posted <= position), its costs, and what came later.

-- The close of a site's last period before an instant, as it stands: of several of one period the last.
CREATE OR REPLACE FUNCTION close_before(of_site text, at_instant timestamptz) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.close_id FROM period_close c
    WHERE c.site_id = of_site AND c.ends_at < at_instant
    ORDER BY c.ends_at DESC, c.revision DESC LIMIT 1
$$;

-- Up to which instant a site's periods are closed; NULL: none is.
CREATE OR REPLACE FUNCTION closed_until(of_site text) RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT max(c.ends_at) FROM period_close c WHERE c.site_id = of_site
$$;

-- Facts of a site that occurred by an instant and were posted in a stretch of positions, after a close did without
-- them; those that the fold has not reached yet too.
CREATE OR REPLACE FUNCTION prior_facts(of_site text, until_at timestamptz, above_position bigint, up_to bigint)
    RETURNS TABLE ("position" bigint, gateway_id integer, epoch bigint, seq bigint, occurred_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    folded bigint := (SELECT f.position FROM fold_head f);
BEGIN
    RETURN QUERY
    SELECT f.position, f.gateway_id, f.epoch, f.seq, f.occurred_at FROM prior_period_fact f
    WHERE f.site_id = of_site AND f.position > above_position AND f.position <= up_to AND f.occurred_at <= until_at
    UNION
    SELECT f.position, f.gateway_id, f.epoch, f.seq, f.occurred_at
    FROM late_for_a_close(greatest(folded, above_position), up_to) f
    WHERE f.site_id = of_site AND f.occurred_at <= until_at;
END
$$;

-- What a base unit of a movement costs by the line of an order that it is of, or the one that it reverses is of: as was
-- agreed by an instant. Of an order for another item, or without a price, nothing.
CREATE OR REPLACE FUNCTION order_price(m movement, known timestamptz) RETURNS TABLE (cost numeric, currency text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT coalesce(t.price, l.price), o.currency
    FROM jsonb_array_elements(CASE WHEN m.reverses_seq IS NULL THEN m.detail -> 'documents' ELSE (
        SELECT x.detail -> 'documents' FROM movement x WHERE (x.gateway_id, x.epoch, x.seq)
            = (m.reverses_gateway, m.reverses_epoch, m.reverses_seq)) END) d
    JOIN purchase_order o ON (o.site_id, o.id) = (m.site_id, d ->> 'id')
    JOIN purchase_order_line l ON (l.site_id, l.id, l.line) = (o.site_id, o.id, d ->> 'line') AND l.item_id = m.item_id
    LEFT JOIN LATERAL (
        SELECT x.price FROM purchase_order_terms x
        WHERE (x.site_id, x.id, x.line) = (l.site_id, l.id, l.line) AND x.since <= known
        ORDER BY x.revision DESC LIMIT 1) t ON true
    WHERE d ->> 'type' = 'purchase_order' AND coalesce(t.price, l.price) IS NOT NULL
    LIMIT 1
$$;

-- What a base unit of each scan of handhelds under some numbers costs by the lines of orders that its parts are of, as posted
-- and known up to a position; NULL where a line has no price, or several differ in currency or item.
CREATE OR REPLACE FUNCTION scanned_prices(of_site text, ids text[], up_to bigint)
    RETURNS TABLE (gateway_id integer, epoch bigint, seq bigint, occurred_at timestamptz, item_id bigint, currency text,
        cost numeric, lines jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    known timestamptz := known_until(up_to);
BEGIN
    RETURN QUERY
    WITH parts AS (
        SELECT p.gateway_id, p.epoch, p.seq, p.occurred_at, o.id, l.line, l.item_id, o.currency,
            coalesce(t.price, l.price) AS price, sum(p.quantity) AS quantity
        FROM (
            SELECT n.type, array_agg(n.id) AS ids
            FROM document n
            WHERE n.site_id = of_site AND n.id = ANY (scanned_prices.ids) AND n.created_at <= known AND (n.type = 'asn' OR (
                n.type = 'purchase_order' AND NOT EXISTS (SELECT FROM document x
                    WHERE (x.site_id, x.type, x.id) = (of_site, 'asn', n.id) AND x.created_at <= known)))
            GROUP BY n.type
        ) n
        CROSS JOIN LATERAL scanned_parts(of_site, n.type, n.ids, NULL, up_to) p
        LEFT JOIN purchase_order o ON o.site_id = of_site AND o.id = CASE n.type WHEN 'asn' THEN p.order_id ELSE p.id END
        LEFT JOIN purchase_order_line l ON (l.site_id, l.id) = (o.site_id, o.id)
            AND l.line = CASE n.type WHEN 'asn' THEN p.order_line ELSE p.line END
        LEFT JOIN LATERAL (
            SELECT x.price FROM purchase_order_terms x
            WHERE (x.site_id, x.id, x.line) = (l.site_id, l.id, l.line) AND x.since <= known
            ORDER BY x.revision DESC LIMIT 1) t ON true
        GROUP BY p.gateway_id, p.epoch, p.seq, p.occurred_at, o.id, l.line, l.item_id, o.currency, coalesce(t.price, l.price)
    )
    SELECT p.gateway_id, p.epoch, p.seq, p.occurred_at, min(p.item_id), min(p.currency),
        CASE WHEN bool_and(p.price IS NOT NULL) AND min(p.currency) = max(p.currency) AND min(p.item_id) = max(p.item_id)
            THEN sum(p.quantity * p.price) / sum(p.quantity) END,
        jsonb_agg(jsonb_build_array(p.id, p.line, p.quantity) ORDER BY p.id, p.line)
    FROM parts p
    GROUP BY p.gateway_id, p.epoch, p.seq, p.occurred_at;
END
$$;

-- What was bought of each item that has purchase costs or priced orders and no standard cost, since the close before: at
-- the price of the order's line that it was received for, else at the purchase cost valid when it occurred, in the currency
-- of the books. What came late for that close counts here (DOMAIN D8). Of some items, or of all.
DROP FUNCTION IF EXISTS purchases(text, bigint, timestamptz, bigint);
CREATE OR REPLACE FUNCTION purchases(
    of_site text, before_id bigint, until_at timestamptz, until_position bigint, of_items bigint[] DEFAULT NULL)
    RETURNS TABLE (item_id bigint, quantity numeric, cost numeric, is_late boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before period_close;
    book   text := book_currency(of_site);
    zone   text := (SELECT s.time_zone FROM site s WHERE s.site_id = of_site);
    known  timestamptz := known_until(until_position);
    known_before timestamptz;
BEGIN
    SELECT * INTO before FROM period_close c WHERE c.close_id = before_id;
    known_before := known_until(before.as_of_position);
    RETURN QUERY
    WITH averaged AS (
        SELECT p.item_id
        FROM (
            SELECT x.item_id FROM purchase_cost x WHERE x.site_id = of_site AND x.recorded_at <= known
            UNION
            SELECT coalesce(a.canonical_id, l.item_id)
            FROM purchase_order_line l
            JOIN purchase_order o ON (o.site_id, o.id) = (l.site_id, l.id) AND o.created_at <= known
            LEFT JOIN aliases_at(until_position) a ON a.item_id = l.item_id
            WHERE l.site_id = of_site AND l.price IS NOT NULL
        ) p
        WHERE NOT EXISTS (
            SELECT FROM item_cost k WHERE k.site_id = of_site AND k.item_id = p.item_id AND k.valid_from <= until_at
                AND k.recorded_at <= known)
    ), every AS MATERIALIZED (
        SELECT v.item_id AS canonical, v.item_id AS source, 1::numeric AS numerator, 1::numeric AS denominator
        FROM averaged v
        UNION ALL
        SELECT a.canonical_id, a.item_id, a.numerator, a.denominator
        FROM averaged v JOIN aliases_at(until_position) a ON a.canonical_id = v.item_id
    ), reads AS (
        SELECT e.* FROM every e WHERE of_items IS NULL OR e.canonical = ANY (of_items)
    ), account AS MATERIALIZED (
        SELECT c.cell_id FROM location l JOIN cell c ON c.location_id = l.location_id WHERE bought_at(l.code)
    ), moved AS (
        SELECT r.canonical, r.numerator, r.denominator, m.move, false AS late
        FROM reads r
        CROSS JOIN LATERAL (
            -- By item, however few of all movements are its own.
            SELECT x AS move FROM movement x
            WHERE x.item_id = r.source AND x.site_id = of_site AND x.occurred_at <= until_at
                AND x.occurred_at > coalesce(before.ends_at, '-infinity')
                AND (x.from_cell IN (SELECT a.cell_id FROM account a) OR x.to_cell IN (SELECT a.cell_id FROM account a))
            OFFSET 0) m
        JOIN ledger_entry e ON e.posting_id = (m.move).posting_id AND e.position <= until_position
        UNION ALL
        SELECT r.canonical, r.numerator, r.denominator, m, true
        FROM prior_facts(of_site, before.ends_at, before.as_of_position, until_position) f
        JOIN movement m ON (m.gateway_id, m.epoch, m.seq, m.occurred_at) = (f.gateway_id, f.epoch, f.seq, f.occurred_at)
            AND m.site_id = of_site
        JOIN reads r ON r.source = m.item_id
    ), numbers AS MATERIALIZED (
        -- Under which handhelds received, of which anything has come, gone back or changed since the close before.
        SELECT array_agg(n.id) AS ids
        FROM numbers_scanned(ARRAY[of_site], ARRAY(
            SELECT d ->> 'id'
            FROM moved v
            CROSS JOIN LATERAL jsonb_array_elements(coalesce(CASE WHEN (v.move).reverses_seq IS NULL
                THEN (v.move).detail -> 'documents' ELSE (
                SELECT x.detail -> 'documents' FROM movement x WHERE (x.gateway_id, x.epoch, x.seq)
                    = ((v.move).reverses_gateway, (v.move).reverses_epoch, (v.move).reverses_seq)) END, '[]')) d
            WHERE d ->> 'type' IN ('receipt', 'asn', 'purchase_order')
            UNION
            SELECT d.id FROM document d WHERE d.site_id = of_site AND d.created_at > known_before AND d.created_at <= known
            UNION
            SELECT x.id FROM document_line_end x
            WHERE x.site_id = of_site AND x.ended_at > known_before AND x.ended_at <= known
            UNION
            SELECT x.id FROM document_line_end x JOIN document_line_reopening y ON y.end_id = x.end_id
            WHERE x.site_id = of_site AND y.reopened_at > known_before AND y.reopened_at <= known
            UNION
            SELECT x.id FROM purchase_order_terms x
            WHERE x.site_id = of_site AND x.since > known_before AND x.since <= known
            UNION
            -- Of some items: lines that goods of others were received for.
            SELECT l.id
            FROM reads r
            JOIN identifier i ON i.item_id = r.source
            JOIN document_line l ON l.site_id = of_site AND l.type IN ('asn', 'purchase_order')
                AND (l.identifier_scheme, l.identifier) = (i.scheme, i.value)
            WHERE of_items IS NOT NULL AND before_id IS NOT NULL AND EXISTS (
                SELECT FROM movement x
                WHERE x.detail @? '$.documents[*].line' AND x.site_id = of_site AND x.reverses_seq IS NULL
                    AND x.detail -> 'documents' @> jsonb_build_array(
                        jsonb_build_object('type', l.type, 'id', l.id, 'line', l.line))
                    AND x.item_id IN (SELECT e.source FROM every e WHERE e.canonical <> r.canonical)))) n
        WHERE of_items IS NULL OR EXISTS (
            SELECT FROM movement x
            WHERE x.detail @? '$.documents[*].line' AND x.site_id = of_site AND x.reverses_seq IS NULL
                AND x.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', 'receipt', 'id', n.id))
                AND x.item_id IN (SELECT r.source FROM reads r))
    ), scanned AS MATERIALIZED (
        SELECT s.* FROM numbers r CROSS JOIN LATERAL scanned_prices(of_site, r.ids, until_position) s
    ), booked AS MATERIALIZED (
        -- As the close before counted it.
        SELECT s.*
        FROM numbers r CROSS JOIN LATERAL scanned_prices(of_site, r.ids, before.as_of_position) s
        WHERE before_id IS NOT NULL AND s.occurred_at <= before.ends_at
    ), counted AS (
        SELECT v.canonical, v.numerator, v.denominator, v.move, v.late, false AS again, 1 AS sign, s.item_id AS of_item,
            s.cost, s.currency, known AS since
        FROM moved v
        LEFT JOIN scanned s ON (s.gateway_id, s.epoch, s.seq) = (
            coalesce((v.move).reverses_gateway, (v.move).gateway_id), coalesce((v.move).reverses_epoch, (v.move).epoch),
            coalesce((v.move).reverses_seq, (v.move).seq))
        UNION ALL
        -- Goods of a closed period that are of another line than was known then go out at its price and in at the other's.
        SELECT r.canonical, r.numerator, r.denominator, m, true, true, x.sign, x.of_item, x.cost,
            x.currency, x.since
        FROM booked b
        JOIN scanned s ON (s.gateway_id, s.epoch, s.seq) = (b.gateway_id, b.epoch, b.seq) AND s.lines <> b.lines
        JOIN movement m ON (m.gateway_id, m.epoch, m.seq, m.occurred_at) = (b.gateway_id, b.epoch, b.seq, b.occurred_at)
        JOIN reads r ON r.source = m.item_id
        CROSS JOIN LATERAL (VALUES (-1, b.item_id, b.cost, b.currency, known_before),
            (1, s.item_id, s.cost, s.currency, known)) x (sign, of_item, cost, currency, since)
        WHERE NOT EXISTS (SELECT FROM period_cost k
            WHERE k.close_id = before_id AND k.item_id = r.canonical AND k.basis = 'standard')
    )
    SELECT w.canonical, w.quantity, w.cost, w.late
    FROM (
        SELECT p.*, count(p.cost) OVER (PARTITION BY p.again, p.gateway_id, p.epoch, p.seq) AS priced
        FROM (
            SELECT v.canonical, v.late, v.again, (v.move).gateway_id, (v.move).epoch, (v.move).seq,
                round((v.move).quantity * v.numerator / v.denominator, 6)
                    * CASE WHEN side.is_in THEN v.sign ELSE -v.sign END AS quantity,
                round(price.cost * CASE WHEN price.currency = book THEN 1 ELSE
                    rate_at(price.currency, book, ((v.move).occurred_at AT TIME ZONE zone)::date, v.since) END, 6) AS cost
            FROM counted v
            CROSS JOIN LATERAL (
                SELECT (v.move).from_cell IN (SELECT a.cell_id FROM account a) AS is_in,
                    (v.move).to_cell IN (SELECT a.cell_id FROM account a) AS is_out) side
            LEFT JOIN LATERAL (
                SELECT x.cost, x.currency
                FROM (
                    SELECT 1 AS place, o.cost * v.denominator / v.numerator AS cost, o.currency
                    FROM order_price(v.move, v.since) o
                    WHERE (v.move).reverses_seq IS NOT NULL
                        OR (v.move).detail @> '{"documents": [{"type": "purchase_order"}]}'
                    UNION ALL
                    SELECT 1, v.cost * v.denominator / v.numerator, v.currency
                    WHERE v.cost IS NOT NULL AND v.of_item = (v.move).item_id
                    UNION ALL
                    (SELECT 2, p.cost, p.currency FROM purchase_cost p
                     WHERE p.item_id = v.canonical AND p.site_id = of_site AND p.valid_from <= (v.move).occurred_at
                        AND p.recorded_at <= v.since
                     ORDER BY p.valid_from DESC LIMIT 1)
                ) x
                ORDER BY x.place LIMIT 1) price ON true
            WHERE side.is_in <> side.is_out AND (side.is_in OR (v.move).reverses_seq IS NOT NULL)
                AND (SELECT c.owner FROM cell c
                    WHERE c.cell_id = CASE WHEN side.is_in THEN (v.move).to_cell ELSE (v.move).from_cell END) IS NULL
        ) p
    ) w
    WHERE NOT w.again OR w.priced = 2;
END
$$;

-- Accounts whose goods are bought: suppliers, and what was there when the books began.
CREATE OR REPLACE FUNCTION bought_at(place_code text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN split_part(place_code, '/', 1) IN ('@supplier', '@opening');

-- The periodic average of each item without a standard cost: (opening value + purchases + what was made) / (opening +
-- purchased + made). What transformations of closed periods used and was taken back since counts as purchased at what it
-- cost then. What was made carries what was used, at the average of the same period: found by going round until no
-- cost changes any more, from what settled() finds where things are made in a circle. NULL where a price is not known, or
-- where a circle comes to none. Who has the lines of what was made gives them; who asks for some items gives all that those
-- are made of with them.
DROP FUNCTION IF EXISTS average_costs(text, bigint, timestamptz, bigint);
DROP FUNCTION IF EXISTS average_costs(text, bigint, timestamptz, bigint, made_line[]);
CREATE OR REPLACE FUNCTION average_costs(
    of_site text, before_id bigint, until_at timestamptz, until_position bigint, made made_line[] DEFAULT NULL,
    of_items bigint[] DEFAULT NULL)
    RETURNS TABLE (item_id bigint, cost numeric, detail jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    bases  average_base[];
    lines  made_line[] := coalesce(made, ARRAY(SELECT l FROM made_lines(of_site, before_id, until_at, until_position) l));
    digits integer := currency_digits(book_currency(of_site));
    costs  jsonb := '{}';
    found  jsonb;
    solved record;
    is_strict boolean;
    is_same   boolean;
BEGIN
    WITH came AS (
        SELECT p.item_id, p.quantity, p.quantity * p.cost AS value, p.is_late
        FROM purchases(of_site, before_id, until_at, until_position, of_items) p
        UNION ALL
        SELECT l.item_id, l.returned, l.returned_value, true FROM unnest(lines) l WHERE l.returned <> 0
    ), bought AS (
        SELECT p.item_id, sum(p.quantity) AS quantity, sum(p.value) AS value,
            -- What came and was taken back without a price needs none.
            CASE WHEN sum(p.quantity) FILTER (WHERE p.value IS NULL) <> 0 THEN count(*) FILTER (WHERE p.value IS NULL)
                ELSE 0 END AS unpriced,
            coalesce(sum(p.quantity) FILTER (WHERE p.is_late), 0) AS late
        FROM came p
        GROUP BY p.item_id
    ), acquired AS (
        SELECT b.item_id FROM bought b
        UNION
        SELECT l.item_id FROM unnest(lines) l WHERE NOT l.is_input AND l.standard IS NULL
    ), opening AS (
        SELECT coalesce(a.canonical_id, c.item_id) AS item_id,
            greatest(sum(round(v.quantity * coalesce(a.numerator, 1) / coalesce(a.denominator, 1), 6)), 0) AS quantity
        FROM period_balance b
        JOIN cell c ON c.cell_id = b.cell_id
        JOIN location p ON p.location_id = coalesce(b.place_id, c.location_id)
        LEFT JOIN aliases_at(until_position) a ON a.item_id = c.item_id
        CROSS JOIN LATERAL (
            SELECT coalesce(b.valued, CASE WHEN is_valued(p.kind, p.code, c.owner) THEN b.quantity END) AS quantity) v
        WHERE b.close_id = before_id AND v.quantity <> 0
        GROUP BY 1
    ), known AS (
        SELECT coalesce(q.item_id, k.item_id) AS item_id, k.cost AS before_cost
        FROM acquired q
        FULL JOIN (
            SELECT p.item_id, p.cost FROM period_cost p WHERE p.close_id = before_id AND p.basis = 'average'
            UNION ALL
            SELECT p.item_id, p.cost FROM period_cost p
            WHERE p.close_id = before_id AND p.basis = 'standard' AND p.item_id IN (SELECT x.item_id FROM acquired x)
        ) k ON k.item_id = q.item_id
    )
    SELECT array_agg((k.item_id, coalesce(o.quantity, 0), k.before_cost, coalesce(b.quantity, 0), coalesce(b.value, 0),
        coalesce(b.unpriced, 0), coalesce(b.late, 0))::average_base) INTO bases
    FROM known k
    LEFT JOIN bought b ON b.item_id = k.item_id
    LEFT JOIN opening o ON o.item_id = k.item_id
    WHERE (of_items IS NULL OR k.item_id = ANY (of_items)) AND NOT EXISTS (
        SELECT FROM unit_costs(of_site, until_at, until_position) s WHERE s.item_id = k.item_id AND s.basis = 'standard');
    -- At first what is made at a cost that is not known yet is left out; what stays unknown then makes unknown.
    FOREACH is_strict IN ARRAY ARRAY[false, true] LOOP
        LOOP
            SELECT jsonb_object_agg(a.item_id, a.cost) INTO found
            FROM average_with(bases, lines, costs, digits, 6, is_strict) a;
            is_same := knows_same(found, costs);
            costs := found;
            EXIT WHEN is_same;
        END LOOP;
    END LOOP;
    SELECT * INTO solved FROM settled(bases, lines, costs);
    costs := solved.costs;
    IF solved.unsettled IS NOT NULL THEN
        bases := ARRAY(
            SELECT (b.item_id, b.opening, b.before_cost, b.bought, b.value,
                b.unpriced + (b.item_id = ANY (solved.unsettled))::integer, b.late)::average_base
            FROM unnest(bases) b);
    END IF;
    FOR pass IN 1..coalesce(cardinality(bases), 0) + 20 LOOP
        SELECT jsonb_object_agg(a.item_id, a.cost) INTO found
        FROM average_with(bases, lines, costs, digits, 6, true) a;
        -- On a circle the coins of rounding may go round for ever.
        EXIT WHEN found IS NOT DISTINCT FROM costs OR (solved.is_circular AND pass >= 20 AND knows_same(found, costs));
        costs := found;
    END LOOP;
    RETURN QUERY
    SELECT a.item_id, a.cost, jsonb_build_object('opening_quantity', b.opening::text, 'opening_cost', b.before_cost::text,
            'bought_quantity', b.bought::text, 'bought_value', b.value::text, 'unpriced', b.unpriced,
            'late_quantity', b.late::text) || CASE WHEN EXISTS (
                SELECT FROM unnest(lines) l WHERE l.item_id = a.item_id AND NOT l.is_input) THEN jsonb_build_object(
                'made_quantity', a.made::text, 'made_value', a.made_value::text) ELSE '{}' END
    FROM average_with(bases, lines, costs, digits, 6, true) a JOIN unnest(bases) b ON b.item_id = a.item_id;
END
$$;

-- What a close of a period now, or as of a position, would hold: every cell with its value.
CREATE OR REPLACE FUNCTION closing_lines(of_site text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, place_id bigint, item_id bigint, quantity numeric, is_valued boolean, basis text,
        cost numeric, value numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH average AS MATERIALIZED (
        SELECT a.item_id, a.cost FROM average_costs(of_site, close_before(of_site, until_at), until_at, until_position) a
    )
    SELECT t.cell_id, t.place_id, t.item_id, t.quantity, t.is_valued,
        CASE WHEN a.item_id IS NULL THEN t.basis ELSE 'average' END,
        CASE WHEN a.item_id IS NULL THEN t.cost ELSE a.cost END,
        CASE WHEN NOT t.is_valued THEN NULL WHEN a.item_id IS NULL THEN t.value
            ELSE round(t.quantity * a.cost, currency_digits(book_currency(of_site))) END
    FROM value_lines(of_site, until_at, until_position) t
    LEFT JOIN average a ON a.item_id = t.item_id
$$;

-- To which zone of the network's tree each place belongs: the topmost one below its site.
CREATE OR REPLACE FUNCTION zones_of_places() RETURNS TABLE (location_id bigint, zone text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE within AS (
        SELECT l.location_id, l.code FROM location l LEFT JOIN location p ON p.location_id = l.parent_id
        WHERE l.kind <> 'unit' AND (p.location_id IS NULL OR p.kind IN ('site', 'network'))
        UNION ALL
        SELECT l.location_id, w.code FROM within w JOIN location l ON l.parent_id = w.location_id
    )
    SELECT w.location_id, w.code FROM within w
$$;

-- Closes a period as the books were known at a position, or closes it again, on an approved decision; returns the
-- close's id.
CREATE OR REPLACE FUNCTION close_period(
    of_site text, of_period text, period_start timestamptz, period_end timestamptz, reached bigint, asker text,
    closer text, why text, more text, points jsonb, of_decision bigint)
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before   bigint := close_before(of_site, period_end);
    close_no bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM decision d WHERE d.decision_id = of_decision AND d.kind = 'period_close'
        AND d.site_id = of_site AND d.state = 'approved' AND d.approver = closer)
    THEN
        RAISE EXCEPTION 'decision % does not say that % closes % of %', of_decision, closer, of_period, of_site;
    END IF;
    INSERT INTO period_close AS c (site_id, ends_at, as_of_position, closed_by, posting_id, period, starts_at, revision,
        opens_from, asked_by, reason, note, open_points, currency, decision_id, transit_owner)
    SELECT of_site, period_end, reached, closer, open_posting(), of_period, period_start,
        1 + coalesce((SELECT max(x.revision) FROM period_close x WHERE x.site_id = of_site AND x.ends_at = period_end), 0),
        before, asker, why, more, points, book_currency(of_site), of_decision, 'sender'
    RETURNING c.close_id INTO close_no;
    INSERT INTO period_balance (close_id, cell_id, quantity, place_id, posting_id, valued, category, zone)
    SELECT close_no, t.cell_id, t.quantity, t.place_id, open_posting(), t.valued, i.category, coalesce(z.zone, p.code)
    FROM site_stock(of_site, period_end, reached) t
    JOIN cell c ON c.cell_id = t.cell_id
    LEFT JOIN aliases_at(reached) a ON a.item_id = c.item_id
    JOIN item i ON i.item_id = coalesce(a.canonical_id, c.item_id)
    JOIN location p ON p.location_id = t.place_id
    LEFT JOIN zones_of_places() z ON z.location_id = t.place_id;
    INSERT INTO period_cost (close_id, item_id, basis, cost, detail, posting_id)
    SELECT close_no, a.item_id, 'average', a.cost, a.detail, open_posting()
    FROM average_costs(of_site, before, period_end, reached) a WHERE a.cost IS NOT NULL;
    INSERT INTO period_cost (close_id, item_id, basis, cost, detail, posting_id)
    SELECT close_no, k.item_id, k.basis, k.cost, k.detail, open_posting()
    FROM unit_costs(of_site, period_end, reached) k WHERE k.basis = 'standard' AND k.cost IS NOT NULL;
    -- What was posted meanwhile did not know this close, so that the fold may have passed it by: nothing is posted
    -- from here to the end.
    PERFORM FROM ledger_head h WHERE h.shard = 0 FOR UPDATE;
    INSERT INTO prior_period_fact (site_id, position, gateway_id, epoch, seq, occurred_at)
    SELECT f.site_id, f.position, f.gateway_id, f.epoch, f.seq, f.occurred_at
    FROM late_for_a_close(reached, (SELECT h.position FROM ledger_head h WHERE h.shard = 0)) f
    ON CONFLICT DO NOTHING;
    RETURN close_no;
END
$$;

REVOKE ALL ON FUNCTION
    close_before(text, timestamptz), closed_until(text), prior_facts(text, timestamptz, bigint, bigint),
    order_price(movement, timestamptz), scanned_prices(text, text[], bigint),
    purchases(text, bigint, timestamptz, bigint, bigint[]),
    average_costs(text, bigint, timestamptz, bigint, made_line[], bigint[]),
    closing_lines(text, timestamptz, bigint), zones_of_places(),
    close_period(text, text, timestamptz, timestamptz, bigint, text, text, text, text, jsonb, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION closed_until(text) TO dockledger_app, dockledger_ingest;
GRANT EXECUTE ON FUNCTION close_period(text, text, timestamptz, timestamptz, bigint, text, text, text, text, jsonb, bigint)
    TO dockledger_app;
