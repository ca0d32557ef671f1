-- Serials that were at two sites sooner than anything travels (DOMAIN D3), found in the ledger's order. For a job with all
-- sites.

DROP FUNCTION IF EXISTS doubt_serials(integer, interval);
DROP FUNCTION IF EXISTS end_doubts();
DROP FUNCTION IF EXISTS tell_circles();
DROP FUNCTION IF EXISTS forget_circles();
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

-- Holds the facts of the next stretch of the order against all others of their serials; keeps the pairs that cannot both be
-- true of one thing, and gives them. `looked` is how far that went.
CREATE FUNCTION doubt_serials(most integer, within interval)
    RETURNS TABLE (looked bigint, serial text, site text, earlier jsonb, later jsonb, found_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at bigint;
    stop_at  bigint;
BEGIN
    SELECT h.position INTO start_at FROM serial_doubt_head h FOR UPDATE;
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    IF (SELECT count(*) FROM site) < 2 THEN
        SELECT h.position INTO start_at FROM ledger_head h WHERE h.shard = 0;
        stop_at := start_at;
    END IF;
    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT DISTINCT s.serial, 'movement' AS kind, m.gateway_id, m.epoch, m.seq, m.site_id, m.occurred_at, l.code AS place
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        JOIN cell c ON c.cell_id = m.to_cell
        JOIN location l ON l.location_id = c.location_id
        CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(m.detail -> 'epcs', '[]')
            || CASE WHEN m.identifier_scheme = 'sgtin' THEN to_jsonb(m.identifier) ELSE '[]' END) s (serial)
        WHERE e.position > start_at AND e.position <= stop_at AND m.reverses_seq IS NULL AND NOT is_reversed(m)
        UNION ALL
        SELECT x.detail -> 'identifier' ->> 'value', 'crossing', x.gateway_id, x.epoch, x.seq, x.site_id, x.occurred_at, x.portal
        FROM ledger_entry e JOIN crossing x ON x.posting_id = e.posting_id
        WHERE e.position > start_at AND e.position <= stop_at AND x.detail -> 'identifier' ->> 'scheme' = 'sgtin'
        UNION ALL
        SELECT DISTINCT s.serial, 'count', k.gateway_id, k.epoch, k.seq, n.site_id, k.occurred_at, l.code
        FROM ledger_entry e
        JOIN count n ON n.posting_id = e.posting_id
        JOIN location l ON l.location_id = n.location_id
        JOIN count_line k ON (k.gateway_id, k.epoch, k.seq, k.occurred_at) = (n.gateway_id, n.epoch, n.seq, n.occurred_at)
        CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(k.detail -> 'epcs', '[]')
            || CASE WHEN k.identifier_scheme = 'sgtin' THEN to_jsonb(k.identifier) ELSE '[]' END) s (serial)
        WHERE e.position > start_at AND e.position <= stop_at
    ), pair AS (
        SELECT f.serial, f.site_id AS fresh_site, f.occurred_at AS fresh_at, told.fresh, o.site_id AS other_site,
            o.occurred_at AS other_at, told.other
        FROM fresh f
        CROSS JOIN LATERAL (
            SELECT s.* FROM sightings_of(f.serial, f.site_id, f.occurred_at, within) s
            ORDER BY abs(extract(epoch FROM s.occurred_at - f.occurred_at)), s.gateway_id, s.epoch, s.seq LIMIT 1) o
        JOIN gateway fg ON fg.gateway_id = f.gateway_id
        JOIN gateway og ON og.gateway_id = o.gateway_id
        CROSS JOIN LATERAL (
            SELECT jsonb_build_object('kind', f.kind, 'site', f.site_id, 'place', f.place, 'at', f.occurred_at,
                    'row', fg.name || '/' || lpad(to_hex(f.epoch), 16, '0') || '/' || f.seq) AS fresh,
                jsonb_build_object('kind', o.kind, 'site', o.site_id, 'place', o.place, 'at', o.occurred_at,
                    'row', og.name || '/' || lpad(to_hex(o.epoch), 16, '0') || '/' || o.seq) AS other) told
    ), ordered AS (
        SELECT p.serial,
            CASE WHEN (p.fresh_at, p.fresh ->> 'row') > (p.other_at, p.other ->> 'row') THEN p.other ELSE p.fresh END AS earlier,
            CASE WHEN (p.fresh_at, p.fresh ->> 'row') > (p.other_at, p.other ->> 'row') THEN p.fresh ELSE p.other END AS later
        FROM pair p
    ), made AS (
        INSERT INTO serial_doubt AS d (serial, site_id, earlier, later, earlier_row, later_row)
        SELECT DISTINCT ON (o.serial, o.earlier ->> 'row', o.later ->> 'row') o.serial, o.later ->> 'site', o.earlier, o.later,
            o.earlier ->> 'row', o.later ->> 'row'
        FROM ordered o
        ON CONFLICT DO NOTHING
        RETURNING d.serial, d.site_id, d.earlier, d.later, d.found_at
    )
    SELECT NULL::bigint, m.* FROM made m;
    UPDATE serial_doubt_head SET position = stop_at WHERE position < stop_at;
    RETURN QUERY SELECT stop_at - start_at, NULL::text, NULL::text, NULL::jsonb, NULL::jsonb, NULL::timestamptz;
