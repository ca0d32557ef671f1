-- name: sites
SELECT s.site_id AS site, d.last_day AS demand_until,
    ((%(now)s::timestamptz AT TIME ZONE s.time_zone) - s.business_day_start::interval)::date - 1 AS yesterday
FROM site s
LEFT JOIN (
    SELECT e.site, max(e.last_day) AS last_day FROM pub_demand_extent(%(sites)s::text[]) e GROUP BY e.site
) d ON d.site = s.site_id
WHERE sees_site(s.site_id) AND (%(sites)s::text[] IS NULL OR s.site_id = ANY (%(sites)s::text[]))
ORDER BY s.site_id;

-- name: clock
SELECT s.time_zone, s.business_day_start, s.week_start FROM site s WHERE s.site_id = %(site)s;

-- name: policies
SELECT DISTINCT ON (p.item_id) p.item_id, p.review_days, p.protection_days, p.target, p.bucket,
    p.demand_type = 'dependent'
FROM planning_parameters p
WHERE p.site_id = %(site)s
ORDER BY p.item_id, p.parameter_id DESC;

-- name: likes
SELECT i.item_id, i.category, c.cost::double precision
FROM item i
LEFT JOIN LATERAL (
    SELECT k.cost FROM item_cost k
    WHERE k.item_id = i.item_id AND k.site_id = %(site)s AND k.valid_from <= now()
    ORDER BY k.valid_from DESC LIMIT 1
) c ON true
WHERE i.item_id = ANY (%(item_ids)s);

-- name: add_forecast
INSERT INTO forecast (run_id, site_id, item_id, first_day, mean, horizons, cum_q, model, why, is_sufficient, history_from,
    history_until, history, weekly_volume, wape, naive_wape, bias, rmsse, coverage, mean_system, cum_q_system, override_ids)
VALUES (%(run_id)s, %(site)s, %(item_id)s, %(first_day)s, %(mean)s::real[], %(horizons)s::integer[], %(cum_q)s::real[], %(model)s,
    %(why)s::jsonb, %(is_sufficient)s, %(history_from)s, %(history_until)s, %(history)s::real[], %(weekly_volume)s,
    %(wape)s, %(naive_wape)s, %(bias)s, %(rmsse)s, %(coverage)s, %(mean_system)s::real[], %(cum_q_system)s::real[],
    %(override_ids)s);

-- name: add_backtest
INSERT INTO forecast_backtest (run_id, site_id, item_id, origin, horizon_days, forecast, naive, low, high, actual,
    is_in_wide)
SELECT %(run_id)s, %(site)s, x.item_id, x.origin, x.horizon_days, x.forecast, x.naive, x.low, x.high, x.actual, x.is_in_wide
FROM unnest(
    %(item_ids)s::bigint[], %(origins)s::date[], %(horizon_days)s::integer[], %(forecasts)s::real[], %(naives)s::real[],
    %(lows)s::real[], %(highs)s::real[], %(actuals)s::real[], %(are_in_wide)s::boolean[]
) AS x (item_id, origin, horizon_days, forecast, naive, low, high, actual, is_in_wide);

-- name: forget_backtests
DELETE FROM forecast_backtest b
WHERE b.site_id = %(site)s AND b.run_id < (
    SELECT min(r.run_id) FROM (
        SELECT p.run_id FROM planning_run p
        WHERE p.kind = %(kind)s AND p.site_id = %(site)s AND p.state = 'done'
        ORDER BY p.run_id DESC LIMIT %(keep)s
    ) r);

-- name: forecasts
SELECT x.run_id, x.finished_at, x.site, x.time_zone, x.item, x.item_name, x.base_unit, x.item_id, x.first_day, x.model,
    x.is_sufficient, x.history_from, x.history_until, x.weekly_volume,
    (SELECT sum(m.value) FROM unnest(x.mean[1:7]) m (value))::double precision AS next_week,
    x.wape, x.naive_wape, x.bias, x.rmsse, x.coverage, x.place
FROM (
    SELECT r.finished_at, f.site_id AS site, s.time_zone, i.code AS item, i.name AS item_name, i.base_unit, f.*,
        CASE %(order)s
            WHEN 'volume' THEN -f.weekly_volume
            WHEN 'wape' THEN coalesce(-f.wape, 'Infinity')
            WHEN 'gain' THEN coalesce(f.naive_wape - f.wape, 'Infinity')
            WHEN 'bias' THEN coalesce(-abs(f.bias), 'Infinity')
            WHEN 'insufficient' THEN f.is_sufficient::integer::double precision
            ELSE 0
        END AS place
    FROM (
        SELECT DISTINCT ON (p.site_id) p.site_id, p.run_id, p.finished_at
        FROM planning_run p
        WHERE p.kind = 'forecast' AND p.state = 'done' AND p.site_id IS NOT NULL
            AND (%(site)s::text IS NULL OR p.site_id = %(site)s)
        ORDER BY p.site_id, p.run_id DESC
    ) r
    JOIN forecast f ON f.run_id = r.run_id AND f.site_id = r.site_id
    JOIN item i ON i.item_id = f.item_id
    JOIN site s ON s.site_id = f.site_id
    WHERE (%(item)s::text IS NULL OR i.code = %(item)s)
        AND (%(item_like)s::text IS NULL OR i.code ILIKE %(item_like)s OR i.name ILIKE %(item_like)s)
        AND (%(is_sufficient)s::boolean IS NULL OR f.is_sufficient = %(is_sufficient)s)
) x
WHERE (x.place, x.site, x.item) > (%(after_place)s::double precision, %(after_site)s::text, %(after_item)s::text)
ORDER BY x.place, x.site, x.item
LIMIT %(limit)s;

-- name: forecast_content
SELECT f.mean, f.horizons, f.cum_q, f.why, f.history, r.started_at AS inputs_at, r.code_version, r.inputs,
    r.inputs_sha256, r.parameters, r.as_of_position, r.completeness
FROM forecast f JOIN planning_run r ON r.run_id = f.run_id
WHERE f.run_id = %(run_id)s AND f.site_id = %(site)s AND f.item_id = %(item_id)s;

-- name: backtest
SELECT b.origin, b.horizon_days, b.forecast, b.naive, b.low, b.high, b.actual
FROM forecast_backtest b
WHERE b.run_id = %(run_id)s AND b.site_id = %(site)s AND b.item_id = %(item_id)s
ORDER BY b.horizon_days, b.origin;

-- name: site_runs
SELECT DISTINCT ON (r.site_id) r.site_id AS site, s.time_zone, r.run_id, r.started_at, r.finished_at, r.inputs, r.outcome
FROM planning_run r JOIN site s ON s.site_id = r.site_id
WHERE r.kind = 'forecast' AND r.state = 'done' AND (%(site)s::text IS NULL OR r.site_id = %(site)s)
ORDER BY r.site_id, r.run_id DESC;

-- name: means_in_force
SELECT f.item_id, i.base_unit, f.first_day, f.mean
FROM forecast f JOIN item i ON i.item_id = f.item_id
WHERE f.site_id = %(site)s AND f.item_id = ANY (%(item_ids)s::bigint[]) AND f.run_id = (
    SELECT max(p.run_id) FROM planning_run p
    WHERE p.kind = 'forecast' AND p.state = 'done' AND p.site_id = %(site)s)
ORDER BY f.item_id;
