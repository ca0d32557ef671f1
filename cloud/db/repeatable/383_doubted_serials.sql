-- Serials that were at two sites sooner than anything travels (DOMAIN D3), found in the ledger's order. For a job with all
-- sites.

DROP FUNCTION IF EXISTS doubt_serials(integer, interval);
DROP FUNCTION IF EXISTS end_doubts();
DROP FUNCTION IF EXISTS end_doubts(interval);
DROP FUNCTION IF EXISTS keep_doubts(text[], jsonb[], interval);
DROP FUNCTION IF EXISTS tell_circles();
DROP FUNCTION IF EXISTS forget_circles();
DROP FUNCTION IF EXISTS open_circles();
DROP FUNCTION IF EXISTS sightings_of(text, text, timestamptz, interval);

-- Where and when a serial was at other sites about an instant: what stands of it.
CREATE FUNCTION sightings_of(of_serial text, not_at text, about timestamptz, within interval)
    RETURNS TABLE (kind text, gateway_id integer, epoch bigint, seq bigint, site_id text, occurred_at timestamptz, place text)
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT x.* FROM (
        SELECT 'movement', m.gateway_id, m.epoch, m.seq, m.site_id, m.occurred_at, l.code
        FROM movement m JOIN cell c ON c.cell_id = m.to_cell JOIN location l ON l.location_id = c.location_id
        WHERE m.identifier_scheme = 'sgtin' AND m.identifier = of_serial AND m.occurred_at > about - within
            AND m.occurred_at < about + within AND m.reverses_seq IS NULL AND NOT is_reversed(m)
        UNION ALL
        SELECT 'movement', m.gateway_id, m.epoch, m.seq, m.site_id, m.occurred_at, l.code
        FROM movement m JOIN cell c ON c.cell_id = m.to_cell JOIN location l ON l.location_id = c.location_id
        WHERE m.detail ? 'epcs' AND NOT (m.identifier_scheme = 'sgtin' AND jsonb_array_length(m.detail -> 'epcs') = 1
                AND m.detail -> 'epcs' ->> 0 = m.identifier)
            AND m.detail -> 'epcs' @> jsonb_build_array(of_serial) AND m.occurred_at > about - within
            AND m.occurred_at < about + within AND m.reverses_seq IS NULL AND NOT is_reversed(m)
        UNION ALL
        SELECT 'crossing', x.gateway_id, x.epoch, x.seq, x.site_id, x.occurred_at, x.portal
        FROM crossing x
        WHERE coalesce(x.detail ->> 'unit', x.detail -> 'identifier' ->> 'value') = of_serial
            AND (x.detail ? 'unit' OR x.detail ? 'identifier')
            AND x.occurred_at > about - within AND x.occurred_at < about + within
        UNION ALL
        SELECT 'count', k.gateway_id, k.epoch, k.seq, n.site_id, k.occurred_at, l.code
        FROM count_lines_of_serials(ARRAY[of_serial]) k
        JOIN count n ON (n.gateway_id, n.epoch, n.seq, n.occurred_at) = (k.gateway_id, k.epoch, k.seq, k.occurred_at)
        JOIN location l ON l.location_id = n.location_id
        WHERE k.occurred_at > about - within AND k.occurred_at < about + within
    ) x (kind, gateway_id, epoch, seq, site_id, occurred_at, place)
    WHERE x.site_id <> not_at
$$;

-- A fact of a serial as a ticket tells it.
CREATE OR REPLACE FUNCTION sighting_told(
    kind text, of_gateway integer, epoch bigint, seq bigint, site text, place text, occurred_at timestamptz)
    RETURNS jsonb LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('kind', kind, 'site', site, 'place', place, 'at', occurred_at,
        'row', g.name || '/' || lpad(to_hex(epoch), 16, '0') || '/' || seq)
    FROM gateway g WHERE g.gateway_id = of_gateway
$$;

