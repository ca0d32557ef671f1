-- The hand-over between forecasting and replenishment (DOMAIN D10), and what people decided it rests on.

-- What a person wants at a site, or of one item there; the row for the item goes before the site's.
CREATE TABLE replenishment_policy (
    policy_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL REFERENCES site,
    item_id     bigint REFERENCES item,
    review_days integer CHECK (review_days BETWEEN 1 AND 91),
    target_kind text CHECK (target_kind IN ('cycle_service', 'fill_rate')),
    target      double precision CHECK (target > 0 AND target <= 0.995),
    set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_by      text NOT NULL,
    CHECK ((target_kind IS NULL) = (target IS NULL))
);
COMMENT ON TABLE replenishment_policy IS 'The latest row of a site and item counts; a target never stands without its kind';
CREATE INDEX replenishment_policy_latest ON replenishment_policy (site_id, item_id, policy_id DESC);

CREATE TABLE lead_time_distribution (
    lead_time_dist_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    supplier          text REFERENCES supplier,
    days              integer[] NOT NULL CHECK (cardinality(days) > 0),
    probability       double precision[] NOT NULL CHECK (cardinality(probability) = cardinality(days)),
    source            text NOT NULL CHECK (source IN ('observed', 'promised', 'default')),
    samples           integer NOT NULL DEFAULT 0 CHECK (samples >= 0),
    as_of             timestamptz NOT NULL
);
COMMENT ON COLUMN lead_time_distribution.days IS 'Elapsed days from sent to received, ascending';

CREATE TABLE planning_parameters (
    parameter_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id            bigint NOT NULL REFERENCES planning_run,
    site_id           text NOT NULL REFERENCES site,
    item_id           bigint NOT NULL REFERENCES item,
    review_days       integer NOT NULL CHECK (review_days BETWEEN 1 AND 91),
    lead_time_dist_id bigint NOT NULL REFERENCES lead_time_distribution,
    protection_days   integer NOT NULL CHECK (protection_days >= review_days),
    bucket            text NOT NULL DEFAULT 'week' CHECK (bucket IN ('day', 'week')),
    demand_type       text NOT NULL DEFAULT 'independent'
        CHECK (demand_type IN ('independent', 'dependent', 'both')),
    target_kind       text NOT NULL CHECK (target_kind IN ('cycle_service', 'fill_rate')),
    target            double precision NOT NULL CHECK (target > 0 AND target <= 0.995),
    defaults          text[] NOT NULL,
    approved_at       timestamptz NOT NULL,
    approved_by       text NOT NULL
);
COMMENT ON COLUMN planning_parameters.defaults IS 'Which of the values nobody chose';
CREATE INDEX planning_parameters_latest ON planning_parameters (site_id, item_id, parameter_id DESC);

GRANT SELECT, INSERT ON replenishment_policy, lead_time_distribution, planning_parameters TO dockledger_app;
GRANT SELECT ON replenishment_policy, lead_time_distribution, planning_parameters
    TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['replenishment_policy', 'planning_parameters'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
