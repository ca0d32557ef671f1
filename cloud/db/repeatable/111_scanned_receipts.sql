-- What handhelds received under the number of an ASN or order, and which of its lines that is (DOMAIN D4). A scan names the
-- document and counts its own lines; which line of the document it is of follows from the goods, and is nowhere stored: so
-- whatever arrives late or is taken back, the answer is that of all that is known.

DROP FUNCTION IF EXISTS read_scanned_receipt(text, text);
DROP FUNCTION IF EXISTS read_scanned_receipt(text, text, bigint[], boolean, integer, integer);
DROP FUNCTION IF EXISTS scanned_holds(text, text);
DROP FUNCTION IF EXISTS scanned_moves_of_lines(text[], text, text[]);
DROP FUNCTION IF EXISTS scanned_moves_of_lines(text[], text, text[], bigint[]);
DROP FUNCTION IF EXISTS scanned_parts(text, text, text);
DROP FUNCTION IF EXISTS scanned_parts(text, text, text, bigint);
DROP FUNCTION IF EXISTS scanned_parts(text, text, text[], bigint);
DROP FUNCTION IF EXISTS scanned_parts(text, text, text[], bigint[], bigint);
DROP FUNCTION IF EXISTS lines_to_receive(text, text, text);
DROP FUNCTION IF EXISTS lines_to_receive(text, text, text, bigint);
DROP FUNCTION IF EXISTS lines_to_receive(text, text, text[], bigint);
DROP FUNCTION IF EXISTS numbers_scanned(text[], text[]);

