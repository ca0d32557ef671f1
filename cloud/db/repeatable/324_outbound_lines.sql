-- What outbound orders ask for, and what of it did not leave: demand that documents and the ledger tell (D9, D10).
-- `item` is NULL where the line's name names no item; `quantity` is in base units, NULL where its unit has no known ratio.
-- A line has left once a departure has posted it; it is short once a visit that was to take it was closed without.
-- Loose goods leave as declared: what crossed short of that stays in the door's clearing account, and is not told here.
CREATE OR REPLACE FUNCTION pub_outbound_lines(sites text[], from_at timestamptz, after_id text, until_at timestamptz,
    most integer)
    RETURNS TABLE (site text, document text, line text, item text, identifier_scheme text, identifier text,
        quantity numeric, ordered_at timestamptz, has_left boolean, short_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH orders AS (
        SELECT d.site_id, d.id, d.created_at FROM document d
        WHERE d.type = 'outbound_order' AND d.site_id = ANY (sites) AND (d.created_at, d.id) > (from_at, after_id)
            AND d.created_at < until_at AND sees_site(d.site_id)
        ORDER BY d.created_at, d.id
        LIMIT most
    )
    SELECT o.site_id, o.id, l.line, i.code, l.identifier_scheme, l.identifier,
        CASE WHEN l.unit_seen = 'base' THEN l.quantity ELSE l.quantity * u.numerator / u.denominator END,
        o.created_at, c.target IS NOT NULL, CASE WHEN c.target IS NULL THEN v.ended_at END
    FROM orders o
    JOIN document_line l ON (l.site_id, l.type, l.id) = (o.site_id, 'outbound_order', o.id)
    LEFT JOIN LATERAL (
        SELECT n.item_id FROM identifier n
        WHERE (n.scheme, n.value) = (l.identifier_scheme, l.identifier) AND n.valid_from <= o.created_at
        ORDER BY n.valid_from DESC LIMIT 1) n ON true
    LEFT JOIN item i ON i.item_id = n.item_id
    LEFT JOIN LATERAL (
        SELECT x.numerator, x.denominator FROM identifier x
        WHERE x.value = l.unit_seen AND x.item_id = n.item_id AND x.valid_from <= o.created_at
        ORDER BY x.valid_from DESC LIMIT 1) u ON true
    LEFT JOIN claim c ON c.kind = 'document_line' AND c.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line
    LEFT JOIN LATERAL (
        SELECT max(w.ended_at) AS ended_at FROM visit_document t
        JOIN visit w ON (w.site_id, w.visit) = (t.site_id, t.visit) AND w.direction = 'outbound' AND w.state = 'closed'
        WHERE (t.site_id, t.type, t.id) = (o.site_id, 'outbound_order', o.id)) v ON true
    ORDER BY o.created_at, o.id, l.ordinal
$$;
REVOKE ALL ON FUNCTION pub_outbound_lines(text[], timestamptz, text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pub_outbound_lines(text[], timestamptz, text, timestamptz, integer) TO dockledger_app;
