-- What the resolver reads (DOMAIN D6): which items have something to resolve, their movements with everything that tells of
-- them, what has been inferred of each already. For a job with all sites.

DROP FUNCTION IF EXISTS resolver_mark(integer);
DROP FUNCTION IF EXISTS resolver_mark_papers(timestamptz);
DROP FUNCTION IF EXISTS resolver_mark_dates();
DROP FUNCTION IF EXISTS resolver_facts(bigint, timestamptz, integer);
DROP FUNCTION IF EXISTS resolver_posted(bigint, timestamptz, timestamptz);
DROP FUNCTION IF EXISTS resolver_state(bigint, bigint[], timestamptz);
DROP FUNCTION IF EXISTS resolver_firsts(bigint, text[], timestamptz);
DROP FUNCTION IF EXISTS resolver_receipts(bigint, bigint[], timestamptz, timestamptz);
DROP FUNCTION IF EXISTS resolver_ready(bigint);
DROP FUNCTION IF EXISTS serial_lots(text[]);
DROP FUNCTION IF EXISTS unstated_stock(text[], text, bigint, integer);

-- Lots that somebody stated of serials, wherever that was, and did not take back.
CREATE FUNCTION serial_lots(serials text[]) RETURNS TABLE (serial text, lot text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT DISTINCT s.serial, x.lot
    FROM unnest(serials) s (serial)
    CROSS JOIN LATERAL (
        SELECT m.from_cell, m.to_cell FROM movement m
        WHERE m.identifier_scheme = 'sgtin' AND m.identifier = s.serial AND NOT m.detail ? 'inferred'
            AND m.reverses_seq IS NULL AND NOT is_reversed(m)
        UNION ALL
        SELECT m.from_cell, m.to_cell FROM movement m
        WHERE m.detail ? 'epcs' AND NOT (m.identifier_scheme = 'sgtin' AND jsonb_array_length(m.detail -> 'epcs') = 1
                AND m.detail -> 'epcs' ->> 0 = m.identifier)
            AND m.detail -> 'epcs' @> jsonb_build_array(s.serial) AND NOT m.detail ? 'inferred'
            AND m.reverses_seq IS NULL AND NOT is_reversed(m)
    ) m
    CROSS JOIN LATERAL (
        SELECT c.lot FROM cell c WHERE c.cell_id IN (m.from_cell, m.to_cell) AND c.lot IS NOT NULL AND c.lot <> 'unspecified') x
$$;

-- Notes from when on each item must be looked at, by what was posted since the last time. Only items that have lots to
-- know, or goods of several owners.
CREATE FUNCTION resolver_mark(most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at bigint;
    stop_at  bigint;
BEGIN
    SELECT h.position INTO start_at FROM resolver_head h FOR UPDATE;
    PERFORM note_reach();
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    IF NOT EXISTS (SELECT FROM item i WHERE i.is_lot_controlled) AND NOT EXISTS (SELECT FROM cell c WHERE c.owner IS NOT NULL) THEN
        UPDATE resolver_head r SET position = h.position FROM ledger_head h WHERE h.shard = 0 AND r.position < h.position;
        RETURN 0;
    END IF;
    IF stop_at <= start_at THEN
        RETURN 0;
    END IF;
    INSERT INTO resolver_due AS d (item_id, site_id, from_at)
    SELECT x.item_id, x.site_id, min(x.from_at)
    FROM (
        SELECT m.item_id, m.site_id, least(m.occurred_at, o.occurred_at,
            -- what comes into a dock account tells of what left it; taken back, it tells no more
            CASE WHEN t.code LIKE '@clearing%' AND c.lot IS NOT NULL THEN m.occurred_at - INTERVAL '1 day' END) AS from_at
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        JOIN item i ON i.item_id = m.item_id
        JOIN cell c ON c.cell_id = CASE WHEN m.reverses_seq IS NULL THEN m.to_cell ELSE m.from_cell END
        JOIN location t ON t.location_id = c.location_id
        LEFT JOIN movement o ON o.gateway_id = m.reverses_gateway AND o.epoch = m.reverses_epoch AND o.seq = m.reverses_seq
        WHERE e.position > start_at AND e.position <= stop_at AND NOT m.detail ? 'inferred'
            AND (i.is_lot_controlled OR EXISTS (SELECT FROM cell k WHERE k.item_id = m.item_id AND k.owner IS NOT NULL))
        UNION ALL
        -- what is said of a serial tells of all that was done with it
        SELECT n.item_id, n.site_id, n.occurred_at
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        JOIN item i ON i.item_id = m.item_id AND i.is_lot_controlled
        JOIN cell c ON c.cell_id IN (m.from_cell, m.to_cell) AND c.lot IS NOT NULL
        LEFT JOIN movement o ON o.gateway_id = m.reverses_gateway AND o.epoch = m.reverses_epoch AND o.seq = m.reverses_seq
        CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(m.detail -> 'epcs', o.detail -> 'epcs', '[]')
            || CASE WHEN m.identifier_scheme = 'sgtin' THEN to_jsonb(m.identifier) ELSE '[]' END) s (serial)
        CROSS JOIN LATERAL (
            SELECT v.item_id, v.site_id, v.occurred_at FROM movement v
            WHERE v.identifier_scheme = 'sgtin' AND v.identifier = s.serial AND v.item_id = m.item_id
            UNION ALL
            SELECT v.item_id, v.site_id, v.occurred_at FROM movement v
            WHERE v.detail ? 'epcs' AND NOT (v.identifier_scheme = 'sgtin' AND jsonb_array_length(v.detail -> 'epcs') = 1
                    AND v.detail -> 'epcs' ->> 0 = v.identifier)
                AND v.detail -> 'epcs' @> jsonb_build_array(s.serial) AND v.item_id = m.item_id
        ) n
        WHERE e.position > start_at AND e.position <= stop_at AND NOT m.detail ? 'inferred'
    ) x
    GROUP BY x.item_id, x.site_id
    ON CONFLICT (item_id, site_id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at);
    UPDATE resolver_head SET position = stop_at;
    RETURN stop_at - start_at;
END
$$;

-- The same by what documents said since: a line's lot tells of the movements that name it, a unit's of what is in it.
CREATE FUNCTION resolver_mark_papers(until_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at timestamptz;
    marked   bigint;
BEGIN
    SELECT h.papers_until INTO start_at FROM resolver_head h FOR UPDATE;
    WITH fresh AS (
        INSERT INTO resolver_paper AS seen (site_id, type, id, seen_at)
        SELECT p.site_id, p.type, p.id, until_at FROM document p WHERE p.created_at > start_at - INTERVAL '5 minutes'
        ON CONFLICT DO NOTHING
        RETURNING seen.site_id, seen.type, seen.id
    )
    INSERT INTO resolver_due AS d (item_id, site_id, from_at)
    SELECT m.item_id, m.site_id, min(m.occurred_at)
    FROM fresh p
    JOIN document_line l ON (l.site_id, l.type, l.id) = (p.site_id, p.type, p.id) AND l.lot IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT v.item_id, v.site_id, v.occurred_at FROM movement v
        WHERE v.detail @? '$.documents[*].line' AND v.site_id = l.site_id
            AND v.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', l.type, 'id', l.id))
        UNION ALL
        SELECT v.item_id, v.site_id, v.occurred_at
        FROM location u
        JOIN cell c ON c.location_id = u.location_id AND c.lot IS NULL
        JOIN movement v ON v.item_id = c.item_id AND c.cell_id IN (v.from_cell, v.to_cell)
        WHERE u.kind = 'unit' AND u.code = l.unit
    ) m
    JOIN item i ON i.item_id = m.item_id AND i.is_lot_controlled
    GROUP BY m.item_id, m.site_id
    ON CONFLICT (item_id, site_id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at);
    GET DIAGNOSTICS marked = ROW_COUNT;
    DELETE FROM resolver_paper r WHERE r.seen_at < start_at - INTERVAL '10 minutes';
    UPDATE resolver_head SET papers_until = until_at;
    RETURN marked;
END
$$;

-- The same by what dates of lots were stated since: each tells of every time since the lot first came in which something was
-- taken first expired first.
CREATE FUNCTION resolver_mark_dates() RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH noted AS (
        DELETE FROM resolver_dated RETURNING item_id, lot
    ), named AS (
        SELECT n.item_id, n.lot FROM noted n
        UNION
        SELECT a.item_id, n.lot FROM aliases_at(9223372036854775807) a JOIN noted n ON n.item_id = a.canonical_id
    ), lying AS MATERIALIZED (
        SELECT c.item_id, c.cell_id
        FROM named n
        JOIN item i ON i.item_id = n.item_id AND i.is_lot_controlled AND i.lot_rule = 'fefo'
        JOIN cell c ON c.item_id = n.item_id AND c.lot = n.lot
    ), came AS (
        SELECT l.item_id, d.occurred_at FROM lying l JOIN cell_delta d ON d.cell_id = l.cell_id
        UNION ALL
        SELECT l.item_id, m.occurred_at
        FROM fold_head f
        JOIN ledger_entry e ON e.position > f.position
        JOIN movement m ON m.posting_id = e.posting_id
        CROSS JOIN LATERAL (VALUES (m.from_cell), (m.to_cell)) s (cell_id)
        JOIN lying l ON l.cell_id = s.cell_id
    )
    INSERT INTO resolver_due AS d (item_id, site_id, from_at)
    SELECT x.item_id, s.site_id, x.first_at
    FROM (SELECT c.item_id, min(c.occurred_at) AS first_at FROM came c GROUP BY c.item_id) x
    JOIN site s ON EXISTS (SELECT FROM cell c WHERE c.item_id = x.item_id AND c.site_id = s.site_id)
    ON CONFLICT (item_id, site_id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at)
$$;

CREATE OR REPLACE FUNCTION note_dated_lot() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO resolver_dated (item_id, lot) VALUES (new.item_id, new.lot);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER known_to_the_resolver AFTER INSERT OR UPDATE OF expires_on ON lot
    FOR EACH ROW EXECUTE FUNCTION note_dated_lot();
DROP FUNCTION IF EXISTS resolver_mark_date();

-- Items, or one of them, of which a watermark has passed something that must be looked at; held until the commit.
CREATE FUNCTION resolver_ready(of_item bigint) RETURNS TABLE (item_id bigint, site text, from_at timestamptz)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.item_id, d.site_id, d.from_at
    FROM resolver_due d
    JOIN resolver_reach r ON r.site_id = d.site_id AND d.from_at <= r.until_at
    WHERE of_item IS NULL OR d.item_id = of_item
    ORDER BY d.item_id, d.site_id
    FOR UPDATE OF d
$$;

-- Movements of an item from an instant on, in the order of what occurred, with what tells of the lots that they do not say.
CREATE FUNCTION resolver_facts(of_item bigint, from_at timestamptz, at_most integer)
    RETURNS TABLE (gateway text, epoch text, seq bigint, occurred_at timestamptz, site text, quantity numeric,
        is_taken_back boolean, is_due boolean,
        from_place bigint, from_kind text, from_code text, from_lot text, from_disposition text, from_owner text,
        to_place bigint, to_kind text, to_code text, to_lot text, to_disposition text, to_owner text,
        adjustment bigint, serials text[], document_lots text[], unit_lots text[], is_open boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH fact AS MATERIALIZED (
        SELECT m.*, g.name
        FROM movement m JOIN gateway g ON g.gateway_id = m.gateway_id
        WHERE m.item_id = of_item AND m.occurred_at >= from_at AND NOT m.detail ? 'inferred'
        ORDER BY m.occurred_at, m.gateway_id, m.epoch, m.seq
        LIMIT at_most
    )
    SELECT m.name, lpad(to_hex(m.epoch), 16, '0'), m.seq, m.occurred_at, m.site_id, m.quantity,
        m.reverses_seq IS NOT NULL OR EXISTS (SELECT FROM claim x WHERE x.kind = 'reversal'
            AND x.target = m.name || '/' || lpad(to_hex(m.epoch), 16, '0') || '/' || m.seq),
        coalesce(m.occurred_at <= r.until_at, false),
        f.location_id, fl.kind, fl.code, f.lot, nullif(f.disposition, 'sellable'), f.owner,
        t.location_id, tl.kind, tl.code, t.lot, nullif(t.disposition, 'sellable'), t.owner, m.adjustment_id,
        CASE WHEN w.is_open THEN ARRAY(
            SELECT DISTINCT e.serial FROM (
                SELECT jsonb_array_elements_text(coalesce(m.detail -> 'epcs', '[]')) AS serial
                UNION ALL SELECT m.identifier WHERE m.identifier_scheme = 'sgtin') e ORDER BY 1) ELSE '{}' END,
        CASE WHEN w.is_open THEN ARRAY(
            SELECT DISTINCT l.lot
            FROM jsonb_array_elements(coalesce(m.detail -> 'documents', '[]')) d
            LEFT JOIN visit_document v ON d ->> 'type' = 'visit' AND v.site_id = m.site_id AND v.visit = d ->> 'id'
            JOIN document_line l ON l.site_id = m.site_id AND l.type = coalesce(v.type, d ->> 'type')
                AND l.id = coalesce(v.id, d ->> 'id') AND (v.id IS NOT NULL OR l.line = d ->> 'line')
            JOIN identifier n ON (n.scheme, n.value) = (l.identifier_scheme, l.identifier) AND n.item_id = of_item
            WHERE l.lot IS NOT NULL ORDER BY l.lot) ELSE '{}' END,
        CASE WHEN w.is_open AND 'unit' IN (fl.kind, tl.kind) THEN ARRAY(
            SELECT DISTINCT l.lot
            FROM document_line l
            JOIN identifier n ON (n.scheme, n.value) = (l.identifier_scheme, l.identifier) AND n.item_id = of_item
            WHERE l.site_id = m.site_id AND l.unit IN (fl.code, tl.code) AND l.lot IS NOT NULL ORDER BY l.lot) ELSE '{}' END,
        w.is_open
    FROM fact m
    LEFT JOIN resolver_reach r ON r.site_id = m.site_id
    JOIN cell f ON f.cell_id = m.from_cell JOIN location fl ON fl.location_id = f.location_id
    JOIN cell t ON t.cell_id = m.to_cell JOIN location tl ON tl.location_id = t.location_id
    CROSS JOIN LATERAL (SELECT f.lot IS NULL OR t.lot IS NULL AS is_open) w
    ORDER BY m.occurred_at, m.gateway_id, m.epoch, m.seq
$$;

-- Lots that came into dock accounts, and when: what people stated and did not take back.
CREATE FUNCTION resolver_receipts(of_item bigint, places bigint[], from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (place bigint, lot text, came_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT DISTINCT c.location_id, c.lot, m.occurred_at
    FROM movement m
    JOIN cell c ON c.cell_id = m.to_cell AND c.location_id = ANY (places) AND c.lot <> 'unspecified'
    WHERE m.item_id = of_item AND m.occurred_at >= from_at AND m.occurred_at <= until_at AND NOT m.detail ? 'inferred'
        AND m.reverses_seq IS NULL AND NOT is_reversed(m)
    ORDER BY 1, 2, 3
$$;

-- What has been inferred of movements from an instant to another, net of what was withdrawn.
CREATE FUNCTION resolver_posted(of_item bigint, from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (gateway text, epoch text, seq bigint, side text, lot text, owner text, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT m.detail #>> '{inferred,of,gateway}', m.detail #>> '{inferred,of,epoch}', (m.detail #>> '{inferred,of,seq}')::bigint,
        m.detail #>> '{inferred,side}', m.detail #>> '{inferred,lot}', m.detail #>> '{inferred,owner}',
        sum(CASE WHEN (m.detail #> '{inferred,withdraws}')::boolean THEN -m.quantity ELSE m.quantity END)
    FROM movement m
    WHERE m.item_id = of_item AND m.occurred_at >= from_at AND m.occurred_at < until_at AND m.detail ? 'inferred'
    GROUP BY 1, 2, 3, 4, 5, 6
    HAVING sum(CASE WHEN (m.detail #> '{inferred,withdraws}')::boolean THEN -m.quantity ELSE m.quantity END) <> 0
$$;

-- What lay at places of an item just before an instant.
CREATE FUNCTION resolver_state(of_item bigint, places bigint[], before_at timestamptz)
    RETURNS TABLE (place bigint, disposition text, lot text, owner text, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH known AS MATERIALIZED (
        SELECT c.* FROM unnest(places) p (place) JOIN cell c ON c.item_id = of_item AND c.location_id = p.place
    )
    SELECT c.location_id, nullif(c.disposition, 'sellable'), c.lot, c.owner, sum(q.quantity)
    FROM as_of(ARRAY(SELECT k.cell_id FROM known k),
        CASE WHEN isfinite(before_at) THEN before_at - INTERVAL '1 microsecond' ELSE before_at END, 9223372036854775807) q
    JOIN known c ON c.cell_id = q.cell_id
    WHERE q.quantity <> 0
    GROUP BY 1, 2, 3, 4
    HAVING sum(q.quantity) <> 0
$$;

-- When lots of an item first came anywhere, before an instant: by what stands of what was stated and inferred.
CREATE FUNCTION resolver_firsts(of_item bigint, lots text[], before_at timestamptz)
    RETURNS TABLE (lot text, first_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT l.lot, min(x.occurred_at)
    FROM unnest(lots) l (lot)
    CROSS JOIN LATERAL (
        SELECT m.occurred_at
        FROM movements_of_cells(ARRAY(SELECT c.cell_id FROM cell c WHERE c.item_id = of_item AND c.lot = l.lot)) m
        JOIN cell t ON t.cell_id = m.to_cell
        WHERE m.occurred_at < before_at AND m.reverses_seq IS NULL
            AND CASE WHEN m.detail ? 'inferred'
                THEN m.detail #>> '{inferred,side}' = 'destination' AND m.detail #>> '{inferred,lot}' = l.lot
                ELSE t.lot = l.lot AND NOT is_reversed(m) END
        GROUP BY m.occurred_at, CASE WHEN m.detail ? 'inferred' THEN m.detail #> '{inferred,of}'
            WHEN m.adjustment_id IS NOT NULL THEN to_jsonb(m.adjustment_id)
            ELSE jsonb_build_array(m.gateway_id, m.epoch, m.seq) END
        HAVING sum(m.quantity * CASE WHEN m.detail ? 'inferred' THEN
                CASE WHEN (m.detail #> '{inferred,withdraws}')::boolean THEN -1 ELSE 1 END
            WHEN m.from_cell < m.to_cell THEN -1 ELSE 1 END) <> 0 -- an adjustment goes both ways
    ) x
    GROUP BY l.lot
$$;

-- Stock of lot-controlled items of which nobody knows the lot: work to do.
CREATE FUNCTION unstated_stock(sites text[], of_item text, after_cell bigint, at_most integer)
    RETURNS TABLE (cell_id bigint, site text, item text, item_name text, base_unit text, location text, unit text, lot text,
        disposition text, owner text, quantity numeric, time_zone text, is_resolved boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.cell_id, coalesce(s.site, c.site_id), i.code, i.name, i.base_unit,
        CASE WHEN l.kind = 'unit' THEN s.location ELSE l.code END, CASE WHEN l.kind = 'unit' THEN l.code END,
        c.lot, c.disposition, c.owner, b.quantity, z.time_zone, c.lot IS NOT NULL
    FROM item i
    JOIN cell c ON c.item_id = i.item_id AND (c.lot IS NULL OR c.lot = 'unspecified')
    JOIN balance b ON b.cell_id = c.cell_id AND b.quantity <> 0
    JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
    LEFT JOIN LATERAL units_stand(ARRAY[l.code]) s ON l.kind = 'unit'
    JOIN site z ON z.site_id = coalesce(s.site, c.site_id)
    WHERE i.is_lot_controlled AND (of_item IS NULL OR i.code = of_item) AND c.cell_id > after_cell
        AND NOT coalesce(s.is_virtual, false) AND sees_site(z.site_id) AND (sites IS NULL OR z.site_id = ANY (sites))
    ORDER BY c.cell_id
    LIMIT at_most
$$;

REVOKE ALL ON FUNCTION note_dated_lot(), serial_lots(text[]), resolver_ready(bigint), resolver_mark(integer),
    resolver_mark_papers(timestamptz), resolver_mark_dates(),
    resolver_facts(bigint, timestamptz, integer), resolver_posted(bigint, timestamptz, timestamptz),
    resolver_receipts(bigint, bigint[], timestamptz, timestamptz),
    resolver_state(bigint, bigint[], timestamptz), resolver_firsts(bigint, text[], timestamptz), unstated_stock(text[], text, bigint, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION serial_lots(text[]), resolver_ready(bigint), resolver_mark(integer),
    resolver_mark_papers(timestamptz), resolver_mark_dates(),
    resolver_facts(bigint, timestamptz, integer), resolver_posted(bigint, timestamptz, timestamptz),
    resolver_receipts(bigint, bigint[], timestamptz, timestamptz),
    resolver_state(bigint, bigint[], timestamptz), resolver_firsts(bigint, text[], timestamptz), unstated_stock(text[], text, bigint, integer)
    TO dockledger_app;
