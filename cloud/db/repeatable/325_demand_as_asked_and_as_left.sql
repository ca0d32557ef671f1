-- Demand by site day as it was asked for, and as departures alone would tell it (DOMAIN D9, D10). A request counts once:
-- as far as it was not cancelled, a part of it may have left, as asked for or as another item; where a closed visit left
-- the line behind, or the line was closed short, the rest of it is short. What was cancelled is taken from what did not
-- leave first, for what has left cannot be cancelled: so a substitution shrinks only where less than it is left of its
-- request.

-- Substitutions of what was requested within, in base units of items as they read after merging. `part`: of the line, in
-- the item it tells.
CREATE OR REPLACE FUNCTION substituted_lines(of_site text, since timestamptz, until timestamptz)
    RETURNS TABLE (source text, document text, line text, requested_at timestamptz, tells_sent boolean, asked_id bigint,
        asked_quantity numeric, sent_id bigint, sent_quantity numeric, part numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH given AS (
        SELECT s.source, s.document, s.line, l.requested_at, told.canonical_id AS told_id,
            (l.quantity - gone.quantity) * told.numerator / told.denominator AS wanted,
            asked.canonical_id AS asked_id, s.asked_quantity * asked.numerator / asked.denominator AS asked_quantity,
            sent.canonical_id AS sent_id, s.sent_quantity * sent.numerator / sent.denominator AS sent_quantity
        FROM demand_substitution s
        JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (s.site_id, s.source, s.document, s.line)
            AND l.kind = 'requested' AND l.requested_at >= since AND l.requested_at < until
        CROSS JOIN LATERAL (SELECT c.* FROM canonical_item c WHERE c.item_id = l.item_id OFFSET 0) told
        CROSS JOIN LATERAL (SELECT c.* FROM canonical_item c WHERE c.item_id = s.asked_item_id OFFSET 0) asked
        CROSS JOIN LATERAL (SELECT c.* FROM canonical_item c WHERE c.item_id = s.sent_item_id OFFSET 0) sent
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(t.quantity), 0) AS quantity FROM demand_line t
            WHERE (t.site_id, t.source, t.of_document, t.of_line) = (l.site_id, l.source, l.document, l.line)
                AND t.kind = 'cancelled') gone
        WHERE s.site_id = of_site AND s.sent_quantity > 0
    ), parted AS (
        -- What a line was corrected to afterwards may be neither of both, and merged items are one by now.
        SELECT g.*, g.told_id = g.sent_id AS tells_sent,
            CASE WHEN g.told_id = g.sent_id THEN g.sent_quantity ELSE g.asked_quantity END AS part
        FROM given g
        WHERE g.told_id IN (g.asked_id, g.sent_id) AND g.asked_id <> g.sent_id
    ), whole AS (
        SELECT p.*, sum(p.part) OVER (PARTITION BY p.source, p.document, p.line) AS parts FROM parted p
    )
    SELECT w.source, w.document, w.line, w.requested_at, w.tells_sent,
        w.asked_id, CASE WHEN w.parts > w.wanted THEN w.asked_quantity * w.wanted / w.parts ELSE w.asked_quantity END,
        w.sent_id, CASE WHEN w.parts > w.wanted THEN w.sent_quantity * w.wanted / w.parts ELSE w.sent_quantity END,
        CASE WHEN w.parts > w.wanted THEN w.part * w.wanted / w.parts ELSE w.part END
    FROM whole w
$$;

-- What of outbound orders' lines that were requested within neither left nor was cancelled nor sent as another item.
CREATE OR REPLACE FUNCTION short_lines(of_site text, since timestamptz, until timestamptz)
    RETURNS TABLE (source text, document text, line text, requested_at timestamptz, item_id bigint, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.source, l.document, l.line, l.requested_at, c.canonical_id, rest.quantity
    FROM pub_outbound_lines(ARRAY[of_site], since - INTERVAL '1 day', '', until + INTERVAL '1 day', NULL) o
    JOIN demand_source d ON d.site_id = of_site AND d.kind = 'orders'
    JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (of_site, d.name, o.document, o.line)
        AND l.kind = 'requested' AND l.requested_at >= since AND l.requested_at < until
    CROSS JOIN LATERAL (SELECT x.* FROM canonical_item x WHERE x.item_id = l.item_id OFFSET 0) c
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(t.quantity), 0) AS quantity FROM demand_line t
        WHERE (t.site_id, t.source, t.of_document, t.of_line) = (l.site_id, l.source, l.document, l.line)
            AND t.kind = 'cancelled') gone
    LEFT JOIN (
        SELECT s.source, s.document, s.line, sum(s.part) AS quantity FROM substituted_lines(of_site, since, until) s
        GROUP BY 1, 2, 3) other ON (other.source, other.document, other.line) = (l.source, l.document, l.line)
    CROSS JOIN LATERAL (
        SELECT (l.quantity - gone.quantity - coalesce(o.departed, 0)) * c.numerator / c.denominator
            - coalesce(other.quantity, 0)) rest (quantity)
    WHERE o.short_at IS NOT NULL AND rest.quantity > 0
