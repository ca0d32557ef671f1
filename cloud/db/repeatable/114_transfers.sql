-- Transfers as both sites see them (DOMAIN D4): the document stands at both, each site's movements name its own lines.
DROP FUNCTION IF EXISTS transfer_is_there(text[], text);
DROP FUNCTION IF EXISTS transfers_now(text[], text, text, text, text, integer);
DROP FUNCTION IF EXISTS transfer_lines_now(text, text);
DROP FUNCTION IF EXISTS add_transfer_documents(text, text, text, date, text, jsonb);

-- Lets whoever may draft at one site write the papers of the other; the caller has checked that they may. False: one of
-- the sites has a transfer of that name, perhaps with a third that they do not see; the caller then rolls back.
CREATE FUNCTION add_transfer_documents(
    sending text, receiving text, name text, due date, actor text, content jsonb)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    added integer;
BEGIN
    IF NOT EXISTS (SELECT FROM transfer t WHERE (t.from_site, t.to_site, t.id) = (sending, receiving, name))
        OR NOT (sees_site(sending) OR sees_site(receiving))
    THEN
        RAISE EXCEPTION 'no transfer % from % to %', name, sending, receiving USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO document (site_id, type, id, partner, due_on, created_by)
    VALUES (sending, 'transfer', name, receiving, due, actor), (receiving, 'transfer', name, sending, due, actor)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added < 2 THEN
        RETURN false;
    END IF;
    INSERT INTO document_line (site_id, type, id, line, ordinal, identifier_scheme, identifier, quantity, unit_seen, lot)
    SELECT s.site_id, 'transfer', name, l.value ->> 'line', l.ordinality, l.value #>> '{identifier,scheme}',
        l.value #>> '{identifier,value}', (l.value ->> 'quantity')::numeric, l.value ->> 'unit_seen', l.value ->> 'lot'
    FROM jsonb_array_elements(content) WITH ORDINALITY AS l (value, ordinality), (VALUES (sending), (receiving)) s (site_id);
    RETURN true;
END
$$;

-- Whether one of the sites, of which the session sees at least one, has a transfer of that name, perhaps with a third.
CREATE FUNCTION transfer_is_there(sites text[], name text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM document d WHERE d.site_id = ANY (sites) AND d.type = 'transfer' AND d.id = name)
        AND EXISTS (SELECT FROM unnest(sites) s (site) WHERE sees_site(s.site))
$$;

CREATE FUNCTION transfer_lines_now(sending text, name text)
    RETURNS TABLE (line text, ordinal integer, item text, item_name text, base_unit text, unit_seen text, lot text,
        ordered numeric, shipped numeric, received numeric, missing numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.line, o.ordinal, o.item, o.item_name, o.base_unit, o.unit_seen, o.lot, o.ordered, o.moved, i.moved,
        CASE WHEN i.is_ended THEN greatest(o.moved - i.moved, 0) ELSE 0 END
    FROM transfer t
    CROSS JOIN LATERAL document_lines_now(ARRAY[t.from_site], 'transfer', ARRAY[t.id]) o
    JOIN LATERAL document_lines_now(ARRAY[t.to_site], 'transfer', ARRAY[t.id]) i ON i.line = o.line
    WHERE t.from_site = sending AND t.id = name AND (sees_site(t.from_site) OR sees_site(t.to_site))
    ORDER BY o.ordinal
$$;

CREATE FUNCTION transfers_now(sites text[], of_site text, name text, after_site text, after_id text, most integer)
    RETURNS TABLE (from_site text, id text, to_site text, carrier text, departed_at timestamptz, departed_by text,
        cancelled_at timestamptz, cancelled_by text, created_at timestamptz, created_by text, due_on date, from_zone text,
        to_zone text, lines bigint, ordered numeric, shipped numeric, received numeric, missing numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH page AS (
        SELECT t.* FROM transfer t
        WHERE (sites IS NULL OR t.from_site = ANY (sites) OR t.to_site = ANY (sites))
            AND (of_site IS NULL OR of_site IN (t.from_site, t.to_site)) AND (name IS NULL OR t.id = name)
            AND (t.from_site, t.id) > (after_site, after_id)
        ORDER BY t.from_site, t.id
        LIMIT most
    )
    SELECT p.from_site, p.id, p.to_site, p.carrier, p.departed_at, p.departed_by, p.cancelled_at, p.cancelled_by,
        p.created_at, p.created_by, d.due_on, f.time_zone, o.time_zone, n.lines, n.ordered, n.shipped, n.received, n.missing
    FROM page p
    JOIN document d ON (d.site_id, d.type, d.id) = (p.from_site, 'transfer', p.id)
    JOIN site f ON f.site_id = p.from_site
    JOIN site o ON o.site_id = p.to_site
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines, coalesce(sum(l.ordered), 0) AS ordered, coalesce(sum(l.shipped), 0) AS shipped,
            coalesce(sum(l.received), 0) AS received, coalesce(sum(l.missing), 0) AS missing
        FROM transfer_lines_now(p.from_site, p.id) l) n
    ORDER BY p.from_site, p.id
$$;

REVOKE ALL ON FUNCTION transfer_is_there(text[], text),
    add_transfer_documents(text, text, text, date, text, jsonb), transfer_lines_now(text, text),
    transfers_now(text[], text, text, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION transfer_is_there(text[], text),
    add_transfer_documents(text, text, text, date, text, jsonb), transfer_lines_now(text, text),
    transfers_now(text[], text, text, text, text, integer) TO dockledger_app;
