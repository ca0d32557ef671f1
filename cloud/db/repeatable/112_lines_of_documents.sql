-- What of a document's lines has moved (DOMAIN D4): derived from the movements that name them, never stored.

DROP FUNCTION IF EXISTS pub_in_transit(text[]);
DROP FUNCTION IF EXISTS pub_open_outbound_lines(text[]);
DROP FUNCTION IF EXISTS open_document_lines(text[], text);
DROP FUNCTION IF EXISTS document_lines_now(text[], text, text[]);
DROP FUNCTION IF EXISTS stated_lines_now(text[], text, text[]);
DROP FUNCTION IF EXISTS lines_now(text[], text, text[], boolean);
DROP FUNCTION IF EXISTS lines_now(text[], text, text[], boolean, bigint);
DROP FUNCTION IF EXISTS lines_now(text[], text, text[], boolean, bigint, bigint[]);
DROP FUNCTION IF EXISTS moves_of_lines(text[], text, text[]);
DROP FUNCTION IF EXISTS moves_naming_lines(text[], text, text[], boolean);
DROP FUNCTION IF EXISTS moves_naming_lines(text[], text, text[], boolean, bigint);

-- Movements that name lines of documents, less those that were reversed, in base units of the item that goes by now; and, if
-- asked for, those that handhelds stated under the number of an ASN or order, in parts by the line that each is of. As it was
-- posted up to a position; NULL: now.
CREATE FUNCTION moves_naming_lines(sites text[], kind text, ids text[], with_scanned boolean, up_to bigint)
    RETURNS TABLE (site text, id text, line text, gateway text, epoch bigint, seq bigint, occurred_at timestamptz,
        item_id bigint, quantity numeric, from_code text, to_code text, from_place text, to_place text, from_as text,
        to_as text, from_owner text, to_owner text, lot text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH named AS MATERIALIZED (
        SELECT DISTINCT m.site_id, asked.id, d ->> 'line' AS line, m.gateway_id, m.epoch, m.seq, m.occurred_at, m.item_id,
            m.quantity, NULL::numeric AS part, m.from_cell, m.to_cell, m.reason, m.posting_id
        FROM unnest(ids) AS asked (id)
        JOIN movement m ON m.detail @? '$.documents[*].line'
            AND m.detail -> 'documents' @> jsonb_build_array(jsonb_build_object('type', kind, 'id', asked.id))
        CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
        WHERE (sites IS NULL OR m.site_id = ANY (sites)) AND m.reverses_seq IS NULL
            AND d ->> 'type' = kind AND d ->> 'id' = asked.id AND d ->> 'line' IS NOT NULL
        UNION ALL
        SELECT s.site, s.id, s.line, m.gateway_id, m.epoch, m.seq, m.occurred_at, m.item_id, m.quantity, s.quantity,
            m.from_cell, m.to_cell, m.reason, m.posting_id
        FROM scanned_moves_of_lines(sites, kind, ids) s
        JOIN movement m ON (m.gateway_id, m.epoch, m.seq) = (s.gateway_id, s.epoch, s.seq)
        WHERE with_scanned
    )
    SELECT n.site_id, n.id, n.line, g.name, n.epoch, n.seq, n.occurred_at, c.canonical_id,
        coalesce(n.part, round(n.quantity * c.numerator / c.denominator, 6)), f.code, t.code, f.kind, t.kind,
        coalesce(fc.disposition, 'sellable'), coalesce(tc.disposition, 'sellable'), fc.owner, tc.owner,
        coalesce(tc.lot, fc.lot), n.reason
    FROM named n
    JOIN gateway g ON g.gateway_id = n.gateway_id
    JOIN canonical_item c ON c.item_id = n.item_id
    JOIN cell fc ON fc.cell_id = n.from_cell JOIN location f ON f.location_id = fc.location_id
    JOIN cell tc ON tc.cell_id = n.to_cell JOIN location t ON t.location_id = tc.location_id
    WHERE (up_to IS NULL OR EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = n.posting_id AND e.position <= up_to))
        AND NOT EXISTS (SELECT FROM claim x WHERE x.kind = 'reversal'
            AND x.target = g.name || '/' || lpad(to_hex(n.epoch), 16, '0') || '/' || n.seq
            AND (up_to IS NULL OR EXISTS (
                SELECT FROM ledger_entry e WHERE e.posting_id = x.posting_id AND e.position <= up_to)))
