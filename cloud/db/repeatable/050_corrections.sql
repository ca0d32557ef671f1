-- What people do to the ledger: reverse, adjust to a count, approve, merge. Each works inside the open
-- posting of the transaction and within the actor's sites (NULL: all).

DROP FUNCTION IF EXISTS adjust_to_count(text[], bigint, timestamptz, numeric, text, text, numeric);
DROP FUNCTION IF EXISTS close_period(text, timestamptz, text);

CREATE OR REPLACE FUNCTION open_posting() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(current_setting('dockledger.posting', true), '') = '' THEN
        RAISE EXCEPTION 'no posting is open in this transaction' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    RETURN current_setting('dockledger.posting')::bigint;
END
$$;

-- A movement of the sites, or an error that does not tell whether another site has it.
CREATE OR REPLACE FUNCTION movement_within(sites text[], of_gateway text, of_epoch bigint, of_seq bigint)
    RETURNS movement LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found_one movement;
BEGIN
    SELECT m.* INTO found_one FROM movement m JOIN gateway g ON g.gateway_id = m.gateway_id
    WHERE g.name = of_gateway AND m.epoch = of_epoch AND m.seq = of_seq
        AND (sites IS NULL OR m.site_id = ANY (sites));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no movement % of gateway % at your sites', of_seq, of_gateway USING ERRCODE = 'no_data_found';
    END IF;
    RETURN found_one;
END
$$;

-- Lets documents' lines that a line of a receipt ended be open again; returns how many.
CREATE OR REPLACE FUNCTION reopen_ended_lines(sites text[], of_site text, of_receipt text, receipt_line text)
    RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    opened integer;
BEGIN
    INSERT INTO document_line_reopening (end_id, site_id, receipt, receipt_line)
    SELECT e.end_id, l.site_id, l.id, l.line
    FROM receipt_line l
    JOIN document_line_end_now e ON (e.site_id, e.type, e.id, e.line) = (l.site_id, l.of_type, l.of_id, l.of_line)
        AND e.reason IN ('within_tolerance', 'closed_short')
    WHERE (l.site_id, l.id, l.line) = (of_site, of_receipt, reopen_ended_lines.receipt_line)
        AND (sites IS NULL OR of_site = ANY (sites));
    GET DIAGNOSTICS opened = ROW_COUNT;
    RETURN opened;
END
$$;

-- The unit that a shipment took along stands where it stood before, once goods that left out of it are taken back.
CREATE OR REPLACE FUNCTION unit_comes_back(original movement, actor text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    sent   unit_position;
    before unit_position;
    later  boolean;
BEGIN
    SELECT u.* INTO sent
    FROM cell c
    JOIN location l ON l.location_id = c.location_id AND l.kind = 'unit'
    JOIN unit_position u ON u.unit_id = l.location_id AND u.occurred_at = original.occurred_at
    JOIN location a ON a.location_id = u.location_id AND a.kind = 'virtual'
    CROSS JOIN LATERAL jsonb_array_elements(u.detail -> 'documents') d
    WHERE c.cell_id = original.from_cell AND u.posting_id = original.posting_id AND d ->> 'type' = 'shipment'
    LIMIT 1;
    IF sent.unit_id IS NULL OR EXISTS (
        SELECT FROM unit_position u WHERE u.unit_id = sent.unit_id AND u.occurred_at = sent.occurred_at
            AND u.posting_id > sent.posting_id)
    THEN
        RETURN;  -- it came back with another line, or somebody said where it stood then
    END IF;
    SELECT u.* INTO before
    FROM unit_position u JOIN ledger_entry e ON e.posting_id = u.posting_id
    WHERE u.unit_id = sent.unit_id AND u.occurred_at <= sent.occurred_at AND u.posting_id <> sent.posting_id
        AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
            WHERE (v.gateway_id, v.epoch, v.seq) = (u.gateway_id, u.epoch, u.seq))
    ORDER BY u.occurred_at DESC, e.position DESC, u.seq DESC LIMIT 1;
    IF before.unit_id IS NULL THEN
        SELECT EXISTS (SELECT FROM unit_position u WHERE u.unit_id = sent.unit_id AND u.occurred_at > sent.occurred_at)
        INTO later;
        IF NOT later THEN
            RAISE EXCEPTION 'nobody knows where unit % stood before it left: say where it stands, then take this back',
                (SELECT l.code FROM location l WHERE l.location_id = sent.unit_id);
        END IF;
        RETURN;
    END IF;
    INSERT INTO unit_position (
        gateway_id, epoch, seq, occurred_at, posting_id, site_id, unit_id, location_id, parent_id, from_location_id,
        occurred_at_claimed, time_basis, detail)
    SELECT g.gateway_id, 0, nextval('cloud_row_seq'), sent.occurred_at, open_posting(), sent.site_id, sent.unit_id,
        before.location_id, before.parent_id, sent.location_id, sent.occurred_at_claimed, sent.time_basis,
        jsonb_build_object('actor', actor, 'documents', sent.detail -> 'documents')
    FROM gateway g WHERE g.name = '_cloud';
