-- Periods and stock values as people read them. All run with the owner's rights and show the session's sites.

DROP FUNCTION IF EXISTS figure_lines(bigint, text, timestamptz, bigint, boolean);
DROP FUNCTION IF EXISTS read_value_lines(bigint, text, timestamptz, bigint, boolean, text, text, boolean, text, bigint, integer);
DROP FUNCTION IF EXISTS read_prior_facts(bigint, bigint, bigint, integer, bigint, bigint, integer);

-- The lines of a figure: of a close as it was kept, with the category and zone that each had then; of one that would be
-- made now; or of any instant and position. A close that did not keep them is split by what they are now.
CREATE FUNCTION figure_lines(
    of_close bigint, of_site text, until_at timestamptz, until_position bigint, is_closing boolean)
    RETURNS TABLE (cell_id bigint, place_id bigint, item_id bigint, quantity numeric, is_valued boolean, basis text,
        cost numeric, value numeric, category text, zone text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept period_close;
BEGIN
    IF NOT sees_site(of_site) THEN
        RETURN;
    ELSIF of_close IS NULL THEN
        RETURN QUERY
        SELECT f.*, i.category, coalesce(z.zone, p.code)
        FROM (
            SELECT * FROM closing_lines(of_site, until_at, until_position) WHERE is_closing
            UNION ALL
            SELECT * FROM value_lines(of_site, until_at, until_position) WHERE NOT is_closing
        ) f
        JOIN item i ON i.item_id = f.item_id
        JOIN location p ON p.location_id = f.place_id
        LEFT JOIN zones_of_places() z ON z.location_id = f.place_id;
        RETURN;
    END IF;
    SELECT * INTO kept FROM period_close c WHERE c.close_id = of_close AND c.site_id = of_site;
    RETURN QUERY
    SELECT b.cell_id, p.location_id, i.item_id, q.amount, v.quantity <> 0, k.basis, k.cost,
        CASE WHEN v.quantity <> 0 THEN round(q.amount * k.cost, currency_digits(kept.currency)) END,
        CASE WHEN b.valued IS NULL THEN i.category ELSE b.category END, coalesce(b.zone, z.zone, p.code)
    FROM period_balance b
    JOIN cell c ON c.cell_id = b.cell_id
    JOIN location p ON p.location_id = coalesce(b.place_id, c.location_id)
    LEFT JOIN zones_of_places() z ON z.location_id = p.location_id
    LEFT JOIN aliases_at(kept.as_of_position) a ON a.item_id = c.item_id
    JOIN item i ON i.item_id = coalesce(a.canonical_id, c.item_id)
    LEFT JOIN period_cost k ON k.close_id = b.close_id AND k.item_id = i.item_id
    CROSS JOIN LATERAL (
        SELECT coalesce(b.valued, CASE WHEN is_valued(p.kind, p.code, c.owner) THEN b.quantity ELSE 0 END) AS quantity) v
    CROSS JOIN LATERAL (
        SELECT round(CASE WHEN v.quantity <> 0 THEN v.quantity ELSE b.quantity END
            * coalesce(a.numerator, 1) / coalesce(a.denominator, 1), 6) AS amount) q
    WHERE b.close_id = kept.close_id;
END
$$;

-- A figure in sums, with what makes it doubtful: the first ten of each and how many there are.
CREATE OR REPLACE FUNCTION read_figure(
    of_close bigint, of_site text, until_at timestamptz, until_position bigint, is_closing boolean) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH line AS MATERIALIZED (
        SELECT f.*, i.code AS item, p.code AS place, p.kind AS place_kind, c.owner
        FROM figure_lines(of_close, of_site, until_at, until_position, is_closing) f
        JOIN item i ON i.item_id = f.item_id
        JOIN cell c ON c.cell_id = f.cell_id
        JOIN location p ON p.location_id = f.place_id
    )
    SELECT jsonb_build_object(
        'currency', CASE WHEN of_close IS NULL THEN book_currency(of_site)
            ELSE (SELECT k.currency FROM period_close k WHERE k.close_id = of_close) END,
        'lines', (SELECT count(*) FROM line l WHERE l.is_valued),
        'value', (SELECT sum(l.value)::text FROM line l),
        'unknown_items', (SELECT count(DISTINCT l.item_id) FROM line l WHERE l.is_valued AND l.value IS NULL),
        'unknown_first', (SELECT coalesce(jsonb_agg(u.item), '[]') FROM (
            SELECT DISTINCT l.item FROM line l WHERE l.is_valued AND l.value IS NULL ORDER BY l.item LIMIT 10) u),
        'consigned_lines', (SELECT count(*) FROM line l WHERE l.owner IS NOT NULL AND l.place_kind <> 'virtual'),
        'categories', (SELECT coalesce(jsonb_agg(to_jsonb(g)), '[]') FROM (
            SELECT l.category AS name, count(*) AS lines, sum(l.value)::text AS value,
                count(*) FILTER (WHERE l.value IS NULL) AS unknown
            FROM line l WHERE l.is_valued GROUP BY l.category ORDER BY l.category NULLS LAST LIMIT 500) g),
        'zones', (SELECT coalesce(jsonb_agg(to_jsonb(g)), '[]') FROM (
            SELECT l.zone AS name, count(*) AS lines, sum(l.value)::text AS value,
                count(*) FILTER (WHERE l.value IS NULL) AS unknown
            FROM line l WHERE l.is_valued GROUP BY l.zone ORDER BY sum(l.value) DESC NULLS LAST, l.zone LIMIT 500) g),
        'negative', (SELECT count(*) FROM line l WHERE l.quantity < 0 AND l.place_kind <> 'virtual'),
        'negative_first', (SELECT coalesce(jsonb_agg(to_jsonb(n)), '[]') FROM (
            SELECT l.item, l.place AS location, l.quantity::text FROM line l
            WHERE l.quantity < 0 AND l.place_kind <> 'virtual' ORDER BY l.item, l.cell_id LIMIT 10) n),
        'clearing', (SELECT count(*) FROM line l WHERE split_part(l.place, '/', 1) = '@clearing'),
        'clearing_first', (SELECT coalesce(jsonb_agg(to_jsonb(n)), '[]') FROM (
            SELECT l.item, l.place AS location, l.quantity::text FROM line l
            WHERE split_part(l.place, '/', 1) = '@clearing' ORDER BY l.place, l.item, l.cell_id LIMIT 10) n))
$$;

-- The lines themselves, by item and cell.
CREATE FUNCTION read_value_lines(
    of_close bigint, of_site text, until_at timestamptz, until_position bigint, is_closing boolean, in_category text,
    in_zone text, only_unknown boolean, after_item text, after_cell bigint, at_most integer)
    RETURNS TABLE (cell_id bigint, item text, item_name text, category text, base_unit text, location text, lot text,
        disposition text, owner text, quantity numeric, basis text, cost numeric, value numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT f.cell_id, i.code, i.name, f.category, i.base_unit, p.code, c.lot, c.disposition, c.owner, f.quantity,
        f.basis, f.cost, f.value
    FROM figure_lines(of_close, of_site, until_at, until_position, is_closing) f
    JOIN item i ON i.item_id = f.item_id
    JOIN cell c ON c.cell_id = f.cell_id
    JOIN location p ON p.location_id = f.place_id
    WHERE f.is_valued AND (i.code, f.cell_id) > (after_item, after_cell)
        AND (in_category IS NULL OR coalesce(f.category, '') = in_category)
        AND (in_zone IS NULL OR f.zone = in_zone)
        AND (NOT only_unknown OR f.value IS NULL)
    ORDER BY i.code, f.cell_id
    LIMIT at_most;
END
$$;

-- Whether one side of a movement is in the figure of a close: what a transfer brings out of transit was its sender's.
CREATE OR REPLACE FUNCTION counts_for(kept period_close, m movement, place_kind text, place_code text, of_owner text)
    RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT is_valued(place_kind, place_code, of_owner) AND kept.site_id = CASE
        WHEN place_kind = 'virtual' AND kept.transit_owner = 'sender' THEN coalesce(transit_sender(m), m.site_id)
        ELSE m.site_id END
$$;

-- What came after a close did without it: what each fact changed in our stock, its value at that close's cost, and
-- who stated it.
CREATE FUNCTION read_prior_facts(
    of_close bigint, up_to bigint, after_position bigint, after_gateway integer, after_epoch bigint, after_seq bigint,
    at_most integer)
    RETURNS TABLE (gateway text, gateway_key integer, epoch bigint, seq bigint, "position" bigint,
        recorded_at timestamptz, occurred_at timestamptz, time_zone text, item text, item_name text, base_unit text,
        quantity numeric, from_location text, to_location text, change numeric, value numeric, currency text,
        author text, posting_kind text, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    kept period_close;
BEGIN
    SELECT * INTO kept FROM period_close c WHERE c.close_id = of_close AND sees_site(c.site_id);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH late AS MATERIALIZED (
        SELECT f.* FROM prior_facts(kept.site_id, kept.ends_at, kept.as_of_position, up_to) f
        WHERE (f.position, f.gateway_id, f.epoch, f.seq) > (after_position, after_gateway, after_epoch, after_seq)
            AND (kept.transit_owner IS NOT NULL OR EXISTS (SELECT FROM movement m WHERE m.site_id = kept.site_id
                AND (m.gateway_id, m.epoch, m.seq, m.occurred_at) = (f.gateway_id, f.epoch, f.seq, f.occurred_at)))
        ORDER BY f.position, f.gateway_id, f.epoch, f.seq
        LIMIT at_most
    )
    SELECT g.name, f.gateway_id, f.epoch, f.seq, f.position, e.recorded_at, f.occurred_at, s.time_zone, i.code, i.name,
        i.base_unit, told.amount, fl.code, tl.code, told.changed,
        round(told.changed * k.cost, currency_digits(kept.currency)), kept.currency,
        coalesce(m.detail ->> 'actor', m.detail ->> 'device', g.name), e.kind, m.reason
    FROM late f
    JOIN movement m ON (m.gateway_id, m.epoch, m.seq, m.occurred_at) = (f.gateway_id, f.epoch, f.seq, f.occurred_at)
    JOIN ledger_entry e ON e.posting_id = m.posting_id
    JOIN gateway g ON g.gateway_id = f.gateway_id
    JOIN site s ON s.site_id = kept.site_id
    LEFT JOIN aliases_at(9223372036854775807) a ON a.item_id = m.item_id
    JOIN item i ON i.item_id = coalesce(a.canonical_id, m.item_id)
    JOIN cell fc ON fc.cell_id = m.from_cell JOIN location fl ON fl.location_id = fc.location_id
    JOIN cell tc ON tc.cell_id = m.to_cell JOIN location tl ON tl.location_id = tc.location_id
    CROSS JOIN LATERAL (
        SELECT q.amount, q.amount * (
            counts_for(kept, m, tl.kind, tl.code, tc.owner)::integer
            - counts_for(kept, m, fl.kind, fl.code, fc.owner)::integer) AS changed
        FROM (SELECT round(m.quantity * coalesce(a.numerator, 1) / coalesce(a.denominator, 1), 6) AS amount) q) told
    LEFT JOIN period_cost k ON k.close_id = kept.close_id AND k.item_id = i.item_id
    ORDER BY f.position, f.gateway_id, f.epoch, f.seq;
END
$$;

-- How many facts of a site that occurred by an instant were posted in a stretch of positions.
CREATE OR REPLACE FUNCTION facts_since(of_site text, until_at timestamptz, above_position bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT count(*)
    FROM ledger_entry e
    JOIN movement m ON m.posting_id = e.posting_id
    WHERE e.position > above_position AND m.occurred_at <= until_at AND sees_site(of_site)
        AND (m.site_id = of_site OR (m.detail -> 'documents' @> '[{"type": "transfer"}]' OR m.reverses_seq IS NOT NULL)
            AND transit_sender(m) = of_site)
$$;

-- What speaks against closing a period (DOMAIN D7), each as (kind, how many, more); only what is there.
CREATE OR REPLACE FUNCTION period_points(of_site text, until_at timestamptz)
    RETURNS TABLE (kind text, number bigint, detail jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.kind, p.number, p.detail
    FROM (
        SELECT 1 AS place, 'incomplete' AS kind, count(*) AS number, jsonb_agg(jsonb_build_object('gateway', g.gateway,
            'complete_until', nullif(g.complete_until, '-infinity')) ORDER BY g.gateway) AS detail
        FROM gateway_completeness g
        WHERE g.site_id = of_site AND g.state = 'active' AND g.complete_until <= until_at
        UNION ALL
        SELECT 2, 'open_cards', count(*), NULL FROM open_card_key k
        WHERE k.site_id = of_site AND k.occurred_at <= until_at
        UNION ALL
        SELECT 3, 'provisional_counts', count(*), NULL FROM count_review r
        WHERE r.site_id = of_site AND r.settled_at IS NULL AND r.observed_at <= until_at
        UNION ALL
        SELECT 4, 'undecided_adjustments', count(*), jsonb_agg(d.decision_id ORDER BY d.decision_id) FROM decision d
        WHERE d.site_id = of_site AND d.kind = 'count_adjustment' AND d.state IN ('draft', 'submitted', 'approved')
            AND (d.evidence ->> 'observed_at')::timestamptz <= until_at
        UNION ALL
        SELECT 5, 'quarantined', count(*), NULL FROM quarantine q WHERE q.site_id = of_site AND q.state = 'held'
    ) p
    WHERE p.number > 0 AND sees_site(of_site)
    ORDER BY p.place
$$;

REVOKE ALL ON FUNCTION
    figure_lines(bigint, text, timestamptz, bigint, boolean), counts_for(period_close, movement, text, text, text),
    read_figure(bigint, text, timestamptz, bigint, boolean),
    read_value_lines(bigint, text, timestamptz, bigint, boolean, text, text, boolean, text, bigint, integer),
    read_prior_facts(bigint, bigint, bigint, integer, bigint, bigint, integer),
    facts_since(text, timestamptz, bigint), period_points(text, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    read_figure(bigint, text, timestamptz, bigint, boolean),
    read_value_lines(bigint, text, timestamptz, bigint, boolean, text, text, boolean, text, bigint, integer),
    read_prior_facts(bigint, bigint, bigint, integer, bigint, bigint, integer),
    facts_since(text, timestamptz, bigint), period_points(text, timestamptz)
    TO dockledger_app;
