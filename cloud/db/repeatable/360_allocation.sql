-- What allocation reads of documents and of the ledger.

-- Lines of outbound orders that have not left, in base units of the canonical item; with the visit that will take them.
-- A line whose name or unit is not known is not there: it is shown as such by the documents.
CREATE OR REPLACE FUNCTION lines_to_serve(sites text[])
    RETURNS TABLE (site text, type text, id text, line text, ordinal integer, item_id bigint, quantity numeric, lot text,
        unit text, partner text, due_at timestamptz, priority integer, visit text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.site_id, l.type, l.id, l.line, l.ordinal, c.canonical_id,
        round(l.quantity * u.numerator / u.denominator * c.numerator / c.denominator, 6), l.lot, l.unit, d.partner,
        v.from_at, 5, v.visit
    FROM document d
    JOIN document_line l ON (l.site_id, l.type, l.id) = (d.site_id, d.type, d.id)
    CROSS JOIN LATERAL (
        SELECT n.item_id FROM identifier n
        WHERE (n.scheme, n.value) = (l.identifier_scheme, l.identifier) ORDER BY n.valid_from DESC LIMIT 1) n
    JOIN canonical_item c ON c.item_id = n.item_id
    CROSS JOIN LATERAL (
        SELECT 1::bigint AS numerator, 1::bigint AS denominator WHERE l.unit_seen = 'base'
        UNION ALL (
        SELECT x.numerator, x.denominator FROM identifier x
        WHERE x.value = l.unit_seen AND x.item_id = n.item_id ORDER BY x.valid_from DESC LIMIT 1)) u
    LEFT JOIN LATERAL (
        SELECT w.visit, w.from_at FROM visit_document t
        JOIN visit w ON (w.site_id, w.visit) = (t.site_id, t.visit) AND w.direction = 'outbound' AND w.state = 'open'
        WHERE (t.site_id, t.type, t.id) = (d.site_id, d.type, d.id)
        ORDER BY w.from_at, w.visit LIMIT 1) v ON true
    WHERE d.type = 'outbound_order' AND (sites IS NULL OR d.site_id = ANY (sites)) AND sees_site(d.site_id)
        AND NOT EXISTS (SELECT FROM claim k WHERE k.kind = 'document_line'
            AND k.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line)
$$;

-- ASNs that have not been received, with the visit that brings them.
CREATE OR REPLACE FUNCTION lines_to_come(sites text[])
    RETURNS TABLE (site text, type text, id text, line text, item_id bigint, quantity numeric, due_at timestamptz, partner text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.site_id, l.type, l.id, l.line, c.canonical_id,
        round(l.quantity * u.numerator / u.denominator * c.numerator / c.denominator, 6), v.from_at, d.partner
    FROM document d
    JOIN document_line l ON (l.site_id, l.type, l.id) = (d.site_id, d.type, d.id)
    CROSS JOIN LATERAL (
        SELECT n.item_id FROM identifier n
        WHERE (n.scheme, n.value) = (l.identifier_scheme, l.identifier) ORDER BY n.valid_from DESC LIMIT 1) n
    JOIN canonical_item c ON c.item_id = n.item_id
    CROSS JOIN LATERAL (
        SELECT 1::bigint AS numerator, 1::bigint AS denominator WHERE l.unit_seen = 'base'
        UNION ALL (
        SELECT x.numerator, x.denominator FROM identifier x
        WHERE x.value = l.unit_seen AND x.item_id = n.item_id ORDER BY x.valid_from DESC LIMIT 1)) u
    LEFT JOIN LATERAL (
        SELECT w.from_at FROM visit_document t
        JOIN visit w ON (w.site_id, w.visit) = (t.site_id, t.visit) AND w.direction = 'inbound' AND w.state = 'open'
        WHERE (t.site_id, t.type, t.id) = (d.site_id, d.type, d.id)
        ORDER BY w.from_at, w.visit LIMIT 1) v ON true
    WHERE d.type = 'asn' AND (sites IS NULL OR d.site_id = ANY (sites)) AND sees_site(d.site_id)
        AND NOT EXISTS (SELECT FROM claim k WHERE k.kind = 'document_line'
            AND k.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line)
$$;

-- What cells of a site can still give, in base units of the canonical item: goods that may leave, in bins and in units
-- that stand there, less what is claimed of them and what a pick has put there that no claim tells of yet.
CREATE OR REPLACE FUNCTION cells_to_claim(of_site text, items bigint[], shippable text[])
    RETURNS TABLE (cell_id bigint, item_id bigint, held numeric, claimed numeric, free numeric, location text, unit text,
        lot text, owner text, expires_on date, is_pick_face boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH held AS (
        SELECT c.cell_id, a.canonical_id AS item_id, l.code, l.kind = 'unit' AS is_unit, c.lot, c.owner,
            b.quantity * a.numerator / a.denominator AS quantity
        FROM canonical_item a
        JOIN cell c ON c.item_id = a.item_id
        JOIN balance b ON b.cell_id = c.cell_id
        JOIN location l ON l.location_id = c.location_id
        WHERE a.canonical_id = ANY (items) AND l.kind <> 'virtual' AND (c.site_id = of_site OR l.kind = 'unit')
            AND coalesce(c.disposition, 'sellable') = ANY (shippable) AND sees_site(of_site)
            AND (b.quantity <> 0 OR EXISTS (SELECT FROM allocation k WHERE k.cell_id = c.cell_id AND k.ended_at IS NULL))
    ), stands AS (
        SELECT w.unit, w.site, w.location, w.is_virtual
        FROM where_units_stand(ARRAY(SELECT DISTINCT h.code FROM held h WHERE h.is_unit)) w
    )
    SELECT h.cell_id, h.item_id, round(h.quantity, 6), coalesce(k.quantity, 0),
        round(h.quantity - coalesce(k.quantity, 0), 6), coalesce(s.location, h.code), CASE WHEN h.is_unit THEN h.code END,
        h.lot, h.owner, t.expires_on, false
    FROM held h
    LEFT JOIN stands s ON h.is_unit AND s.unit = h.code
    LEFT JOIN lot t ON t.item_id = h.item_id AND t.lot = h.lot
    LEFT JOIN LATERAL (
        SELECT sum(x.quantity) AS quantity FROM allocation x WHERE x.cell_id = h.cell_id AND x.ended_at IS NULL) k ON true
    WHERE NOT h.is_unit OR (s.site = of_site AND NOT s.is_virtual)
$$;

-- Stock by site and item: what lies there, what of it may leave and is good then, what is claimed and how far, what is on
-- its way out to another site, and what nobody has claimed; below zero where more is claimed than there is.
CREATE OR REPLACE FUNCTION stock_available(sites text[], of_item text, shippable text[], at timestamptz, after_site text,
    after_item text, most integer)
    RETURNS TABLE (site text, item text, name text, base_unit text, item_id bigint, on_hand numeric, usable numeric,
        soft numeric, hard numeric, picked numeric, in_transit numeric, available numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH held AS (
        SELECT c.site_id, l.kind, l.code, a.canonical_id AS item_id, c.lot, c.disposition,
            b.quantity * a.numerator / a.denominator AS quantity
        FROM balance b
        JOIN cell c ON c.cell_id = b.cell_id
        JOIN location l ON l.location_id = c.location_id
        JOIN canonical_item a ON a.item_id = c.item_id
        JOIN item i ON i.item_id = a.canonical_id
        WHERE b.quantity <> 0 AND (of_item IS NULL OR i.code = of_item)
            AND (l.kind <> 'virtual' OR l.code = '@transit')
            AND (sites IS NULL OR l.kind = 'unit' OR c.site_id = ANY (sites))
    ), stands AS (
        SELECT w.unit, w.site, w.is_virtual
        FROM where_units_stand(ARRAY(SELECT DISTINCT h.code FROM held h WHERE h.kind = 'unit')) w
    ), placed AS (
        SELECT coalesce(s.site, h.site_id) AS site_id, h.item_id, h.quantity, h.kind = 'virtual' AS is_transit,
            coalesce(h.disposition, 'sellable') = ANY (shippable)
                AND coalesce(t.expires_on > (at AT TIME ZONE z.time_zone)::date, true) AS is_usable
        FROM held h
        LEFT JOIN stands s ON h.kind = 'unit' AND s.unit = h.code
        LEFT JOIN lot t ON t.item_id = h.item_id AND t.lot = h.lot
        JOIN site z ON z.site_id = coalesce(s.site, h.site_id)
        WHERE NOT coalesce(s.is_virtual, false) AND sees_site(z.site_id) AND (sites IS NULL OR z.site_id = ANY (sites))
    ), stock AS (
        SELECT p.site_id, p.item_id, sum(p.quantity) FILTER (WHERE NOT p.is_transit) AS on_hand,
            sum(p.quantity) FILTER (WHERE p.is_usable AND NOT p.is_transit) AS usable,
            sum(p.quantity) FILTER (WHERE p.is_transit) AS in_transit
        FROM placed p GROUP BY p.site_id, p.item_id
    ), claimed AS (
        SELECT k.site_id, k.item_id, sum(k.quantity) FILTER (WHERE k.kind = 'soft') AS soft,
            sum(k.quantity) FILTER (WHERE k.kind = 'hard') AS hard, sum(k.quantity) FILTER (WHERE k.kind = 'picked') AS picked
        FROM allocation k
        WHERE k.ended_at IS NULL AND sees_site(k.site_id) AND (sites IS NULL OR k.site_id = ANY (sites))
        GROUP BY k.site_id, k.item_id
    )
    SELECT site_id, i.code, i.name, i.base_unit, i.item_id, round(coalesce(s.on_hand, 0), 6), round(coalesce(s.usable, 0), 6),
        coalesce(k.soft, 0), coalesce(k.hard, 0), coalesce(k.picked, 0), round(coalesce(s.in_transit, 0), 6),
        round(coalesce(s.usable, 0) - coalesce(k.soft, 0) - coalesce(k.hard, 0) - coalesce(k.picked, 0), 6)
    FROM stock s
    FULL JOIN claimed k USING (site_id, item_id)
    JOIN item i USING (item_id)
    WHERE (of_item IS NULL OR i.code = of_item) AND (site_id, i.code) > (after_site, after_item)
    ORDER BY site_id, i.code
    LIMIT most
$$;

REVOKE ALL ON FUNCTION cells_to_claim(text, bigint[], text[]),
    stock_available(text[], text, text[], timestamptz, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cells_to_claim(text, bigint[], text[]),
    stock_available(text[], text, text[], timestamptz, text, text, integer) TO dockledger_app;
REVOKE ALL ON FUNCTION lines_to_serve(text[]), lines_to_come(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lines_to_serve(text[]), lines_to_come(text[]) TO dockledger_app;
