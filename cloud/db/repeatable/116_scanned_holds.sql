-- What of handhelds' receipts must be looked at, and what of it lies where it was put (DOMAIN D4). For a job with all sites.

DROP FUNCTION IF EXISTS scanned_mark(integer);
DROP FUNCTION IF EXISTS keep_scanned_whole(text, text);
DROP FUNCTION IF EXISTS keep_scanned_whole(text, text, bigint[]);
DROP FUNCTION IF EXISTS scanned_ready();
DROP FUNCTION IF EXISTS scanned_lying(text, text, bigint, bigint);
DROP FUNCTION IF EXISTS scanned_lying(text, text[], bigint[], bigint[]);
DROP FUNCTION IF EXISTS holds_of_reversed_scans(text, text);

-- Notes up to when each site is whole: a gateway that begins anew takes nothing back.
CREATE OR REPLACE FUNCTION note_reach() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO resolver_reach AS r (site_id, until_at)
    SELECT s.site_id, u.until_at FROM site s CROSS JOIN LATERAL (SELECT counted_until(s.site_id)) u (until_at)
    WHERE isfinite(u.until_at)
    ORDER BY s.site_id
    ON CONFLICT (site_id) DO UPDATE SET until_at = excluded.until_at WHERE r.until_at < excluded.until_at;
END
$$;

-- Notes which numbers, and which goods that wait, must be looked at, by what was posted since the last time: what handhelds received, what people received
-- of the same document, and what was taken back of either; and by what was said of documents. Of what was
-- only scanned, and of which items: nothing of others changes by it.
CREATE FUNCTION scanned_mark(most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at bigint;
    stop_at  bigint;
BEGIN
    SELECT h.position INTO start_at FROM scanned_head h FOR UPDATE;
    PERFORM note_reach();
    PERFORM note_dated_scans(500);
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    WITH said AS (
        DELETE FROM scanned_note RETURNING site_id, id
    ), moved AS (
        SELECT m.site_id, r ->> 'id' AS id, r ->> 'type' = 'receipt' AS is_scan,
            CASE WHEN o.seq IS NULL AND r ->> 'type' = 'receipt' THEN m.occurred_at ELSE '-infinity' END AS from_at,
            CASE WHEN o.seq IS NULL AND r ->> 'type' = 'receipt' THEN m.item_id END AS item_id
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        LEFT JOIN movement o ON o.gateway_id = m.reverses_gateway AND o.epoch = m.reverses_epoch AND o.seq = m.reverses_seq
        JOIN gateway g ON g.gateway_id = coalesce(o.gateway_id, m.gateway_id)
        JOIN cell c ON c.cell_id = coalesce(o.from_cell, m.from_cell)
        JOIN location s ON s.location_id = c.location_id AND s.code = '@supplier'
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(o.detail -> 'documents', m.detail -> 'documents', '[]')) r
        WHERE e.position > start_at AND e.position <= stop_at AND r ->> 'line' IS NOT NULL
            AND r ->> 'type' = ANY (CASE WHEN g.name = '_cloud' THEN '{asn,purchase_order}' ELSE '{receipt}' END::text[])
    )
    INSERT INTO scanned_due AS d (site_id, id, from_at, items)
    SELECT x.site_id, x.id, min(x.from_at), CASE WHEN bool_and(x.item_id IS NOT NULL) THEN array_agg(DISTINCT x.item_id) END
    FROM (
        SELECT m.site_id, m.id, m.is_scan, m.from_at, m.item_id FROM moved m
        UNION ALL
        SELECT DISTINCT n.site_id, n.id, false, '-infinity'::timestamptz, NULL::bigint FROM said n
    ) x
    WHERE x.is_scan OR EXISTS (SELECT FROM numbers_scanned(ARRAY[x.site_id], ARRAY[x.id]))
    GROUP BY x.site_id, x.id
    ORDER BY x.site_id, x.id
    ON CONFLICT (site_id, id) DO UPDATE SET from_at = least(d.from_at, excluded.from_at), items = CASE WHEN d.items IS NOT NULL AND excluded.items IS NOT NULL
            THEN ARRAY(SELECT DISTINCT x.item_id FROM unnest(d.items || excluded.items) AS x (item_id)) END;
    IF stop_at > start_at THEN
        PERFORM note_moved_holds(start_at, stop_at);
        PERFORM note_carried_back(start_at, stop_at);
        PERFORM note_arrivals(start_at, stop_at);
    END IF;
    UPDATE scanned_head SET position = stop_at WHERE position < stop_at;
    RETURN stop_at - start_at;
END
$$;

