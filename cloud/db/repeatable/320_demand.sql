-- Importing demand (tables in 0320): lines are copied into a temporary table of the session, then checked and
-- stored in sets. Everything a batch does wrong is told at once, and nothing of it is stored unless all is right.

-- Makes the session's staging tables, or empties them.
CREATE OR REPLACE FUNCTION open_demand_staging() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET client_min_messages = warning AS $$
BEGIN
    IF to_regclass('pg_temp.demand_staging') IS NULL THEN
        CREATE TEMPORARY TABLE demand_staging (
            n            bigint NOT NULL,
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
        CREATE TEMPORARY TABLE demand_ready (LIKE demand_line, n bigint, given integer) ON COMMIT DELETE ROWS;
        ALTER TABLE demand_ready ALTER revision DROP NOT NULL, ALTER recorded_at DROP NOT NULL,
            ALTER recorded_by DROP NOT NULL, ALTER item_id DROP NOT NULL, ALTER quantity DROP NOT NULL,
            ALTER requested_at DROP NOT NULL;
        GRANT INSERT ON demand_staging TO dockledger_app;
    ELSE
        TRUNCATE demand_staging, demand_name, demand_ready;
    END IF;
END
$$;

-- What each name of the batch means, since when until when; unknown ones become provisional items if asked for.
CREATE OR REPLACE FUNCTION resolve_demand_names(makes_items boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made bigint := 0;
BEGIN
    CREATE TEMPORARY TABLE demand_asked ON COMMIT DROP AS
        SELECT DISTINCT s.scheme, s.value FROM demand_staging s;
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
    DROP TABLE demand_asked;
    ANALYZE demand_name;
    RETURN made;
END
$$;

-- Local wall-clock times become instants, names become items. A time that the clocks skipped or showed twice
-- stays without an instant unless `twice` says which of the two is meant; a date is the begin of its site day.
CREATE OR REPLACE FUNCTION resolve_demand(makes_items boolean, twice text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made bigint := resolve_demand_names(makes_items);
BEGIN
    INSERT INTO demand_ready (site_id, source, document, line, given, kind, item_id, channel, requested_at, quantity,
        of_document, of_line, identifier_scheme, identifier, quantity_seen, n)
    SELECT s.site_id, s.source, s.document, s.line, s.revision, s.kind, d.item_id, s.channel, t.requested_at,
        CASE WHEN d.numerator = d.denominator THEN s.quantity
            WHEN s.quantity * d.numerator / d.denominator < 1e20 THEN s.quantity * d.numerator / d.denominator END,
        s.of_document, s.of_line, s.scheme, s.value, s.quantity, s.n
    FROM demand_staging s
    LEFT JOIN site p ON p.site_id = s.site_id
    CROSS JOIN LATERAL (SELECT CASE
        WHEN s.requested_at IS NOT NULL THEN s.requested_at
        WHEN s.is_day THEN (s.local_at + p.business_day_start) AT TIME ZONE p.time_zone
        ELSE local_instant(s.local_at, p.time_zone, twice) END) t (requested_at)
    LEFT JOIN demand_name d ON d.scheme = s.scheme AND d.value = s.value
        AND coalesce(t.requested_at, '-infinity') >= d.from_at AND coalesce(t.requested_at, '-infinity') < d.until_at;
    ANALYZE demand_ready;
    RETURN made;
END
$$;

-- The instant of a wall-clock time; NULL if the clocks skipped it, or showed it twice and `twice` says not which.
CREATE OR REPLACE FUNCTION local_instant(wall timestamp, zone text, twice text) RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN (
        SELECT CASE
            WHEN a.at AT TIME ZONE zone <> wall THEN CASE WHEN b.at AT TIME ZONE zone = wall THEN b.at END
            WHEN b.at = a.at OR b.at AT TIME ZONE zone <> wall THEN a.at
            WHEN twice = 'first' THEN least(a.at, b.at)
            WHEN twice = 'second' THEN greatest(a.at, b.at) END
        FROM (SELECT (wall AT TIME ZONE 'UTC') - (((wall AT TIME ZONE 'UTC' - INTERVAL '1 day') AT TIME ZONE zone)
                - (wall - INTERVAL '1 day'))) a (at),
            (SELECT (wall AT TIME ZONE 'UTC') - (((wall AT TIME ZONE 'UTC' + INTERVAL '1 day') AT TIME ZONE zone)
                - (wall + INTERVAL '1 day'))) b (at)
    );

-- All that is wrong with the batch; `n` is the line's place in it. At most `most` of them.
CREATE OR REPLACE FUNCTION demand_faults(now_at timestamptz, most integer)
    RETURNS TABLE (n bigint, field text, message text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT f.n, f.field, f.message FROM (
        SELECT r.n, 'site' AS field, format('there is no site %s', quote_literal(r.site_id)) AS message
        FROM demand_ready r LEFT JOIN site p ON p.site_id = r.site_id
        WHERE p.site_id IS NULL OR NOT sees_site(r.site_id)
        UNION ALL
        SELECT r.n, r.identifier_scheme, format('%s %s names no item: register it first, or import with --new-items',
            r.identifier_scheme, quote_literal(r.identifier))
        FROM demand_ready r
        WHERE r.item_id IS NULL
            AND NOT EXISTS (SELECT FROM demand_name d WHERE d.scheme = r.identifier_scheme AND d.value = r.identifier)
        UNION ALL
        SELECT r.n, 'requested_at', format('%s: the clocks of the site (%s) %s', s.local_at, p.time_zone,
            CASE WHEN local_instant(s.local_at, p.time_zone, 'first') IS NULL THEN 'skipped that time'
                ELSE 'showed that time twice: say with --twice first or second which is meant' END)
        FROM demand_ready r JOIN demand_staging s ON s.n = r.n JOIN site p ON p.site_id = r.site_id
        WHERE r.requested_at IS NULL
        UNION ALL
        SELECT r.n, 'requested_at', format('%s is in the future: expected at most %s',
            to_char(r.requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            to_char(now_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        FROM demand_ready r WHERE r.requested_at > now_at
        UNION ALL
        SELECT r.n, 'requested_at', format('%s is before 1970: expected a time since then',
            to_char(r.requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        FROM demand_ready r WHERE r.requested_at < '1970-01-01T00:00:00Z'
        UNION ALL
        SELECT r.n, 'quantity', format('%s of %s %s cannot be told in base units of 20 digits and six decimals',
            trim_scale(r.quantity_seen), r.identifier_scheme, quote_literal(r.identifier))
        FROM demand_ready r
        JOIN demand_name d ON d.scheme = r.identifier_scheme AND d.value = r.identifier AND d.item_id = r.item_id
            AND r.requested_at >= d.from_at AND r.requested_at < d.until_at
        WHERE d.numerator <> d.denominator
            AND coalesce(r.quantity, 0) * d.denominator <> r.quantity_seen * d.numerator
        UNION ALL
        SELECT r.n, 'line', format('line %s of document %s stands there twice with different content, first at %s',
            quote_literal(r.line), quote_literal(r.document), o.n)
        FROM demand_ready r
        JOIN (
            SELECT x.site_id, x.source, x.document, x.line, min(x.n) AS n FROM demand_ready x
            GROUP BY x.site_id, x.source, x.document, x.line HAVING count(*) > 1
        ) twice USING (site_id, source, document, line)
        JOIN demand_ready o ON o.n = twice.n
        WHERE r.n <> o.n AND r.given IS NOT DISTINCT FROM o.given
            AND (r.kind, r.identifier_scheme, r.identifier, r.requested_at, r.quantity_seen, r.channel, r.of_document, r.of_line)
                IS DISTINCT FROM
                (o.kind, o.identifier_scheme, o.identifier, o.requested_at, o.quantity_seen, o.channel, o.of_document, o.of_line)
    ) f
    ORDER BY f.n, f.field
    LIMIT most;
END
$$;

-- Stores the batch, which demand_faults() has found right. Lines that say what is known already change nothing,
-- and neither do those that say what a later revision replaced.
CREATE OR REPLACE FUNCTION store_demand(by_actor text, OUT added bigint, OUT corrected bigint, OUT superseded bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- One line per name and revision: the batch may say the same twice.
    CREATE TEMPORARY TABLE demand_change ON COMMIT DROP AS
    SELECT r.n, l.revision AS known, greatest(coalesce(r.given, l.revision + 1), 1) AS revision,
        r.given < l.revision OR (r.given IS NULL AND EXISTS (
            SELECT FROM demand_line_past o
            WHERE (o.site_id, o.source, o.document, o.line) = (r.site_id, r.source, r.document, r.line)
                AND (o.kind, o.item_id, o.channel, o.requested_at, o.quantity, o.of_document, o.of_line)
                    IS NOT DISTINCT FROM
                    (r.kind, r.item_id, r.channel, r.requested_at, r.quantity, r.of_document, r.of_line))) AS is_old
    FROM demand_ready r
    JOIN demand_line l USING (site_id, source, document, line)
    WHERE (l.kind, l.item_id, l.channel, l.requested_at, l.quantity, l.of_document, l.of_line)
        IS DISTINCT FROM (r.kind, r.item_id, r.channel, r.requested_at, r.quantity, r.of_document, r.of_line);
    SELECT count(*) FILTER (WHERE c.is_old), count(*) FILTER (WHERE NOT c.is_old) INTO superseded, corrected
    FROM demand_change c;
    IF corrected > 0 THEN
        INSERT INTO demand_line_past
        SELECT l.*, clock_timestamp()
        FROM demand_change c JOIN demand_ready r USING (n) JOIN demand_line l USING (site_id, source, document, line)
        WHERE NOT c.is_old;
        UPDATE demand_line l
        SET revision = c.revision, kind = r.kind, item_id = r.item_id, channel = r.channel,
            requested_at = r.requested_at, quantity = r.quantity, of_document = r.of_document, of_line = r.of_line,
            identifier_scheme = r.identifier_scheme, identifier = r.identifier, quantity_seen = r.quantity_seen,
            recorded_at = clock_timestamp(), recorded_by = by_actor
        FROM demand_change c JOIN demand_ready r USING (n)
        WHERE NOT c.is_old
            AND (l.site_id, l.source, l.document, l.line) = (r.site_id, r.source, r.document, r.line);
    END IF;
    DROP TABLE demand_change;
    INSERT INTO demand_line (site_id, source, document, line, revision, kind, item_id, channel, requested_at, quantity,
        of_document, of_line, identifier_scheme, identifier, quantity_seen, recorded_at, recorded_by)
    SELECT r.site_id, r.source, r.document, r.line, coalesce(r.given, 1), r.kind, r.item_id, r.channel, r.requested_at,
        r.quantity, r.of_document, r.of_line, r.identifier_scheme, r.identifier, r.quantity_seen, clock_timestamp(), by_actor
    FROM demand_ready r
    ORDER BY r.n
    ON CONFLICT (site_id, source, document, line) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
END
$$;

REVOKE ALL ON FUNCTION open_demand_staging(), resolve_demand_names(boolean), resolve_demand(boolean, text),
    local_instant(timestamp, text, text), demand_faults(timestamptz, integer), store_demand(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_demand_staging(), resolve_demand(boolean, text), demand_faults(timestamptz, integer),
    store_demand(text) TO dockledger_app;
