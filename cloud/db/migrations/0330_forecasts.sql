-- What forecasting hands over (DOMAIN D10): one row per run, site and item, in base units and site days.
CREATE TABLE forecast (
    run_id        bigint NOT NULL REFERENCES planning_run,
    site_id       text NOT NULL REFERENCES site,
    item_id       bigint NOT NULL REFERENCES item,
    first_day     date NOT NULL,
    mean          real[] NOT NULL,
    horizons      integer[] NOT NULL,
    cum_q         real[] NOT NULL,
    model         text NOT NULL,
    why           jsonb NOT NULL CHECK (jsonb_typeof(why) = 'object'),
    is_sufficient boolean NOT NULL,
    history_from  date NOT NULL,
    history_until date NOT NULL CHECK (history_until >= history_from),
    weekly_volume real NOT NULL CHECK (weekly_volume >= 0),
    wape          real CHECK (wape >= 0),
    naive_wape    real CHECK (naive_wape >= 0),
    bias          real,
    rmsse         real CHECK (rmsse >= 0),
    coverage      real CHECK (coverage BETWEEN 0 AND 1),
    PRIMARY KEY (run_id, site_id, item_id),
    CHECK (first_day = history_until + 1),
    CHECK (cardinality(horizons) > 0 AND cardinality(mean) = horizons[cardinality(horizons)]),
    CHECK (array_length(cum_q, 1) = cardinality(horizons) AND array_length(cum_q, 2) = 15)
);
COMMENT ON COLUMN forecast.mean IS 'Expected demand of each site day from first_day on';
COMMENT ON COLUMN forecast.horizons IS 'Days from first_day, ascending: 1, 7, 14, 28, 56, 91 and the protection period';
COMMENT ON COLUMN forecast.cum_q IS 'Demand summed over each horizon, at .005 .01 .025 .05 .1 .2 .3 .5 .7 .8 .9 .95 .975 .99 .995';
COMMENT ON COLUMN forecast.is_sufficient IS 'False: too short a history; the bands are wide and no accuracy is known';
COMMENT ON COLUMN forecast.weekly_volume IS 'Mean demand of a week within the history that was used';
COMMENT ON COLUMN forecast.wape IS 'Of the weeks of the rolling backtest, NULL where there was none or no demand; bias alike';
COMMENT ON COLUMN forecast.coverage IS 'Share of the backtest''s weeks within the 80 % band';
CREATE INDEX forecast_item ON forecast (site_id, item_id, run_id DESC);

-- What would have been said at each of the last weeks, with what was known then, beside what came.
CREATE TABLE forecast_backtest (
    run_id       bigint NOT NULL REFERENCES planning_run,
    site_id      text NOT NULL REFERENCES site,
    item_id      bigint NOT NULL REFERENCES item,
    origin       date NOT NULL,
    horizon_days integer NOT NULL CHECK (horizon_days > 0),
    forecast     real NOT NULL CHECK (forecast >= 0),
    naive        real NOT NULL CHECK (naive >= 0),
    low          real NOT NULL CHECK (low >= 0),
    high         real NOT NULL CHECK (high >= low),
    actual       real CHECK (actual >= 0),
    PRIMARY KEY (run_id, site_id, item_id, origin, horizon_days)
);
COMMENT ON COLUMN forecast_backtest.origin IS 'Last day that was known';
COMMENT ON COLUMN forecast_backtest.naive IS 'The seasonal naive: the same weekdays of the last week known';
COMMENT ON COLUMN forecast_backtest.low IS 'Of the 80 % band of the sum over the horizon; high alike';
COMMENT ON COLUMN forecast_backtest.actual IS 'NULL: part of the window was out of stock, so demand is not known';

GRANT SELECT, INSERT ON forecast TO dockledger_app, dockledger_planner;
GRANT SELECT, INSERT, DELETE ON forecast_backtest TO dockledger_app, dockledger_planner;
GRANT SELECT ON forecast, forecast_backtest TO dockledger_auditor;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['forecast', 'forecast_backtest'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner '
            'USING (true) WITH CHECK (true)', guarded);
    END LOOP;
END
$$;