-- Numbers of which a site is whole past something that must be looked at.
CREATE FUNCTION scanned_ready() RETURNS TABLE (site text, id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.site_id, d.id FROM scanned_due d JOIN resolver_reach r ON r.site_id = d.site_id AND d.from_at <= r.until_at
    ORDER BY d.site_id, d.id
$$;

-- What lies sellable, by lot, where some scans put it: of their lot, or, where they said none, of none and of those that
-- the resolver named; in base units of the item that goes by now. Nothing of a unit that has left the site. Scans that put
-- the same there are told together, by their places in what is asked.
CREATE FUNCTION scanned_lying(of_site text, gateways text[], epochs bigint[], seqs bigint[])
    RETURNS TABLE (nths bigint[], cells bigint[], location text, unit text, lot text, owner text, quantity numeric, stands text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH scan AS MATERIALIZED (
        SELECT a.nth, n.canonical_id, t.location_id, t.lot, t.owner, l.code, l.kind, CASE WHEN t.lot IS NULL THEN ARRAY(
            SELECT DISTINCT x.detail #>> '{inferred,lot}' FROM movement x
            WHERE x.item_id = m.item_id AND x.occurred_at = m.occurred_at AND x.detail ? 'inferred'
                AND x.detail #>> '{inferred,side}' = 'destination' AND x.detail #>> '{inferred,lot}' IS NOT NULL
                AND x.detail #> '{inferred,of}' = jsonb_build_object('gateway', a.gateway,
                    'epoch', lpad(to_hex(m.epoch), 16, '0'), 'seq', m.seq)) END AS inferred
        FROM unnest(gateways, epochs, seqs) WITH ORDINALITY AS a (gateway, epoch, seq, nth)
        JOIN gateway g ON g.name = a.gateway
        JOIN movement m ON (m.gateway_id, m.epoch, m.seq) = (g.gateway_id, a.epoch, a.seq) AND m.site_id = of_site
        JOIN canonical_item n ON n.item_id = m.item_id
        JOIN cell t ON t.cell_id = m.to_cell
        JOIN location l ON l.location_id = t.location_id AND l.kind <> 'virtual'
    ), place AS MATERIALIZED (
        SELECT array_agg(s.nth) AS nths, s.canonical_id, s.location_id, s.owner, s.code, s.kind, s.lot || coalesce(s.inferred, '{}') AS lots
        FROM scan s GROUP BY s.canonical_id, s.location_id, s.owner, s.code, s.kind, s.lot, s.inferred
    ), merged AS MATERIALIZED (
        SELECT a.item_id, a.canonical_id, a.numerator, a.denominator FROM aliases_at(9223372036854775807) a
        WHERE a.canonical_id IN (SELECT p.canonical_id FROM place p)
    ), stands AS MATERIALIZED (
        SELECT w.unit, w.site, w.location, w.is_virtual
        FROM units_stand(ARRAY(SELECT DISTINCT p.code FROM place p WHERE p.kind = 'unit')) w
    )
    SELECT p.nths, array_agg(c.cell_id ORDER BY c.cell_id), CASE WHEN p.kind <> 'unit' THEN p.code END,
        CASE WHEN p.kind = 'unit' THEN p.code END, c.lot, c.owner,
        sum(round(coalesce(b.quantity, 0) * n.numerator / n.denominator, 6)), coalesce(u.location, p.code)
    FROM place p
    CROSS JOIN LATERAL unnest(p.lots) AS k (lot)
    CROSS JOIN LATERAL (
        SELECT p.canonical_id AS item_id, 1 AS numerator, 1 AS denominator
        UNION ALL
        SELECT m.item_id, m.numerator, m.denominator FROM merged m WHERE m.canonical_id = p.canonical_id) n
    JOIN cell c ON c.item_id = n.item_id AND c.location_id = p.location_id AND c.disposition IS NULL
        AND c.owner IS NOT DISTINCT FROM p.owner AND c.lot IS NOT DISTINCT FROM k.lot
    LEFT JOIN balance b ON b.cell_id = c.cell_id
    LEFT JOIN stands u ON p.kind = 'unit' AND u.unit = p.code
    WHERE NOT coalesce(u.is_virtual, false) AND coalesce(u.site, of_site) = of_site
    GROUP BY p.nths, p.code, p.kind, c.lot, c.owner, u.location
    ORDER BY c.lot NULLS FIRST, p.nths
$$;

-- Lines of receipts under which goods are held whose scan has been taken back.
CREATE FUNCTION holds_of_reversed_scans(of_site text, of_id text) RETURNS TABLE (receipt text, line text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT h.receipt, h.line
    FROM scanned_holds(of_site, of_id) h
    JOIN gateway g ON g.gateway_id = h.gateway_id
    JOIN claim x ON x.kind = 'reversal' AND x.target = g.name || '/' || lpad(to_hex(h.epoch), 16, '0') || '/' || h.seq
    WHERE h.held > 0 AND NOT h.is_taken_back
    ORDER BY 1, 2
$$;

CREATE OR REPLACE FUNCTION note_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO scanned_note (site_id, id) VALUES (new.site_id, new.id);
    DELETE FROM line_scanned_whole w WHERE w.site_id = new.site_id AND new.id IN (w.id, w.number);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT ON document
    FOR EACH ROW WHEN (new.type IN ('asn', 'purchase_order')) EXECUTE FUNCTION note_document();
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT ON document_line_end
    FOR EACH ROW WHEN (new.type IN ('asn', 'purchase_order')) EXECUTE FUNCTION note_document();
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT ON purchase_order_terms
    FOR EACH ROW EXECUTE FUNCTION note_document();
CREATE OR REPLACE TRIGGER known_to_scans AFTER UPDATE OF state ON purchase_order
    FOR EACH ROW EXECUTE FUNCTION note_document();

-- Notes which lines of a document, and of the orders that it delivers, have moved whole under its number; of some items, or of all.
CREATE FUNCTION keep_scanned_whole(of_site text, of_id text, of_items bigint[]) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH line AS MATERIALIZED (
        SELECT n.site, n.type, n.id, n.line, coalesce(n.moved >= n.ordered, false) AS is_whole
        FROM (
            SELECT d.type, ARRAY[d.id] AS ids FROM document d
            WHERE d.site_id = of_site AND d.id = of_id AND d.type IN ('asn', 'purchase_order')
            UNION ALL
            SELECT 'purchase_order', array_agg(DISTINCT l.order_id) FROM document_line l
            WHERE (l.site_id, l.type, l.id) = (of_site, 'asn', of_id) AND l.order_id <> of_id
            HAVING count(*) > 0
        ) k
        CROSS JOIN LATERAL lines_now(ARRAY[of_site], k.type, k.ids, true, NULL, of_items) n
    ), forgotten AS (
        DELETE FROM line_scanned_whole w
        WHERE (w.site_id, w.number) = (of_site, of_id)
            AND NOT EXISTS (SELECT FROM line l WHERE l.is_whole AND (l.type, l.id, l.line) = (w.type, w.id, w.line))
            AND (of_items IS NULL OR EXISTS (SELECT FROM line l WHERE (l.type, l.id, l.line) = (w.type, w.id, w.line)))
    )
    INSERT INTO line_scanned_whole (site_id, type, id, line, number)
    SELECT l.site, l.type, l.id, l.line, of_id FROM line l WHERE l.is_whole
    ON CONFLICT DO NOTHING
$$;

-- What was judged of goods on hold, or taken back: the number that they were scanned under is looked at again.
CREATE OR REPLACE FUNCTION note_judged() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO scanned_note (site_id, id)
    SELECT DISTINCT h.site_id, h.id FROM scanned_hold h WHERE (h.site_id, h.receipt, h.line) = (new.site_id, new.id, new.line);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT ON judgement FOR EACH ROW EXECUTE FUNCTION note_judged();
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT ON receipt_line_reversal FOR EACH ROW EXECUTE FUNCTION note_judged();

-- Items that read as another, or no longer do: what was scanned of them, or of what reads as the same, may be expected now, or not.
CREATE OR REPLACE FUNCTION note_merged() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    INSERT INTO scanned_note (site_id, id)
    SELECT DISTINCT m.site_id, d ->> 'id'
    FROM (
        SELECT new.from_item AS item_id
        UNION
        SELECT a.item_id FROM canonical_item f JOIN canonical_item a ON a.canonical_id = f.canonical_id WHERE f.item_id = new.from_item
    ) i
    JOIN movement m ON m.item_id = i.item_id AND m.detail @? '$.documents[*].line' AND m.reverses_seq IS NULL
    JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name <> '_cloud'
    JOIN cell c ON c.cell_id = m.from_cell
    JOIN location s ON s.location_id = c.location_id AND s.code = '@supplier'
    CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
    WHERE d ->> 'type' = 'receipt' AND d ->> 'line' IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER known_to_scans AFTER INSERT ON item_alias FOR EACH ROW EXECUTE FUNCTION note_merged();

REVOKE ALL ON FUNCTION keep_scanned_whole(text, text, bigint[]), note_reach(), note_document(), note_judged(), note_merged(), scanned_mark(integer), scanned_ready(),
    scanned_lying(text, text[], bigint[], bigint[]), holds_of_reversed_scans(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_scanned_whole(text, text, bigint[]), scanned_mark(integer), scanned_ready(), scanned_lying(text, text[], bigint[], bigint[]),
    holds_of_reversed_scans(text, text) TO dockledger_app;