$$;

-- The same with what handhelds stated. The lines of a receipt or shipment are what people stated under its number: what a
-- handheld counted under the same is of the document that it was scanned from.
CREATE FUNCTION moves_of_lines(sites text[], kind text, ids text[])
    RETURNS TABLE (site text, id text, line text, gateway text, epoch bigint, seq bigint, occurred_at timestamptz,
        item_id bigint, quantity numeric, from_code text, to_code text, from_place text, to_place text, from_as text,
        to_as text, from_owner text, to_owner text, lot text, reason text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT * FROM moves_naming_lines(sites, kind, ids, true, NULL) m
    WHERE moves_of_lines.kind NOT IN ('receipt', 'shipment') OR m.gateway = '_cloud'
$$;

-- Lines with what was asked for and what of it has moved, in base units. Goods of an ASN, an order or a return come out of
-- the account of whom they come from, or go into the one of whom they go to; back again counts against it. Of a transfer
-- the sending site's lines have moved into transit, the receiving site's out of it; what was
-- given up on the way is neither; a vehicle's goods pass its clearing account. As it was known at a position, without scans; NULL: now. Of some items; NULL: of all. Sums are looked up by name, not joined: nobody knows beforehand how many there are.
CREATE FUNCTION lines_now(sites text[], kind text, ids text[], with_scanned boolean, up_to bigint, of_items bigint[] DEFAULT NULL)
    RETURNS TABLE (site text, type text, id text, line text, ordinal integer, partner text, due_on date,
        registered_at timestamptz, state text, item_id bigint, item text, item_name text, base_unit text,
        is_lot_controlled boolean, identifier_scheme text, identifier text, unit_seen text, numerator bigint,
        denominator bigint, lot text, unit text, order_id text, order_line text, ordered numeric, moved numeric,
        damaged numeric, rejected numeric, is_ended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH at_position AS MATERIALIZED (
        SELECT known_until(up_to) AS known
    ), asked AS MATERIALIZED (
        SELECT l.*, d.partner, d.due_on, d.created_at,
            CASE kind
                WHEN 'purchase_order' THEN p.state
                WHEN 'transfer' THEN CASE WHEN s.cancelled_at IS NOT NULL THEN 'cancelled'
                    WHEN s.to_site = l.site_id THEN 'to_come' WHEN s.departed_at IS NOT NULL THEN 'departed'
                    ELSE 'to_send' END
                ELSE 'open' END AS state,
            coalesce(s.from_site = l.site_id, false) AS is_sending
        FROM document_line l
        JOIN document d ON (d.site_id, d.type, d.id) = (l.site_id, l.type, l.id)
        LEFT JOIN purchase_order p ON kind = 'purchase_order' AND (p.site_id, p.id) = (l.site_id, l.id)
        LEFT JOIN transfer s ON kind = 'transfer' AND s.id = l.id AND l.site_id IN (s.from_site, s.to_site)
        WHERE l.type = kind AND l.id = ANY (ids) AND (sites IS NULL OR l.site_id = ANY (sites))
            AND d.created_at <= (SELECT p.known FROM at_position p)
    ), moves AS (
        SELECT m.site, m.id, m.line,
            CASE
                WHEN kind IN ('asn', 'purchase_order') AND m.from_code = '@supplier' THEN m.quantity
                WHEN kind IN ('asn', 'purchase_order') AND m.to_code = '@supplier' THEN -m.quantity
                WHEN kind = 'outbound_order' AND m.to_code = '@customer' THEN m.quantity
                WHEN kind = 'outbound_order' AND m.from_code = '@customer' THEN -m.quantity
                WHEN kind = 'customer_return' AND m.from_code = '@customer' THEN m.quantity
                WHEN kind = 'customer_return' AND m.to_code = '@customer' THEN -m.quantity
                WHEN kind = 'supplier_return' AND m.to_code = '@supplier' THEN m.quantity
                WHEN kind = 'supplier_return' AND m.from_code = '@supplier' THEN -m.quantity
                WHEN kind = 'transfer' AND m.to_code = '@transit' AND (m.from_place <> 'virtual'
                    OR m.from_code LIKE '@clearing%') THEN m.quantity
                WHEN kind = 'transfer' AND m.from_code = '@transit' AND (m.to_place <> 'virtual'
                    OR m.to_code LIKE '@clearing%') THEN -m.quantity
            END AS quantity, m.to_as = 'damaged' AS is_damaged
        FROM moves_naming_lines(sites, kind, ids, false, up_to) m
        UNION ALL
        SELECT s.site, s.id, s.line, s.quantity, s.is_damaged FROM scanned_moves_of_lines(sites, kind, ids, of_items) s WHERE with_scanned
    ), moved AS (
        SELECT m.site, m.id, m.line, sum(m.quantity) AS quantity, sum(m.quantity) FILTER (WHERE m.is_damaged) AS damaged
        FROM moves m WHERE m.quantity IS NOT NULL GROUP BY m.site, m.id, m.line
    ), rejected AS (
        SELECT r.site_id, r.of_id, r.of_line, sum(r.rejected) AS quantity
        FROM receipt_line r
        WHERE r.of_type = kind AND r.of_id = ANY (ids) AND r.rejected > 0 AND (sites IS NULL OR r.site_id = ANY (sites))
            AND NOT EXISTS (SELECT FROM receipt_line_reversal v WHERE (v.site_id, v.id, v.line) = (r.site_id, r.id, r.line))
        GROUP BY r.site_id, r.of_id, r.of_line
    ), looked_up AS MATERIALIZED (
        SELECT (SELECT jsonb_object_agg(m.site || '/' || m.id || '/' || m.line, jsonb_build_array(m.quantity, m.damaged))
                FROM moved m) AS moved,
            (SELECT jsonb_object_agg(r.site_id || '/' || r.of_id || '/' || r.of_line, r.quantity) FROM rejected r) AS rejected
    )
    SELECT a.site_id, a.type, a.id, a.line, a.ordinal, a.partner, a.due_on, a.created_at, a.state, c.canonical_id, i.code,
        i.name, i.base_unit, coalesce(i.is_lot_controlled, false), a.identifier_scheme, a.identifier, a.unit_seen,
        u.numerator, u.denominator, a.lot, a.unit, a.order_id, a.order_line,
        coalesce(w.quantity, round(a.quantity * u.numerator / u.denominator, 6)),
        coalesce(m.quantity, 0) * CASE WHEN kind = 'transfer' AND NOT a.is_sending THEN -1 ELSE 1 END,
        abs(coalesce(m.damaged, 0)), coalesce(m.rejected, 0), e.line IS NOT NULL
    FROM asked a
    LEFT JOIN LATERAL (
        SELECT n.item_id FROM identifier n
        WHERE (n.scheme, n.value) = (a.identifier_scheme, a.identifier)
        ORDER BY n.valid_from <= a.created_at DESC,
            CASE WHEN n.valid_from <= a.created_at THEN n.valid_from END DESC, n.valid_from
        LIMIT 1) n ON true
    LEFT JOIN canonical_item c ON c.item_id = n.item_id
    LEFT JOIN item i ON i.item_id = c.canonical_id
    LEFT JOIN LATERAL (
        SELECT x.numerator * c.numerator AS numerator, x.denominator * c.denominator AS denominator
        FROM (
            SELECT y.numerator, y.denominator, y.valid_from FROM identifier y
            WHERE y.scheme = 'gtin' AND y.value = a.unit_seen AND y.item_id = n.item_id
            UNION ALL SELECT 1, 1, '-infinity' WHERE a.unit_seen = 'base') x
        ORDER BY x.valid_from <= a.created_at DESC,
            CASE WHEN x.valid_from <= a.created_at THEN x.valid_from END DESC, x.valid_from
        LIMIT 1) u ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(
            (SELECT x.quantity FROM purchase_order_terms x
             WHERE (x.site_id, x.id, x.line) = (o.site_id, o.id, o.line)
                 AND x.since <= (SELECT p.known FROM at_position p)
             ORDER BY x.revision DESC LIMIT 1),
            round(o.quantity * b.numerator / b.denominator, 6)) AS quantity
        FROM purchase_order_line o JOIN canonical_item b ON b.item_id = o.item_id
        WHERE kind = 'purchase_order' AND (o.site_id, o.id, o.line) = (a.site_id, a.id, a.line)) w ON true
    CROSS JOIN LATERAL (
        SELECT (x.moved -> k.name ->> 0)::numeric AS quantity, (x.moved -> k.name ->> 1)::numeric AS damaged,
            (x.rejected ->> k.name)::numeric AS rejected
        FROM looked_up x, (VALUES (a.site_id || '/' || a.id || '/' || a.line)) AS k (name)) m
    LEFT JOIN document_line_end e ON (e.site_id, e.type, e.id, e.line) = (a.site_id, a.type, a.id, a.line)
        AND e.ended_at <= (SELECT p.known FROM at_position p)
        AND NOT EXISTS (SELECT FROM document_line_reopening o
            WHERE o.end_id = e.end_id AND o.reopened_at <= (SELECT p.known FROM at_position p))
    WHERE of_items IS NULL OR c.canonical_id = ANY (of_items)
    ORDER BY a.site_id, a.id, a.ordinal
$$;

CREATE FUNCTION document_lines_now(sites text[], kind text, ids text[])
    RETURNS TABLE (site text, type text, id text, line text, ordinal integer, partner text, due_on date,
        registered_at timestamptz, state text, item_id bigint, item text, item_name text, base_unit text,
        is_lot_controlled boolean, identifier_scheme text, identifier text, unit_seen text, numerator bigint,
        denominator bigint, lot text, unit text, order_id text, order_line text, ordered numeric, moved numeric,
        damaged numeric, rejected numeric, is_ended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM lines_now(sites, kind, ids, true, NULL) $$;

-- The same without what handhelds received under a document's number: what that is of, these lines decide.
CREATE FUNCTION stated_lines_now(sites text[], kind text, ids text[])
    RETURNS TABLE (site text, type text, id text, line text, ordinal integer, partner text, due_on date,
        registered_at timestamptz, state text, item_id bigint, item text, item_name text, base_unit text,
        is_lot_controlled boolean, identifier_scheme text, identifier text, unit_seen text, numerator bigint,
        denominator bigint, lot text, unit text, order_id text, order_line text, ordered numeric, moved numeric,
        damaged numeric, rejected numeric, is_ended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM lines_now(sites, kind, ids, false, NULL) $$;

-- Lets lines be open again that had moved whole, of which a posting reverses something; called as it closes.
CREATE OR REPLACE FUNCTION open_lines_again(p bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    DELETE FROM line_scanned_whole w
    USING claim x
    JOIN gateway g ON g.name = split_part(x.target, '/', 1)
    JOIN movement m ON m.gateway_id = g.gateway_id
        AND m.epoch = ('x' || split_part(x.target, '/', 2))::bit(64)::bigint
        AND m.seq = split_part(x.target, '/', 3)::bigint
    CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
    WHERE x.posting_id = p AND x.kind = 'reversal' AND w.site_id = m.site_id AND d ->> 'id' IN (w.id, w.number);
    INSERT INTO document_line_open_again (site_id, type, id, line)
    SELECT DISTINCT l.site_id, l.type, l.id, l.line
    FROM claim x
    JOIN gateway g ON g.name = split_part(x.target, '/', 1)
    JOIN movement m ON m.gateway_id = g.gateway_id
        AND m.epoch = ('x' || split_part(x.target, '/', 2))::bit(64)::bigint
        AND m.seq = split_part(x.target, '/', 3)::bigint
    CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
    JOIN document_line l ON (l.site_id, l.type, l.id, l.line) = (m.site_id, d ->> 'type', d ->> 'id', d ->> 'line')
    WHERE x.posting_id = p AND x.kind = 'reversal' AND EXISTS (SELECT FROM claim c WHERE c.kind = 'document_line'
        AND c.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line)
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING
$$;
REVOKE ALL ON FUNCTION open_lines_again(bigint) FROM PUBLIC;

-- Lines of which something is open. A line that has moved whole is claimed, so that what is long done is not summed anew,
-- unless a reversal has opened it again; one that scans have filled is noted so.
CREATE FUNCTION open_document_lines(sites text[], kind text)
    RETURNS TABLE (site text, type text, id text, line text, ordinal integer, partner text, due_on date,
        registered_at timestamptz, state text, item_id bigint, item text, item_name text, base_unit text,
        is_lot_controlled boolean, identifier_scheme text, identifier text, unit_seen text, numerator bigint,
        denominator bigint, lot text, unit text, order_id text, order_line text, ordered numeric, moved numeric,
        damaged numeric, rejected numeric, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH candidate AS (
        SELECT DISTINCT l.site_id, l.id
        FROM document_line l
        LEFT JOIN purchase_order p ON open_document_lines.kind = 'purchase_order' AND (p.site_id, p.id) = (l.site_id, l.id)
        WHERE l.type = open_document_lines.kind AND (sites IS NULL OR l.site_id = ANY (sites))
            AND (open_document_lines.kind <> 'purchase_order' OR p.state = 'sent')
            AND NOT EXISTS (SELECT FROM document_line_end_now e
                WHERE (e.site_id, e.type, e.id, e.line) = (l.site_id, l.type, l.id, l.line))
            AND (NOT EXISTS (SELECT FROM claim c WHERE c.kind = 'document_line'
                    AND c.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line)
                OR EXISTS (SELECT FROM document_line_open_again o
                    WHERE (o.site_id, o.type, o.id, o.line) = (l.site_id, l.type, l.id, l.line)))
            AND NOT EXISTS (SELECT FROM line_scanned_whole w
                WHERE (w.site_id, w.type, w.id, w.line) = (l.site_id, l.type, l.id, l.line))
    )
    SELECT n.site, n.type, n.id, n.line, n.ordinal, n.partner, n.due_on, n.registered_at, n.state, n.item_id, n.item,
        n.item_name, n.base_unit, n.is_lot_controlled, n.identifier_scheme, n.identifier, n.unit_seen, n.numerator,
        n.denominator, n.lot, n.unit, n.order_id, n.order_line, n.ordered, n.moved, n.damaged, n.rejected,
        n.ordered - n.moved
    FROM (SELECT c.site_id, array_agg(c.id) AS ids FROM candidate c GROUP BY c.site_id) o
    CROSS JOIN LATERAL document_lines_now(ARRAY[o.site_id], open_document_lines.kind, o.ids) n
    WHERE NOT n.is_ended AND n.state NOT IN ('approved', 'closed', 'cancelled')
        AND coalesce(n.ordered > n.moved, true)
    ORDER BY n.site, n.id, n.ordinal
$$;

-- What customers still wait for; `item` and `quantity` are NULL where a line's name or unit is not known.
CREATE FUNCTION pub_open_outbound_lines(sites text[])
    RETURNS TABLE (site text, document text, line text, ordinal integer, item_id bigint, item text, unit_seen text, lot text,
        unit text, ordered numeric, left_so_far numeric, quantity numeric, customer text, need_by date,
        registered_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT n.site, n.id, n.line, n.ordinal, n.item_id, n.item, n.unit_seen, n.lot, n.unit, n.ordered, n.moved, n.quantity,
        n.partner, n.due_on, n.registered_at
    FROM open_document_lines(sites, 'outbound_order') n
    ORDER BY n.site, n.due_on NULLS LAST, n.registered_at, n.id, n.ordinal
$$;

-- What has left one site for another and has not come, and was not given up, by the site it goes to.
CREATE FUNCTION pub_in_transit(sites text[])
    RETURNS TABLE (site text, from_site text, document text, line text, item_id bigint, item text, quantity numeric,
        expected_on date, shipped_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.to_site, t.from_site, n.id, n.line, n.item_id, n.item, s.moved - n.moved, n.due_on,
        (SELECT min(h.occurred_at) FROM shipment h JOIN shipment_line k ON (k.site_id, k.id) = (h.site_id, h.id)
         WHERE (k.site_id, k.of_type, k.of_id, k.of_line) = (t.from_site, 'transfer', n.id, n.line))
    FROM open_document_lines(sites, 'transfer') n
    JOIN transfer t ON (t.to_site, t.id) = (n.site, n.id)
    JOIN LATERAL document_lines_now(ARRAY[t.from_site], 'transfer', ARRAY[t.id]) s ON s.line = n.line
    WHERE s.moved > n.moved
    ORDER BY t.to_site, n.due_on NULLS LAST, n.id, n.ordinal
$$;

REVOKE ALL ON FUNCTION moves_naming_lines(text[], text, text[], boolean, bigint),
    lines_now(text[], text, text[], boolean, bigint, bigint[]),
    stated_lines_now(text[], text, text[]), moves_of_lines(text[], text, text[]), document_lines_now(text[], text, text[]),
    open_document_lines(text[], text), pub_open_outbound_lines(text[]), pub_in_transit(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION moves_of_lines(text[], text, text[]), document_lines_now(text[], text, text[]),
    open_document_lines(text[], text), pub_open_outbound_lines(text[]), pub_in_transit(text[])
    TO dockledger_app, dockledger_planner, dockledger_auditor;