END
$$;

-- Ends doubts of which one fact was taken back; gives serials of which none is left.
CREATE FUNCTION end_doubts() RETURNS TABLE (serial text, site text)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH ended AS (
        UPDATE serial_doubt d SET ended_at = clock_timestamp()
        WHERE d.ended_at IS NULL AND EXISTS (
            SELECT FROM claim k WHERE k.kind = 'reversal' AND k.target IN (d.earlier_row, d.later_row))
        RETURNING d.doubt_id, d.serial, d.site_id
    )
    SELECT DISTINCT e.serial, e.site_id FROM ended e
    WHERE NOT EXISTS (SELECT FROM serial_doubt d WHERE d.serial = e.serial AND d.ended_at IS NULL
        AND d.doubt_id NOT IN (SELECT x.doubt_id FROM ended x))
$$;

-- Units that would stand in themselves of which nobody has been told yet.
CREATE FUNCTION tell_circles() RETURNS TABLE (unit text, parent text, site text, occurred_at timestamptz)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH told AS (
        UPDATE unfollowed_position v SET told_at = clock_timestamp()
        WHERE v.until_posting IS NULL AND v.told_at IS NULL
        RETURNING v.*
    )
    SELECT u.code, h.code, t.site_id, t.occurred_at
    FROM told t
    JOIN unit_position p ON (p.gateway_id, p.epoch, p.seq, p.occurred_at) = (t.gateway_id, t.epoch, t.seq, t.occurred_at)
    JOIN location u ON u.location_id = t.unit_id
    JOIN location h ON h.location_id = p.parent_id
    ORDER BY u.code, t.occurred_at
$$;

-- Units of which a ticket tells although every position of theirs is followed by now.
CREATE FUNCTION forget_circles() RETURNS TABLE (unit text)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        UPDATE unfollowed_position v SET told_at = NULL
        WHERE v.until_posting IS NOT NULL AND v.told_at IS NOT NULL
        RETURNING v.unit_id
    )
    SELECT DISTINCT u.code FROM gone g JOIN location u ON u.location_id = g.unit_id
    WHERE NOT EXISTS (SELECT FROM unfollowed_position v WHERE v.unit_id = g.unit_id AND v.until_posting IS NULL)
$$;

REVOKE ALL ON FUNCTION sightings_of(text, text, timestamptz, interval), doubt_serials(integer, interval), end_doubts(),
    tell_circles(), forget_circles() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION doubt_serials(integer, interval), end_doubts(), tell_circles(), forget_circles() TO dockledger_app;