-- The lines of documents with what each asks for, less what was received by its name, in base units, and when a line ended:
-- nothing is open of it from then on. As it was known at a position; NULL: now.
CREATE FUNCTION lines_to_receive(of_site text, of_type text, of_ids text[], up_to bigint)
    RETURNS TABLE (id text, line text, ordinal integer, item_id bigint, lot text, unit text, order_id text, order_line text,
        open numeric, ended_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.id, n.line, n.ordinal, n.item_id, n.lot, n.unit, n.order_id, n.order_line,
        greatest(coalesce(n.ordered, 0) - n.moved, 0),
        CASE WHEN n.is_ended THEN (SELECT max(e.ended_at) FROM document_line_end e
            WHERE (e.site_id, e.type, e.id, e.line) = (of_site, of_type, n.id, n.line) AND e.ended_at <= known_until(up_to)) END
    FROM lines_now(ARRAY[of_site], of_type, of_ids, false, up_to) n
    WHERE n.item_id IS NOT NULL
    ORDER BY n.id, n.ordinal;
END
$$;

-- Each scan of documents in the order of occurrence, in parts by line. All of it is of the line that somebody named at the
-- handheld, if that is one of the item. Else a line whose unit the goods were put into goes before one of their lot, that
-- before one of no lot where the goods have none, that before one where only one of the two has, that before one of another
-- lot; of equals the first on the paper, as far as it is open. What is over is of the last line of the best kind; what no
-- line names is unexpected; under a number of no paper (`receipt`) it is blind. What was taken back takes up nothing, and is of the line that it would be of. As it was posted and
-- known up to a position; NULL: now. Only of some items, of which no other changes anything; NULL: of all.
CREATE FUNCTION scanned_parts(of_site text, of_type text, of_ids text[], of_items bigint[], up_to bigint)
    RETURNS TABLE (id text, gateway_id integer, epoch bigint, seq bigint, occurred_at timestamptz, item_id bigint, line text,
        order_id text, order_line text, quantity numeric, rule text, is_over boolean, is_reversed boolean, is_damaged boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    rules      CONSTANT text[] := '{named,unit,lot,item,item,other_lot}';
    most       CONSTANT integer := 16;
    scan       record;
    by_name    jsonb;
    lines      jsonb;
    name_of    text;
    open_of    numeric[];
    ended_of   timestamptz[];
    many       integer;
    told       text[];
    which      integer;
    fits       integer[];
    places     integer[];
    bests      integer[];
    firsts     integer[];
    base       integer;
    best_place integer;
    best       integer;
    nth        integer;
    at_fit     integer;
    rest       numeric;
BEGIN
    FOR scan IN
        WITH asked AS MATERIALIZED (
            SELECT a.id, jsonb_build_array(jsonb_build_object('type', 'receipt', 'id', a.id)) AS named FROM unnest(of_ids) AS a (id)
        )
        SELECT a.id, m.gateway_id, m.epoch, m.seq, m.occurred_at, n.canonical_id,
            round(m.quantity * n.numerator / n.denominator, 6) AS quantity, ARRAY[
                (SELECT d ->> 'line' FROM jsonb_array_elements(m.detail -> 'documents') d
                    WHERE d ->> 'type' = 'named_line' AND d ->> 'id' = a.id LIMIT 1),
                CASE WHEN l.kind = 'unit' THEN l.code END, coalesce(t.lot, f.lot)] AS told,
            coalesce(t.disposition = 'damaged', false) AS is_damaged,
            EXISTS (SELECT FROM claim x WHERE x.kind = 'reversal'
                AND x.target = g.name || '/' || lpad(to_hex(m.epoch), 16, '0') || '/' || m.seq
                AND (up_to IS NULL OR EXISTS (
                    SELECT FROM ledger_entry e WHERE e.posting_id = x.posting_id AND e.position <= up_to))) AS is_reversed
        FROM asked a
        JOIN movement m ON m.detail @? '$.documents[*].line' AND m.detail -> 'documents' @> a.named
        JOIN gateway g ON g.gateway_id = m.gateway_id AND g.name <> '_cloud'
        JOIN canonical_item n ON n.item_id = m.item_id
        JOIN cell f ON f.cell_id = m.from_cell
        JOIN location s ON s.location_id = f.location_id AND s.code = '@supplier'
        JOIN cell t ON t.cell_id = m.to_cell
        JOIN location l ON l.location_id = t.location_id
        WHERE m.site_id = of_site AND m.reverses_seq IS NULL
            AND (of_items IS NULL OR n.canonical_id = ANY (of_items))
            AND NOT m.detail -> 'documents' @? '$[*] ? (@.type == "asn" || @.type == "purchase_order")'
            AND (up_to IS NULL OR EXISTS (
                SELECT FROM ledger_entry e WHERE e.posting_id = m.posting_id AND e.position <= up_to))
        ORDER BY a.id, n.canonical_id, m.occurred_at, m.gateway_id, m.epoch, m.seq
    LOOP
        IF by_name IS NULL AND of_type = 'receipt' THEN
            by_name := '{}';
        ELSIF by_name IS NULL THEN
            SELECT coalesce(jsonb_object_agg(r.name, r.lines), '{}') INTO by_name
            FROM (
                SELECT x.id || '/' || x.item_id AS name, jsonb_agg(to_jsonb(x) ORDER BY x.ordinal) AS lines
                FROM lines_to_receive(of_site, of_type, of_ids, up_to) x
                WHERE of_items IS NULL OR x.item_id = ANY (of_items)
                GROUP BY x.id, x.item_id
            ) r;
        END IF;
        IF name_of IS DISTINCT FROM scan.id || '/' || scan.canonical_id THEN
            name_of := scan.id || '/' || scan.canonical_id;
            lines := coalesce(by_name -> name_of, '[]');
            many := jsonb_array_length(lines);
            told := NULL;
            SELECT array_agg((x ->> 'open')::numeric ORDER BY e.nth),
                array_agg(coalesce((x ->> 'ended_at')::timestamptz, 'infinity') ORDER BY e.nth)
            INTO open_of, ended_of FROM jsonb_array_elements(lines) WITH ORDINALITY e (x, nth);
        END IF;
        IF scan.told::text IS DISTINCT FROM told[which] THEN
            which := array_position(told, scan.told::text);
        END IF;
        IF which IS NULL THEN
            -- which lines fit is found once for scans that tell the same; of those, what is full or ended stays so
            IF told IS NULL OR cardinality(told) = most THEN
                told := '{}';
                fits := '{}';
                places := '{}';
                bests := '{}';
                firsts := '{}';
            END IF;
            told := told || scan.told::text;
            which := cardinality(told);
            firsts := firsts || 1;
            SELECT fits || coalesce(array_agg(k.nth ORDER BY k.place, k.nth), '{}'),
                places || coalesce(array_agg(k.place ORDER BY k.place, k.nth), '{}'),
                bests || (array_agg(k.nth ORDER BY k.place, k.nth DESC))[1]
            INTO fits, places, bests
            FROM (
                SELECT e.nth::integer, CASE
                    WHEN x ->> 'line' = scan.told[1] THEN 1
                    WHEN x ->> 'unit' = scan.told[2] THEN 2
                    WHEN x ->> 'lot' = scan.told[3] THEN 3
                    WHEN x ->> 'lot' IS NULL AND scan.told[3] IS NULL THEN 4
                    WHEN x ->> 'lot' IS NULL OR scan.told[3] IS NULL THEN 5
                    ELSE 6 END AS place
                FROM jsonb_array_elements(lines) WITH ORDINALITY e (x, nth)) k;
        END IF;
        base := (which - 1) * many;
        best_place := places[base + 1];
        best := bests[which];
        id := scan.id;
        gateway_id := scan.gateway_id;
        epoch := scan.epoch;
        seq := scan.seq;
        occurred_at := scan.occurred_at;
        item_id := scan.canonical_id;
        is_reversed := scan.is_reversed;
        is_damaged := scan.is_damaged;
        rest := scan.quantity;
        at_fit := firsts[which];
        WHILE rest > 0 AND at_fit <= many AND (best_place > 1 OR at_fit = 1) LOOP
            nth := fits[base + at_fit];
            quantity := CASE WHEN scan.occurred_at <= ended_of[nth] THEN least(rest, open_of[nth]) ELSE 0 END;
            IF quantity > 0 THEN
                line := lines -> (nth - 1) ->> 'line';
                order_id := lines -> (nth - 1) ->> 'order_id';
                order_line := lines -> (nth - 1) ->> 'order_line';
                rule := rules[places[base + at_fit]];
                is_over := false;
                rest := rest - quantity;
                IF NOT is_reversed THEN
                    open_of[nth] := open_of[nth] - quantity;
                END IF;
                RETURN NEXT;
            ELSIF at_fit = firsts[which] THEN
                firsts[which] := at_fit + 1;
            END IF;
            at_fit := at_fit + 1;
        END LOOP;
        IF rest > 0 THEN
            line := lines -> (best - 1) ->> 'line';
            order_id := lines -> (best - 1) ->> 'order_id';
            order_line := lines -> (best - 1) ->> 'order_line';
            quantity := rest;
            rule := coalesce(rules[best_place], CASE WHEN of_type = 'receipt' THEN 'blind' ELSE 'unexpected' END);
            is_over := best IS NOT NULL;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- Under which of some numbers handhelds received anything; of a few sites the first scan is enough.
CREATE FUNCTION numbers_scanned(sites text[], ids text[]) RETURNS TABLE (site text, id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT x.id, jsonb_build_array(jsonb_build_object('type', 'receipt', 'id', x.id)) AS named FROM unnest(ids) AS x (id)
    )
    SELECT DISTINCT s.site_id, a.id
    FROM asked a
    CROSS JOIN (SELECT DISTINCT x.site_id FROM unnest(sites) AS x (site_id)) AS s
    CROSS JOIN LATERAL (
        SELECT FROM movement m
        WHERE m.detail @? '$.documents[*].line' AND m.detail -> 'documents' @> a.named AND m.reverses_seq IS NULL
            AND m.site_id = s.site_id LIMIT 1) AS m
    UNION ALL
    SELECT DISTINCT m.site_id, a.id
    FROM asked a
    JOIN movement m ON m.detail @? '$.documents[*].line' AND m.detail -> 'documents' @> a.named AND m.reverses_seq IS NULL
    WHERE sites IS NULL
$$;

-- What handhelds received of lines of ASNs and orders; of an order that ASNs deliver, under their numbers too. Of some
-- items; NULL: of all.
CREATE FUNCTION scanned_moves_of_lines(sites text[], kind text, ids text[], of_items bigint[] DEFAULT NULL)
    RETURNS TABLE (site text, id text, line text, gateway_id integer, epoch bigint, seq bigint, quantity numeric, is_damaged boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF scanned_moves_of_lines.kind = 'asn' THEN
        RETURN QUERY
        SELECT n.site, p.id, p.line, p.gateway_id, p.epoch, p.seq, p.quantity, p.is_damaged
        FROM (
            SELECT s.site, array_agg(s.id) AS ids
            FROM numbers_scanned(sites, scanned_moves_of_lines.ids) s
            JOIN document d ON (d.site_id, d.type, d.id) = (s.site, 'asn', s.id)
            GROUP BY s.site
        ) n
        CROSS JOIN LATERAL scanned_parts(n.site, 'asn', n.ids, of_items, NULL) p
        WHERE p.line IS NOT NULL AND NOT p.is_reversed;
    ELSIF scanned_moves_of_lines.kind = 'purchase_order' THEN
        RETURN QUERY
        SELECT n.site, p.id, p.line, p.gateway_id, p.epoch, p.seq, p.quantity, p.is_damaged
        FROM (
            SELECT s.site, array_agg(s.id) AS ids
            FROM numbers_scanned(sites, scanned_moves_of_lines.ids) s
            JOIN document d ON (d.site_id, d.type, d.id) = (s.site, 'purchase_order', s.id)
            WHERE NOT EXISTS (SELECT FROM document x WHERE (x.site_id, x.type, x.id) = (s.site, 'asn', s.id))
            GROUP BY s.site
        ) n
        CROSS JOIN LATERAL scanned_parts(n.site, 'purchase_order', n.ids, of_items, NULL) p
        WHERE p.line IS NOT NULL AND NOT p.is_reversed
        UNION ALL
        SELECT n.site, p.order_id, p.order_line, p.gateway_id, p.epoch, p.seq, p.quantity, p.is_damaged
        FROM (
            SELECT s.site, array_agg(s.id) AS ids
            FROM numbers_scanned(sites, ARRAY(SELECT DISTINCT l.id FROM document_line l
                WHERE l.type = 'asn' AND l.order_id = ANY (scanned_moves_of_lines.ids)
                    AND (sites IS NULL OR l.site_id = ANY (sites)))) s
            WHERE EXISTS (SELECT FROM document_line l WHERE (l.site_id, l.type, l.id) = (s.site, 'asn', s.id)
                AND l.order_id = ANY (scanned_moves_of_lines.ids))
            GROUP BY s.site
        ) n
        CROSS JOIN LATERAL scanned_parts(n.site, 'asn', n.ids, of_items, NULL) p
        WHERE p.order_id = ANY (scanned_moves_of_lines.ids) AND NOT p.is_reversed;
    END IF;
END
$$;

-- What was put on hold or into inspection of what handhelds received under a number, and what of it still waits as the receipt's line that it is
-- kept under says; `is_taken_back`: somebody, or the scan's own reversal, took that line back.
CREATE FUNCTION scanned_holds(of_site text, of_id text)
    RETURNS TABLE (gateway_id integer, epoch bigint, seq bigint, item_id bigint, reason text, asked numeric, held numeric,
        waits numeric, receipt text, line text, is_taken_back boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT h.* FROM scanned_hold h WHERE (h.site_id, h.id) = (of_site, of_id)
    ), waits AS (
        SELECT m.id, m.line, sum(CASE WHEN m.to_as IN ('hold', 'inspection') AND m.to_place <> 'virtual' THEN m.quantity ELSE 0 END
            - CASE WHEN m.from_as IN ('hold', 'inspection') AND m.from_place <> 'virtual' THEN m.quantity ELSE 0 END) AS quantity
        FROM moves_naming_lines(ARRAY[of_site], 'receipt',
            ARRAY(SELECT DISTINCT h.receipt FROM held h WHERE h.held > 0), false, NULL) m
        GROUP BY m.id, m.line
    )
    SELECT h.gateway_id, h.epoch, h.seq, c.canonical_id, h.reason, h.asked, h.held, greatest(coalesce(w.quantity, 0), 0), h.receipt, h.line,
        EXISTS (SELECT FROM receipt_line_reversal v WHERE (v.site_id, v.id, v.line) = (h.site_id, h.receipt, h.line))
    FROM held h
    JOIN canonical_item c ON c.item_id = h.item_id
    LEFT JOIN waits w ON (w.id, w.line) = (h.receipt, h.line)
    ORDER BY h.hold_id;
END
$$;

-- What handhelds received under a number, each with the line of the ASN or order that it is of, with what the rules of receiving
-- need to judge it and what was put on hold or into inspection of it; for the session's sites. `taken` is what people received of the
-- line and did not hold; `is_due`: the site is whole up to then; `is_fresh`: it is known since scans are held, `is_inspectable`: since
-- they are inspected; `days_left`: until its lot expires, where that is less than its item asked for when the scan became known; `came`:
-- of the line with this part, while anything was expected. Of some items only, or a page of what is, or was, in question; NULL: of all, and all. The last three
-- are of all.
CREATE FUNCTION read_scanned_receipt(of_site text, of_id text, of_items bigint[], in_question boolean, after integer, most integer)
    RETURNS TABLE (type text, partner text, gateway text, epoch bigint, seq bigint, occurred_at timestamptz, time_zone text,
        actor text, item text, item_name text, base_unit text, lot text, location text, line text, quantity numeric,
        rule text, is_over boolean, ordered numeric, taken numeric, is_closed boolean, is_ended boolean, recorded_at timestamptz,
        is_due boolean, is_fresh boolean, is_inspectable boolean, item_id bigint, asked numeric, on_hold numeric, missed numeric,
        to_inspect numeric, in_inspection numeric, uninspected numeric, days_left integer, came numeric, parts bigint, over bigint,
        unexpected bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT sees_site(of_site) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH paper AS MATERIALIZED (
        SELECT d.site_id, d.type, d.id, d.partner, o.ended_at
        FROM document d LEFT JOIN purchase_order o ON d.type = 'purchase_order' AND (o.site_id, o.id) = (d.site_id, d.id)
        WHERE d.site_id = of_site AND d.id = of_id AND d.type IN ('asn', 'purchase_order')
            AND (d.type = 'asn' OR NOT EXISTS (
                SELECT FROM document x WHERE (x.site_id, x.type, x.id) = (d.site_id, 'asn', d.id)))
        UNION ALL
        SELECT of_site, 'receipt', of_id, NULL, NULL WHERE NOT EXISTS (
            SELECT FROM document x WHERE x.site_id = of_site AND x.id = of_id AND x.type IN ('asn', 'purchase_order'))
    ), asked AS MATERIALIZED (
        SELECT n.line, n.ordered, n.moved - coalesce((
                SELECT sum(l.held) FROM receipt_line l
                WHERE (l.site_id, l.of_type, l.of_id, l.of_line) = (d.site_id, d.type, d.id, n.line)
                    AND NOT EXISTS (SELECT FROM receipt_line_reversal v WHERE (v.site_id, v.id, v.line) = (l.site_id, l.id, l.line))), 0)
                AS taken, e.ended_at
        FROM paper d
        CROSS JOIN LATERAL stated_lines_now(ARRAY[d.site_id], d.type, ARRAY[d.id]) n
        LEFT JOIN document_line_end_now e ON (e.site_id, e.type, e.id, e.line) = (d.site_id, d.type, d.id, n.line)
        WHERE d.type <> 'receipt'
    ), held AS MATERIALIZED (
        SELECT h.gateway_id, h.epoch, h.seq, sum(h.asked) FILTER (WHERE NOT k.is_inspected) AS asked,
            sum(h.waits) FILTER (WHERE NOT k.is_inspected) AS on_hold,
            sum(h.asked - h.held) FILTER (WHERE NOT k.is_inspected) AS missed,
            sum(h.asked) FILTER (WHERE k.is_inspected) AS to_inspect, sum(h.waits) FILTER (WHERE k.is_inspected) AS in_inspection,
            sum(h.asked - h.held) FILTER (WHERE k.is_inspected) AS uninspected
        FROM scanned_holds(of_site, of_id) h CROSS JOIN LATERAL (SELECT h.reason = 'inspection') k (is_inspected)
        GROUP BY h.gateway_id, h.epoch, h.seq
    ), part AS MATERIALIZED (
        SELECT d.type, d.partner, g.name AS gateway, p.*, coalesce(p.occurred_at > d.ended_at, false) AS is_closed,
            row_number() OVER (PARTITION BY p.gateway_id, p.epoch, p.seq ORDER BY p.is_over DESC, p.line DESC) AS nth
        FROM paper d CROSS JOIN LATERAL scanned_parts(d.site_id, d.type, ARRAY[d.id], of_items, NULL) p
        JOIN gateway g ON g.gateway_id = p.gateway_id
        WHERE NOT p.is_reversed
    ), counted AS (
        SELECT p.*, sum(p.quantity) FILTER (WHERE NOT p.is_closed) OVER (PARTITION BY p.line
                ORDER BY p.occurred_at, p.gateway, p.epoch, p.seq, p.is_over ROWS UNBOUNDED PRECEDING) AS came,
            count(*) OVER () AS parts, count(*) FILTER (WHERE p.is_over) OVER () AS over,
            count(*) FILTER (WHERE p.rule = 'unexpected') OVER () AS unexpected
        FROM part p
    ), known AS MATERIALIZED (
        -- joined before all else: of the rest nobody knows beforehand how few or many there are
        SELECT p.*, s.ordered, s.taken, s.ended_at AS line_ended_at, h.asked, h.on_hold, h.missed, h.to_inspect, h.in_inspection,
            h.uninspected
        FROM counted p
        LEFT JOIN asked s ON s.line = p.line
        LEFT JOIN held h ON p.nth = 1 AND (h.gateway_id, h.epoch, h.seq) = (p.gateway_id, p.epoch, p.seq)
        WHERE in_question IS NOT TRUE OR p.is_over OR p.rule = 'unexpected' OR p.is_closed OR h.asked > 0 OR h.to_inspect > 0
        ORDER BY p.occurred_at, p.gateway, p.epoch, p.seq, p.line, p.is_over OFFSET after LIMIT most
    )
    SELECT p.type, p.partner, p.gateway, p.epoch, p.seq, p.occurred_at, z.time_zone, coalesce(m.detail ->> 'actor', m.detail ->> 'device'),
        i.code, i.name, i.base_unit, coalesce(tc.lot, fc.lot), tl.code, p.line, p.quantity, p.rule, p.is_over, p.ordered,
        coalesce(p.taken, 0), p.is_closed, coalesce(p.occurred_at > p.line_ended_at, false),
        e.recorded_at, coalesce(p.occurred_at <= r.until_at, false), e.recorded_at > f.since, e.recorded_at > f.inspects_since,
        p.item_id, coalesce(p.asked, 0), coalesce(p.on_hold, 0), coalesce(p.missed, 0), coalesce(p.to_inspect, 0),
        coalesce(p.in_inspection, 0), coalesce(p.uninspected, 0), CASE WHEN k.days <= v.minimum_days THEN k.days END,
        coalesce(p.came, 0), p.parts, p.over, p.unexpected
    FROM known p
    JOIN site z ON z.site_id = of_site
    JOIN movement m ON (m.gateway_id, m.epoch, m.seq, m.occurred_at) = (p.gateway_id, p.epoch, p.seq, p.occurred_at)
    JOIN ledger_entry e ON e.posting_id = m.posting_id
    CROSS JOIN scanned_head f
    JOIN cell fc ON fc.cell_id = m.from_cell
    JOIN cell tc ON tc.cell_id = m.to_cell JOIN location tl ON tl.location_id = tc.location_id
    JOIN item i ON i.item_id = p.item_id
    LEFT JOIN resolver_reach r ON r.site_id = of_site
    LEFT JOIN lot t ON t.item_id = p.item_id AND t.lot = coalesce(tc.lot, fc.lot)
    CROSS JOIN LATERAL (SELECT t.expires_on - (p.occurred_at AT TIME ZONE z.time_zone)::date AS days) k
    LEFT JOIN LATERAL (
        SELECT x.minimum_days FROM item_life x WHERE x.item_id = p.item_id AND x.set_at <= e.recorded_at
        ORDER BY x.life_id DESC LIMIT 1) v ON true
    ORDER BY p.occurred_at, p.gateway, p.epoch, p.seq, p.line, p.is_over;
END
$$;

REVOKE ALL ON FUNCTION lines_to_receive(text, text, text[], bigint), scanned_parts(text, text, text[], bigint[], bigint),
    numbers_scanned(text[], text[]), scanned_moves_of_lines(text[], text, text[], bigint[]), scanned_holds(text, text),
    read_scanned_receipt(text, text, bigint[], boolean, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_scanned_receipt(text, text, bigint[], boolean, integer, integer) TO dockledger_app;
