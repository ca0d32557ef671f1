-- What doors are to expect of loose lines of their visits' documents (PROTOCOL P10): what is open of each, with what came or left with the
-- visit itself, for a door counts on what it has seen of a visit. In base units; NULL: its unit has no known ratio.
DROP FUNCTION IF EXISTS expected_of_visits(text, text[]);
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
