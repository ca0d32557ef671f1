-- What stock is worth (DOMAIN D8): site, currency, effective-dated costs, exchange rates with date. What is not
-- known is NULL, never zero.

DROP FUNCTION IF EXISTS site_stock(text, timestamptz, bigint);

-- Digits of a currency's smallest unit (ISO 4217).
CREATE OR REPLACE FUNCTION currency_digits(of_currency text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN of_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND',
            'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN of_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        ELSE 2 END;

-- How many units of one currency another was on a day, as far as was known; the inverse where only that was stated.
CREATE OR REPLACE FUNCTION rate_at(from_one text, to_other text, on_day date, known_until timestamptz) RETURNS numeric
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN from_one = to_other THEN 1 ELSE (
        SELECT CASE WHEN r.from_currency = from_one THEN r.rate ELSE 1 / r.rate END
        FROM exchange_rate r
        WHERE (r.from_currency, r.to_currency) IN ((from_one, to_other), (to_other, from_one))
            AND r.valid_from <= on_day AND r.recorded_at <= known_until
        ORDER BY r.valid_from DESC, r.from_currency <> from_one LIMIT 1) END
$$;

-- In which currency a site's books are: its own, or that of all its costs if it is one.
CREATE OR REPLACE FUNCTION book_currency(of_site text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(s.currency, (
        SELECT min(k.currency) FROM (
            SELECT currency FROM item_cost WHERE site_id = of_site
            UNION ALL SELECT currency FROM purchase_cost WHERE site_id = of_site) k
        HAVING min(k.currency) = max(k.currency)))
    FROM site s WHERE s.site_id = of_site
$$;

-- Up to when something was said that was known at a position: until the posting after it.
CREATE OR REPLACE FUNCTION known_until(at_position bigint) RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT e.recorded_at FROM ledger_entry e WHERE e.position > at_position ORDER BY e.position LIMIT 1), 'infinity')
$$;

