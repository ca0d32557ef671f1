-- Stated stock lists against the book, in sets (DOMAIN D7). All show the session's sites.

DROP FUNCTION IF EXISTS reconciliation_cells(bigint);
DROP FUNCTION IF EXISTS reconciliation_books(bigint);
DROP FUNCTION IF EXISTS reconciliation_targets(bigint);

-- Cells of which each line tells, as in counts (310_counting.sql): a side that is not told (lot, disposition, owner, unit) is
-- not known, not empty, and the line states the total over all of it there that no more particular line of the list is about.
-- A cell of no condition is one of sellable goods.
CREATE FUNCTION reconciliation_cells(of_list bigint)
    RETURNS TABLE (line_no integer, counted numeric, line_item bigint, line_place bigint, line_lot text, cell_id bigint,
        item_id bigint, location_id bigint, lot text, disposition text, owner text, numerator numeric, denominator numeric,
        is_as_stated boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    list reconciliation;
BEGIN
    SELECT * INTO list FROM reconciliation r WHERE r.reconciliation_id = of_list AND sees_site(r.site_id);
    RETURN QUERY
    WITH line AS MATERIALIZED (
        SELECT l.* FROM reconciliation_line l WHERE l.reconciliation_id = list.reconciliation_id
    ), name AS MATERIALIZED (
        SELECT DISTINCT l.item_id, l.item_id AS read_as, 1::numeric AS numerator, 1::numeric AS denominator FROM line l
        UNION ALL
        SELECT a.item_id, a.canonical_id, a.numerator, a.denominator
        FROM aliases_at(9223372036854775807) a WHERE a.canonical_id IN (SELECT l.item_id FROM line l)
    ), named AS MATERIALIZED (
        SELECT c.*, n.read_as, n.numerator, n.denominator, k.kind
        FROM name n JOIN cell c ON c.item_id = n.item_id JOIN location k ON k.location_id = c.location_id
        WHERE k.kind <> 'virtual'
    ), standing AS MATERIALIZED (
        SELECT p.* FROM places_of_units(
            ARRAY(SELECT DISTINCT n.location_id FROM named n WHERE n.kind = 'unit'), list.observed_at, 9223372036854775807) p
    ), lying AS MATERIALIZED (
        SELECT n.*, coalesce(s.place_id, n.location_id) AS place_id
        FROM named n LEFT JOIN standing s ON n.kind = 'unit' AND s.unit_id = n.location_id
    )
    SELECT DISTINCT ON (n.cell_id) l.line_no, l.counted, l.item_id, l.location_id, l.lot, n.cell_id, n.item_id, n.location_id,
        n.lot, n.disposition, n.owner, n.numerator, n.denominator,
        (n.item_id, n.location_id) = (l.item_id, l.location_id) AND n.lot IS NOT DISTINCT FROM l.lot
            AND n.disposition IS NOT DISTINCT FROM nullif(l.disposition, 'sellable') AND n.owner IS NOT DISTINCT FROM l.owner
    FROM lying n
    JOIN line l ON l.item_id = n.read_as AND l.location_id = n.place_id
        AND (l.lot IS NULL OR l.lot = n.lot) AND (l.disposition IS NULL OR l.disposition = coalesce(n.disposition, 'sellable'))
        AND (l.owner IS NULL OR l.owner = n.owner)
    ORDER BY n.cell_id, num_nonnulls(l.lot, l.disposition, l.owner) DESC,
        n.lot IS NOT DISTINCT FROM l.lot AND n.owner IS NOT DISTINCT FROM l.owner DESC, l.line_no;
END
$$;

-- What these hold as of the list's instant, by all that is known, in the base unit of the cell's own item. The cell just as
-- stated is among them, before there is one too.
CREATE FUNCTION reconciliation_books(of_list bigint)
    RETURNS TABLE (line_no integer, counted numeric, line_item bigint, line_place bigint, line_lot text, cell_id bigint,
        item_id bigint, location_id bigint, lot text, disposition text, owner text, numerator numeric, denominator numeric,
        is_as_stated boolean, book numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    list reconciliation;
BEGIN
    SELECT * INTO list FROM reconciliation r WHERE r.reconciliation_id = of_list AND sees_site(r.site_id);
    RETURN QUERY
    WITH covered AS MATERIALIZED (
        SELECT * FROM reconciliation_cells(of_list)
    ), held AS MATERIALIZED (
        SELECT q.cell_id, q.quantity
        FROM as_of(ARRAY(SELECT c.cell_id FROM covered c), list.observed_at, 9223372036854775807) q
    )
    SELECT c.*, coalesce(h.quantity, 0)
    FROM covered c LEFT JOIN held h ON h.cell_id = c.cell_id
    WHERE h.quantity <> 0 OR c.is_as_stated
    UNION ALL
    SELECT l.line_no, l.counted, l.item_id, l.location_id, l.lot, NULL, l.item_id, l.location_id, l.lot,
        nullif(l.disposition, 'sellable'), l.owner, 1, 1, true, 0
    FROM reconciliation_line l
    WHERE l.reconciliation_id = list.reconciliation_id
        AND NOT EXISTS (SELECT FROM covered c WHERE c.line_no = l.line_no AND c.is_as_stated);
END
$$;

-- What each of these cells is bound to, so that together they hold what was stated (DOMAIN D6). What is missing is taken
-- from own stock before that of others, sellable or not known before the rest, the largest first; what is over goes to the
-- first of these. Where the book tells several lots of an item apart whose lots are to be known, nobody guesses among them:
-- the lots stay as they are (`lots_stay`), and the cell without a lot of the same condition and owner holds the difference,
-- for the resolver to name.
CREATE FUNCTION reconciliation_targets(of_list bigint)
    RETURNS TABLE (line_no integer, counted numeric, line_item bigint, line_place bigint, cell_id bigint, item_id bigint,
        location_id bigint, lot text, disposition text, owner text, is_as_stated boolean, book numeric, wanted numeric,
        read_book numeric, read_wanted numeric, lots_stay boolean, is_exact boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH told AS MATERIALIZED (
        SELECT b.*, b.book * b.numerator / b.denominator AS read_book FROM reconciliation_books(of_list) b
    ), line AS MATERIALIZED (
        SELECT t.line_no, i.is_lot_controlled AND t.line_lot IS NULL AND t.counted > 0
            AND count(DISTINCT coalesce(t.lot, '')) FILTER (WHERE t.read_book <> 0) > 1 AS lots_stay
        FROM told t JOIN item i ON i.item_id = t.line_item
        GROUP BY t.line_no, t.counted, t.line_lot, i.is_lot_controlled
    ), unnamed AS ( -- cells without a lot that may hold a difference
        SELECT DISTINCT t.line_no, t.counted, t.line_item, t.line_place, t.line_lot, c.cell_id, t.item_id, t.location_id,
            NULL::text AS lot, t.disposition, t.owner, t.numerator, t.denominator, false AS is_as_stated, 0::numeric AS book,
            0::numeric AS read_book
        FROM told t
        JOIN line l ON l.line_no = t.line_no AND l.lots_stay
        LEFT JOIN cell c ON c.item_id = t.item_id AND c.location_id = t.location_id AND c.lot IS NULL
            AND c.disposition IS NOT DISTINCT FROM t.disposition AND c.owner IS NOT DISTINCT FROM t.owner
        WHERE NOT EXISTS (SELECT FROM told o WHERE o.line_no = t.line_no AND o.item_id = t.item_id
            AND o.location_id = t.location_id AND o.lot IS NULL AND o.disposition IS NOT DISTINCT FROM t.disposition
            AND o.owner IS NOT DISTINCT FROM t.owner)
    ), part AS MATERIALIZED (
        SELECT p.*, l.lots_stay, CASE WHEN l.lots_stay THEN NULL ELSE p.lot END AS shelf_lot
        FROM (SELECT * FROM told UNION ALL SELECT * FROM unnamed) p
        JOIN line l ON l.line_no = p.line_no
    ), shelf AS MATERIALIZED (
        SELECT p.line_no, p.item_id, p.location_id, p.shelf_lot, p.disposition, p.owner, sum(p.read_book) AS book,
            greatest(sum(p.read_book), 0) AS there, p.counted - sum(greatest(sum(p.read_book), 0)) OVER (PARTITION BY p.line_no) AS rest
        FROM part p
        GROUP BY p.line_no, p.counted, p.item_id, p.location_id, p.shelf_lot, p.disposition, p.owner
    ), turn AS (
        SELECT s.*, row_number() OVER taken AS nth, coalesce(sum(s.there) OVER (
            taken ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS taken_before
        FROM shelf s
        WINDOW taken AS (PARTITION BY s.line_no ORDER BY s.there = 0, s.owner IS NOT NULL,
            coalesce(s.disposition, 'sellable') <> 'sellable', s.there DESC, s.item_id, s.location_id, s.shelf_lot,
            s.disposition, s.owner)
    ), becomes AS (
        SELECT t.*, t.there + CASE WHEN t.rest > 0 THEN CASE WHEN t.nth = 1 THEN t.rest ELSE 0 END
            ELSE -least(t.there, greatest(-t.rest - t.taken_before, 0)) END - t.book AS difference
        FROM turn t
    ), wanted AS (
        SELECT p.*, p.read_book + CASE WHEN NOT p.lots_stay OR p.lot IS NULL THEN w.difference ELSE 0 END AS read_wanted
        FROM part p
        JOIN becomes w ON w.line_no = p.line_no AND w.item_id = p.item_id AND w.location_id = p.location_id
            AND w.shelf_lot IS NOT DISTINCT FROM p.shelf_lot AND w.disposition IS NOT DISTINCT FROM p.disposition
            AND w.owner IS NOT DISTINCT FROM p.owner
    )
    SELECT w.line_no, w.counted, w.line_item, w.line_place, w.cell_id, w.item_id, w.location_id, w.lot, w.disposition, w.owner,
        w.is_as_stated, w.book, CASE WHEN w.read_wanted = w.read_book THEN w.book
            ELSE round(w.read_wanted * w.denominator / w.numerator, 6) END,
        w.read_book, w.read_wanted, w.lots_stay, w.read_wanted = w.read_book
            OR round(w.read_wanted * w.denominator / w.numerator, 6) * w.numerator = w.read_wanted * w.denominator
    FROM wanted w
$$;

-- Keeps others from posting to the cells of a list until the transaction ends.
CREATE OR REPLACE FUNCTION lock_reconciliation(of_list bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT lock_cells(NULL, ARRAY(SELECT c.cell_id FROM reconciliation_cells(of_list) c))
$$;

-- A list in sums: how many lines differ, by how much that is worth, the first of them and how they spread, and a hash of
-- all, so that an approver's yes is to these and no others.
CREATE OR REPLACE FUNCTION read_reconciliation(of_list bigint) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH list AS (
        SELECT r.*, currency_digits(book_currency(r.site_id)) AS digits
        FROM reconciliation r WHERE r.reconciliation_id = of_list AND sees_site(r.site_id)
    ), part AS MATERIALIZED (
        SELECT * FROM reconciliation_targets(of_list)
    ), price AS MATERIALIZED (
        SELECT k.item_id, k.cost
        FROM list CROSS JOIN LATERAL unit_costs(list.site_id, list.observed_at, 9223372036854775807) k
    ), line AS MATERIALIZED (
        SELECT b.*, b.counted - b.book AS difference, k.cost, list.digits
        FROM (SELECT p.line_no, p.line_item, p.line_place, p.counted, round(sum(p.read_book), 6) AS book
            FROM part p GROUP BY p.line_no, p.line_item, p.line_place, p.counted) b
        LEFT JOIN list ON true
        LEFT JOIN price k ON k.item_id = b.line_item
    ), off AS MATERIALIZED (
        SELECT l.*, i.code AS item, i.lot_rule, p.code AS place FROM line l
        JOIN item i ON i.item_id = l.line_item JOIN location p ON p.location_id = l.line_place
        WHERE l.difference <> 0
    ), moved AS MATERIALIZED (
        SELECT p.* FROM part p WHERE p.wanted <> p.book
    )
    SELECT jsonb_build_object(
        'lines', (SELECT count(*) FROM line), 'differing', (SELECT count(*) FROM off),
        'currency', book_currency(list.site_id),
        'value', (SELECT CASE WHEN bool_or(o.cost IS NULL) THEN NULL
            ELSE coalesce(sum(abs(round(o.difference * o.cost, o.digits))), 0)::text END FROM off o),
        'more', (SELECT coalesce(sum(round(o.difference * o.cost, o.digits)) FILTER (WHERE o.difference > 0), 0)::text FROM off o),
        'less', (SELECT coalesce(sum(round(o.difference * o.cost, o.digits)) FILTER (WHERE o.difference < 0), 0)::text FROM off o),
        'inexact', (SELECT coalesce(jsonb_agg(DISTINCT p.line_no), '[]') FROM part p WHERE NOT p.is_exact),
        'first', (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM (
            SELECT o.line_no AS line, o.item, o.place AS location, (
                    SELECT l.lot FROM reconciliation_line l WHERE l.reconciliation_id = of_list AND l.line_no = o.line_no) AS lot,
                o.book::text, o.counted::text, o.difference::text, (
                    SELECT coalesce(jsonb_agg(s.told ORDER BY s.told), '[]') FROM (
                        SELECT concat_ws(' ', coalesce('lot ' || p.lot, 'no lot'), p.disposition, 'of ' || p.owner,
                            'in ' || u.code) || ': ' || trim_scale(p.read_book) || ' → ' || trim_scale(p.read_wanted)
                            || CASE WHEN NOT p.lots_stay OR p.read_wanted = p.read_book THEN ''
                                WHEN p.read_wanted < p.read_book AND o.lot_rule IS NOT NULL THEN ' (lot by the item''s rule)'
                                ELSE ' (nobody knows the lot)' END AS told
                        FROM part p LEFT JOIN location u ON u.location_id = p.location_id AND u.kind = 'unit'
                        WHERE p.line_no = o.line_no AND (p.read_book <> 0 OR p.read_wanted <> 0)
                        ORDER BY abs(p.read_wanted - p.read_book) DESC, p.cell_id LIMIT 10) s) AS spread
            FROM off o ORDER BY abs(o.difference * o.cost) DESC NULLS FIRST, o.line_no LIMIT 20) f),
        'sha256', (SELECT encode(sha256(convert_to(coalesce(string_agg(
            ROW(m.line_no, m.item_id, m.location_id, m.lot, m.disposition, m.owner, m.wanted - m.book)::text, ' '
            ORDER BY m.line_no, m.item_id, m.location_id, m.lot, m.disposition, m.owner), ''), 'UTF8')), 'hex') FROM moved m))
    FROM list
$$;

-- Binds what each line is about to the list, in the open posting: what `adjust_to_count` does, in sets. The caller holds
-- the balances of all cells that there were.
CREATE OR REPLACE FUNCTION bind_reconciliation(of_list bigint, why text, author_id text, approver_id text)
    RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    list   reconciliation;
    bound  integer;
    made   bigint[];
    twice  record;
BEGIN
    SELECT * INTO list FROM reconciliation r WHERE r.reconciliation_id = of_list AND sees_site(r.site_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no reconciliation % at your sites', of_list USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO location (site_id, code, kind, posting_id)
    VALUES (list.site_id, '@adjustment', 'virtual', open_posting()) ON CONFLICT DO NOTHING;
    CREATE TEMP TABLE binding ON COMMIT DROP AS
    SELECT t.line_no, t.cell_id, t.item_id, t.lot, t.disposition, t.owner, t.wanted - t.book AS difference,
        -- Where lots stay, the count saw all of it without a lot, and goes along with what has one.
        CASE WHEN NOT t.lots_stay THEN t.wanted WHEN t.is_as_stated THEN t.counted ELSE 0 END AS counted,
        CASE WHEN NOT t.lots_stay THEN 0 WHEN t.is_as_stated THEN t.wanted - t.counted ELSE t.wanted END AS inferred,
        t.location_id, NULL::bigint AS twin, NULL::bigint AS adjustment_id
    FROM reconciliation_targets(of_list) t;
    INSERT INTO cell (item_id, location_id, lot, disposition, owner, site_id, posting_id)
    SELECT b.item_id, b.location_id, b.lot, b.disposition, b.owner, l.site_id, open_posting()
    FROM binding b JOIN location l ON l.location_id = b.location_id
    WHERE b.cell_id IS NULL
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT DO NOTHING;
    WITH made AS (
        UPDATE binding b SET cell_id = c.cell_id
        FROM cell c
        WHERE b.cell_id IS NULL AND c.item_id = b.item_id AND c.location_id = b.location_id
            AND c.lot IS NOT DISTINCT FROM b.lot AND c.disposition IS NOT DISTINCT FROM b.disposition
            AND c.owner IS NOT DISTINCT FROM b.owner
        RETURNING c.cell_id
    )
    SELECT array_agg(m.cell_id) INTO made FROM made m;
    PERFORM lock_cells(NULL, made);
    IF EXISTS (SELECT FROM balance b WHERE b.cell_id = ANY (made) AND b.quantity <> 0) THEN
        RAISE EXCEPTION 'somebody else made a place of the list meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    ANALYZE binding;
    SELECT b.line_no, b.cell_id INTO twice FROM binding b
    JOIN count_anchor a ON a.cell_id = b.cell_id AND a.observed_at = list.observed_at LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line %: its cell is bound to a count observed at % already', twice.line_no, list.observed_at;
    END IF;
    INSERT INTO cell (item_id, location_id, lot, disposition, owner, site_id, posting_id)
    SELECT DISTINCT b.item_id, l.location_id, b.lot, b.disposition, b.owner, list.site_id, open_posting()
    FROM binding b JOIN location l ON l.site_id = list.site_id AND l.code = '@adjustment' AND l.kind = 'virtual'
    ON CONFLICT DO NOTHING;
    UPDATE binding b SET twin = c.cell_id
    FROM cell c JOIN location l ON l.location_id = c.location_id
    WHERE l.site_id = list.site_id AND l.code = '@adjustment' AND l.kind = 'virtual' AND c.item_id = b.item_id
        AND c.lot IS NOT DISTINCT FROM b.lot AND c.disposition IS NOT DISTINCT FROM b.disposition
        AND c.owner IS NOT DISTINCT FROM b.owner;
    WITH made AS (
        INSERT INTO adjustment AS a (site_id, cell_id, observed_at, counted, reason, author, approver, state)
        SELECT list.site_id, b.cell_id, list.observed_at, b.counted, why, author_id, approver_id, 'applied'
        FROM binding b ORDER BY b.line_no
        RETURNING a.adjustment_id, a.cell_id
    )
    UPDATE binding b SET adjustment_id = m.adjustment_id FROM made m WHERE m.cell_id = b.cell_id;
    INSERT INTO count_anchor (
        cell_id, observed_at, counted, adjustment_id, adjustment_cell_id, limit_quantity, adjusted, inferred, posting_id)
    SELECT b.cell_id, list.observed_at, b.counted, b.adjustment_id, b.twin, NULL, b.difference, b.inferred, open_posting()
    FROM binding b;
    GET DIAGNOSTICS bound = ROW_COUNT;
    INSERT INTO movement (
        gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
        identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, reason, adjustment_id,
        detail)
    SELECT g.gateway_id, 0, nextval('cloud_row_seq'), list.observed_at, open_posting(), b.item_id,
        CASE WHEN b.difference > 0 THEN b.twin ELSE b.cell_id END,
        CASE WHEN b.difference > 0 THEN b.cell_id ELSE b.twin END,
        abs(b.difference), list.site_id, 'sku', i.code, abs(b.difference), 'base', list.observed_at, 'claimed', why,
        b.adjustment_id, jsonb_build_object('actor', approver_id)
    FROM binding b JOIN item i ON i.item_id = b.item_id JOIN gateway g ON g.name = '_cloud'
    WHERE b.difference <> 0;
    DROP TABLE binding;
    RETURN bound;
END
$$;

REVOKE ALL ON FUNCTION reconciliation_cells(bigint), reconciliation_books(bigint), reconciliation_targets(bigint),
    lock_reconciliation(bigint), read_reconciliation(bigint), bind_reconciliation(bigint, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_reconciliation(bigint),
    read_reconciliation(bigint), bind_reconciliation(bigint, text, text, text) TO dockledger_app;
