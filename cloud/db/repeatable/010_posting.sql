-- What every posting does inside the database (PROTOCOL P4, P7, P8). All run with the owner's rights, so
-- the roles that post need no right to read movements or to touch the order.

CREATE OR REPLACE FUNCTION begin_posting(OUT posting_id bigint, OUT ledger_id uuid, OUT master_revision bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(current_setting('dockledger.posting', true), '') <> '' THEN
        RAISE EXCEPTION 'posting % is open in this transaction: one transaction makes one posting',
            current_setting('dockledger.posting') USING ERRCODE = 'invalid_transaction_state';
    END IF;
    posting_id := nextval('posting_id_seq');
    PERFORM set_config('dockledger.posting', posting_id::text, true);
    SELECT i.ledger_id, r.revision INTO ledger_id, master_revision FROM ledger_identity i, master_revision r;
END
$$;

-- Adds a posting's deltas to the balances: one row per cell, touched in key order, so writers never deadlock.
CREATE OR REPLACE FUNCTION apply_balances(p bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off AS $$
BEGIN
    INSERT INTO balance AS b (cell_id, site_id, quantity)
    SELECT d.cell_id, c.site_id, d.quantity
    FROM (
        SELECT s.cell_id, sum(s.delta) AS quantity
        FROM (
            SELECT m.from_cell AS cell_id, -m.quantity AS delta FROM movement m WHERE m.posting_id = p
            UNION ALL
            SELECT m.to_cell, m.quantity FROM movement m WHERE m.posting_id = p
        ) s
        GROUP BY s.cell_id
    ) d
    JOIN cell c ON c.cell_id = d.cell_id
    ORDER BY d.cell_id
    ON CONFLICT (cell_id) DO UPDATE SET quantity = b.quantity + excluded.quantity;
END
$$;

-- What a posting of the resolver did to anchored cells. It moves no goods: some of a place are of another name than they
-- were stated by. A count that saw both names, or saw the goods as stated or as `unspecified`, goes along with them
-- (`inferred`), so the place still holds what was counted; a count of the other name alone takes them as late.
CREATE OR REPLACE FUNCTION renamed_under_anchors(p bigint)
    RETURNS TABLE (cell_id bigint, observed_at timestamptz, delta numeric, is_late boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH part AS MATERIALIZED (
        SELECT m.detail #> '{inferred,of}' AS fact, m.detail #>> '{inferred,side}' AS side, m.occurred_at, e.cell_id,
            bool_or(e.is_stated) AS is_stated, sum(e.delta) AS delta
        FROM movement m
        CROSS JOIN LATERAL (SELECT coalesce((m.detail #> '{inferred,withdraws}')::boolean, false)
            = (m.detail #>> '{inferred,side}' = 'source') AS is_from) stated
        CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity, stated.is_from), (m.to_cell, m.quantity, NOT stated.is_from))
            e (cell_id, delta, is_stated)
        WHERE m.posting_id = p AND m.detail ? 'inferred'
        GROUP BY 1, 2, 3, 4
    ), told AS (
        SELECT k.*, a.observed_at, a.state,
            k.is_stated
            OR EXISTS (SELECT FROM part o JOIN count_anchor b ON b.cell_id = o.cell_id AND b.observed_at = a.observed_at
                WHERE o.fact = k.fact AND o.side = k.side AND o.cell_id <> k.cell_id)
            OR (c.lot = 'unspecified' AND EXISTS (SELECT FROM part o
                WHERE o.fact = k.fact AND o.side = k.side AND o.is_stated AND o.delta = 0)) AS goes_along
        FROM part k
        JOIN cell c ON c.cell_id = k.cell_id
        JOIN count_anchor a ON a.cell_id = k.cell_id AND a.observed_at >= k.occurred_at
    ), first AS (
        SELECT t.*, min(t.observed_at) FILTER (WHERE t.state = 'bound' AND NOT t.goes_along)
            OVER (PARTITION BY t.fact, t.side, t.cell_id) AS late_at
        FROM told t
    )
    SELECT f.cell_id, f.observed_at, f.delta, NOT f.goes_along
    FROM first f
    WHERE f.delta <> 0
        AND (f.observed_at = f.late_at OR (f.goes_along AND f.observed_at < coalesce(f.late_at, 'infinity')))
$$;

-- Keeps every bound anchor true: what this posting moved at or before an anchor's instant is compensated at
-- the first bound anchor that follows, or that anchor becomes pending (P8). Runs under the balance locks.
-- An adjustment made its own anchor true; only the anchors after it see that movement as late.
CREATE OR REPLACE FUNCTION compensate_anchors(p bigint, actor text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    anchor    record;
    last_cell bigint;
    carried   numeric;
BEGIN
    PERFORM FROM count_anchor a
    WHERE a.cell_id IN (
        SELECT m.from_cell FROM movement m WHERE m.posting_id = p
        UNION
        SELECT m.to_cell FROM movement m WHERE m.posting_id = p)
    ORDER BY a.cell_id, a.observed_at
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE count_anchor a SET inferred = a.inferred + r.delta
    FROM (SELECT n.cell_id, n.observed_at, sum(n.delta) AS delta FROM renamed_under_anchors(p) n
        WHERE NOT n.is_late GROUP BY n.cell_id, n.observed_at) r
    WHERE a.cell_id = r.cell_id AND a.observed_at = r.observed_at;
    FOR anchor IN
        WITH moved AS (
            SELECT m.from_cell AS cell_id, -m.quantity AS delta, m.occurred_at, m.adjustment_id
            FROM movement m WHERE m.posting_id = p AND NOT m.detail ? 'inferred'
            UNION ALL
            SELECT m.to_cell, m.quantity, m.occurred_at, m.adjustment_id
            FROM movement m WHERE m.posting_id = p AND NOT m.detail ? 'inferred'
            UNION ALL
            SELECT r.cell_id, r.delta, r.observed_at, NULL FROM renamed_under_anchors(p) r WHERE r.is_late
        ), bound AS (
            SELECT a.*, lag(a.observed_at, 1, '-infinity')
                OVER (PARTITION BY a.cell_id ORDER BY a.observed_at) AS previous_at
            FROM count_anchor a
            WHERE a.state = 'bound' AND a.cell_id IN (SELECT cell_id FROM moved)
        )
        SELECT b.*, c.item_id, c.site_id, i.code, g.gateway_id, coalesce(l.late, 0) AS late
        FROM bound b
        LEFT JOIN (
            SELECT x.cell_id, x.observed_at, sum(v.delta) AS late
            FROM bound x
            JOIN moved v ON v.cell_id = x.cell_id AND CASE WHEN v.adjustment_id IS NULL
                THEN v.occurred_at > x.previous_at AND v.occurred_at <= x.observed_at
                ELSE v.occurred_at >= x.previous_at AND v.occurred_at < x.observed_at END
            GROUP BY x.cell_id, x.observed_at
        ) l ON l.cell_id = b.cell_id AND l.observed_at = b.observed_at
        JOIN cell c ON c.cell_id = b.cell_id
        JOIN item i ON i.item_id = c.item_id
        JOIN gateway g ON g.name = '_cloud'
        ORDER BY b.cell_id, b.observed_at
    LOOP
        carried := CASE WHEN anchor.cell_id = last_cell THEN carried ELSE 0 END + anchor.late;
        last_cell := anchor.cell_id;
        CONTINUE WHEN carried = 0;
        IF abs(anchor.adjusted - carried) > anchor.limit_quantity THEN
            UPDATE count_anchor SET state = 'pending' WHERE adjustment_id = anchor.adjustment_id;
            UPDATE adjustment SET state = 'submitted' WHERE adjustment_id = anchor.adjustment_id;
            CONTINUE;
        END IF;
        INSERT INTO movement (
            gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
            identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, reason,
            adjustment_id, detail)
        VALUES (
            anchor.gateway_id, 0, nextval('cloud_row_seq'), anchor.observed_at, p, anchor.item_id,
            CASE WHEN carried > 0 THEN anchor.cell_id ELSE anchor.adjustment_cell_id END,
            CASE WHEN carried > 0 THEN anchor.adjustment_cell_id ELSE anchor.cell_id END,
            abs(carried), anchor.site_id, 'sku', anchor.code, abs(carried), 'base', anchor.observed_at,
            'claimed', 'bound_adjustment', anchor.adjustment_id, jsonb_build_object('actor', actor));
        INSERT INTO balance AS b (cell_id, site_id, quantity)
        SELECT d.cell_id, anchor.site_id, d.delta
        FROM (VALUES (anchor.cell_id, -carried), (anchor.adjustment_cell_id, carried)) d (cell_id, delta)
        ORDER BY d.cell_id
        ON CONFLICT (cell_id) DO UPDATE SET quantity = b.quantity + excluded.quantity;
        UPDATE count_anchor SET adjusted = adjusted - carried WHERE adjustment_id = anchor.adjustment_id;
        carried := 0;
    END LOOP;
END
$$;

-- Hash of everything a posting stored, column by column. A column added later goes into a new version; old
-- entries keep the one they were made with. Version 2 knows what a period was closed with, version 3 whose the goods
-- between sites are in it and how it was split.
CREATE OR REPLACE FUNCTION posting_digest(p bigint, version smallint) RETURNS bytea
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET extra_float_digits = 1 SET enable_seqscan = off AS $$
    SELECT sha256(convert_to(coalesce(string_agg(line, E'\n' ORDER BY line COLLATE "C"), ''), 'UTF8'))
    FROM (
        SELECT 'movement' || ROW(gateway_id, epoch, seq, occurred_at, item_id, from_cell, to_cell, quantity,
            site_id, identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis,
            reason, reverses_gateway, reverses_epoch, reverses_seq, adjustment_id, detail)::text AS line
        FROM movement WHERE posting_id = p
        UNION ALL
        SELECT 'unit_position' || ROW(gateway_id, epoch, seq, occurred_at, site_id, unit_id, location_id,
            parent_id, from_location_id, occurred_at_claimed, time_basis, detail)::text
        FROM unit_position WHERE posting_id = p
        UNION ALL
        SELECT 'crossing' || ROW(gateway_id, epoch, seq, occurred_at, site_id, portal, epc, direction,
            first_seen_at, reads, posted, visit, occurred_at_claimed, time_basis, detail)::text
        FROM crossing WHERE posting_id = p
        UNION ALL
        SELECT 'count' || ROW(gateway_id, epoch, seq, occurred_at, site_id, scope, location_id, count_task,
            is_blind, clock_uncertainty_s, occurred_at_claimed, time_basis, detail)::text
        FROM count WHERE posting_id = p
        UNION ALL
        SELECT 'count_line' || ROW(gateway_id, epoch, seq, occurred_at, line_no, item_id, cell_id, quantity,
            is_confirmed_zero, identifier_scheme, identifier, quantity_seen, unit_seen, detail)::text
        FROM count_line WHERE posting_id = p
        UNION ALL
        SELECT 'workflow_event' || ROW(gateway_id, epoch, seq, occurred_at, site_id, workflow, step, outcome,
            occurred_at_claimed, time_basis, detail)::text
        FROM workflow_event WHERE posting_id = p
        UNION ALL
        SELECT 'gap' || ROW(gateway_id, epoch, seq, occurred_at, site_id, gap_device, from_at, to_at, cause,
            occurred_at_claimed, time_basis, detail)::text
        FROM gap WHERE posting_id = p
        UNION ALL
        SELECT 'batch' || ROW(gateway_id, epoch, batch_no, site_id, sha256, prev_sha256, first_seq, last_seq,
            complete_until, is_final, sha256(body), status, received_at)::text
        FROM batch WHERE posting_id = p
        UNION ALL
        SELECT 'quarantine' || ROW(quarantine_id, received_at, topic, site_id, gateway, epoch, batch_no, seq,
            reason, message, sha256(payload), sha256)::text
        FROM quarantine WHERE posting_id = p
        UNION ALL
        SELECT 'cell' || ROW(cell_id, item_id, location_id, lot, disposition, owner, site_id)::text
        FROM cell WHERE posting_id = p
        UNION ALL
        SELECT 'location' || ROW(location_id, site_id, code, kind)::text
        FROM location WHERE posting_id = p
        UNION ALL
        SELECT 'identifier' || ROW(scheme, value, valid_from, item_id, numerator, denominator)::text
        FROM identifier WHERE posting_id = p
        UNION ALL
        SELECT 'item_alias' || ROW(alias_id, from_item, to_item, numerator, denominator)::text
        FROM item_alias WHERE posting_id = p
        UNION ALL
        SELECT 'claim' || ROW(kind, target)::text
        FROM claim WHERE posting_id = p
        UNION ALL
        SELECT 'count_anchor' || ROW(cell_id, observed_at, counted, adjustment_id, adjustment_cell_id,
            limit_quantity)::text
        FROM count_anchor WHERE posting_id = p
        UNION ALL
        SELECT 'period_close' || CASE version
            WHEN 1 THEN ROW(close_id, site_id, ends_at, as_of_position, closed_by)::text
            WHEN 2 THEN ROW(close_id, site_id, ends_at, as_of_position, closed_by, period, starts_at, revision,
                opens_from, asked_by, reason, note, open_points, currency, decision_id)::text
            ELSE ROW(close_id, site_id, ends_at, as_of_position, closed_by, period, starts_at, revision, opens_from,
                asked_by, reason, note, open_points, currency, decision_id, transit_owner)::text END
        FROM period_close WHERE posting_id = p
        UNION ALL
        SELECT 'period_balance' || CASE version
            WHEN 1 THEN ROW(close_id, cell_id, quantity)::text
            WHEN 2 THEN ROW(close_id, cell_id, quantity, place_id)::text
            ELSE ROW(close_id, cell_id, quantity, place_id, valued, category, zone)::text END
        FROM period_balance WHERE posting_id = p
        UNION ALL
        SELECT 'period_cost' || ROW(close_id, item_id, basis, cost, detail)::text
        FROM period_cost WHERE posting_id = p AND version >= 2
    ) lines
    WHERE version IN (1, 2, 3)
$$;

-- One link of the chain: everything an entry says, hashed onto the link before.
CREATE OR REPLACE FUNCTION chain_link(previous bytea, e ledger_entry) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' AS $$
    SELECT sha256(previous || convert_to(
        ROW(e.position, e.shard, e.posting_id, e.kind, e.actor, e.digest_version, e.content_sha, e.recorded_at)::text,
        'UTF8'))
$$;

-- Walks each touched epoch forward over the batches that now follow without a hole (P6).
-- Ingest has walked already as far as it read, over batches held whole too; what lies beyond is walked here.
CREATE OR REPLACE FUNCTION advance_completeness(p bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    reached completeness;
    before  bigint;
    next    record;
    touched record;
BEGIN
    FOR touched IN
        SELECT DISTINCT b.gateway_id, b.epoch FROM batch b WHERE b.posting_id = p ORDER BY 1, 2
    LOOP
        INSERT INTO completeness (gateway_id, epoch) VALUES (touched.gateway_id, touched.epoch)
        ON CONFLICT DO NOTHING;
        SELECT * INTO reached FROM completeness c
        WHERE c.gateway_id = touched.gateway_id AND c.epoch = touched.epoch FOR UPDATE;
        before := reached.contiguous_no;
        LOOP
            SELECT b.sha256, b.complete_until, b.is_final INTO next FROM batch b
            WHERE b.gateway_id = touched.gateway_id AND b.epoch = touched.epoch
                AND b.batch_no = reached.contiguous_no + 1 AND b.prev_sha256 = reached.contiguous_sha256;
            EXIT WHEN NOT FOUND;
            reached.contiguous_no := reached.contiguous_no + 1;
            reached.contiguous_sha256 := next.sha256;
            reached.complete_until :=
                greatest(reached.complete_until, least(next.complete_until, clock_timestamp()));
            reached.is_final := next.is_final;
        END LOOP;
        IF reached.contiguous_no > before THEN
            UPDATE completeness c SET contiguous_no = reached.contiguous_no,
                contiguous_sha256 = reached.contiguous_sha256, complete_until = reached.complete_until,
                is_final = reached.is_final
            WHERE c.gateway_id = touched.gateway_id AND c.epoch = touched.epoch;
        END IF;
    END LOOP;
END
$$;

-- The last statement before COMMIT: balances, anchors and digest first, then the order's one lock, held only
-- for the link itself and for what must be serial with it (P4).
CREATE OR REPLACE FUNCTION close_posting(
    p bigint, posting_kind text, posting_actor text, OUT "position" bigint, OUT recorded_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head  ledger_head;
    entry ledger_entry;
BEGIN
    IF coalesce(current_setting('dockledger.posting', true), '') <> p::text THEN
        RAISE EXCEPTION 'posting % was not begun in this transaction', p
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM apply_balances(p);
    PERFORM compensate_anchors(p, posting_actor);
    PERFORM leave_stated_sellable(p, posting_actor);
    PERFORM open_lines_again(p);
    PERFORM follow_positions(p);
    entry.content_sha := posting_digest(p, 3::smallint);
    SELECT * INTO head FROM ledger_head h WHERE h.shard = 0 FOR UPDATE;
    entry.position := head.position + 1;
    entry.shard := head.shard;
    entry.posting_id := p;
    entry.kind := posting_kind;
    entry.actor := posting_actor;
    entry.digest_version := 3;
    entry.recorded_at := greatest(head.recorded_at, clock_timestamp());
    entry.chain := chain_link(head.chain, entry);
    INSERT INTO ledger_entry SELECT entry.*;
    UPDATE ledger_head h SET position = entry.position, recorded_at = entry.recorded_at, chain = entry.chain
    WHERE h.shard = head.shard;
    PERFORM advance_completeness(p);
    position := entry.position;
    recorded_at := entry.recorded_at;
END
$$;

-- Appends to the audit chain; returns the new event's number.
CREATE OR REPLACE FUNCTION record_audit(
    event_actor text, event_action text, event_target text, event_site text, event_position bigint, event_detail jsonb)
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head  audit_head;
    event audit_event;
BEGIN
    SELECT * INTO head FROM audit_head FOR UPDATE;
    event.audit_id := head.audit_id + 1;
    event.recorded_at := clock_timestamp();
    event.actor := event_actor;
    event.action := event_action;
    event.target := event_target;
    event.site_id := event_site;
    event.position := event_position;
    event.detail := coalesce(event_detail, '{}');
    event.chain := audit_link(head.chain, event);
    INSERT INTO audit_event SELECT event.*;
    UPDATE audit_head SET audit_id = event.audit_id, chain = event.chain;
    RETURN event.audit_id;
END
$$;

CREATE OR REPLACE FUNCTION audit_link(previous bytea, e audit_event) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' AS $$
    SELECT sha256(previous || convert_to(
        ROW(e.audit_id, e.recorded_at, e.actor, e.action, e.target, e.site_id, e.position, e.detail)::text, 'UTF8'))
$$;

DO $$
DECLARE
    routine text;
BEGIN
    FOREACH routine IN ARRAY ARRAY[
        'begin_posting()', 'apply_balances(bigint)', 'compensate_anchors(bigint, text)', 'renamed_under_anchors(bigint)',
        'posting_digest(bigint, smallint)', 'advance_completeness(bigint)', 'close_posting(bigint, text, text)',
        'record_audit(text, text, text, text, bigint, jsonb)'
    ] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION begin_posting(), close_posting(bigint, text, text)
    TO dockledger_ingest, dockledger_app;
GRANT EXECUTE ON FUNCTION record_audit(text, text, text, text, bigint, jsonb)
    TO dockledger_ingest, dockledger_app, dockledger_migrator;
