-- Importing demand (tables in 0320): lines are copied into a temporary table of the session, then checked and
-- stored in sets. Everything a batch does wrong is told at once, and nothing of it is stored unless all is right.

DROP FUNCTION IF EXISTS demand_faults(timestamptz, integer), demand_excesses(integer),
    local_instant(timestamp, text, text);

-- Makes the session's staging tables, which are empty whenever a transaction begins, or empties them.
CREATE OR REPLACE FUNCTION open_demand_staging() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET client_min_messages = warning AS $$
BEGIN
    IF to_regclass('pg_temp.demand_staging') IS NULL THEN
        CREATE TEMPORARY TABLE demand_staging (
            n            bigint GENERATED ALWAYS AS IDENTITY,
            place        bigint NOT NULL,
            site_id      text COLLATE "C" NOT NULL,
            source       text COLLATE "C" NOT NULL,
            document     text COLLATE "C" NOT NULL,
            line         text COLLATE "C" NOT NULL,
            revision     integer,
            kind         text NOT NULL,
            scheme       text NOT NULL,
            value        text NOT NULL,
            channel      text,
            requested_at timestamptz,
            local_at     timestamp,
            is_day       boolean NOT NULL,
            quantity     numeric(20, 6) NOT NULL,
            of_document  text COLLATE "C",
            of_line      text COLLATE "C"
        ) ON COMMIT DELETE ROWS;
        CREATE TEMPORARY TABLE demand_name (
            scheme text, value text, item_id bigint, numerator bigint, denominator bigint,
            from_at timestamptz, until_at timestamptz
        ) ON COMMIT DELETE ROWS;
        CREATE TEMPORARY TABLE demand_ready (LIKE demand_line, n bigint, place bigint, given integer) ON COMMIT DELETE ROWS;
        ALTER TABLE demand_ready ALTER revision DROP NOT NULL, ALTER recorded_at DROP NOT NULL,
            ALTER recorded_by DROP NOT NULL, ALTER item_id DROP NOT NULL, ALTER quantity DROP NOT NULL,
            ALTER requested_at DROP NOT NULL;
        CREATE TEMPORARY TABLE demand_twice (
            site_id text COLLATE "C", source text COLLATE "C", document text COLLATE "C", line text COLLATE "C"
        ) ON COMMIT DELETE ROWS;
        CREATE TEMPORARY TABLE demand_moment (
            site_id text COLLATE "C", local_at timestamp, is_day boolean, first_at timestamptz, second_at timestamptz
        ) ON COMMIT DELETE ROWS;
        CREATE TEMPORARY TABLE demand_asked (scheme text, value text) ON COMMIT DELETE ROWS;
        CREATE TEMPORARY TABLE demand_known (n bigint, known integer, is_other boolean) ON COMMIT DELETE ROWS;
        CREATE TEMPORARY TABLE demand_change (n bigint, revision integer, is_old boolean) ON COMMIT DELETE ROWS;
        GRANT INSERT ON demand_staging TO dockledger_app;
    ELSE
        -- Empty already, unless the transaction has imported before.
        DELETE FROM demand_staging;
        DELETE FROM demand_name;
        DELETE FROM demand_ready;
        DELETE FROM demand_twice;
        DELETE FROM demand_moment;
        DELETE FROM demand_asked;
        DELETE FROM demand_known;
        DELETE FROM demand_change;
    END IF;
END
$$;

