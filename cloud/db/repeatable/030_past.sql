-- Folding the past by position, and asking for it (PROTOCOL P7; tables in 0004).

-- Which site sent the goods that a movement takes out of transit, or gives up: by the transfer it names, or that the one
-- names which it reverses, if that transfer was drafted by then. NULL: none.
CREATE OR REPLACE FUNCTION transit_sender(m movement) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    WITH RECURSIVE back AS (
        SELECT m AS move
        UNION ALL
        SELECT o FROM back b JOIN movement o ON (o.gateway_id, o.epoch, o.seq)
            = ((b.move).reverses_gateway, (b.move).reverses_epoch, (b.move).reverses_seq)
    )
    SELECT t.from_site
    FROM back b
    JOIN ledger_entry e ON e.posting_id = (b.move).posting_id
    CROSS JOIN LATERAL jsonb_array_elements((b.move).detail -> 'documents') d
    JOIN transfer t ON t.to_site = m.site_id AND t.id = d ->> 'id' AND t.created_at <= e.recorded_at
    WHERE d ->> 'type' = 'transfer'
    LIMIT 1
$$;

-- Movements of a stretch of positions that occurred in a period whose close did not know them (DOMAIN D7): of the site's
-- own, and those by which others received what it had sent.
CREATE OR REPLACE FUNCTION late_for_a_close(above_position bigint, up_to bigint)
    RETURNS TABLE (site_id text, "position" bigint, gateway_id integer, epoch bigint, seq bigint, occurred_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    last_end timestamptz := (SELECT max(c.ends_at) FROM period_close c);
BEGIN
    IF last_end IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT f.site, e.position, m.gateway_id, m.epoch, m.seq, m.occurred_at
    FROM ledger_entry e
    JOIN movement m ON m.posting_id = e.posting_id AND m.occurred_at <= last_end
    CROSS JOIN LATERAL (VALUES (m.site_id, false), (
        CASE WHEN m.detail -> 'documents' @> '[{"type": "transfer"}]' OR m.reverses_seq IS NOT NULL
            THEN transit_sender(m) END, true)) f (site, has_sent)
    WHERE e.position > above_position AND e.position <= up_to
        AND EXISTS (SELECT FROM period_close c
            WHERE c.site_id = f.site AND c.ends_at >= m.occurred_at AND c.as_of_position < e.position
                AND (NOT f.has_sent OR c.transit_owner IS NOT NULL));
END
$$;

-- Folds at most `most` further positions; returns the position reached. One folder at a time.
CREATE OR REPLACE FUNCTION fold(most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    start_at bigint;
    stop_at  bigint;
    size     bigint;
BEGIN
    SELECT f.position INTO start_at FROM fold_head f FOR UPDATE;
    SELECT least(start_at + most, h.position) INTO stop_at FROM ledger_head h WHERE h.shard = 0;
    IF stop_at <= start_at THEN
        RETURN start_at;
    END IF;

    WITH change AS (
        SELECT e.position, m.occurred_at, m.gateway_id, m.epoch, m.seq, side.cell_id, side.delta
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity), (m.to_cell, m.quantity)) side (cell_id, delta)
        WHERE e.position > start_at AND e.position <= stop_at
    ), added AS (
        INSERT INTO cell_delta (cell_id, ordinal, position, occurred_at, delta)
        SELECT c.cell_id, coalesce(f.deltas, 0) + row_number() OVER (
                PARTITION BY c.cell_id ORDER BY c.position, c.occurred_at, c.gateway_id, c.epoch, c.seq),
            c.position, c.occurred_at, c.delta
        FROM change c
        LEFT JOIN cell_fold f ON f.cell_id = c.cell_id
        RETURNING cell_id, ordinal
    )
    INSERT INTO cell_fold AS f (cell_id, deltas)
    SELECT a.cell_id, max(a.ordinal) FROM added a GROUP BY a.cell_id ORDER BY a.cell_id
    ON CONFLICT (cell_id) DO UPDATE SET deltas = excluded.deltas;

    INSERT INTO prior_period_fact (site_id, position, gateway_id, epoch, seq, occurred_at)
    SELECT f.site_id, f.position, f.gateway_id, f.epoch, f.seq, f.occurred_at FROM late_for_a_close(start_at, stop_at) f
    ON CONFLICT DO NOTHING;

    -- Blocks of level n are 64 * 4^n changes long, in groups of four. The first of a group holds itself, the
    -- second itself and the first, the third all three; the whole group is a block of the next level.
    FOR level IN 0..14 LOOP
        size := 64 * (4 ^ level)::bigint;
        EXIT WHEN NOT EXISTS (
            SELECT FROM cell_fold f WHERE f.deltas / 64 > f.blocked / 64 AND f.deltas / size > f.blocked / size);
        INSERT INTO cell_bucket (cell_id, level, block, chunk, starts_at, occurred_at, running)
        SELECT x.cell_id, level, x.block, (x.nth - 1) / 64, min(x.occurred_at),
            array_agg(x.occurred_at ORDER BY x.nth), array_agg(x.running ORDER BY x.nth)
        FROM (
            SELECT d.cell_id, b.block, d.occurred_at, row_number() OVER sorted AS nth, sum(d.delta) OVER sorted AS running
            FROM cell_fold f
            CROSS JOIN LATERAL generate_series(f.blocked / size, f.deltas / size - 1) b (block)
            CROSS JOIN LATERAL (
                -- OFFSET 0 keeps this one short walk of the primary key per block: joined otherwise, with the
                -- statistics of a younger table, all of a cell's past is read for each of its new blocks.
                SELECT d.cell_id, d.ordinal, d.occurred_at, d.delta FROM cell_delta d
                WHERE d.cell_id = f.cell_id AND d.ordinal > b.block / 4 * 4 * size AND d.ordinal <= (b.block + 1) * size
                OFFSET 0) d
            WHERE f.deltas / 64 > f.blocked / 64 AND b.block % 4 <> 3
            WINDOW sorted AS (PARTITION BY d.cell_id, b.block ORDER BY d.occurred_at, d.ordinal)
        ) x
        GROUP BY x.cell_id, x.block, (x.nth - 1) / 64;
    END LOOP;
    UPDATE cell_fold SET blocked = deltas WHERE deltas / 64 > blocked / 64;
    UPDATE fold_head SET position = stop_at;
    RETURN stop_at;
