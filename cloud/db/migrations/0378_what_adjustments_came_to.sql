-- What came in the days of an adjustment, in blocks of seven days: kept once they are over, so that a page need not
-- add up a year of demand to say what people's judgement was worth.
ALTER TABLE forecast_override_effect ADD COLUMN naive real[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN forecast_override_effect.naive IS 'Demand of the seven days before first_day: the yardstick repeats them';

CREATE TABLE forecast_override_outcome (
    override_id bigint NOT NULL,
    item_id     bigint NOT NULL,
    site_id     text NOT NULL REFERENCES site,
    block_day   date NOT NULL,
    days        integer NOT NULL CHECK (days BETWEEN 1 AND 7),
    came        real CHECK (came >= 0),
    system      real NOT NULL CHECK (system >= 0),
    overridden  real NOT NULL CHECK (overridden >= 0),
    naive       real NOT NULL CHECK (naive >= 0),
    judged_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (override_id, item_id, block_day),
    FOREIGN KEY (override_id, item_id) REFERENCES forecast_override_effect
);
COMMENT ON COLUMN forecast_override_outcome.came IS 'NULL: part of the block was out of stock, so demand is not known';
CREATE INDEX forecast_override_outcome_listed ON forecast_override_outcome (site_id, block_day);

GRANT SELECT, INSERT ON forecast_override_outcome TO dockledger_app;
GRANT SELECT ON forecast_override_outcome TO dockledger_auditor, dockledger_planner;
ALTER TABLE forecast_override_outcome ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON forecast_override_outcome TO dockledger_app
    USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON forecast_override_outcome TO dockledger_auditor, dockledger_planner USING (true);
