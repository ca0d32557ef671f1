-- Adjusted forecasts, held by the database whoever writes: an adjustment counts only with an approved decision on it.
CREATE OR REPLACE FUNCTION forecast_override_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.applied_at IS NOT NULL AND NEW.applied_at IS DISTINCT FROM OLD.applied_at
        OR OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at
        OR OLD.decision_id IS NOT NULL AND NEW.decision_id IS DISTINCT FROM OLD.decision_id THEN
        RAISE EXCEPTION 'override % stays as it is: it was decided, applied or ended already', OLD.override_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.applied_at IS NULL AND NEW.applied_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM decision d
        WHERE d.decision_id = NEW.decision_id AND d.kind = 'forecast_override' AND d.state = 'approved') THEN
        RAISE EXCEPTION 'override % has no approved decision', OLD.override_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER guard BEFORE UPDATE ON forecast_override
    FOR EACH ROW EXECUTE FUNCTION forecast_override_guard();

-- The backtests of each site's latest run, summed by all, site, class (ADI/CV²), decile of volume and period
-- that is forecast in, and by horizon.
-- Sites are looked at once and not line by line: there are hundreds of thousands of lines.
DROP FUNCTION IF EXISTS pub_forecast_accuracy(text);
CREATE OR REPLACE FUNCTION pub_forecast_accuracy(of_site text) RETURNS TABLE (
    part text, name text, horizon_days integer, items bigint, windows bigint, came double precision, error double precision,
    naive_error double precision, excess double precision, within bigint, within_wide bigint, windows_wide bigint,
    idle bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET work_mem = '64MB' AS $$
    WITH run AS MATERIALIZED (
        SELECT DISTINCT ON (p.site_id) p.site_id, p.run_id
        FROM planning_run p
        WHERE p.kind = 'forecast' AND p.state = 'done' AND p.site_id IS NOT NULL
            AND (of_site IS NULL OR p.site_id = of_site) AND sees_site(p.site_id)
        ORDER BY p.site_id, p.run_id DESC
    ), of_item AS MATERIALIZED (
        SELECT f.run_id, f.site_id, f.item_id, coalesce(f.why -> 'pattern' ->> 'name', 'none') AS class,
            coalesce(f.why -> 'granularity' ->> 'bucket', 'week') AS bucket,
            ntile(10) OVER (PARTITION BY f.site_id ORDER BY f.weekly_volume, f.item_id) AS decile
        FROM run r JOIN forecast f ON f.run_id = r.run_id AND f.site_id = r.site_id
        WHERE f.is_sufficient
    ), summed AS MATERIALIZED (
        SELECT b.run_id, b.site_id, b.item_id, b.horizon_days, count(*) AS windows, sum(b.actual::double precision) AS came,
            sum(abs(b.forecast - b.actual)::double precision) AS error,
            sum(abs(b.naive - b.actual)::double precision) AS naive_error,
            sum((b.forecast - b.actual)::double precision) AS excess,
            count(*) FILTER (WHERE b.actual BETWEEN b.low AND b.high) AS within,
            count(*) FILTER (WHERE b.is_in_wide) AS within_wide, count(b.is_in_wide) AS windows_wide,
            count(*) FILTER (WHERE b.actual = 0) AS idle
        FROM run r JOIN forecast_backtest b ON b.run_id = r.run_id AND b.site_id = r.site_id
        WHERE b.actual IS NOT NULL
        GROUP BY b.run_id, b.site_id, b.item_id, b.horizon_days
    )
    SELECT
        CASE WHEN GROUPING(i.site_id) = 0 THEN 'site' WHEN GROUPING(i.class) = 0 THEN 'class'
            WHEN GROUPING(i.decile) = 0 THEN 'decile' WHEN GROUPING(i.bucket) = 0 THEN 'bucket' ELSE 'all' END,
        coalesce(i.site_id, i.class, i.decile::text, i.bucket, ''), s.horizon_days, count(*), sum(s.windows)::bigint, sum(s.came),
        sum(s.error), sum(s.naive_error), sum(s.excess), sum(s.within)::bigint,
        sum(s.within_wide)::bigint, sum(s.windows_wide)::bigint, sum(s.idle)::bigint
    FROM summed s JOIN of_item i ON i.run_id = s.run_id AND i.site_id = s.site_id AND i.item_id = s.item_id
    GROUP BY GROUPING SETS (
        (s.horizon_days), (s.horizon_days, i.site_id), (s.horizon_days, i.class), (s.horizon_days, i.decile),
        (s.horizon_days, i.bucket))
$$;
REVOKE ALL ON FUNCTION pub_forecast_accuracy(text), forecast_override_guard() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pub_forecast_accuracy(text) TO dockledger_app, dockledger_planner, dockledger_auditor;
