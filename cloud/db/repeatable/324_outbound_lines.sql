-- What outbound orders ask for, and what of it did not leave: demand that documents and the ledger tell (D9, D10).
-- `item` is NULL where the line's name names no item; `quantity` is in base units, NULL where its unit has no known ratio.
-- A name means what it meant when the order was registered; one that was registered later, what it meant first.
-- A line has left once departures have taken it whole, and until one of them is taken back; `departed` is what they took
-- of it. What is left of it is short once a visit that was to take it was closed without, or the line was closed short; not
-- if the customer did not want it any more. Only shipments take a part: what the ledger knows of those is asked of lines
-- that nothing has claimed as whole, or that were opened again.
-- Loose goods leave as declared: what crossed short of that stays in the door's clearing account, and is not told here.
DROP FUNCTION IF EXISTS pub_outbound_lines(text[], timestamptz, text, timestamptz, integer);
DROP FUNCTION IF EXISTS outbound_lines_of(text, text[]);
CREATE FUNCTION outbound_lines_of(site text, ids text[])
    RETURNS TABLE (document text, line text, ordinal integer, item text, identifier_scheme text, identifier text,
        quantity numeric, ordered_at timestamptz, has_left boolean, departed numeric, short numeric, short_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH shipped AS MATERIALIZED (
        SELECT DISTINCT k.of_id, k.of_line
        FROM shipment_line k
        WHERE k.site_id = site AND k.of_type = 'outbound_order' AND k.of_id = ANY (ids)
            AND NOT EXISTS (SELECT FROM claim c WHERE c.kind = 'document_line'
                AND c.target = k.site_id || '/' || k.of_type || '/' || k.of_id || '/' || k.of_line)
        UNION
        SELECT a.id, a.line FROM document_line_open_again a
        WHERE a.site_id = site AND a.type = 'outbound_order' AND a.id = ANY (ids)
    ), moved AS MATERIALIZED (
        SELECT n.id, n.line, n.moved, n.ordered
        FROM (SELECT array_agg(DISTINCT k.of_id) AS ids FROM shipped k) x
        CROSS JOIN LATERAL document_lines_now(ARRAY[site], 'outbound_order', x.ids) n
        JOIN shipped k ON (k.of_id, k.of_line) = (n.id, n.line)
        WHERE n.ordered > 0
    )
    SELECT o.id, l.line, l.ordinal, i.code, l.identifier_scheme, l.identifier, q.quantity, o.created_at,
        d.moved = d.ordered, q.quantity * d.moved / d.ordered,
        CASE WHEN ended.at IS NULL THEN 0 ELSE q.quantity - q.quantity * d.moved / d.ordered END,
        CASE WHEN d.moved < d.ordered THEN ended.at END
    FROM document o
    JOIN document_line l ON (l.site_id, l.type, l.id) = (o.site_id, o.type, o.id)
    LEFT JOIN LATERAL (
        SELECT n.item_id FROM identifier n
        WHERE (n.scheme, n.value) = (l.identifier_scheme, l.identifier)
        ORDER BY n.valid_from <= o.created_at DESC,
            CASE WHEN n.valid_from <= o.created_at THEN n.valid_from END DESC, n.valid_from
        LIMIT 1) n ON true
    LEFT JOIN item i ON i.item_id = n.item_id
    LEFT JOIN LATERAL (
        SELECT x.numerator, x.denominator FROM identifier x
        WHERE x.value = l.unit_seen AND x.item_id = n.item_id
        ORDER BY x.valid_from <= o.created_at DESC,
            CASE WHEN x.valid_from <= o.created_at THEN x.valid_from END DESC, x.valid_from
        LIMIT 1) u ON true
    LEFT JOIN claim c ON c.kind = 'document_line' AND c.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line
    LEFT JOIN LATERAL (
        SELECT max(w.ended_at) AS ended_at FROM visit_document t
        JOIN visit w ON (w.site_id, w.visit) = (t.site_id, t.visit) AND w.direction = 'outbound' AND w.state = 'closed'
        WHERE (t.site_id, t.type, t.id) = (o.site_id, o.type, o.id)) v ON true
    LEFT JOIN document_line_end_now e ON (e.site_id, e.type, e.id, e.line) = (l.site_id, l.type, l.id, l.line)
    LEFT JOIN moved m ON (m.id, m.line) = (l.id, l.line)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN l.unit_seen = 'base' THEN l.quantity ELSE l.quantity * u.numerator / u.denominator END) q (quantity)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN m.line IS NOT NULL THEN least(greatest(m.moved, 0), m.ordered)
            WHEN c.target IS NOT NULL THEN 1 ELSE 0 END, coalesce(m.ordered, 1)) d (moved, ordered)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN e.reason IS DISTINCT FROM 'customer_cancelled' THEN coalesce(e.ended_at, v.ended_at) END) ended (at)
    WHERE o.site_id = site AND o.type = 'outbound_order' AND o.id = ANY (ids) AND sees_site(o.site_id)
$$;

CREATE FUNCTION pub_outbound_lines(sites text[], from_at timestamptz, after_id text, until_at timestamptz,
    most integer)
    RETURNS TABLE (site text, document text, line text, item text, identifier_scheme text, identifier text,
        quantity numeric, ordered_at timestamptz, has_left boolean, departed numeric, short numeric, short_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH orders AS (
        SELECT d.site_id, d.id FROM document d
        WHERE d.type = 'outbound_order' AND d.site_id = ANY (sites) AND (d.created_at, d.id) > (from_at, after_id)
            AND d.created_at < until_at AND sees_site(d.site_id)
        ORDER BY d.created_at, d.id
        LIMIT most
    )
    SELECT o.site_id, l.document, l.line, l.item, l.identifier_scheme, l.identifier, l.quantity, l.ordered_at, l.has_left,
        l.departed, l.short, l.short_at
    FROM (SELECT x.site_id, array_agg(x.id) AS ids FROM orders x GROUP BY x.site_id) o
    CROSS JOIN LATERAL outbound_lines_of(o.site_id, o.ids) l
    ORDER BY l.ordered_at, l.document, l.ordinal
$$;
REVOKE ALL ON FUNCTION outbound_lines_of(text, text[]),
    pub_outbound_lines(text[], timestamptz, text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbound_lines_of(text, text[]),
    pub_outbound_lines(text[], timestamptz, text, timestamptz, integer) TO dockledger_app;
