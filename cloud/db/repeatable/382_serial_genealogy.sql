-- Serials through what was made of them and what they were made of (DOMAIN D6), and where each is. All functions show the
-- sites that the session named.

DROP FUNCTION IF EXISTS serial_links(text[], bigint[], text[], boolean);
DROP FUNCTION IF EXISTS serials_stand(text[]);
DROP FUNCTION IF EXISTS serials_of_movement(movement);
DROP FUNCTION IF EXISTS serials_named(jsonb, text, text);

-- The serials that a movement or a counted line names, each once.
CREATE FUNCTION serials_named(detail jsonb, scheme text, identifier text) RETURNS TABLE (serial text)
    LANGUAGE sql IMMUTABLE AS $$
    SELECT DISTINCT e.serial
    FROM jsonb_array_elements_text(coalesce(detail -> 'epcs', '[]')
        || CASE WHEN scheme = 'sgtin' THEN to_jsonb(identifier) ELSE '[]' END) e (serial)
$$;

-- Transformations that consumed (or made) serials and lots, with everything that each consumed and made: serials one by one,
-- all else by lot.
CREATE FUNCTION serial_links(serials text[], items bigint[], lots text[], consumed boolean)
    RETURNS TABLE (site text, type text, id text, is_input boolean, item_id bigint, item text, base_unit text, lot text,
        quantity numeric, first_at timestamptz, last_at timestamptz, time_zone text, serial text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off AS $$
    WITH named AS MATERIALIZED (
        SELECT DISTINCT m.site_id AS site, k.type, k.id
        FROM movements_of_serials(serials) m
        JOIN cell c ON c.cell_id = CASE WHEN consumed THEN m.to_cell ELSE m.from_cell END
        JOIN location l ON l.location_id = c.location_id AND l.kind = 'virtual' AND l.code = '@transformation'
        CROSS JOIN LATERAL transformation_of(m) k
        WHERE m.reverses_seq IS NULL AND NOT is_reversed(m) AND sees_site(m.site_id)
        UNION
        SELECT t.site, t.type, t.id
        FROM transformations_of_lots(items, lots, array_fill(consumed, ARRAY[cardinality(items)])) t
    ), stated AS (
        SELECT n.*, m.whole
        FROM named n
        CROSS JOIN LATERAL (
            SELECT x AS whole FROM movement x
            WHERE n.type <> 'posting' AND x.detail @? '$.documents[*].line' AND x.site_id = n.site
                AND x.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', n.type, 'id', n.id))
            UNION ALL
            SELECT x FROM movement x
            WHERE n.type = 'posting' AND x.posting_id = n.id::bigint AND x.site_id = n.site) m
        WHERE (m.whole).reverses_seq IS NULL AND NOT coalesce((m.whole).detail ? 'inferred', false) AND NOT is_reversed(m.whole)
    ), one AS MATERIALIZED (
        SELECT s.site, s.type, s.id, tl.code = '@transformation' AS is_input, n.canonical_id AS item_id,
            coalesce(tc.lot, fc.lot) AS lot, (s.whole).occurred_at, e.name AS serial
        FROM stated s
        JOIN cell fc ON fc.cell_id = (s.whole).from_cell JOIN location fl ON fl.location_id = fc.location_id
        JOIN cell tc ON tc.cell_id = (s.whole).to_cell JOIN location tl ON tl.location_id = tc.location_id
        JOIN canonical_item n ON n.item_id = (s.whole).item_id
        CROSS JOIN LATERAL serials_named((s.whole).detail, (s.whole).identifier_scheme, (s.whole).identifier) e (name)
        WHERE (fl.code = '@transformation') <> (tl.code = '@transformation')
    ), counted AS (
        SELECT o.site, o.type, o.id, o.is_input, o.item_id, count(*) AS serials FROM one o GROUP BY 1, 2, 3, 4, 5
    ), by_lot AS MATERIALIZED (
        SELECT l.*, sum(l.quantity) OVER (PARTITION BY l.site, l.type, l.id, l.is_input, l.item_id) AS whole
        FROM (SELECT array_agg(n.site) AS sites, array_agg(n.type) AS types, array_agg(n.id) AS ids FROM named n) x
        CROSS JOIN LATERAL links_of_transformations(x.sites, x.types, x.ids) l
    )
    SELECT o.site, o.type, o.id, o.is_input, o.item_id, i.code, i.base_unit, max(o.lot), 1::numeric, min(o.occurred_at),
        max(o.occurred_at), z.time_zone, o.serial
    FROM one o
    JOIN item i ON i.item_id = o.item_id
    JOIN site z ON z.site_id = o.site
    GROUP BY o.site, o.type, o.id, o.is_input, o.item_id, i.code, i.base_unit, z.time_zone, o.serial
    UNION ALL
    SELECT l.site, l.type, l.id, l.is_input, l.item_id, l.item, l.base_unit, l.lot, l.quantity, l.first_at, l.last_at,
        l.time_zone, NULL
    FROM by_lot l
    WHERE NOT EXISTS (
        SELECT FROM counted c WHERE (c.site, c.type, c.id, c.is_input, c.item_id)
            = (l.site, l.type, l.id, l.is_input, l.item_id) AND c.serials >= l.whole)
    ORDER BY 1, 2, 3, 4 DESC, 6, 8, 13
$$;

-- Where serials are: the place or unit that the last movement of each put it into, where that unit stands, and to whom it
-- went, by itself or with its unit.
CREATE FUNCTION serials_stand(serials text[])
    RETURNS TABLE (serial text, site text, time_zone text, item text, lot text, place text, place_kind text, stands text,
        disposition text, since_at timestamptz, partner text, papers text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH last AS MATERIALIZED (
        SELECT n.name, m.whole
        FROM unnest(serials) n (name)
        CROSS JOIN LATERAL (
            SELECT x AS whole FROM movements_of_serials(ARRAY[n.name]) x JOIN ledger_entry e ON e.posting_id = x.posting_id
            WHERE x.reverses_seq IS NULL AND NOT is_reversed(x)
            ORDER BY x.occurred_at DESC, e.position DESC, x.gateway_id DESC, x.seq DESC LIMIT 1) m
    ), lying AS MATERIALIZED (
        SELECT a.name, a.whole, c.cell_id, c.item_id, c.lot, c.disposition, c.site_id, l.location_id, l.code, l.kind
        FROM last a JOIN cell c ON c.cell_id = (a.whole).to_cell JOIN location l ON l.location_id = c.location_id
    ), standing AS MATERIALIZED (
        SELECT w.unit, w.site, w.location
        FROM units_stand(ARRAY(SELECT DISTINCT y.code FROM lying y WHERE y.kind = 'unit')) w
    ), gone AS (
        SELECT y.name, CASE WHEN y.code = '@customer' THEN y.whole ELSE (
            SELECT x FROM cell u
            JOIN movement x ON x.item_id = u.item_id AND x.from_cell = u.cell_id AND x.occurred_at >= (y.whole).occurred_at
            JOIN cell t ON t.cell_id = x.to_cell JOIN location g ON g.location_id = t.location_id AND g.code = '@customer'
            WHERE y.kind = 'unit' AND u.location_id = y.location_id AND u.item_id = y.item_id
                AND x.reverses_seq IS NULL AND NOT is_reversed(x)
            ORDER BY x.occurred_at, x.gateway_id, x.epoch, x.seq LIMIT 1) END AS whole
        FROM lying y
    )
    SELECT y.name, coalesce(s.site, y.site_id), z.time_zone, i.code, y.lot,
        y.code, y.kind, s.location, y.disposition, (y.whole).occurred_at, (
            SELECT min(p.partner) FROM jsonb_array_elements(coalesce((g.whole).detail -> 'documents', '[]')) d
            JOIN document p ON (p.site_id, p.type, p.id) = ((g.whole).site_id, d ->> 'type', d ->> 'id')), (
            SELECT string_agg(DISTINCT (d ->> 'type') || ' ' || (d ->> 'id'), ', ')
            FROM jsonb_array_elements(coalesce((g.whole).detail -> 'documents', '[]')) d)
    FROM lying y
    JOIN gone g ON g.name = y.name
    JOIN canonical_item n ON n.item_id = y.item_id
    JOIN item i ON i.item_id = n.canonical_id
    LEFT JOIN standing s ON y.kind = 'unit' AND s.unit = y.code
    JOIN site z ON z.site_id = coalesce(s.site, y.site_id)
    WHERE sees_site(z.site_id)
    ORDER BY y.name
$$;

REVOKE ALL ON FUNCTION serials_named(jsonb, text, text), serial_links(text[], bigint[], text[], boolean),
    serials_stand(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION serial_links(text[], bigint[], text[], boolean), serials_stand(text[]) TO dockledger_app;
