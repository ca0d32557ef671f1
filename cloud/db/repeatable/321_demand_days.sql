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

REVOKE ALL ON FUNCTION site_days(text[], date, date), pub_demand_extent(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION site_days(text[], date, date), pub_demand_extent(text[])
    TO dockledger_app, dockledger_planner, dockledger_auditor;
