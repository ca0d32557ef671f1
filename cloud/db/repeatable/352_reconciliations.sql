-- Stated stock lists against the book, in sets (DOMAIN D7). All show the session's sites.

-- Every line with its cell, if there is one, and the book as of the list's instant, by all that is known.
CREATE OR REPLACE FUNCTION reconciliation_books(of_list bigint)
    RETURNS TABLE (line_no integer, item_id bigint, location_id bigint, lot text, disposition text, owner text,
        counted numeric, cell_id bigint, book numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    list reconciliation;
BEGIN
    SELECT * INTO list FROM reconciliation r WHERE r.reconciliation_id = of_list AND sees_site(r.site_id);
    RETURN QUERY
    WITH line AS MATERIALIZED (
        SELECT l.*, c.cell_id AS found
        FROM reconciliation_line l
        LEFT JOIN cell c ON c.item_id = l.item_id AND c.location_id = l.location_id
            AND c.lot IS NOT DISTINCT FROM l.lot AND c.disposition IS NOT DISTINCT FROM l.disposition
            AND c.owner IS NOT DISTINCT FROM l.owner
        WHERE l.reconciliation_id = list.reconciliation_id
    )
    SELECT l.line_no, l.item_id, l.location_id, l.lot, l.disposition, l.owner, l.counted, l.found, coalesce(q.quantity, 0)
    FROM line l
    LEFT JOIN as_of(
        ARRAY(SELECT x.found FROM line x WHERE x.found IS NOT NULL), list.observed_at, 9223372036854775807
    ) q ON q.cell_id = l.found;
END
$$;

-- A list in sums: how many lines differ, by how much that is worth, the first of them, and a hash of all, so that an
-- approver's yes is to these and no others.
CREATE OR REPLACE FUNCTION read_reconciliation(of_list bigint) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH list AS (
        SELECT r.*, currency_digits(book_currency(r.site_id)) AS digits
        FROM reconciliation r WHERE r.reconciliation_id = of_list AND sees_site(r.site_id)
    ), line AS MATERIALIZED (
        SELECT b.*, b.counted - b.book AS difference, k.cost, list.digits FROM reconciliation_books(of_list) b
        LEFT JOIN list ON true
        LEFT JOIN unit_costs(list.site_id, list.observed_at, 9223372036854775807) k ON k.item_id = b.item_id
    ), off AS MATERIALIZED (
        SELECT l.*, i.code AS item, p.code AS place FROM line l
        JOIN item i ON i.item_id = l.item_id JOIN location p ON p.location_id = l.location_id
        WHERE l.difference <> 0
    )
    SELECT jsonb_build_object(
        'lines', (SELECT count(*) FROM line), 'differing', (SELECT count(*) FROM off),
        'currency', book_currency(list.site_id),
        'value', (SELECT CASE WHEN bool_or(o.cost IS NULL) THEN NULL
            ELSE coalesce(sum(abs(round(o.difference * o.cost, o.digits))), 0)::text END FROM off o),
        'more', (SELECT coalesce(sum(round(o.difference * o.cost, o.digits)) FILTER (WHERE o.difference > 0), 0)::text FROM off o),
        'less', (SELECT coalesce(sum(round(o.difference * o.cost, o.digits)) FILTER (WHERE o.difference < 0), 0)::text FROM off o),
        'first', (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM (
            SELECT o.line_no AS line, o.item, o.place AS location, o.lot, o.book::text, o.counted::text,
                o.difference::text
            FROM off o ORDER BY abs(o.difference * o.cost) DESC NULLS FIRST, o.line_no LIMIT 20) f),
        'sha256', (SELECT encode(sha256(convert_to(coalesce(
            string_agg(o.line_no || ':' || o.difference, ' ' ORDER BY o.line_no), ''), 'UTF8')), 'hex') FROM off o))
    FROM list
$$;

-- Binds every listed cell to the list, in the open posting: what `adjust_to_count` does, in sets. The caller has made
-- the cells and holds their balances.
CREATE OR REPLACE FUNCTION bind_reconciliation(of_list bigint, why text, author_id text, approver_id text)
    RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    list   reconciliation;
    bound  integer;
    twice  record;
BEGIN
    SELECT * INTO list FROM reconciliation r WHERE r.reconciliation_id = of_list AND sees_site(r.site_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no reconciliation % at your sites', of_list USING ERRCODE = 'no_data_found';
    END IF;
    SELECT b.line_no, b.cell_id INTO twice FROM reconciliation_books(of_list) b
    JOIN count_anchor a ON a.cell_id = b.cell_id AND a.observed_at = list.observed_at LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line %: its cell is bound to a count observed at % already', twice.line_no, list.observed_at;
    END IF;
    INSERT INTO location (site_id, code, kind, posting_id)
    VALUES (list.site_id, '@adjustment', 'virtual', open_posting()) ON CONFLICT DO NOTHING;
    CREATE TEMP TABLE binding ON COMMIT DROP AS
    SELECT b.line_no, b.cell_id, b.item_id, b.lot, b.disposition, b.owner, b.counted, b.counted - b.book AS difference,
        NULL::bigint AS twin, NULL::bigint AS adjustment_id
    FROM reconciliation_books(of_list) b;
    ANALYZE binding;
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
        cell_id, observed_at, counted, adjustment_id, adjustment_cell_id, limit_quantity, adjusted, posting_id)
    SELECT b.cell_id, list.observed_at, b.counted, b.adjustment_id, b.twin, NULL, b.difference, open_posting()
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

REVOKE ALL ON FUNCTION reconciliation_books(bigint), read_reconciliation(bigint),
    bind_reconciliation(bigint, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reconciliation_books(bigint), read_reconciliation(bigint),
    bind_reconciliation(bigint, text, text, text) TO dockledger_app;
