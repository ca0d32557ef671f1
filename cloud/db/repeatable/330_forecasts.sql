-- The forecasts in force, for replenishment and for people (DOMAIN D10). The reader's rights hold.
DROP FUNCTION IF EXISTS pub_forecasts(text[]);

-- Rows of each site's latest run that was done; `sites` NULL: all that the session sees.
CREATE FUNCTION pub_forecasts(sites text[]) RETURNS TABLE (
    run_id bigint, finished_at timestamptz, site text, item text, item_id bigint, first_day date, mean real[],
    horizons integer[], cum_q real[], model text, why jsonb, is_sufficient boolean)
    LANGUAGE sql STABLE AS $$
    SELECT f.run_id, r.finished_at, f.site_id, i.code, f.item_id, f.first_day, f.mean, f.horizons, f.cum_q,
        f.model, f.why, f.is_sufficient
    FROM (
        SELECT DISTINCT ON (p.site_id) p.site_id, p.run_id, p.finished_at
        FROM planning_run p
        WHERE p.kind = 'forecast' AND p.state = 'done' AND p.site_id IS NOT NULL
            AND (sites IS NULL OR p.site_id = ANY (sites))
        ORDER BY p.site_id, p.run_id DESC
    ) r
    JOIN forecast f ON f.run_id = r.run_id AND f.site_id = r.site_id
    JOIN item i ON i.item_id = f.item_id
$$;
REVOKE ALL ON FUNCTION pub_forecasts(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pub_forecasts(text[]) TO dockledger_app, dockledger_planner, dockledger_auditor;
