-- name: accuracy
SELECT a.part, a.name, a.horizon_days, a.items, a.windows, a.came, a.error / nullif(a.came, 0) AS wape,
    a.naive_error / nullif(a.came, 0) AS naive_wape, a.excess / nullif(a.came, 0) AS bias,
    a.within / a.windows::double precision AS coverage,
    a.within_wide / nullif(a.windows_wide, 0)::double precision AS coverage_wide,
    a.idle / a.windows::double precision AS idle
FROM pub_forecast_accuracy(%(site)s::text) a
ORDER BY a.part, CASE WHEN a.part = 'decile' THEN a.name::integer END, a.name, a.horizon_days;
