-- What doors are to expect of loose lines of their visits' documents (PROTOCOL P10): what is open of each, with what came or left with the
-- visit itself, for a door counts on what it has seen of a visit. In base units; NULL: its unit has no known ratio.
DROP FUNCTION IF EXISTS expected_of_visits(text, text[]);
DROP FUNCTION IF EXISTS gateways_of_visits(timestamptz, timestamptz);
DROP FUNCTION IF EXISTS keep_visits_followed(bigint, timestamptz, bigint);
CREATE FUNCTION expected_of_visits(of_site text, visits text[])
    RETURNS TABLE (visit text, type text, id text, line text, numerator bigint, denominator bigint, expected numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH named AS MATERIALIZED (
        SELECT v.visit, v.direction, v.clearing_account, d.type, d.id
        FROM visit v JOIN visit_document d ON (d.site_id, d.visit) = (v.site_id, v.visit)
        WHERE v.site_id = of_site AND v.visit = ANY (expected_of_visits.visits)
    ), paper AS MATERIALIZED (
        SELECT n.type, array_agg(DISTINCT n.id) AS ids FROM named n GROUP BY n.type
    ), through AS MATERIALIZED (
        SELECT jsonb_object_agg(t.name, t.quantity) AS quantities
        FROM (
            SELECT n.visit || '/' || n.type || '/' || m.id || '/' || m.line AS name,
                sum(CASE WHEN (m.to_code = n.clearing_account) = (n.direction = 'inbound') THEN m.quantity ELSE -m.quantity END) AS quantity
            FROM paper p
            CROSS JOIN LATERAL moves_naming_lines(ARRAY[of_site], p.type, p.ids, false, NULL) m
            JOIN named n ON (n.type, n.id) = (p.type, m.id) AND n.clearing_account IN (m.from_code, m.to_code)
            WHERE m.from_place = 'virtual' AND m.to_place = 'virtual'
            GROUP BY 1) t
    )
    SELECT n.visit, n.type, l.id, l.line, l.numerator, l.denominator,
        CASE WHEN l.is_ended THEN 0 ELSE greatest(l.ordered - l.moved, 0) END
            + coalesce((t.quantities ->> (n.visit || '/' || n.type || '/' || l.id || '/' || l.line))::numeric, 0)
    FROM paper p
    CROSS JOIN LATERAL lines_now(ARRAY[of_site], p.type, p.ids, true, NULL) l
    JOIN named n ON (n.type, n.id) = (p.type, l.id)
    CROSS JOIN through t
    WHERE l.unit IS NULL
$$;
REVOKE ALL ON FUNCTION expected_of_visits(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expected_of_visits(text, text[]) TO dockledger_app, dockledger_ingest;

-- Gateways of open visits of whose documents something was posted or said since they were looked at, or of an ASN that delivers
-- such an order: only of these it can be other than they were told. After a stretch of very much, or where names of goods changed, all are. The first row says up to where that is.
CREATE FUNCTION gateways_of_visits(begins_by timestamptz, ends_from timestamptz)
    RETURNS TABLE (site text, gateway text, up_to bigint, said_at timestamptz, named bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    most CONSTANT bigint := 20000;
    head visits_head;
BEGIN
    SELECT * INTO head FROM visits_head;
    SELECT h.position, clock_timestamp(), r.revision INTO up_to, said_at, named
    FROM ledger_head h, master_revision r WHERE h.shard = 0;
    RETURN NEXT;
    RETURN QUERY
    WITH posted AS MATERIALIZED (
        SELECT e.posting_id FROM ledger_entry e
        WHERE e.position > head.position AND e.position <= up_to AND up_to - head.position <= most
    ), told AS MATERIALIZED (
        SELECT m.site_id, m.detail FROM posted p JOIN movement m ON m.posting_id = p.posting_id
        UNION ALL
        SELECT m.site_id, m.detail
        FROM posted p
        JOIN claim x ON x.posting_id = p.posting_id AND x.kind = 'reversal'
        JOIN gateway g ON g.name = split_part(x.target, '/', 1)
        JOIN movement m ON m.gateway_id = g.gateway_id AND m.epoch = ('x' || split_part(x.target, '/', 2))::bit(64)::bigint
            AND m.seq = split_part(x.target, '/', 3)::bigint
    ), news AS MATERIALIZED (
        SELECT DISTINCT t.site_id, d ->> 'id' AS id
        FROM told t CROSS JOIN LATERAL jsonb_array_elements(t.detail -> 'documents') d
        UNION SELECT e.site_id, e.id FROM document_line_end e WHERE e.ended_at >= head.since
        UNION SELECT e.site_id, e.id
        FROM document_line_reopening o JOIN document_line_end e ON e.end_id = o.end_id WHERE o.reopened_at >= head.since
        UNION SELECT x.site_id, x.id FROM purchase_order_terms x WHERE x.since >= head.since
        UNION SELECT x.site_id, x.id FROM document x WHERE x.created_at >= head.since
    ), concerned AS MATERIALIZED (
        SELECT n.site_id, n.id FROM news n
        UNION SELECT l.site_id, l.order_id
        FROM news n JOIN document_line l ON (l.site_id, l.type, l.id) = (n.site_id, 'asn', n.id) WHERE l.order_id IS NOT NULL
    ), every AS MATERIALIZED (
        SELECT head.position IS NULL OR up_to - head.position > most OR named <> head.revision
            OR EXISTS (SELECT FROM posted p JOIN item_alias a ON a.posting_id = p.posting_id) AS is_looked_at
    )
    SELECT DISTINCT g.site_id, g.name, NULL::bigint, NULL::timestamptz, NULL::bigint
    FROM visit v
    JOIN portal p ON (p.site_id, p.portal) = (v.site_id, v.door)
    JOIN gateway g ON g.gateway_id = p.gateway_id
    WHERE v.state = 'open' AND v.from_at <= begins_by AND coalesce(v.to_at >= ends_from, true)
        AND ((SELECT e.is_looked_at FROM every e) OR EXISTS (
            SELECT FROM visit_document d JOIN concerned n ON (n.site_id, n.id) = (d.site_id, d.id)
            WHERE (d.site_id, d.visit) = (v.site_id, v.visit)))
    ORDER BY g.site_id, g.name;
END
$$;

-- Notes up to where gateways were told of what was posted and said.
CREATE FUNCTION keep_visits_followed(up_to bigint, said_at timestamptz, named bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE visits_head SET position = last_position, since = last_since, revision = last_revision,
        last_position = up_to, last_since = said_at, last_revision = named
$$;
REVOKE ALL ON FUNCTION gateways_of_visits(timestamptz, timestamptz), keep_visits_followed(bigint, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateways_of_visits(timestamptz, timestamptz), keep_visits_followed(bigint, timestamptz, bigint)
    TO dockledger_app;