END
$$;

-- The same quantity back between the same cells, at the same occurred_at (DOMAIN D7). What a receipt of it had ended is
-- open again, a unit that left with it is back. Returns the row's seq.
CREATE OR REPLACE FUNCTION reverse_movement(
    sites text[], of_gateway text, of_epoch bigint, of_seq bigint, reversal_reason text, actor text)
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    original movement := movement_within(sites, of_gateway, of_epoch, of_seq);
    new_seq  bigint;
BEGIN
    IF original.adjustment_id IS NOT NULL THEN
        RAISE EXCEPTION 'movement % carries out adjustment %: a later count replaces it, a reversal cannot',
            of_seq, original.adjustment_id;
    END IF;
    IF original.detail ? 'inferred' THEN
        RAISE EXCEPTION 'movement % says what was inferred of another: state the lot where the goods lie, or reverse that other',
            of_seq;
    END IF;
    new_seq := nextval('cloud_row_seq');
    INSERT INTO movement (
        gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
        identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, reason,
        reverses_gateway, reverses_epoch, reverses_seq, detail)
    SELECT g.gateway_id, 0, new_seq, original.occurred_at, open_posting(), original.item_id, original.to_cell,
        original.from_cell, original.quantity, original.site_id, original.identifier_scheme, original.identifier,
        original.quantity_seen, original.unit_seen, original.occurred_at_claimed, original.time_basis,
        reversal_reason, original.gateway_id, original.epoch, original.seq, jsonb_build_object('actor', actor)
    FROM gateway g WHERE g.name = '_cloud';
    PERFORM unit_comes_back(original, actor);
    PERFORM reopen_ended_lines(sites, original.site_id, d ->> 'id', d ->> 'line')
    FROM jsonb_array_elements(original.detail -> 'documents') d WHERE d ->> 'type' = 'receipt';
    RETURN new_seq;
END
$$;