-- Pairs each of these facts with the nearest of its serial that cannot be true with it, if there is one; keeps the pairs
-- that nobody knew.
CREATE FUNCTION keep_doubts(serials text[], facts jsonb[], within interval)
    RETURNS TABLE (serial text, site text, earlier jsonb, later jsonb, found_at timestamptz)
    LANGUAGE sql VOLATILE SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH pair AS (
        SELECT f.serial, f.fact, (f.fact ->> 'at')::timestamptz AS at, o.fact AS other, o.occurred_at AS other_at
        FROM unnest(serials, facts) f (serial, fact)
        CROSS JOIN LATERAL (
            SELECT sighting_told(s.kind, s.gateway_id, s.epoch, s.seq, s.site_id, s.place, s.occurred_at) AS fact, s.occurred_at
            FROM sightings_of(f.serial, f.fact ->> 'site', (f.fact ->> 'at')::timestamptz, within) s
            ORDER BY abs(extract(epoch FROM s.occurred_at - (f.fact ->> 'at')::timestamptz)), s.gateway_id, s.epoch, s.seq
            LIMIT 1) o
    ), ordered AS (
        SELECT p.serial,
            CASE WHEN (p.at, p.fact ->> 'row') > (p.other_at, p.other ->> 'row') THEN p.other ELSE p.fact END AS earlier,
            CASE WHEN (p.at, p.fact ->> 'row') > (p.other_at, p.other ->> 'row') THEN p.fact ELSE p.other END AS later
        FROM pair p
    )
    INSERT INTO serial_doubt AS d (serial, site_id, earlier, later, earlier_row, later_row)
    SELECT DISTINCT ON (o.serial, o.earlier ->> 'row', o.later ->> 'row') o.serial, o.later ->> 'site', o.earlier, o.later,
        o.earlier ->> 'row', o.later ->> 'row'
    FROM ordered o
    ON CONFLICT DO NOTHING
    RETURNING d.serial, d.site_id, d.earlier, d.later, d.found_at
$$;

-- Holds the facts of the next stretch of the order against all others of their serials; gives the pairs that are new.
-- `looked` is how far that went.
CREATE FUNCTION doubt_serials(most integer, within interval)
    RETURNS TABLE (looked bigint, serial text, site text, earlier jsonb, later jsonb, found_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at bigint;
    stop_at  bigint;
    serials  text[];
    facts    jsonb[];
BEGIN
    SELECT h.position INTO start_at FROM serial_doubt_head h FOR UPDATE;
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    IF (SELECT count(*) FROM site) < 2 THEN
        SELECT h.position INTO start_at FROM ledger_head h WHERE h.shard = 0;
        stop_at := start_at;
    END IF;
    SELECT array_agg(f.serial), array_agg(sighting_told(f.kind, f.gateway_id, f.epoch, f.seq, f.site_id, f.place, f.occurred_at))
    INTO serials, facts
    FROM (
        SELECT s.serial, 'movement' AS kind, m.gateway_id, m.epoch, m.seq, m.site_id, l.code AS place, m.occurred_at
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        JOIN cell c ON c.cell_id = m.to_cell
        JOIN location l ON l.location_id = c.location_id
        CROSS JOIN LATERAL serials_named(m.detail, m.identifier_scheme, m.identifier) s (serial)
        WHERE e.position > start_at AND e.position <= stop_at AND m.reverses_seq IS NULL AND NOT is_reversed(m)
        UNION ALL
        SELECT x.detail -> 'identifier' ->> 'value', 'crossing', x.gateway_id, x.epoch, x.seq, x.site_id, x.portal, x.occurred_at
        FROM ledger_entry e JOIN crossing x ON x.posting_id = e.posting_id
        WHERE e.position > start_at AND e.position <= stop_at AND x.detail -> 'identifier' ->> 'scheme' = 'sgtin'
        UNION ALL
        SELECT DISTINCT s.serial, 'count', k.gateway_id, k.epoch, k.seq, n.site_id, l.code, k.occurred_at
        FROM ledger_entry e
        JOIN count n ON n.posting_id = e.posting_id
        JOIN location l ON l.location_id = n.location_id
        JOIN count_line k ON (k.gateway_id, k.epoch, k.seq, k.occurred_at) = (n.gateway_id, n.epoch, n.seq, n.occurred_at)
        CROSS JOIN LATERAL serials_named(k.detail, k.identifier_scheme, k.identifier) s (serial)
        WHERE e.position > start_at AND e.position <= stop_at
    ) f;
    RETURN QUERY SELECT NULL::bigint, k.* FROM keep_doubts(serials, facts, within) k;
    UPDATE serial_doubt_head SET position = stop_at WHERE position < stop_at;
    RETURN QUERY SELECT stop_at - start_at, NULL::text, NULL::text, NULL::jsonb, NULL::jsonb, NULL::timestamptz;
END
$$;

-- Ends pairs of which one fact was taken back, and looks again at the other fact: it may not be true with a third. Of each
-- serial of such a pair gives the pairs that are left, or one row without a pair.
CREATE FUNCTION end_doubts(within interval) RETURNS TABLE (serial text, site text, earlier jsonb, later jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    ended text[];
    alone text[];
    facts jsonb[];
BEGIN
    WITH ended AS (
        UPDATE serial_doubt d SET ended_at = clock_timestamp()
        WHERE d.ended_at IS NULL AND EXISTS (
            SELECT FROM claim k WHERE k.kind = 'reversal' AND k.target IN (d.earlier_row, d.later_row))
        RETURNING d.serial, d.earlier, d.later
    )
    SELECT array_agg(e.serial), array_agg(e.serial) FILTER (WHERE f.stands), array_agg(f.fact) FILTER (WHERE f.stands)
    INTO ended, alone, facts
    FROM ended e
    CROSS JOIN LATERAL (
        SELECT o.fact, NOT EXISTS (SELECT FROM claim k WHERE k.kind = 'reversal' AND k.target = o.fact ->> 'row') AS stands
        FROM (VALUES (e.earlier), (e.later)) o (fact)) f;
    PERFORM keep_doubts(alone, facts, within);
    RETURN QUERY
    SELECT e.serial, d.site_id, d.earlier, d.later
    FROM (SELECT DISTINCT u.serial FROM unnest(ended) u (serial)) e
    LEFT JOIN serial_doubt d ON d.serial = e.serial AND d.ended_at IS NULL
    ORDER BY e.serial, d.doubt_id;
END
$$;

-- Whoever closes the ticket of a serial has done with all its pairs so far.
CREATE OR REPLACE FUNCTION close_doubts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE serial_doubt d SET ended_at = new.resolved_at WHERE d.serial = new.detail ->> 'serial' AND d.ended_at IS NULL;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER doubts_closed AFTER UPDATE OF state ON ticket
    FOR EACH ROW WHEN (new.kind = 'duplicate_tag' AND new.state = 'resolved') EXECUTE FUNCTION close_doubts();

-- Positions that are not followed and of which nobody has said better: where the unit, or what it was put into, stood later.
CREATE FUNCTION open_circles()
    RETURNS TABLE (gateway_id integer, epoch bigint, seq bigint, since_posting bigint, unit_id bigint, parent_id bigint)
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    SELECT v.gateway_id, v.epoch, v.seq, v.since_posting, v.unit_id, p.parent_id
    FROM unfollowed_position v
    JOIN unit_position p ON (p.gateway_id, p.epoch, p.seq, p.occurred_at) = (v.gateway_id, v.epoch, v.seq, v.occurred_at)
    WHERE v.until_posting IS NULL AND EXISTS (
        SELECT FROM unnest(ARRAY[v.unit_id, p.parent_id]) u (unit_id)
        WHERE NOT EXISTS (
            SELECT FROM unit_position x
            WHERE x.unit_id = u.unit_id AND x.occurred_at > v.occurred_at
                AND NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) w
                    WHERE (w.gateway_id, w.epoch, w.seq) = (x.gateway_id, x.epoch, x.seq))))