-- Stock that counts as ours to value: at real places and on the way between sites, with no other owner stated.
CREATE OR REPLACE FUNCTION is_valued(place_kind text, place_code text, of_owner text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN of_owner IS NULL AND (place_kind <> 'virtual' OR split_part(place_code, '/', 1) = '@transit');

-- What transfers took out of transit where they arrived, received or given up, less what was taken back of that: of those
-- from one site, or to one. A movement is of a transfer that had been drafted when it was posted.
CREATE OR REPLACE FUNCTION taken_out_of_transit(
    sending text, receiving text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE arriving AS (
        SELECT DISTINCT t.to_site FROM transfer t
        WHERE (sending IS NULL OR t.from_site = sending) AND (receiving IS NULL OR t.to_site = receiving)
    ), taken AS (
        SELECT m AS move
        FROM arriving a
        JOIN movement m ON m.site_id = a.to_site AND m.occurred_at <= until_at
            AND m.detail -> 'documents' @> '[{"type": "transfer"}]'
        JOIN ledger_entry e ON e.posting_id = m.posting_id
        WHERE EXISTS (
            SELECT FROM jsonb_array_elements(m.detail -> 'documents') d
            JOIN transfer t ON t.to_site = m.site_id AND t.id = d ->> 'id' AND t.created_at <= e.recorded_at
            WHERE d ->> 'type' = 'transfer' AND (sending IS NULL OR t.from_site = sending))
        UNION ALL
        SELECT r
        FROM taken o
        JOIN gateway g ON g.gateway_id = (o.move).gateway_id
        JOIN claim c ON c.kind = 'reversal'
            AND c.target = g.name || '/' || lpad(to_hex((o.move).epoch), 16, '0') || '/' || (o.move).seq
        JOIN movement r ON r.posting_id = c.posting_id
            AND (r.reverses_gateway, r.reverses_epoch, r.reverses_seq)
                = ((o.move).gateway_id, (o.move).epoch, (o.move).seq)
    )
    SELECT s.cell_id, sum(s.quantity)
    FROM taken t
    JOIN ledger_entry e ON e.posting_id = (t.move).posting_id AND e.position <= until_position
    CROSS JOIN LATERAL (VALUES ((t.move).from_cell, (t.move).quantity), ((t.move).to_cell, -(t.move).quantity))
        s (cell_id, quantity)
    JOIN cell c ON c.cell_id = s.cell_id
    JOIN location l ON l.location_id = c.location_id AND l.kind = 'virtual' AND split_part(l.code, '/', 1) = '@transit'
    GROUP BY s.cell_id
    HAVING sum(s.quantity) <> 0
$$;

-- What each cell of a site held as of both clocks and where that lay, and how much of it is the site's own to value:
-- goods in a unit lie where it stood; goods between sites are their sender's until they are received or given up.
CREATE FUNCTION site_stock(of_site text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, place_id bigint, quantity numeric, valued numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH standing AS MATERIALIZED (
        SELECT u.unit_id, u.location_id FROM units_at(until_at, until_position) u WHERE u.location_id IS NOT NULL
    ), held AS MATERIALIZED (
        SELECT c.cell_id, l.location_id AS place_id
        FROM location l JOIN cell c ON c.location_id = l.location_id
        WHERE l.site_id = of_site AND l.kind <> 'unit'
        UNION ALL
        SELECT c.cell_id, coalesce(p.location_id, u.location_id)
        FROM location u
        JOIN cell c ON c.location_id = u.location_id
        LEFT JOIN standing s ON s.unit_id = u.location_id
        LEFT JOIN location p ON p.location_id = s.location_id
        WHERE u.kind = 'unit' AND coalesce(p.site_id, c.site_id) = of_site
    ), stock AS MATERIALIZED (
        SELECT h.cell_id, h.place_id, q.quantity, c.item_id, is_valued(p.kind, p.code, c.owner) AS is_ours,
            p.kind = 'virtual' AS is_between, q.quantity + coalesce(i.quantity, 0) AS sent
        FROM held h
        JOIN as_of(ARRAY(SELECT x.cell_id FROM held x), until_at, until_position) q ON q.cell_id = h.cell_id
        JOIN cell c ON c.cell_id = h.cell_id
        JOIN location p ON p.location_id = h.place_id
        -- What came from other sites went out of this site's transit, and was never in it.
        LEFT JOIN taken_out_of_transit(NULL, of_site, until_at, until_position) i ON i.cell_id = h.cell_id
        WHERE q.quantity <> 0 OR i.quantity <> 0
    ), arrived AS (
        SELECT c.item_id, sum(t.quantity) AS quantity, min(t.cell_id) AS cell_id
        FROM taken_out_of_transit(of_site, NULL, until_at, until_position) t JOIN cell c ON c.cell_id = t.cell_id
        WHERE c.owner IS NULL
        GROUP BY c.item_id
    ), sent AS (
        -- Of an item's cells in transit the older one is taken to have arrived first.
        SELECT s.cell_id, s.item_id, least(greatest(a.quantity + s.sent - sum(s.sent) OVER older, 0), s.sent) AS arrived
        FROM stock s JOIN arrived a ON a.item_id = s.item_id
        WHERE s.is_ours AND s.is_between AND s.sent > 0
        WINDOW older AS (PARTITION BY s.item_id ORDER BY s.cell_id)
    )
    SELECT s.cell_id, s.place_id, s.quantity,
        CASE WHEN s.is_ours THEN s.sent - coalesce(t.arrived, 0) ELSE 0 END
    FROM stock s
    LEFT JOIN sent t ON t.cell_id = s.cell_id
    UNION ALL
    -- More came than is known to have left: it is missing from what the sender is believed to have.
    SELECT a.cell_id, c.location_id, 0, -left_over.quantity
    FROM arrived a
    JOIN cell c ON c.cell_id = a.cell_id
    CROSS JOIN LATERAL (
        SELECT a.quantity - coalesce((SELECT sum(t.arrived) FROM sent t WHERE t.item_id = a.item_id), 0)) left_over (quantity)
    WHERE left_over.quantity <> 0
$$;

-- What a base unit of each item cost at a site, in the currency of its books: the standard cost that was valid, or
-- what the last close before averaged. A cost in a currency that has no rate is not known.
CREATE OR REPLACE FUNCTION unit_costs(of_site text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (item_id bigint, basis text, cost numeric, detail jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH book AS (
        SELECT book_currency(of_site) AS currency, known_until(until_position) AS known,
            (until_at AT TIME ZONE s.time_zone)::date AS on_day
        FROM site s WHERE s.site_id = of_site
    ), standard AS (
        SELECT DISTINCT ON (k.item_id) k.item_id, k.cost, k.currency, k.valid_from
        FROM item_cost k, book b
        WHERE k.site_id = of_site AND k.valid_from <= until_at AND k.recorded_at <= b.known
        ORDER BY k.item_id, k.valid_from DESC
    ), last_close AS (
        SELECT c.close_id FROM period_close c JOIN ledger_entry e ON e.posting_id = c.posting_id
        WHERE c.site_id = of_site AND c.ends_at <= until_at AND e.position <= until_position
        ORDER BY c.ends_at DESC, c.revision DESC LIMIT 1
    )
    SELECT s.item_id, 'standard', round(s.cost * rate_at(s.currency, b.currency, b.on_day, b.known), 6),
        jsonb_strip_nulls(jsonb_build_object('valid_from', s.valid_from,
            'stated', CASE WHEN s.currency <> b.currency THEN s.cost::text || ' ' || s.currency END))
    FROM standard s, book b
    UNION ALL
    SELECT p.item_id, p.basis, p.cost, p.detail
    FROM last_close l JOIN period_cost p ON p.close_id = l.close_id AND p.basis = 'average'
    WHERE NOT EXISTS (SELECT FROM standard s WHERE s.item_id = p.item_id)
$$;

-- Everything of a site as of both clocks, with the item it reads as, in that item's base unit, and its value: of what is
-- valued as much as is the site's own, of all else what was held.
CREATE OR REPLACE FUNCTION value_lines(of_site text, until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, place_id bigint, item_id bigint, quantity numeric, is_valued boolean, basis text,
        cost numeric, value numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.cell_id, t.place_id, coalesce(a.canonical_id, c.item_id), q.amount, t.valued <> 0, k.basis, k.cost,
        CASE WHEN t.valued <> 0 THEN round(q.amount * k.cost, currency_digits(book_currency(of_site))) END
    FROM site_stock(of_site, until_at, until_position) t
    JOIN cell c ON c.cell_id = t.cell_id
    LEFT JOIN aliases_at(until_position) a ON a.item_id = c.item_id
    LEFT JOIN unit_costs(of_site, until_at, until_position) k ON k.item_id = coalesce(a.canonical_id, c.item_id)
    CROSS JOIN LATERAL (
        SELECT round(CASE WHEN t.valued <> 0 THEN t.valued ELSE t.quantity END
            * coalesce(a.numerator, 1) / coalesce(a.denominator, 1), 6) AS amount) q
$$;

REVOKE ALL ON FUNCTION
    book_currency(text), known_until(bigint), taken_out_of_transit(text, text, timestamptz, bigint),
    site_stock(text, timestamptz, bigint),
    unit_costs(text, timestamptz, bigint), value_lines(text, timestamptz, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION book_currency(text) TO dockledger_app, dockledger_planner, dockledger_auditor;
