-- Which period each item would be forecast in with the least cost of stock, for replenishment to make its parameter (DOMAIN
-- D10): the latest choice for the class that the site's last forecast found the item in. The reader's rights hold.
DROP FUNCTION IF EXISTS pub_forecast_buckets(text[]);

CREATE FUNCTION pub_forecast_buckets(sites text[]) RETURNS TABLE (
    site text, item_id bigint, class_name text, bucket text, choice_id bigint, decided_on date)
    LANGUAGE sql STABLE AS $$
    SELECT f.site, f.item_id, c.class_name, c.bucket, c.choice_id, c.decided_on
    FROM pub_forecasts(sites) f
    JOIN (
        SELECT DISTINCT ON (b.site_id, b.class_name) b.site_id, b.class_name, b.bucket, b.choice_id, b.decided_on
        FROM forecast_bucket b
        WHERE sites IS NULL OR b.site_id = ANY (sites)
        ORDER BY b.site_id, b.class_name, b.choice_id DESC
    ) c ON c.site_id = f.site AND c.class_name = f.why #>> '{granularity,class}'
$$;
REVOKE ALL ON FUNCTION pub_forecast_buckets(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pub_forecast_buckets(text[]) TO dockledger_app, dockledger_planner, dockledger_auditor;
