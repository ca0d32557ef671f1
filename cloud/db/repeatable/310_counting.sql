-- What counts found against the book (DOMAIN D7). All functions run with the owner's rights and show the sites of
-- the session (`sees_site`); what is settled is read from `variance`, what is not is derived here each time.

DROP FUNCTION IF EXISTS read_pending_variances(text, text, text, text, timestamptz, integer, bigint, bigint, integer, integer);
DROP FUNCTION IF EXISTS read_settled_variances(text, text, text, text, text, timestamptz, integer, bigint, bigint, integer, integer);
DROP FUNCTION IF EXISTS variances_of_count(text, bigint, bigint);
DROP FUNCTION IF EXISTS settled_variances_of(text, bigint, bigint);
DROP FUNCTION IF EXISTS derive_count(integer, bigint, bigint, timestamptz);
DROP FUNCTION IF EXISTS tolerance_of(text, bigint);
DROP FUNCTION IF EXISTS due_counts(integer);
DROP FUNCTION IF EXISTS superseded_variances(integer);
DROP FUNCTION IF EXISTS late_variances(bigint, bigint);
DROP FUNCTION IF EXISTS late_counts(bigint, bigint);
DROP FUNCTION IF EXISTS late_counts(bigint, bigint, integer);
DROP FUNCTION IF EXISTS pending_anchors(integer);
DROP FUNCTION IF EXISTS pending_anchors(bigint, integer);
DROP FUNCTION IF EXISTS later_count(bigint, bigint, text, text, text, timestamptz, bigint, boolean);