-- The cell's twin in the site's adjustment account.
CREATE OR REPLACE FUNCTION adjustment_cell(of_cell bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    original cell;
    account  bigint;
    twin     bigint;
BEGIN
    SELECT * INTO original FROM cell c WHERE c.cell_id = of_cell;
    INSERT INTO location (site_id, code, kind, posting_id)
    VALUES (original.site_id, '@adjustment', 'virtual', open_posting()) ON CONFLICT DO NOTHING;
    SELECT l.location_id INTO account FROM location l
    WHERE l.site_id = original.site_id AND l.code = '@adjustment' AND l.kind = 'virtual';
    INSERT INTO cell (item_id, location_id, lot, disposition, owner, site_id, posting_id)
    VALUES (original.item_id, account, original.lot, original.disposition, original.owner, original.site_id, open_posting())
    ON CONFLICT DO NOTHING;
    SELECT c.cell_id INTO twin FROM cell c
    WHERE c.item_id = original.item_id AND c.location_id = account AND c.lot IS NOT DISTINCT FROM original.lot
        AND c.disposition IS NOT DISTINCT FROM original.disposition AND c.owner IS NOT DISTINCT FROM original.owner;
    RETURN twin;
END
$$;

-- Moves what makes the cell hold `counted` as of the anchor's instant; the caller holds the balance lock.
CREATE OR REPLACE FUNCTION settle_anchor(anchor count_anchor, difference numeric, why text, actor text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF difference = 0 THEN
        RETURN;
    END IF;
    INSERT INTO movement (
        gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
        identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, reason,
        adjustment_id, detail)
    SELECT g.gateway_id, 0, nextval('cloud_row_seq'), anchor.observed_at, open_posting(), c.item_id,
        CASE WHEN difference > 0 THEN anchor.adjustment_cell_id ELSE anchor.cell_id END,
        CASE WHEN difference > 0 THEN anchor.cell_id ELSE anchor.adjustment_cell_id END,
        abs(difference), c.site_id, 'sku', i.code, abs(difference), 'base', anchor.observed_at, 'claimed', why,
        anchor.adjustment_id, jsonb_build_object('actor', actor)
    FROM gateway g, cell c JOIN item i ON i.item_id = c.item_id
    WHERE g.name = '_cloud' AND c.cell_id = anchor.cell_id;
END
$$;

-- Locks a cell's balance and tells its book as of an instant: nothing can be posted to it meanwhile.
CREATE OR REPLACE FUNCTION lock_book(of_cell bigint, at_instant timestamptz) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    book numeric;
BEGIN
    INSERT INTO balance (cell_id, site_id, quantity)
    SELECT c.cell_id, c.site_id, 0 FROM cell c WHERE c.cell_id = of_cell ON CONFLICT (cell_id) DO NOTHING;
    PERFORM FROM balance b WHERE b.cell_id = of_cell FOR UPDATE;
    SELECT q.quantity INTO book FROM as_of(ARRAY[of_cell], at_instant, 9223372036854775807) q;
    RETURN book;
END
$$;

-- Keeps others from posting to cells until the transaction ends, so that what is derived now stays true.
CREATE OR REPLACE FUNCTION lock_cells(sites text[], cells bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO balance (cell_id, site_id, quantity)
    SELECT c.cell_id, c.site_id, 0 FROM cell c
    WHERE c.cell_id = ANY (cells) AND (sites IS NULL OR c.site_id = ANY (sites))
    ORDER BY c.cell_id
    ON CONFLICT (cell_id) DO NOTHING;
    PERFORM FROM balance b
    WHERE b.cell_id = ANY (cells) AND (sites IS NULL OR b.site_id = ANY (sites))
    ORDER BY b.cell_id FOR UPDATE;
END
$$;

-- Binds a cell to a count from now on (P8), if the difference is still what was seen (NULL: whatever it is).
-- Returns the adjustment's id and what it moved.
CREATE OR REPLACE FUNCTION adjust_to_count(
    sites text[], of_cell bigint, observed timestamptz, quantity_counted numeric, expected numeric, why text,
    author_id text, approver_id text, approver_limit numeric, OUT adjustment_id bigint, OUT difference numeric)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    anchor count_anchor;
BEGIN
    PERFORM FROM cell c JOIN location l ON l.location_id = c.location_id
    WHERE c.cell_id = of_cell AND l.kind <> 'virtual' AND (sites IS NULL OR c.site_id = ANY (sites));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no countable cell % at your sites', of_cell USING ERRCODE = 'no_data_found';
    END IF;
    IF observed > clock_timestamp() THEN
        RAISE EXCEPTION 'a count observed at % lies in the future', observed;
    END IF;
    anchor.adjustment_cell_id := adjustment_cell(of_cell);
    difference := quantity_counted - lock_book(of_cell, observed);
    IF EXISTS (SELECT FROM count_anchor a WHERE a.cell_id = of_cell AND a.observed_at = observed) THEN
        RAISE EXCEPTION 'cell % is bound to a count observed at % already', of_cell, observed;
    END IF;
    IF difference <> expected THEN
        RAISE EXCEPTION 'cell % is off by % now, not by the % that was approved: look again',
            of_cell, difference, expected;
    END IF;
    IF abs(difference) > approver_limit THEN
        RAISE EXCEPTION 'difference % exceeds the limit %', difference, approver_limit;
    END IF;
    INSERT INTO adjustment AS a (site_id, cell_id, observed_at, counted, reason, author, approver, state)
    SELECT c.site_id, of_cell, observed, quantity_counted, why, author_id, approver_id, 'applied'
    FROM cell c WHERE c.cell_id = of_cell
    RETURNING a.adjustment_id INTO adjustment_id;
    INSERT INTO count_anchor AS a (
        cell_id, observed_at, counted, adjustment_id, adjustment_cell_id, limit_quantity, adjusted, posting_id)
    VALUES (of_cell, observed, quantity_counted, adjustment_id, anchor.adjustment_cell_id, approver_limit,
        difference, open_posting())
    RETURNING a.* INTO anchor;
    PERFORM settle_anchor(anchor, difference, why, approver_id);
END
$$;

-- Approves what late facts made of an adjustment, if it is still what the approver saw. The limit that was
-- exceeded stays with the anchor; what comes later goes back to the approver again.
CREATE OR REPLACE FUNCTION approve_adjustment(
    sites text[], of_adjustment bigint, expected numeric, approver_id text, OUT difference numeric)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    anchor count_anchor;
    book   numeric;
BEGIN
    SELECT a.* INTO anchor FROM count_anchor a
    JOIN cell c ON c.cell_id = a.cell_id
    WHERE a.adjustment_id = of_adjustment AND (sites IS NULL OR c.site_id = ANY (sites));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no adjustment % at your sites', of_adjustment USING ERRCODE = 'no_data_found';
    END IF;
    book := lock_book(anchor.cell_id, anchor.observed_at);
    SELECT a.* INTO anchor FROM count_anchor a WHERE a.adjustment_id = of_adjustment FOR UPDATE;
    difference := anchor.counted + anchor.inferred - book;
    IF anchor.state <> 'pending' THEN
        RAISE EXCEPTION 'adjustment % waits for no approval', of_adjustment;
    END IF;
    IF difference <> expected THEN
        RAISE EXCEPTION 'adjustment % is now %, not the % that was approved: look again',
            of_adjustment, difference, expected;
    END IF;
    UPDATE count_anchor a SET state = 'bound', adjusted = a.adjusted + difference
    WHERE a.adjustment_id = of_adjustment;
    UPDATE adjustment a SET state = 'applied', approver = approver_id WHERE a.adjustment_id = of_adjustment;
    PERFORM settle_anchor(anchor, difference, 'late_facts_approved', approver_id);
END
$$;

-- From here on one item reads as another; to itself takes that back.
CREATE OR REPLACE FUNCTION alias_item(from_code text, to_code text, up bigint, down bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    alias bigint;
BEGIN
    INSERT INTO item_alias (from_item, to_item, numerator, denominator, posting_id)
    SELECT f.item_id, t.item_id, up, down, open_posting() FROM item f, item t
    WHERE f.code = from_code AND t.code = to_code
    RETURNING alias_id INTO alias;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no item %', (
            SELECT string_agg(DISTINCT quote_literal(left(code, 80)), ' and no item ')
            FROM unnest(ARRAY[from_code, to_code]) AS named(code)
            WHERE NOT EXISTS (SELECT FROM item i WHERE i.code = named.code)
        ) USING ERRCODE = 'no_data_found';
    END IF;
    IF EXISTS (
        SELECT FROM aliases_at(9223372036854775807) a
        JOIN item f ON f.item_id = a.canonical_id AND f.code = from_code
        JOIN item t ON t.item_id = a.item_id AND t.code = to_code)
    THEN
        RAISE EXCEPTION 'item % reads as % already: merging them this way round is a cycle', to_code, from_code;
    END IF;
    RETURN alias;
END
$$;

REVOKE ALL ON FUNCTION
    reopen_ended_lines(text[], text, text, text), unit_comes_back(movement, text),
    movement_within(text[], text, bigint, bigint), reverse_movement(text[], text, bigint, bigint, text, text), adjustment_cell(bigint),
    settle_anchor(count_anchor, numeric, text, text), lock_book(bigint, timestamptz),
    adjust_to_count(text[], bigint, timestamptz, numeric, numeric, text, text, text, numeric),
    lock_cells(text[], bigint[]), approve_adjustment(text[], bigint, numeric, text), alias_item(text, text, bigint, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    reopen_ended_lines(text[], text, text, text),
    movement_within(text[], text, bigint, bigint), reverse_movement(text[], text, bigint, bigint, text, text),
    adjust_to_count(text[], bigint, timestamptz, numeric, numeric, text, text, text, numeric),
    lock_cells(text[], bigint[]), approve_adjustment(text[], bigint, numeric, text), alias_item(text, text, bigint, bigint)
    TO dockledger_app;
