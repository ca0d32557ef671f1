-- Which period (day, week, four weeks, all three reconciled) a class of items at a site is forecast in, since when, and by
-- what evidence: what stock would have cost with each, and the naive forecast beside. Choices are added, never changed.
CREATE TABLE forecast_bucket (
    choice_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id    text NOT NULL REFERENCES site,
    class_name text NOT NULL,
    bucket     text NOT NULL CHECK (bucket IN ('day', 'week', 'four_weeks', 'reconciled')),
    decided_on date NOT NULL,
    evidence   jsonb NOT NULL CHECK (jsonb_typeof(evidence) = 'object'),
    run_id     bigint NOT NULL REFERENCES planning_run,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN forecast_bucket.class_name IS 'Pattern of demand, and how often is ordered';
COMMENT ON COLUMN forecast_bucket.decided_on IS 'Last day of the demand it was decided by; forecasts made from that day on follow it';
CREATE INDEX forecast_bucket_latest ON forecast_bucket (site_id, class_name, choice_id DESC);

GRANT SELECT, INSERT ON forecast_bucket TO dockledger_app;
GRANT SELECT ON forecast_bucket TO dockledger_auditor, dockledger_planner;
ALTER TABLE forecast_bucket ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON forecast_bucket TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON forecast_bucket TO dockledger_auditor, dockledger_planner USING (true);
