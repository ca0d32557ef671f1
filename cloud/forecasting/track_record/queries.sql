-- name: accuracy
WITH run AS (
    SELECT DISTINCT ON (p.site_id) p.site_id, p.run_id
    FROM planning_run p
    WHERE p.kind = 'forecast' AND p.state = 'done' AND p.site_id IS NOT NULL
        AND (%(site)s::text IS NULL OR p.site_id = %(site)s)
    ORDER BY p.site_id, p.run_id DESC
), item_of_run AS MATERIALIZED (
    SELECT f.run_id, f.site_id, f.item_id, coalesce(f.why -> 'pattern' ->> 'name', 'none') AS class,
        ntile(10) OVER (PARTITION BY f.site_id ORDER BY f.weekly_volume, f.item_id) AS decile
    FROM run r JOIN forecast f ON f.run_id = r.run_id AND f.site_id = r.site_id
    WHERE f.is_sufficient
), line AS (
    SELECT i.site_id, i.item_id, i.class, i.decile, b.horizon_days, b.forecast::double precision AS forecast,
        b.naive::double precision AS naive, b.actual::double precision AS actual, b.actual BETWEEN b.low AND b.high AS is_within
    FROM item_of_run i
    JOIN forecast_backtest b ON b.run_id = i.run_id AND b.site_id = i.site_id AND b.item_id = i.item_id
    WHERE b.actual IS NOT NULL
), summed AS (
    SELECT l.horizon_days, l.site_id, l.class, l.decile,
        GROUPING(l.site_id) AS no_site, GROUPING(l.class) AS no_class, GROUPING(l.decile) AS no_decile,
        count(DISTINCT (l.site_id, l.item_id)) AS items, count(*) AS windows, sum(l.actual) AS came,
        sum(abs(l.forecast - l.actual)) AS error, sum(abs(l.naive - l.actual)) AS naive_error,
        sum(l.forecast - l.actual) AS excess, avg(l.is_within::integer)::double precision AS coverage
    FROM line l
    GROUP BY GROUPING SETS (
        (l.horizon_days), (l.horizon_days, l.site_id), (l.horizon_days, l.class), (l.horizon_days, l.decile))
)
SELECT
    CASE WHEN s.no_site = 0 THEN 'site' WHEN s.no_class = 0 THEN 'class' WHEN s.no_decile = 0 THEN 'decile' ELSE 'all' END AS part,
    coalesce(s.site_id, s.class, s.decile::text, '') AS name, s.horizon_days, s.items, s.windows, s.came,
    s.error / nullif(s.came, 0) AS wape, s.naive_error / nullif(s.came, 0) AS naive_wape, s.excess / nullif(s.came, 0) AS bias,
    s.coverage
FROM summed s
ORDER BY 1, s.decile, 2, s.horizon_days;
