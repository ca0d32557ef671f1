-- Demand by site day, and when a site could not sell (DOMAIN D9, D10). `sites` NULL means all of them.

-- The instants at which site days begin, one per day from `from_day` to the day after `until_day`: a day of 23, 25
-- or 24.5 hours is as long as it is, and a night shift belongs to the day it began.
CREATE OR REPLACE FUNCTION site_days(sites text[], from_day date, until_day date)
    RETURNS TABLE (site_id text, first_day date, begins timestamptz[], ends_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.site_id, from_day, d.begins, d.begins[cardinality(d.begins)]
    FROM site s
    CROSS JOIN LATERAL (
        SELECT array_agg((from_day + n + s.business_day_start) AT TIME ZONE s.time_zone ORDER BY n) AS begins
        FROM generate_series(0, until_day - from_day + 1) n) d
    WHERE sites IS NULL OR s.site_id = ANY (sites)
$$;

-- What was asked for on each site day, in base units, of items as they read after merging; `until_day` is the last
-- one. A cancellation that names its request takes from that day; another takes back the item's latest requests,
-- its own day first (the running maximum of what was asked since). Days without demand have no row; what exceeds
-- every request since `from_day` takes nothing. Returns are not asked for less. A line that tells the item that was sent
-- in place of another counts as the one that was asked for, as far as it was not cancelled.
CREATE OR REPLACE FUNCTION pub_demand_days(sites text[], from_day date, until_day date)
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
        SELECT p.nth, moment.item_id, width_bucket(l.requested_at, p.begins) AS day, sum(moment.quantity * f.kept) AS quantity
        FROM place p
        JOIN demand_substitution s ON s.site_id = p.site_id AND s.sent_quantity > 0
        JOIN demand_line l ON (l.site_id, l.source, l.document, l.line) = (s.site_id, s.source, s.document, s.line)
            AND l.kind = 'requested' AND l.requested_at >= p.begins[1] AND l.requested_at < p.ends_at
        CROSS JOIN LATERAL (SELECT c.canonical_id FROM canonical_item c WHERE c.item_id = l.item_id OFFSET 0) told
        CROSS JOIN LATERAL (SELECT c.canonical_id FROM canonical_item c WHERE c.item_id = s.sent_item_id OFFSET 0) sent
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(t.quantity), 0) AS quantity FROM demand_line t
            WHERE (t.site_id, t.source, t.of_document, t.of_line) = (l.site_id, l.source, l.document, l.line)
                AND t.kind = 'cancelled') gone
        CROSS JOIN LATERAL (SELECT CASE WHEN l.quantity - gone.quantity >= s.sent_quantity THEN 1
            ELSE greatest(l.quantity - gone.quantity, 0) / s.sent_quantity END AS kept) f
        CROSS JOIN LATERAL (VALUES (s.sent_item_id, -s.sent_quantity), (s.asked_item_id, s.asked_quantity))
            moment (item_id, quantity)
        WHERE sent.canonical_id = told.canonical_id
        GROUP BY 1, 2, 3
    ), net AS (
        SELECT x.nth, c.canonical_id AS item_id, x.day,
            sum(CASE WHEN c.canonical_id = x.item_id THEN x.quantity ELSE x.quantity * c.numerator / c.denominator END) AS quantity
        FROM (SELECT * FROM asked UNION ALL SELECT * FROM moved UNION ALL SELECT * FROM instead) x
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

-- First and last site day on which an item was asked for, on how many days, in how many lines.
CREATE OR REPLACE FUNCTION pub_demand_extent(sites text[])
    RETURNS TABLE (site text, item text, item_id bigint, first_day date, last_day date, days_with_demand bigint, lines bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH reach AS MATERIALIZED (
        SELECT s.site_id, min(l.requested_at)::date - 2 AS from_day, max(l.requested_at)::date + 2 AS until_day
        FROM site s JOIN demand_line l ON l.site_id = s.site_id
        WHERE sites IS NULL OR s.site_id = ANY (sites)
        GROUP BY s.site_id
    ), place AS MATERIALIZED (
        SELECT d.* FROM reach r CROSS JOIN LATERAL site_days(ARRAY[r.site_id], r.from_day, r.until_day) d
    ), by_day AS (
        SELECT p.site_id, c.canonical_id AS item_id, p.first_day + width_bucket(l.requested_at, p.begins) - 1 AS day,
            count(*) AS lines
        FROM place p
        JOIN demand_line l ON l.site_id = p.site_id
        JOIN canonical_item c ON c.item_id = l.item_id
        WHERE l.kind = 'requested'
        GROUP BY 1, 2, 3
    )
    SELECT b.site_id, i.code, b.item_id, min(b.day), max(b.day), count(*), sum(b.lines)::bigint
    FROM by_day b JOIN item i ON i.item_id = b.item_id
    GROUP BY b.site_id, i.code, b.item_id
    ORDER BY b.site_id, i.code
$$;

REVOKE ALL ON FUNCTION site_days(text[], date, date), pub_demand_days(text[], date, date), pub_demand_extent(text[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION site_days(text[], date, date), pub_demand_days(text[], date, date), pub_demand_extent(text[])
    TO dockledger_app, dockledger_planner, dockledger_auditor;
