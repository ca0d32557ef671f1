-- What people know and the history does not: approved adjustments of the system's forecast, with a name on each.
ALTER TABLE forecast
    ADD COLUMN mean_system real[],
    ADD COLUMN cum_q_system real[],
    ADD COLUMN override_ids bigint[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN forecast.mean_system IS 'What the system said by itself, where somebody adjusted it; NULL: mean is the system''s';
COMMENT ON COLUMN forecast.cum_q_system IS 'The system''s own sums; NULL: cum_q is the system''s';
COMMENT ON COLUMN forecast.override_ids IS 'The adjustments that mean and cum_q hold';

CREATE TABLE forecast_override (
    override_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL REFERENCES site,
    item_id     bigint REFERENCES item,
    category    text CHECK (length(category) BETWEEN 1 AND 128),
    from_day    date NOT NULL,
    to_day      date NOT NULL,
    expires_on  date NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('percent', 'add', 'replace')),
    amount      numeric(20, 6) NOT NULL,
    per_days    integer CHECK (per_days IN (1, 7)),
    reason      text NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_]{0,63}$'),
    evidence    text NOT NULL CHECK (length(evidence) BETWEEN 1 AND 2000),
    note        text NOT NULL DEFAULT '',
    is_small    boolean NOT NULL,
    basis       jsonb NOT NULL CHECK (jsonb_typeof(basis) = 'object'),
    author      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    decision_id bigint REFERENCES decision,
    applied_at  timestamptz,
    ended_at    timestamptz,
    ended_by    text,
    end_reason  text CHECK (end_reason ~ '^[a-z][a-z0-9_]{0,63}$'),
    CHECK (num_nonnulls(item_id, category) = 1),
    CHECK (category IS NULL OR mode = 'percent'),
    CHECK (from_day <= expires_on AND expires_on <= to_day),
    CHECK ((mode = 'percent') = (per_days IS NULL)),
    CHECK (mode <> 'percent' OR amount >= -100),
    CHECK (mode <> 'replace' OR amount >= 0),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
COMMENT ON TABLE forecast_override IS 'Where it stands follows from its decision, its days and ended_at';
COMMENT ON COLUMN forecast_override.expires_on IS 'Last day that it changes; it ends by itself, at the latest with to_day';
COMMENT ON COLUMN forecast_override.amount IS 'Percent of the system''s forecast more; or base units per per_days, more or instead';
COMMENT ON COLUMN forecast_override.is_small IS 'Below the least change that pays (Fildes & Goodwin 2007), and confirmed all the same';
COMMENT ON COLUMN forecast_override.basis IS 'What the system said when it was asked for: run, sums with and without, half-width of the band';
CREATE INDEX forecast_override_listed ON forecast_override (site_id, override_id DESC);
CREATE INDEX forecast_override_force ON forecast_override (site_id, expires_on) WHERE applied_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX forecast_override_decision ON forecast_override (decision_id);

-- What an adjustment made of the forecast that was in force when its days began; by this it is judged afterwards.
CREATE TABLE forecast_override_effect (
    override_id bigint NOT NULL REFERENCES forecast_override,
    item_id     bigint NOT NULL REFERENCES item,
    site_id     text NOT NULL REFERENCES site,
    run_id      bigint NOT NULL REFERENCES planning_run,
    first_day   date NOT NULL,
    from_day    date NOT NULL CHECK (from_day >= first_day),
    system      real[] NOT NULL,
    overridden  real[] NOT NULL,
    PRIMARY KEY (override_id, item_id),
    CHECK (cardinality(system) > 0 AND cardinality(system) = cardinality(overridden))
);
COMMENT ON COLUMN forecast_override_effect.first_day IS 'Of the run''s forecast: what came before it was known';
COMMENT ON COLUMN forecast_override_effect.system IS 'By day from from_day; overridden alike';

GRANT SELECT, INSERT ON forecast_override TO dockledger_app;
GRANT UPDATE (decision_id, applied_at, ended_at, ended_by, end_reason) ON forecast_override TO dockledger_app;
GRANT SELECT, INSERT, UPDATE ON forecast_override_effect TO dockledger_app;
GRANT SELECT ON forecast_override, forecast_override_effect TO dockledger_auditor, dockledger_planner;

CREATE TRIGGER not_deleted BEFORE DELETE ON forecast_override FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON forecast_override FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['forecast_override', 'forecast_override_effect'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