-- Items that read as this one, itself included.
CREATE OR REPLACE FUNCTION reading_as(canonical bigint) RETURNS bigint[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT ARRAY(SELECT a.item_id FROM aliases_at(9223372036854775807) a WHERE a.canonical_id = canonical) || canonical
$$;

-- Units that stand at a place as of an instant, and those in them (DOMAIN D5).
CREATE OR REPLACE FUNCTION units_standing(place bigint, at_instant timestamptz) RETURNS bigint[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE standing AS (
        SELECT u.unit_id
        FROM (SELECT DISTINCT p.unit_id FROM unit_position p
            WHERE p.location_id = place AND p.occurred_at <= at_instant) u
        CROSS JOIN LATERAL (
            SELECT p.location_id FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = u.unit_id AND p.occurred_at <= at_instant
                AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
            ORDER BY p.occurred_at DESC, e.position DESC, p.seq DESC LIMIT 1) last
        WHERE last.location_id = place
        UNION
        SELECT c.unit_id
        FROM standing s
        CROSS JOIN LATERAL (SELECT DISTINCT p.unit_id FROM unit_position p
            WHERE p.parent_id = s.unit_id AND p.occurred_at <= at_instant) c
        CROSS JOIN LATERAL (
            SELECT p.parent_id FROM unit_position p JOIN ledger_entry e ON e.posting_id = p.posting_id
            WHERE p.unit_id = c.unit_id AND p.occurred_at <= at_instant
                AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
                    WHERE (v.gateway_id, v.epoch, v.seq) = (p.gateway_id, p.epoch, p.seq))
            ORDER BY p.occurred_at DESC, e.position DESC, p.seq DESC LIMIT 1) last
        WHERE last.parent_id = s.unit_id
    )
    SELECT coalesce(array_agg(s.unit_id), '{}') FROM standing s
$$;

-- Book of cells as of an instant, by all that is known. A recent past is what is there less what came since, which
-- touches no history; an older one comes from the folded past. Both are the same sum.
CREATE OR REPLACE FUNCTION books_at(cells bigint[], at_instant timestamptz)
    RETURNS TABLE (cell_id bigint, quantity numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF at_instant < clock_timestamp() - INTERVAL '1 hour' THEN
        RETURN QUERY SELECT q.cell_id, q.quantity FROM as_of(cells, at_instant, 9223372036854775807) q;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT k.cell_id, coalesce(b.quantity, 0) - coalesce(since.moved, 0)
    FROM unnest(cells) a (cell_id)
    JOIN cell k ON k.cell_id = a.cell_id
    LEFT JOIN balance b ON b.cell_id = k.cell_id
    CROSS JOIN LATERAL (
        SELECT sum(CASE WHEN m.to_cell = k.cell_id THEN m.quantity ELSE -m.quantity END) AS moved
        FROM movement m
        WHERE m.item_id = k.item_id AND m.occurred_at > at_instant
            AND (m.to_cell = k.cell_id OR m.from_cell = k.cell_id)) since;
END
$$;

-- Every record of a count with its book. A side that the counter did not tell (lot, disposition, owner, unit) is
-- not known, not empty: such a line covers every cell that no more particular line of the same count covers. A cell of no
-- condition is one of sellable goods, and what a line told of that stands beside its cell.
-- `books` is everything that the book held at some instant within the count's uncertainty; what an adjustment moved
-- was never seen moving and is no part of that.
CREATE FUNCTION derive_count(of_gateway integer, of_epoch bigint, of_seq bigint, of_instant timestamptz)
    RETURNS TABLE (line_no integer, item_id bigint, place_id bigint, lot text, disposition text, owner text,
        counted numeric, book numeric, books numeric[], cells jsonb, stated_cell bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    place    bigint;
    in_bin   boolean;
    spread   interval;
    standing bigint[];
BEGIN
    SELECT c.location_id, c.scope = 'bin', uncertainty(c.clock_uncertainty_s) INTO place, in_bin, spread
    FROM count c
    WHERE c.gateway_id = of_gateway AND c.epoch = of_epoch AND c.seq = of_seq AND c.occurred_at = of_instant;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    standing := units_standing(place, of_instant);
    RETURN QUERY
    WITH alias AS MATERIALIZED (
        SELECT a.item_id, a.canonical_id, a.numerator, a.denominator FROM aliases_at(9223372036854775807) a
    ), line AS MATERIALIZED (
        SELECT min(n.line_no) AS line_no, coalesce(a.canonical_id, k.item_id) AS item_id, k.location_id AS place_id,
            k.lot, coalesce(k.disposition, n.detail ->> 'disposition') AS disposition, k.owner,
            trim_scale(sum(n.quantity * coalesce(a.numerator, 1) / coalesce(a.denominator, 1))) AS counted,
            min(coalesce(p.cell_id, k.cell_id)) FILTER (WHERE a.item_id IS NULL) AS stated_cell
        FROM count_line n
        JOIN cell k ON k.cell_id = n.cell_id
        LEFT JOIN cell p ON k.disposition = 'sellable' AND p.item_id = k.item_id AND p.location_id = k.location_id
            AND p.lot IS NOT DISTINCT FROM k.lot AND p.disposition IS NULL AND p.owner IS NOT DISTINCT FROM k.owner
        LEFT JOIN alias a ON a.item_id = k.item_id
        WHERE n.gateway_id = of_gateway AND n.epoch = of_epoch AND n.seq = of_seq AND n.occurred_at = of_instant
        GROUP BY 2, 3, 4, 5, 6
    ), candidate AS MATERIALIZED (
        SELECT k.cell_id, k.item_id AS own_item, coalesce(a.canonical_id, k.item_id) AS item_id, k.location_id, k.lot,
            k.disposition, k.owner, coalesce(a.numerator, 1) AS numerator, coalesce(a.denominator, 1) AS denominator
        FROM cell k
        LEFT JOIN alias a ON a.item_id = k.item_id
        WHERE k.location_id = ANY (place || standing || ARRAY(SELECT l.place_id FROM line l))
            AND (in_bin OR coalesce(a.canonical_id, k.item_id) IN (SELECT l.item_id FROM line l))
    ), held AS MATERIALIZED (
        SELECT c.*, trim_scale(q.quantity * c.numerator / c.denominator) AS book, g.line_no,
            CASE WHEN i.is_lot_controlled THEN c.lot END AS told_lot
        FROM candidate c
        JOIN item i ON i.item_id = c.item_id
        JOIN books_at(ARRAY(SELECT x.cell_id FROM candidate x), of_instant) q ON q.cell_id = c.cell_id
        LEFT JOIN LATERAL (
            SELECT l.line_no FROM line l
            WHERE l.item_id = c.item_id
                AND (l.place_id = c.location_id OR (l.place_id = place AND c.location_id = ANY (standing)))
                AND (l.lot IS NULL OR l.lot = c.lot)
                AND (l.disposition IS NULL OR l.disposition = coalesce(c.disposition, 'sellable'))
                AND (l.owner IS NULL OR l.owner = c.owner)
            ORDER BY l.place_id = c.location_id DESC, num_nonnulls(l.lot, l.disposition, l.owner) DESC,
                l.stated_cell IS NOT DISTINCT FROM c.cell_id DESC, l.line_no
            LIMIT 1) g ON true
    ), moved AS (
        SELECT h.line_no, m.occurred_at,
            sum(CASE WHEN m.to_cell = h.cell_id THEN m.quantity ELSE -m.quantity END * h.numerator / h.denominator) AS delta
        FROM held h
        JOIN movement m ON m.item_id = h.own_item
            AND m.occurred_at BETWEEN of_instant - spread AND of_instant + spread
            AND (m.to_cell = h.cell_id OR m.from_cell = h.cell_id)
        WHERE spread > INTERVAL '0' AND h.line_no IS NOT NULL AND m.adjustment_id IS NULL
        GROUP BY h.line_no, m.occurred_at
    ), total AS (
        SELECT h.line_no, sum(h.book) AS book,
            jsonb_agg(jsonb_build_object(
                'cell', h.cell_id, 'book', h.book::text, 'lot', h.lot, 'disposition', h.disposition, 'owner', h.owner,
                'place', h.location_id, 'numerator', h.numerator::text, 'denominator', h.denominator::text)
                ORDER BY h.cell_id) FILTER (WHERE h.book <> 0) AS cells
        FROM held h WHERE h.line_no IS NOT NULL GROUP BY h.line_no
    ), possible AS (
        SELECT t.line_no, t.book - coalesce(sum(v.delta) FILTER (WHERE v.occurred_at <= of_instant), 0) AS first_book
        FROM total t LEFT JOIN moved v ON v.line_no = t.line_no GROUP BY t.line_no, t.book
    ), running AS (
        SELECT p.line_no, p.first_book AS book FROM possible p
        UNION ALL
        SELECT p.line_no, p.first_book + sum(v.delta) OVER (PARTITION BY v.line_no ORDER BY v.occurred_at)
        FROM possible p JOIN moved v ON v.line_no = p.line_no
    ), extent AS (
        SELECT r.line_no, array_agg(DISTINCT trim_scale(r.book)) AS books FROM running r GROUP BY r.line_no
    )
    SELECT l.line_no, l.item_id, l.place_id, l.lot, l.disposition, l.owner, l.counted, coalesce(t.book, 0),
        coalesce(e.books, '{0}'), coalesce(t.cells, '[]'),
        CASE WHEN l.disposition IS NOT NULL OR NOT EXISTS (SELECT FROM line o
            WHERE o.stated_cell = l.stated_cell AND o.disposition = 'sellable') THEN l.stated_cell END
    FROM line l
    LEFT JOIN total t ON t.line_no = l.line_no
    LEFT JOIN extent e ON e.line_no = l.line_no
    UNION ALL
    SELECT -(row_number() OVER (ORDER BY h.item_id, h.told_lot NULLS FIRST))::integer, h.item_id, place, h.told_lot, NULL,
        NULL, NULL, sum(h.book), ARRAY[sum(h.book)],
        jsonb_agg(jsonb_build_object(
            'cell', h.cell_id, 'book', h.book::text, 'lot', h.lot, 'disposition', h.disposition, 'owner', h.owner,
            'place', h.location_id, 'numerator', h.numerator::text, 'denominator', h.denominator::text)
            ORDER BY h.cell_id), NULL
    FROM held h
    WHERE in_bin AND h.line_no IS NULL AND h.book <> 0
    GROUP BY h.item_id, h.told_lot;
END
$$;

-- The most particular tolerance that somebody set.
CREATE FUNCTION tolerance_of(at_site text, of_item bigint)
    RETURNS TABLE (tolerance jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
        'level', CASE WHEN t.item_id IS NOT NULL THEN 'item' WHEN t.category IS NOT NULL THEN 'category'
            WHEN t.site_id IS NOT NULL THEN 'site' ELSE 'default' END,
        'site', t.site_id, 'quantity', t.quantity::text, 'percent', t.percent::text, 'value', t.value::text)
    FROM count_tolerance t JOIN item i ON i.item_id = of_item
    WHERE (t.site_id IS NULL OR t.site_id = at_site) AND (t.item_id IS NULL OR t.item_id = of_item)
        AND (t.category IS NULL OR t.category = i.category)
    ORDER BY t.item_id IS NULL, t.category IS NULL, t.site_id IS NULL
    LIMIT 1
$$;

-- The latest count of the same record after one: of two counts of a cell the later instant wins. A later line
-- covers an earlier one if it tells no more apart than that; of lots, if it counted any of them. What was not
-- reported (`loosely`) is answered by any later line of the item there.
CREATE FUNCTION later_count(
    of_place bigint, of_item bigint, of_lot text, of_disposition text, of_owner text, of_instant timestamptz,
    of_posting bigint, loosely boolean) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT g.name || '/' || lpad(to_hex(n.epoch), 16, '0') || '/' || n.seq
    FROM cell k
    JOIN count_line n ON n.cell_id = k.cell_id
    JOIN gateway g ON g.gateway_id = n.gateway_id
    WHERE k.location_id = of_place AND k.item_id = ANY (reading_as(of_item))
        AND n.occurred_at >= of_instant AND (n.occurred_at, n.posting_id) > (of_instant, of_posting)
        AND (k.lot IS NULL OR of_lot IS NULL OR k.lot = of_lot)
        AND (loosely OR (coalesce(k.disposition, n.detail ->> 'disposition', of_disposition) IS NOT DISTINCT FROM of_disposition
            AND (k.owner IS NULL OR k.owner IS NOT DISTINCT FROM of_owner)))
    ORDER BY n.occurred_at DESC, n.posting_id DESC
    LIMIT 1
$$;

-- Up to when a site is whole: where no gateway is active, nothing is awaited.
CREATE OR REPLACE FUNCTION counted_until(of_site text) RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN s.active_gateways = 0 THEN clock_timestamp() ELSE s.complete_until END
    FROM site_completeness s WHERE s.site_id = of_site
$$;

DROP VIEW IF EXISTS variance_told CASCADE;
DROP VIEW IF EXISTS count_told CASCADE;
-- A count with everything people read of it.
CREATE VIEW count_told AS
SELECT g.name AS gateway, c.gateway_id AS gateway_key, c.epoch, c.seq, c.occurred_at AS observed_at, c.site_id AS site,
    s.time_zone, c.scope, l.code AS location, c.location_id, c.count_task, c.is_blind, c.clock_uncertainty_s AS uncertainty_s,
    c.detail ->> 'actor' AS counted_by, c.detail ->> 'device' AS device, e.position, e.recorded_at, c.posting_id,
    r.settled_at, r.settled_by, r.forced_reason
FROM count c
JOIN gateway g ON g.gateway_id = c.gateway_id
JOIN site s ON s.site_id = c.site_id
JOIN location l ON l.location_id = c.location_id
JOIN ledger_entry e ON e.posting_id = c.posting_id
JOIN count_review r ON r.gateway_id = c.gateway_id AND r.epoch = c.epoch AND r.seq = c.seq AND r.observed_at = c.occurred_at;

-- One shape for variances that are settled and those derived now.
CREATE VIEW variance_told AS
SELECT c.*, v.line_no, i.code AS item, v.item_id, i.name AS item_name, i.category, i.base_unit, i.is_serialised,
    i.is_lot_controlled, p.code AS place, v.place_id, p.kind = 'unit' AS is_in_unit, v.lot, v.disposition, v.owner, v.counted,
    v.book, v.books, v.cost, v.currency, v.tolerance, v.is_within, v.cells, v.stated_cell, v.verdict,
    NULL::text AS superseded_by, d.decision_id, d.state AS decision_state, d.approver, d.verdict_reason AS decision_reason,
    a.state AS anchor_state
FROM variance v
JOIN count_told c ON c.gateway_key = v.gateway_id AND c.epoch = v.epoch AND c.seq = v.seq AND c.observed_at = v.observed_at
JOIN item i ON i.item_id = v.item_id
JOIN location p ON p.location_id = v.place_id
LEFT JOIN decision d ON d.decision_id = v.decision_id
LEFT JOIN LATERAL (
    -- An adjusted record says what waits; one that is not, that its cells were bound at this instant before.
    SELECT CASE WHEN bool_or(x.state = 'pending') THEN 'pending' WHEN v.verdict <> 'adjusted' THEN max(x.state) END AS state
    FROM (
        SELECT (e.value ->> 'cell')::bigint AS cell_id FROM jsonb_array_elements(v.cells) e
        UNION ALL
        SELECT v.stated_cell WHERE v.cells = '[]' -- what was found where the book held nothing
    ) k
    JOIN count_anchor x ON x.cell_id = k.cell_id AND x.observed_at = v.observed_at
) a ON v.decision_id IS NOT NULL;

CREATE FUNCTION variances_of_count(of_gateway text, of_epoch bigint, of_seq bigint)
    RETURNS SETOF variance_told LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    told count_told;
BEGIN
    SELECT c.* INTO told FROM count_told c
    WHERE c.gateway = of_gateway AND c.epoch = of_epoch AND c.seq = of_seq AND sees_site(c.site);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT (told).*, d.line_no, i.code, d.item_id, i.name, i.category, i.base_unit, i.is_serialised, i.is_lot_controlled,
        p.code, d.place_id, p.kind = 'unit', d.lot, d.disposition, d.owner, d.counted, d.book, d.books,
        k.cost, k.currency, t.tolerance, NULL::boolean, d.cells, d.stated_cell, NULL::text,
        later_count(d.place_id, d.item_id, d.lot, d.disposition, d.owner, told.observed_at, told.posting_id,
            d.line_no < 0),
        NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::text
    FROM derive_count(told.gateway_key, told.epoch, told.seq, told.observed_at) d
    JOIN item i ON i.item_id = d.item_id
    JOIN location p ON p.location_id = d.place_id
    LEFT JOIN LATERAL (
        SELECT x.cost, x.currency FROM item_cost x
        WHERE x.item_id = d.item_id AND x.site_id = told.site AND x.valid_from <= told.observed_at
        ORDER BY x.valid_from DESC LIMIT 1) k ON true
    LEFT JOIN LATERAL tolerance_of(told.site, d.item_id) t ON true;
END
$$;

-- What waits for the watermark, derived now, the latest first: count by count until the page is full, for a count can
-- have no record at all, or none that is asked for.
CREATE FUNCTION read_pending_variances(
    in_site text, of_item text, at_location text, by_task text, below_at timestamptz, below_gateway integer,
    below_epoch bigint, below_seq bigint, below_line integer, at_most integer)
    RETURNS SETOF variance_told LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    waiting record;
    given   integer := 0;
    more    integer;
BEGIN
    FOR waiting IN
        SELECT g.name, r.epoch, r.seq FROM count_review r
        JOIN gateway g ON g.gateway_id = r.gateway_id
        WHERE r.settled_at IS NULL AND sees_site(r.site_id) AND (in_site IS NULL OR r.site_id = in_site)
            AND (below_at IS NULL OR r.observed_at <= below_at)
            AND ((at_location IS NULL AND by_task IS NULL) OR EXISTS (
                SELECT FROM count c JOIN location l ON l.location_id = c.location_id
                WHERE c.gateway_id = r.gateway_id AND c.epoch = r.epoch AND c.seq = r.seq AND c.occurred_at = r.observed_at
                    AND (at_location IS NULL OR l.code = at_location) AND (by_task IS NULL OR c.count_task = by_task)))
        ORDER BY r.observed_at DESC, r.gateway_id DESC, r.epoch DESC, r.seq DESC
    LOOP
        RETURN QUERY
        SELECT t.* FROM variances_of_count(waiting.name, waiting.epoch, waiting.seq) t
        WHERE (of_item IS NULL OR t.item = of_item)
            AND (below_at IS NULL OR (t.observed_at, t.gateway_key, t.epoch, t.seq, t.line_no)
                < (below_at, below_gateway, below_epoch, below_seq, below_line))
        ORDER BY t.line_no DESC
        LIMIT at_most - given;
        GET DIAGNOSTICS more = ROW_COUNT;
        given := given + more;
        EXIT WHEN given >= at_most;
    END LOOP;
END
$$;

-- What was settled, the latest first.
CREATE FUNCTION read_settled_variances(
    in_site text, of_item text, at_location text, by_task text, of_verdict text, below_at timestamptz, below_gateway integer,
    below_epoch bigint, below_seq bigint, below_line integer, at_most integer)
    RETURNS SETOF variance_told LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    WITH chosen AS MATERIALIZED (
        SELECT v.gateway_id, v.epoch, v.seq, v.observed_at, v.line_no FROM variance v
        WHERE sees_site(v.site_id) AND (in_site IS NULL OR v.site_id = in_site)
            AND (of_verdict IS NULL OR v.verdict = of_verdict)
            AND (of_item IS NULL OR v.item_id IN (SELECT i.item_id FROM item i WHERE i.code = of_item))
            AND ((at_location IS NULL AND by_task IS NULL) OR EXISTS (
                SELECT FROM count c JOIN location l ON l.location_id = c.location_id
                WHERE c.gateway_id = v.gateway_id AND c.epoch = v.epoch AND c.seq = v.seq AND c.occurred_at = v.observed_at
                    AND (at_location IS NULL OR l.code = at_location) AND (by_task IS NULL OR c.count_task = by_task)))
            AND (below_at IS NULL OR (v.observed_at <= below_at
                AND (v.observed_at, v.gateway_id, v.epoch, v.seq, v.line_no)
                    < (below_at, below_gateway, below_epoch, below_seq, below_line)))
        ORDER BY v.observed_at DESC, v.gateway_id DESC, v.epoch DESC, v.seq DESC, v.line_no DESC
        LIMIT at_most
    )
    SELECT t.* FROM chosen k
    JOIN variance_told t ON t.gateway_key = k.gateway_id AND t.epoch = k.epoch AND t.seq = k.seq
        AND t.observed_at = k.observed_at AND t.line_no = k.line_no
    ORDER BY t.observed_at DESC, t.gateway_key DESC, t.epoch DESC, t.seq DESC, t.line_no DESC;
END
$$;

-- What was settled of one count.
CREATE FUNCTION settled_variances_of(of_gateway text, of_epoch bigint, of_seq bigint)
    RETURNS SETOF variance_told LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.* FROM variance_told t
    WHERE t.gateway = of_gateway AND t.epoch = of_epoch AND t.seq = of_seq AND sees_site(t.site)
$$;

-- Counts whose site is whole beyond their uncertainty: they can be settled.
CREATE FUNCTION due_counts(at_most integer)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint, site text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH reached AS MATERIALIZED (
        SELECT w.site_id, counted_until(w.site_id) AS complete_until
        FROM (SELECT DISTINCT r.site_id FROM count_review r WHERE r.settled_at IS NULL AND sees_site(r.site_id)) w
    )
    SELECT g.name, r.epoch, r.seq, r.site_id
    FROM count_review r
    JOIN reached s ON s.site_id = r.site_id AND s.complete_until > r.until_at
    JOIN gateway g ON g.gateway_id = r.gateway_id
    WHERE r.settled_at IS NULL
    ORDER BY r.observed_at, r.gateway_id, r.epoch, r.seq
    LIMIT at_most
$$;

-- Open variances that a later count of the same record has made obsolete, or answered.
CREATE FUNCTION superseded_variances(at_most integer)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint, line_no integer, superseded_by text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT g.name, v.epoch, v.seq, v.line_no, later.by
    FROM variance v
    JOIN gateway g ON g.gateway_id = v.gateway_id
    JOIN count c ON c.gateway_id = v.gateway_id AND c.epoch = v.epoch AND c.seq = v.seq AND c.occurred_at = v.observed_at
    CROSS JOIN LATERAL (
        SELECT later_count(v.place_id, v.item_id, v.lot, v.disposition, v.owner, v.observed_at, c.posting_id,
            v.line_no < 0) AS by) later
    WHERE v.verdict IN ('beyond', 'unreported') AND sees_site(v.site_id) AND later.by IS NOT NULL
    ORDER BY v.observed_at, v.gateway_id, v.epoch, v.seq, v.line_no
    LIMIT at_most
$$;

-- Settled counts that facts posted after a position concern (DOMAIN D7): something moved where they counted, or a unit
-- came to stand there or left, at or before their instant and unknown to them. A unit's content is stock of every
-- place at which it stood since. Facts younger than all that is settled, nearly all there are, are passed over at once.
-- The latest counts first.
CREATE FUNCTION late_counts(above_position bigint, up_to bigint, at_most integer)
    RETURNS TABLE (gateway text, epoch bigint, seq bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    latest timestamptz := (SELECT max(r.until_at) FROM count_review r WHERE r.settled_at IS NOT NULL);
BEGIN
    RETURN QUERY
    WITH RECURSIVE alias AS MATERIALIZED (
        SELECT a.item_id, a.canonical_id FROM aliases_at(9223372036854775807) a
    ), moved AS MATERIALIZED (
        SELECT k.location_id AS place_id, k.item_id, min(m.occurred_at) AS from_at, e.position
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id AND m.occurred_at <= latest
        CROSS JOIN LATERAL (VALUES (m.from_cell), (m.to_cell)) side (cell_id)
        JOIN cell k ON k.cell_id = side.cell_id
        WHERE e.position > above_position AND e.position <= up_to
        GROUP BY k.location_id, k.item_id, e.position
    ), put AS MATERIALIZED ( -- to where a unit came, and from where: what it holds is anything
        SELECT DISTINCT coalesce(w.location_id, w.parent_id) AS place_id, p.occurred_at AS from_at, e.position
        FROM ledger_entry e
        JOIN unit_position p ON p.posting_id = e.posting_id AND p.occurred_at <= latest
        CROSS JOIN LATERAL (
            SELECT p.location_id, p.parent_id
            UNION ALL
            (SELECT b.location_id, b.parent_id FROM unit_position b
            WHERE b.unit_id = p.unit_id AND b.occurred_at <= p.occurred_at
                AND (b.gateway_id, b.epoch, b.seq) <> (p.gateway_id, p.epoch, p.seq)
            ORDER BY b.occurred_at DESC, b.posting_id DESC, b.seq DESC LIMIT 1)) w
        WHERE e.position > above_position AND e.position <= up_to
    ), reach AS (
        SELECT s.place_id, s.item_id, s.from_at, s.position FROM moved s
        UNION
        SELECT s.place_id, NULL, s.from_at, s.position FROM put s
        UNION
        SELECT coalesce(w.location_id, w.parent_id), a.item_id, greatest(a.from_at, w.occurred_at), a.position
        FROM reach a
        CROSS JOIN LATERAL (
            (SELECT p.location_id, p.parent_id, p.occurred_at FROM unit_position p
            WHERE p.unit_id = a.place_id AND p.occurred_at <= a.from_at
            ORDER BY p.occurred_at DESC, p.posting_id DESC, p.seq DESC LIMIT 1)
            UNION ALL
            SELECT p.location_id, p.parent_id, p.occurred_at FROM unit_position p
            WHERE p.unit_id = a.place_id AND p.occurred_at > a.from_at AND p.occurred_at <= latest) w
    ), touched AS (
        SELECT r.gateway_id, r.epoch, r.seq, r.observed_at
        FROM reach a
        JOIN count_review r ON r.location_id = a.place_id AND r.settled_at IS NOT NULL AND r.until_at >= a.from_at
            AND r.as_of_position < a.position
        JOIN count c ON c.gateway_id = r.gateway_id AND c.epoch = r.epoch AND c.seq = r.seq AND c.occurred_at = r.observed_at
        WHERE c.scope = 'bin' OR a.item_id IS NULL OR EXISTS (
            SELECT FROM variance v LEFT JOIN alias k ON k.item_id = v.item_id LEFT JOIN alias n ON n.item_id = a.item_id
            WHERE v.gateway_id = r.gateway_id AND v.epoch = r.epoch AND v.seq = r.seq AND v.observed_at = r.observed_at
                AND coalesce(k.canonical_id, v.item_id) = coalesce(n.canonical_id, a.item_id))
        UNION
        SELECT r.gateway_id, r.epoch, r.seq, r.observed_at -- a unit that was counted as such, wherever it stands
        FROM reach a
        JOIN location l ON l.location_id = a.place_id AND l.kind = 'unit'
        JOIN variance v ON v.place_id = a.place_id
        JOIN count_review r ON r.gateway_id = v.gateway_id AND r.epoch = v.epoch AND r.seq = v.seq
            AND r.observed_at = v.observed_at AND r.until_at >= a.from_at AND r.as_of_position < a.position
    )
    SELECT g.name, x.epoch, x.seq
    FROM touched x
    JOIN gateway g ON g.gateway_id = x.gateway_id
    JOIN count_review r ON r.gateway_id = x.gateway_id AND r.epoch = x.epoch AND r.seq = x.seq AND r.observed_at = x.observed_at
    WHERE sees_site(r.site_id)
    ORDER BY x.observed_at DESC, x.gateway_id DESC, x.epoch DESC, x.seq DESC
    LIMIT at_most;
END
$$;

-- Adjustments that late facts took above their approver's limit: they wait for an approver again (PROTOCOL P8). Those
-- of one decision; or (NULL) those of which nobody was asked yet, or somebody refused.
CREATE FUNCTION pending_anchors(of_decision bigint, at_most integer)
    RETURNS TABLE (adjustment_id bigint, decision_id bigint, difference numeric, gateway text, epoch bigint, seq bigint,
        line_no integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.adjustment_id, v.decision_id,
        a.counted + a.inferred - (SELECT q.quantity FROM as_of(ARRAY[a.cell_id], a.observed_at, 9223372036854775807) q),
        g.name, v.epoch, v.seq, v.line_no
    FROM count_anchor a
    JOIN variance v ON v.observed_at = a.observed_at AND v.verdict = 'adjusted'
        AND (EXISTS (SELECT FROM jsonb_array_elements(v.cells) e WHERE (e.value ->> 'cell')::bigint = a.cell_id)
            OR (v.cells = '[]' AND v.stated_cell = a.cell_id)) -- what was found where the book held nothing
    JOIN decision d ON d.decision_id = v.decision_id
    JOIN gateway g ON g.gateway_id = v.gateway_id
    WHERE a.state = 'pending' AND sees_site(v.site_id)
        AND CASE WHEN of_decision IS NULL THEN d.state IN ('applied', 'rejected') ELSE v.decision_id = of_decision END
    ORDER BY a.adjustment_id
    LIMIT at_most
$$;

-- Lets go of a cell whose approver refused what late facts would move: its count binds it no more.
CREATE OR REPLACE FUNCTION release_anchor(of_adjustment bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM balance b JOIN count_anchor a ON a.cell_id = b.cell_id
    WHERE a.adjustment_id = of_adjustment AND sees_site(b.site_id) FOR UPDATE OF b; -- as who posts to it
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no adjustment % at your sites', of_adjustment USING ERRCODE = 'no_data_found';
    END IF;
    UPDATE count_anchor SET state = 'released' WHERE adjustment_id = of_adjustment AND state = 'pending';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'adjustment % waits for no approval', of_adjustment;
    END IF;
    UPDATE adjustment SET state = 'applied' WHERE adjustment_id = of_adjustment;
END
$$;

-- Another number whenever a count was posted or settled, a ticket opened, or a step of a decision or ticket audited:
-- pages that people follow are read again then. What moved meanwhile changes them too, but may wait for their clock.
CREATE OR REPLACE FUNCTION live_revision() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT hashtextextended(concat_ws('/', a.audit_id, t.last_value, (SELECT max(c.posting_id) FROM count c),
        (SELECT count(*) FROM count_review r WHERE r.settled_at IS NULL)), 0)
    FROM audit_head a, ticket_ticket_id_seq t
$$;

REVOKE ALL ON FUNCTION
    live_revision(), reading_as(bigint), units_standing(bigint, timestamptz), books_at(bigint[], timestamptz),
    derive_count(integer, bigint, bigint, timestamptz), tolerance_of(text, bigint),
    later_count(bigint, bigint, text, text, text, timestamptz, bigint, boolean), counted_until(text),
    variances_of_count(text, bigint, bigint), settled_variances_of(text, bigint, bigint),
    read_pending_variances(text, text, text, text, timestamptz, integer, bigint, bigint, integer, integer),
    read_settled_variances(text, text, text, text, text, timestamptz, integer, bigint, bigint, integer, integer),
    due_counts(integer), superseded_variances(integer), late_counts(bigint, bigint, integer), pending_anchors(bigint, integer), release_anchor(bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    live_revision(), tolerance_of(text, bigint), variances_of_count(text, bigint, bigint), settled_variances_of(text, bigint, bigint),
    read_pending_variances(text, text, text, text, timestamptz, integer, bigint, bigint, integer, integer),
    read_settled_variances(text, text, text, text, text, timestamptz, integer, bigint, bigint, integer, integer),
    due_counts(integer), superseded_variances(integer), late_counts(bigint, bigint, integer), pending_anchors(bigint, integer), release_anchor(bigint)
    TO dockledger_app;
GRANT SELECT ON count_told TO dockledger_app;