$$;

-- What was asked for on each site day, in base units, of items as they read after merging; `until_day` is the last
-- one. A cancellation that names its request takes from that day; another takes back the item's latest requests,
-- its own day first (the running maximum of what was asked since). Days without demand have no row; what exceeds
-- every request since `from_day` takes nothing. Returns are not asked for less. A line that tells the item that was sent
-- in place of another counts as the one that was asked for. `as_left`: what departures alone would tell of the same lines,
-- on the days that they were asked for; what is short counts as nothing, and what was sent instead as what it is.
DROP FUNCTION IF EXISTS pub_demand_days(text[], date, date);
CREATE OR REPLACE FUNCTION pub_demand_days(sites text[], from_day date, until_day date, as_left boolean DEFAULT false)
    RETURNS TABLE (site text, item text, item_id bigint, day date, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET work_mem = '128MB' AS $$
    WITH place AS MATERIALIZED (
        SELECT (row_number() OVER (ORDER BY d.site_id))::integer AS nth, d.* FROM site_days(sites, from_day, until_day) d
    ), asked AS (
        SELECT p.nth, l.item_id, width_bucket(l.requested_at, p.begins) AS day,
            sum(CASE l.kind WHEN 'requested' THEN l.quantity ELSE -l.quantity END) AS quantity
        FROM place p
        JOIN demand_line l ON l.site_id = p.site_id AND l.requested_at >= p.begins[1] AND l.requested_at < p.ends_at
        WHERE l.kind <> 'returned'
        GROUP BY 1, 2, 3
    ), moved AS (
        -- Cancellations that name their request: away from their own day, to that one's.
        SELECT p.nth, l.item_id, width_bucket(moment.at, p.begins) AS day, sum(moment.quantity) AS quantity
        FROM place p
        JOIN demand_line l ON l.site_id = p.site_id AND l.of_document IS NOT NULL AND l.kind = 'cancelled'
        JOIN demand_line r ON (r.site_id, r.source, r.document, r.line) = (l.site_id, l.source, l.of_document, l.of_line)
        CROSS JOIN LATERAL (VALUES (l.requested_at, l.quantity), (r.requested_at, -l.quantity)) moment (at, quantity)
        WHERE l.requested_at < p.ends_at AND moment.at >= p.begins[1] AND moment.at < p.ends_at
        GROUP BY 1, 2, 3
    ), instead AS (
        -- A line tells either what was asked for or what was sent; the other item is what the line does not tell.
        SELECT p.nth, moment.item_id, width_bucket(s.requested_at, p.begins) AS day, sum(moment.quantity) AS quantity
        FROM place p
        CROSS JOIN LATERAL substituted_lines(p.site_id, p.begins[1], p.ends_at) s
        CROSS JOIN LATERAL (VALUES
            (s.asked_id, CASE WHEN as_left THEN -s.asked_quantity ELSE s.asked_quantity END),
            (s.sent_id, CASE WHEN as_left THEN s.sent_quantity ELSE -s.sent_quantity END)) moment (item_id, quantity)
        WHERE s.tells_sent <> as_left
        GROUP BY 1, 2, 3
    ), missing AS (
        SELECT p.nth, h.item_id, width_bucket(h.requested_at, p.begins) AS day, -sum(h.quantity) AS quantity
        FROM place p
        CROSS JOIN LATERAL short_lines(p.site_id, p.begins[1], p.ends_at) h
        WHERE as_left
        GROUP BY 1, 2, 3
    ), net AS (
        SELECT x.nth, c.canonical_id AS item_id, x.day,
            sum(CASE WHEN c.canonical_id = x.item_id THEN x.quantity ELSE x.quantity * c.numerator / c.denominator END) AS quantity
        FROM (SELECT * FROM asked UNION ALL SELECT * FROM moved UNION ALL SELECT * FROM instead
            UNION ALL SELECT * FROM missing) x
        JOIN canonical_item c ON c.item_id = x.item_id
        GROUP BY 1, 2, 3
    ), since AS (
        SELECT n.nth, n.item_id, n.day, sum(n.quantity) OVER (PARTITION BY n.nth, n.item_id ORDER BY n.day DESC) AS until_end
        FROM net n
    ), best AS (
        SELECT s.nth, s.item_id, s.day,
            greatest(max(s.until_end) OVER (PARTITION BY s.nth, s.item_id ORDER BY s.day DESC), 0) AS most
        FROM since s
    ), kept AS (
        SELECT b.nth, b.item_id, b.day,
            b.most - lag(b.most, 1, 0::numeric) OVER (PARTITION BY b.nth, b.item_id ORDER BY b.day DESC) AS quantity
        FROM best b
    )
    SELECT p.site_id, i.code, k.item_id, p.first_day + k.day - 1, trim_scale(k.quantity)
    FROM kept k
    JOIN place p ON p.nth = k.nth
    JOIN item i ON i.item_id = k.item_id
    WHERE k.quantity > 0
$$;

-- Of the site days from that of one instant to that before another: what was asked for of each item, what became of it,
-- and what departures alone would tell. Only items of which something did not go as it was asked for.
CREATE OR REPLACE FUNCTION pub_demand_feedback(of_site text, from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (item text, asked numeric, short numeric, sent_instead numeric, stood_in numeric, has_left numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH span AS MATERIALIZED (
        SELECT d.from_day, d.until_day, w.begins[1] AS begins_at, w.ends_at
        FROM site s
        CROSS JOIN LATERAL (
            SELECT ((from_at AT TIME ZONE s.time_zone) - s.business_day_start)::date AS from_day,
                (((until_at - INTERVAL '1 microsecond') AT TIME ZONE s.time_zone) - s.business_day_start)::date
                    AS until_day) d
        CROSS JOIN LATERAL site_days(ARRAY[of_site], d.from_day, d.until_day) w
        WHERE s.site_id = of_site AND sees_site(of_site) AND d.from_day <= d.until_day
    ), told AS (
        SELECT w.* FROM span n CROSS JOIN LATERAL substituted_lines(of_site, n.begins_at, n.ends_at) w
    ), change AS (
        SELECT h.item_id, h.quantity AS short, 0::numeric AS sent_instead, 0::numeric AS stood_in
        FROM span n CROSS JOIN LATERAL short_lines(of_site, n.begins_at, n.ends_at) h
        UNION ALL
        SELECT t.asked_id, 0, t.asked_quantity, 0 FROM told t
        UNION ALL
        SELECT t.sent_id, 0, 0, t.sent_quantity FROM told t
    ), changed AS (
        SELECT c.item_id, sum(c.short) AS short, sum(c.sent_instead) AS sent_instead, sum(c.stood_in) AS stood_in
        FROM change c GROUP BY c.item_id
        HAVING sum(c.short) > 0 OR sum(c.sent_instead) > 0 OR sum(c.stood_in) > 0
    ), asked AS (
        SELECT d.item_id, sum(d.quantity) AS quantity
        FROM span n CROSS JOIN LATERAL pub_demand_days(ARRAY[of_site], n.from_day, n.until_day) d GROUP BY d.item_id
    ), gone AS (
        SELECT d.item_id, sum(d.quantity) AS quantity
        FROM span n CROSS JOIN LATERAL pub_demand_days(ARRAY[of_site], n.from_day, n.until_day, true) d GROUP BY d.item_id
    )
    SELECT i.code, coalesce(a.quantity, 0), trim_scale(c.short), trim_scale(c.sent_instead), trim_scale(c.stood_in),
        coalesce(g.quantity, 0)
    FROM changed c
    JOIN item i ON i.item_id = c.item_id
    LEFT JOIN asked a ON a.item_id = c.item_id
    LEFT JOIN gone g ON g.item_id = c.item_id
    ORDER BY c.short + c.sent_instead + c.stood_in DESC, i.code
$$;

REVOKE ALL ON FUNCTION substituted_lines(text, timestamptz, timestamptz), short_lines(text, timestamptz, timestamptz),
    pub_demand_days(text[], date, date, boolean), pub_demand_feedback(text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pub_demand_days(text[], date, date, boolean)
    TO dockledger_app, dockledger_planner, dockledger_auditor;
GRANT EXECUTE ON FUNCTION pub_demand_feedback(text, timestamptz, timestamptz) TO dockledger_app;