-- What each name of the batch means, since when until when; unknown ones become provisional items if asked for.
CREATE OR REPLACE FUNCTION resolve_demand_names(makes_items boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made bigint := 0;
BEGIN
    INSERT INTO demand_asked SELECT DISTINCT s.scheme, s.value FROM demand_staging s;
    IF makes_items THEN
        INSERT INTO item (code, is_provisional)
        SELECT a.scheme || ':' || a.value, true
        FROM demand_asked a
        WHERE a.scheme <> 'item'
            AND NOT EXISTS (SELECT FROM identifier i WHERE i.scheme = a.scheme AND i.value = a.value)
        ORDER BY 1
        ON CONFLICT (code) DO NOTHING;
        INSERT INTO identifier (scheme, value, item_id)
        SELECT a.scheme, a.value, t.item_id
        FROM demand_asked a
        JOIN item t ON t.code = a.scheme || ':' || a.value
        WHERE a.scheme <> 'item'
            AND NOT EXISTS (SELECT FROM identifier i WHERE i.scheme = a.scheme AND i.value = a.value)
        ORDER BY 1, 2
        ON CONFLICT (scheme, value, valid_from) DO NOTHING;
        GET DIAGNOSTICS made = ROW_COUNT;
    END IF;
    INSERT INTO demand_name
    SELECT i.scheme, i.value, i.item_id, i.numerator, i.denominator,
        CASE WHEN row_number() OVER level = 1 THEN '-infinity' ELSE i.valid_from END,
        coalesce(lead(i.valid_from) OVER level, 'infinity')
    FROM demand_asked a
    JOIN identifier i ON i.scheme = a.scheme AND i.value = a.value
    WINDOW level AS (PARTITION BY i.scheme, i.value ORDER BY i.valid_from)
    UNION ALL
    SELECT a.scheme, a.value, t.item_id, 1, 1, '-infinity', 'infinity'
    FROM demand_asked a JOIN item t ON t.code = a.value
    WHERE a.scheme = 'item';
    RETURN made;
END
$$;

-- When the site's clocks showed each local time of the batch: once; twice, where they were set back; never, where they
-- were set forward. The clock's offsets of a day before and a day after are the two that can hold. A date is the begin
-- of its site day.
CREATE OR REPLACE FUNCTION resolve_demand_moments() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO demand_moment
    SELECT w.site_id, w.local_at, w.is_day, least(t.earlier, t.later), greatest(t.earlier, t.later)
    FROM (SELECT DISTINCT s.site_id, s.local_at, s.is_day FROM demand_staging s WHERE s.requested_at IS NULL) w
    JOIN site p ON p.site_id = w.site_id
    CROSS JOIN LATERAL (SELECT w.local_at AT TIME ZONE 'UTC' AS at) utc
    CROSS JOIN LATERAL (
        SELECT utc.at - (((utc.at - INTERVAL '1 day') AT TIME ZONE p.time_zone) - (w.local_at - INTERVAL '1 day')) AS before,
            utc.at - (((utc.at + INTERVAL '1 day') AT TIME ZONE p.time_zone) - (w.local_at + INTERVAL '1 day')) AS after
        OFFSET 0) o
    CROSS JOIN LATERAL (
        SELECT CASE WHEN w.is_day THEN (w.local_at + p.business_day_start) AT TIME ZONE p.time_zone
                WHEN o.before AT TIME ZONE p.time_zone = w.local_at THEN o.before END AS earlier,
            CASE WHEN w.is_day THEN (w.local_at + p.business_day_start) AT TIME ZONE p.time_zone
                WHEN o.after AT TIME ZONE p.time_zone = w.local_at THEN o.after END AS later
        OFFSET 0) t;
END
$$;

-- Names become items and local times instants; one that the clocks skipped or showed twice stays without an instant
-- unless `twice` says which of the two is meant.
CREATE OR REPLACE FUNCTION resolve_demand(makes_items boolean, twice text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made  bigint := resolve_demand_names(makes_items);
    lines bigint;
BEGIN
    PERFORM resolve_demand_moments();
    IF (SELECT count(*) FROM demand_name) > 100 THEN
        ANALYZE demand_name, demand_moment;
    END IF;
    INSERT INTO demand_ready (site_id, source, document, line, given, kind, item_id, channel, requested_at, quantity,
        of_document, of_line, identifier_scheme, identifier, quantity_seen, n, place)
    SELECT s.site_id, s.source, s.document, s.line, s.revision, s.kind, d.item_id, s.channel, t.requested_at,
        CASE WHEN d.numerator = d.denominator THEN s.quantity
            WHEN s.quantity * d.numerator / d.denominator < 1e20 THEN s.quantity * d.numerator / d.denominator END,
        s.of_document, s.of_line, s.scheme, s.value, s.quantity, s.n, s.place
    FROM demand_staging s
    LEFT JOIN demand_moment m ON (m.site_id, m.local_at, m.is_day) = (s.site_id, s.local_at, s.is_day)
    CROSS JOIN LATERAL (SELECT coalesce(s.requested_at, CASE
        WHEN m.first_at = m.second_at OR twice = 'first' THEN m.first_at
        WHEN twice = 'second' THEN m.second_at END)) t (requested_at)
    LEFT JOIN demand_name d ON d.scheme = s.scheme AND d.value = s.value
        AND coalesce(t.requested_at, '-infinity') >= d.from_at AND coalesce(t.requested_at, '-infinity') < d.until_at;
    GET DIAGNOSTICS lines = ROW_COUNT;
    IF lines > 1000 THEN
        ANALYZE demand_ready;
    END IF;
    INSERT INTO demand_twice
    SELECT r.site_id, r.source, r.document, r.line FROM demand_ready r
    GROUP BY r.site_id, r.source, r.document, r.line HAVING count(*) > 1;
    RETURN made;
END
$$;

-- All that is wrong with the batch; `place` is the line's in it. At most `most` of them.
CREATE OR REPLACE FUNCTION demand_faults(now_at timestamptz, most integer)
    RETURNS TABLE (place bigint, field text, message text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT f.place, f.field, f.message FROM (
        SELECT r.place, 'site' AS field, format('there is no site %s', quote_literal(r.site_id)) AS message
        FROM demand_ready r LEFT JOIN site p ON p.site_id = r.site_id
        WHERE p.site_id IS NULL OR NOT sees_site(r.site_id)
        UNION ALL
        SELECT r.place, r.identifier_scheme, format('%s %s names no item: register it first, or ask for new items',
            r.identifier_scheme, quote_literal(r.identifier))
        FROM demand_ready r
        WHERE r.item_id IS NULL
            AND NOT EXISTS (SELECT FROM demand_name d WHERE d.scheme = r.identifier_scheme AND d.value = r.identifier)
        UNION ALL
        SELECT r.place, 'requested_at', format('%s: the clocks of the site (%s) %s', s.local_at, p.time_zone,
            CASE WHEN m.first_at IS NULL THEN 'skipped that time'
                ELSE 'showed that time twice: say with --twice first or second which is meant' END)
        FROM demand_ready r
        JOIN demand_staging s ON s.n = r.n
        JOIN site p ON p.site_id = r.site_id
        JOIN demand_moment m ON (m.site_id, m.local_at, m.is_day) = (s.site_id, s.local_at, s.is_day)
        WHERE r.requested_at IS NULL
        UNION ALL
        SELECT r.place, 'requested_at', format('%s is in the future: expected at most %s',
            to_char(r.requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            to_char(now_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        FROM demand_ready r WHERE r.requested_at > now_at
        UNION ALL
        SELECT r.place, 'requested_at', format('%s is before 1970: expected a time since then',
            to_char(r.requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        FROM demand_ready r WHERE r.requested_at < '1970-01-01T00:00:00Z'
        UNION ALL
        SELECT r.place, 'quantity', format('%s of %s %s cannot be told in base units of 20 digits and six decimals',
            trim_scale(r.quantity_seen), r.identifier_scheme, quote_literal(r.identifier))
        FROM demand_ready r
        JOIN demand_name d ON d.scheme = r.identifier_scheme AND d.value = r.identifier AND d.item_id = r.item_id
            AND r.requested_at >= d.from_at AND r.requested_at < d.until_at
        WHERE d.numerator <> d.denominator
            AND coalesce(r.quantity, 0) * d.denominator <> r.quantity_seen * d.numerator
        UNION ALL
        SELECT r.place, 'line', format('line %s of document %s stands there twice with different content, first at %s',
            quote_literal(r.line), quote_literal(r.document), o.place)
        FROM demand_twice t
        JOIN demand_ready r USING (site_id, source, document, line)
        CROSS JOIN LATERAL (
            SELECT o.* FROM demand_ready o
            WHERE (o.site_id, o.source, o.document, o.line) = (r.site_id, r.source, r.document, r.line) AND o.n < r.n
                AND (o.given = r.given OR o.given IS NULL OR r.given IS NULL)
                AND (r.kind, r.identifier_scheme, r.identifier, r.requested_at, r.quantity_seen, r.channel, r.of_document,
                    r.of_line, r.given) IS DISTINCT FROM (o.kind, o.identifier_scheme, o.identifier, o.requested_at,
                    o.quantity_seen, o.channel, o.of_document, o.of_line, o.given)
            ORDER BY o.n LIMIT 1) o
        UNION ALL
        SELECT r.place, 'revision', format('revision %s of line %s of document %s is known with other content',
            r.given, quote_literal(r.line), quote_literal(r.document))
        FROM demand_ready r JOIN demand_line l USING (site_id, source, document, line)
        WHERE r.given = l.revision
            AND (l.kind, l.item_id, l.channel, l.requested_at, l.quantity, l.of_document, l.of_line)
                IS DISTINCT FROM (r.kind, r.item_id, r.channel, r.requested_at, r.quantity, r.of_document, r.of_line)
        UNION ALL
        SELECT r.place, 'revision', format('revision %s of line %s of document %s was known with other content',
            r.given, quote_literal(r.line), quote_literal(r.document))
        FROM demand_ready r JOIN demand_line_past l USING (site_id, source, document, line)
        WHERE r.given = l.revision
            AND (l.kind, l.item_id, l.channel, l.requested_at, l.quantity, l.of_document, l.of_line)
                IS DISTINCT FROM (r.kind, r.item_id, r.channel, r.requested_at, r.quantity, r.of_document, r.of_line)
    ) f
    ORDER BY f.place, f.field
    LIMIT most;
END
$$;

-- Stores the batch, which demand_faults() has found right. A line that says what is known changes nothing; one that
-- says what a later revision replaced is kept beside that one and changes nothing either.
CREATE OR REPLACE FUNCTION store_demand(by_actor text, OUT added bigint, OUT corrected bigint, OUT superseded bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    at timestamptz := clock_timestamp();
BEGIN
    superseded := keep_older_of_twice(by_actor, at);
    -- Writers of a source wait for each other, so that what is not known now is new.
    INSERT INTO demand_known
    SELECT r.n, l.revision AS known, r.given > l.revision
            OR (l.kind, l.item_id, l.channel, l.requested_at, l.quantity, l.of_document, l.of_line) IS DISTINCT FROM
                (r.kind, r.item_id, r.channel, r.requested_at, r.quantity, r.of_document, r.of_line) AS is_other
    FROM demand_ready r
    JOIN demand_line l USING (site_id, source, document, line);
    INSERT INTO demand_change
    SELECT k.n, coalesce(r.given, k.known + 1) AS revision,
        coalesce(r.given < k.known, EXISTS (
            SELECT FROM demand_line_past o
            WHERE (o.site_id, o.source, o.document, o.line) = (r.site_id, r.source, r.document, r.line)
                AND (o.kind, o.item_id, o.channel, o.requested_at, o.quantity, o.of_document, o.of_line)
                    IS NOT DISTINCT FROM
                    (r.kind, r.item_id, r.channel, r.requested_at, r.quantity, r.of_document, r.of_line))) AS is_old
    FROM demand_known k
    JOIN demand_ready r USING (n)
    WHERE k.is_other;
    SELECT superseded + count(*) FILTER (WHERE c.is_old), count(*) FILTER (WHERE NOT c.is_old)
    INTO superseded, corrected
    FROM demand_change c;
    INSERT INTO demand_line_past (site_id, source, document, line, revision, kind, item_id, channel, requested_at,
        quantity, of_document, of_line, identifier_scheme, identifier, quantity_seen, recorded_at, recorded_by, superseded_at)
    SELECT r.site_id, r.source, r.document, r.line, r.given, r.kind, r.item_id, r.channel, r.requested_at, r.quantity,
        r.of_document, r.of_line, r.identifier_scheme, r.identifier, r.quantity_seen, at, by_actor, at
    FROM demand_change c JOIN demand_ready r USING (n)
    WHERE c.is_old AND r.given IS NOT NULL
    UNION ALL
    SELECT l.site_id, l.source, l.document, l.line, l.revision, l.kind, l.item_id, l.channel, l.requested_at, l.quantity,
        l.of_document, l.of_line, l.identifier_scheme, l.identifier, l.quantity_seen, l.recorded_at, l.recorded_by, at
    FROM demand_change c
    JOIN demand_ready r USING (n)
    JOIN demand_line l USING (site_id, source, document, line)
    WHERE NOT c.is_old
    ON CONFLICT (site_id, source, document, line, revision) DO NOTHING;
    UPDATE demand_line l
    SET revision = c.revision, kind = r.kind, item_id = r.item_id, channel = r.channel,
        requested_at = r.requested_at, quantity = r.quantity, of_document = r.of_document, of_line = r.of_line,
        identifier_scheme = r.identifier_scheme, identifier = r.identifier, quantity_seen = r.quantity_seen,
        recorded_at = at, recorded_by = by_actor
    FROM demand_change c JOIN demand_ready r USING (n)
    WHERE NOT c.is_old
        AND (l.site_id, l.source, l.document, l.line) = (r.site_id, r.source, r.document, r.line);
    INSERT INTO demand_line (site_id, source, document, line, revision, kind, item_id, channel, requested_at, quantity,
        of_document, of_line, identifier_scheme, identifier, quantity_seen, recorded_at, recorded_by)
    SELECT r.site_id, r.source, r.document, r.line, coalesce(r.given, 1), r.kind, r.item_id, r.channel, r.requested_at,
        r.quantity, r.of_document, r.of_line, r.identifier_scheme, r.identifier, r.quantity_seen, at, by_actor
    FROM demand_ready r
    WHERE NOT EXISTS (SELECT FROM demand_known k WHERE k.n = r.n)
    ORDER BY r.n;
    GET DIAGNOSTICS added = ROW_COUNT;
END
$$;

-- Of lines that the batch says in several revisions only the last one remains; the others are kept as the past.
CREATE OR REPLACE FUNCTION keep_older_of_twice(by_actor text, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept bigint;
BEGIN
    WITH ranked AS (
        SELECT r.n, r.given < max(r.given) OVER w AS is_older,
            row_number() OVER (w ORDER BY r.given DESC NULLS LAST, r.n) > 1 AS is_more
        FROM demand_twice t JOIN demand_ready r USING (site_id, source, document, line)
        WINDOW w AS (PARTITION BY r.site_id, r.source, r.document, r.line)
    ), gone AS (
        DELETE FROM demand_ready r USING ranked x WHERE x.n = r.n AND x.is_more RETURNING r.*, x.is_older
    ), older AS (
        INSERT INTO demand_line_past (site_id, source, document, line, revision, kind, item_id, channel, requested_at,
            quantity, of_document, of_line, identifier_scheme, identifier, quantity_seen, recorded_at, recorded_by,
            superseded_at)
        SELECT g.site_id, g.source, g.document, g.line, g.given, g.kind, g.item_id, g.channel, g.requested_at, g.quantity,
            g.of_document, g.of_line, g.identifier_scheme, g.identifier, g.quantity_seen, at, by_actor, at
        FROM gone g
        LEFT JOIN demand_line l ON (l.site_id, l.source, l.document, l.line, l.revision)
            = (g.site_id, g.source, g.document, g.line, g.given)
        WHERE g.is_older AND l.revision IS NULL
        ON CONFLICT (site_id, source, document, line, revision) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) INTO kept FROM older;
    RETURN kept;
END
$$;

-- What does not add up after the batch is stored: a cancellation or return that names a request must find it, of the
-- same item, and all of them together cannot be more than was asked for.
CREATE OR REPLACE FUNCTION demand_excesses(most integer)
    RETURNS TABLE (place bigint, field text, message text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH named AS (
        SELECT r.place, r.site_id, r.source, r.of_document AS document, r.of_line AS line FROM demand_ready r
        WHERE r.of_document IS NOT NULL
        UNION ALL
        SELECT r.place, r.site_id, r.source, r.document, r.line FROM demand_ready r
        WHERE EXISTS (SELECT FROM demand_line l WHERE l.of_document IS NOT NULL
            AND (l.site_id, l.source, l.of_document, l.of_line) = (r.site_id, r.source, r.document, r.line))
    ), taken AS (
        SELECT x.place, x.document, x.line, q.kind, q.quantity, q.item_id, t.taken, t.has_other_item
        FROM named x
        LEFT JOIN demand_line q ON (q.site_id, q.source, q.document, q.line) = (x.site_id, x.source, x.document, x.line)
        CROSS JOIN LATERAL (
            SELECT sum(l.quantity) AS taken, bool_or(l.item_id <> q.item_id) AS has_other_item FROM demand_line l
            WHERE (l.site_id, l.source, l.of_document, l.of_line) = (x.site_id, x.source, x.document, x.line)) t
    )
    SELECT t.place, 'of_line', format('line %s of document %s %s', quote_literal(t.line), quote_literal(t.document), CASE
        WHEN t.kind IS NULL THEN 'is not known: send the request first, or with it'
        WHEN t.kind <> 'requested' THEN format('is %s: expected a request', t.kind)
        WHEN t.has_other_item THEN 'asks for another item than what is cancelled or returned of it'
        ELSE format('asks for %s, of which %s would be cancelled or returned',
            trim_scale(t.quantity), trim_scale(t.taken)) END)
    FROM taken t
    WHERE t.kind IS NULL OR t.kind <> 'requested' OR t.has_other_item OR t.taken > t.quantity
    ORDER BY t.place
    LIMIT most;
END
$$;

REVOKE ALL ON FUNCTION open_demand_staging(), resolve_demand_names(boolean), resolve_demand(boolean, text),
    resolve_demand_moments(), demand_faults(timestamptz, integer), store_demand(text),
    keep_older_of_twice(text, timestamptz), demand_excesses(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_demand_staging(), resolve_demand(boolean, text), demand_faults(timestamptz, integer),
    store_demand(text), demand_excesses(integer) TO dockledger_app;