END
$$;

-- What each cell held: everything that occurred by `until_at` and was posted by `until_position`.
CREATE OR REPLACE FUNCTION as_of(cells bigint[], until_at timestamptz, until_position bigint)
    RETURNS TABLE (cell_id bigint, quantity numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    folded bigint;
BEGIN
    SELECT f.position INTO folded FROM fold_head f;
    RETURN QUERY
    WITH asked AS (
        SELECT DISTINCT a.cell_id FROM unnest(cells) a (cell_id)
    ), reach AS (
        -- How many of each cell's changes were posted by then, and how many of those are in blocks.
        SELECT a.cell_id, last.ordinal, least(last.ordinal / 64, coalesce(f.blocked, 0) / 64) * 64 AS blocked
        FROM asked a
        CROSS JOIN LATERAL (
            SELECT d.ordinal FROM cell_delta d
            WHERE d.cell_id = a.cell_id AND d.position <= until_position
            ORDER BY d.position DESC, d.ordinal DESC LIMIT 1) last
        LEFT JOIN cell_fold f ON f.cell_id = a.cell_id
    ), in_blocks AS (
        SELECT r.cell_id, part.running[width_bucket(until_at, part.occurred_at)] AS quantity
        FROM reach r
        CROSS JOIN generate_series(0, 14) level
        CROSS JOIN LATERAL (SELECT r.blocked / (64 * (4 ^ level)::bigint) AS whole) s
        CROSS JOIN LATERAL (
            SELECT b.occurred_at, b.running FROM cell_bucket b
            WHERE b.cell_id = r.cell_id AND b.level = level.level AND b.block = s.whole - 1 AND b.starts_at <= until_at
            ORDER BY b.starts_at DESC, b.chunk DESC LIMIT 1) part
        WHERE s.whole % 4 <> 0
    ), in_rest AS (
        SELECT r.cell_id, d.delta
        FROM reach r
        JOIN cell_delta d ON d.cell_id = r.cell_id AND d.ordinal > r.blocked AND d.ordinal <= r.ordinal
        WHERE d.occurred_at <= until_at
    ), not_folded AS (
        SELECT side.cell_id, side.delta
        FROM ledger_entry e
        JOIN movement m ON m.posting_id = e.posting_id
        CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity), (m.to_cell, m.quantity)) side (cell_id, delta)
        WHERE e.position > folded AND e.position <= until_position
            AND m.occurred_at <= until_at AND side.cell_id = ANY (cells)
    )
    SELECT a.cell_id, coalesce(sum(x.delta), 0)
    FROM asked a
    LEFT JOIN (
        SELECT * FROM in_blocks UNION ALL SELECT * FROM in_rest UNION ALL SELECT * FROM not_folded
    ) x (cell_id, delta) ON x.cell_id = a.cell_id
    GROUP BY a.cell_id;
END
$$;

REVOKE ALL ON FUNCTION fold(integer), transit_sender(movement), late_for_a_close(bigint, bigint),
    as_of(bigint[], timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold(integer) TO dockledger_app, dockledger_ingest;