$$;

-- Units that would stand in themselves of which nobody has been told yet.
CREATE FUNCTION tell_circles() RETURNS TABLE (unit text, parent text, site text, occurred_at timestamptz)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH told AS (
        UPDATE unfollowed_position v SET told_at = clock_timestamp()
        FROM open_circles() o
        WHERE (v.gateway_id, v.epoch, v.seq, v.since_posting) = (o.gateway_id, o.epoch, o.seq, o.since_posting)
            AND v.told_at IS NULL
        RETURNING v.unit_id, o.parent_id, v.site_id, v.occurred_at
    )
    SELECT u.code, h.code, t.site_id, t.occurred_at
    FROM told t
    JOIN location u ON u.location_id = t.unit_id
    JOIN location h ON h.location_id = t.parent_id
    ORDER BY u.code, t.occurred_at
$$;

-- Units of which a ticket tells although every position of theirs is followed by now, or people have said better since.
CREATE FUNCTION forget_circles() RETURNS TABLE (unit text)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH circle AS MATERIALIZED (
        SELECT * FROM open_circles()
    ), gone AS (
        UPDATE unfollowed_position v SET told_at = NULL
        WHERE v.told_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM circle o
            WHERE (v.gateway_id, v.epoch, v.seq, v.since_posting) = (o.gateway_id, o.epoch, o.seq, o.since_posting))
        RETURNING v.unit_id
    )
    SELECT DISTINCT u.code FROM gone g JOIN location u ON u.location_id = g.unit_id
    WHERE NOT EXISTS (SELECT FROM circle o WHERE o.unit_id = g.unit_id)
$$;

REVOKE ALL ON FUNCTION sightings_of(text, text, timestamptz, interval), keep_doubts(text[], jsonb[], interval), close_doubts(),
    sighting_told(text, integer, bigint, bigint, text, text, timestamptz), doubt_serials(integer, interval),
    end_doubts(interval), open_circles(), tell_circles(), forget_circles() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION doubt_serials(integer, interval), end_doubts(interval), tell_circles(), forget_circles()
    TO dockledger_app;
