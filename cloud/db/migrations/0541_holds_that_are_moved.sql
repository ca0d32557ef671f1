-- Places from which goods were taken as sellable while goods wait there: looked at once the site is whole up to then (DOMAIN D4).
CREATE TABLE held_due (
    cell_id bigint PRIMARY KEY REFERENCES cell,
    site_id text NOT NULL REFERENCES site,
    from_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL
);
COMMENT ON COLUMN held_due.cell_id IS 'The goods that wait: on hold, or in inspection';
CREATE INDEX cell_that_waits ON cell (location_id) WHERE disposition IN ('hold', 'inspection');
GRANT SELECT, INSERT, UPDATE, DELETE ON held_due TO dockledger_app;
GRANT SELECT ON held_due TO dockledger_auditor, dockledger_planner;
