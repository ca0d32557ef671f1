-- When a site could not sell an item: usable on hand at or below zero during opening hours (DOMAIN D10).

-- At which site each unit stood from when until when, as far as it is known: one in another stands where that one
-- does; none where it stands in a virtual account, as at sea or in a door.
CREATE OR REPLACE FUNCTION unit_presence()
    RETURNS TABLE (unit_id bigint, site_id text, from_at timestamptz, until_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE told AS (
        SELECT u.unit_id, u.location_id, u.parent_id, u.occurred_at AS from_at,
            lead(u.occurred_at, 1, 'infinity') OVER w AS until_at
        FROM unit_position u
        JOIN ledger_entry e ON e.posting_id = u.posting_id
        WHERE NOT EXISTS (SELECT FROM unfollowed_at(9223372036854775807) v
            WHERE (v.gateway_id, v.epoch, v.seq) = (u.gateway_id, u.epoch, u.seq))
        WINDOW w AS (PARTITION BY u.unit_id ORDER BY u.occurred_at, e.position, u.seq)
    ), climb AS (
        SELECT t.unit_id, t.location_id, t.parent_id, t.from_at, t.until_at, ARRAY[t.unit_id] AS seen
        FROM told t WHERE t.from_at < t.until_at
        UNION ALL
        SELECT c.unit_id, p.location_id, p.parent_id, greatest(c.from_at, p.from_at), least(c.until_at, p.until_at),
            c.seen || p.unit_id
        FROM climb c
        JOIN told p ON p.unit_id = c.parent_id AND p.from_at < c.until_at AND c.from_at < p.until_at
        WHERE c.location_id IS NULL AND p.unit_id <> ALL (c.seen)
    ), stood AS (
        SELECT c.unit_id, l.site_id, c.from_at, c.until_at,
            c.from_at IS DISTINCT FROM lag(c.until_at) OVER w AS begins
        FROM climb c
        JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
        WINDOW w AS (PARTITION BY c.unit_id, l.site_id ORDER BY c.from_at)
    ), numbered AS (
        SELECT s.*, count(*) FILTER (WHERE s.begins) OVER (PARTITION BY s.unit_id, s.site_id ORDER BY s.from_at) AS nth
        FROM stood s
    )
    SELECT n.unit_id, n.site_id, min(n.from_at), max(n.until_at)
    FROM numbered n
    GROUP BY n.unit_id, n.site_id, n.nth
$$;

-- Usable stock of items at sites as a step function: its level from `from_at` until `until_at`. Begins with the
-- item's first change in a real place there; what was before is unknown. What is in a unit is where the unit stands;
-- in one that nobody ever placed, at the site that named it. Changes at one instant are one.
CREATE OR REPLACE FUNCTION usable_levels(sites text[], before_at timestamptz)
    RETURNS TABLE (site_id text, item_id bigint, from_at timestamptz, until_at timestamptz, quantity numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET work_mem = '256MB' AS $$
    WITH place AS MATERIALIZED (
        SELECT s.site_id, (row_number() OVER (ORDER BY s.site_id))::integer AS nth
        FROM site s WHERE sites IS NULL OR s.site_id = ANY (sites)
    ), real_cell AS MATERIALIZED (
        SELECT c.cell_id, p.nth, a.canonical_id AS item_id, l.location_id AS unit_id,
            l.kind = 'unit' AND EXISTS (SELECT FROM unit_position u WHERE u.unit_id = l.location_id) AS is_mobile,
            CASE WHEN coalesce(c.disposition, 'sellable') = 'sellable' THEN a.numerator / a.denominator ELSE 0 END AS factor
        FROM cell c
        JOIN location l ON l.location_id = c.location_id AND l.kind <> 'virtual'
        JOIN canonical_item a ON a.item_id = c.item_id
        LEFT JOIN place p ON p.site_id = c.site_id
        WHERE p.site_id IS NOT NULL OR l.kind = 'unit'
    ), young AS MATERIALIZED (
        SELECT side.cell_id, m.occurred_at, side.delta
        FROM fold_head f
        JOIN ledger_entry e ON e.position > f.position
        JOIN movement m ON m.posting_id = e.posting_id
        CROSS JOIN LATERAL (VALUES (m.from_cell, -m.quantity), (m.to_cell, m.quantity)) side (cell_id, delta)
    ), in_unit AS MATERIALIZED (
        SELECT r.unit_id, r.item_id, d.occurred_at, d.delta * r.factor AS delta
        FROM real_cell r
        JOIN (SELECT y.* FROM young y UNION ALL SELECT x.cell_id, x.occurred_at, x.delta FROM cell_delta x) d
            ON d.cell_id = r.cell_id
        WHERE r.is_mobile AND d.occurred_at < before_at
    ), change AS (
        SELECT r.nth, r.item_id, d.occurred_at, d.delta * r.factor AS delta
        FROM real_cell r JOIN cell_delta d ON d.cell_id = r.cell_id
        WHERE NOT r.is_mobile AND r.nth IS NOT NULL AND d.occurred_at < before_at
        UNION ALL
        SELECT r.nth, r.item_id, y.occurred_at, y.delta * r.factor
        FROM real_cell r JOIN young y ON y.cell_id = r.cell_id
        WHERE NOT r.is_mobile AND r.nth IS NOT NULL AND y.occurred_at < before_at
        UNION ALL
        SELECT p.nth, c.item_id, moment.at, moment.delta
        FROM in_unit c
        JOIN unit_presence() u ON u.unit_id = c.unit_id AND c.occurred_at < u.until_at
        JOIN place p ON p.site_id = u.site_id
        CROSS JOIN LATERAL (VALUES (greatest(c.occurred_at, u.from_at), c.delta), (u.until_at, -c.delta)) moment (at, delta)
        WHERE moment.at < before_at
    ), level AS (
        SELECT c.nth, c.item_id, c.occurred_at, lead(c.occurred_at, 1, before_at) OVER w AS until_at, sum(c.delta) OVER w AS quantity
        FROM change c
        WINDOW w AS (PARTITION BY c.nth, c.item_id ORDER BY c.occurred_at)
    )
    SELECT p.site_id, l.item_id, l.occurred_at, l.until_at, l.quantity
    FROM level l JOIN place p ON p.nth = l.nth
    WHERE l.occurred_at < l.until_at
$$;

-- Stock-outs that meet opening hours, cut to begin and end within them; long ones pass closed nights whole.
CREATE OR REPLACE FUNCTION pub_stockout_interval(sites text[], since_at timestamptz, before_at timestamptz)
    RETURNS TABLE (site text, item text, item_id bigint, from_at timestamptz, until_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH empty AS (
        SELECT l.site_id, l.item_id, l.from_at, l.until_at,
            l.from_at IS DISTINCT FROM lag(l.until_at) OVER w AS begins
        FROM usable_levels(sites, before_at) l
        WHERE l.quantity <= 0
        WINDOW w AS (PARTITION BY l.site_id, l.item_id ORDER BY l.from_at)
    ), numbered AS (
        SELECT e.*, count(*) FILTER (WHERE e.begins) OVER (PARTITION BY e.site_id, e.item_id ORDER BY e.from_at) AS nth
        FROM empty e
    ), out_of_stock AS (
        SELECT n.site_id, n.item_id, greatest(min(n.from_at), since_at) AS from_at, least(max(n.until_at), before_at) AS until_at
        FROM numbered n
        GROUP BY n.site_id, n.item_id, n.nth
        HAVING max(n.until_at) > since_at AND min(n.from_at) < before_at
    ), hours AS MATERIALIZED (
        SELECT s.site_id, s.opens_at IS NULL AS is_always, w.opens, w.closes
        FROM site s
        CROSS JOIN LATERAL (SELECT since_at::date - 3 AS first_day, before_at::date - since_at::date + 6 AS days) r
        CROSS JOIN LATERAL (
            SELECT array_agg((r.first_day + n + s.opens_at) AT TIME ZONE s.time_zone ORDER BY n) AS opens,
                array_agg((r.first_day + n + CASE WHEN s.closes_at > s.opens_at THEN 0 ELSE 1 END + s.closes_at)
                    AT TIME ZONE s.time_zone ORDER BY n) AS closes
            FROM generate_series(0, r.days) n) w
    ), cut AS (
        SELECT o.site_id, o.item_id,
            CASE WHEN h.is_always OR o.from_at < h.closes[b.nth] THEN o.from_at ELSE h.opens[b.nth + 1] END AS from_at,
            CASE WHEN h.is_always THEN o.until_at
                ELSE least(o.until_at, h.closes[width_bucket(o.until_at - INTERVAL '1 microsecond', h.opens)]) END AS until_at
        FROM out_of_stock o
        JOIN hours h ON h.site_id = o.site_id
        CROSS JOIN LATERAL (SELECT width_bucket(o.from_at, h.opens) AS nth) b
    )
    SELECT c.site_id, i.code, c.item_id, c.from_at, c.until_at
    FROM cut c JOIN item i ON i.item_id = c.item_id
    WHERE c.from_at < c.until_at
    ORDER BY c.site_id, i.code, c.from_at
$$;

REVOKE ALL ON FUNCTION unit_presence(), usable_levels(text[], timestamptz), pub_stockout_interval(text[], timestamptz, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pub_stockout_interval(text[], timestamptz, timestamptz)
    TO dockledger_app, dockledger_planner, dockledger_auditor;
