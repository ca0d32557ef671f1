-- Who challenges the method in force at a site, and which series have a model of their own: both decided by evidence.
CREATE TABLE model_setting (
    site_id         text PRIMARY KEY REFERENCES site,
    challengers     text[] NOT NULL,
    every_days      integer NOT NULL CHECK (every_days BETWEEN 7 AND 364),
    series_by_value integer NOT NULL CHECK (series_by_value BETWEEN 0 AND 500),
    budget_s        integer NOT NULL CHECK (budget_s BETWEEN 1 AND 3600),
    set_by          text NOT NULL,
    set_at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN model_setting.challengers IS 'Methods that a nightly run holds against the one in force';
COMMENT ON COLUMN model_setting.every_days IS 'So long after a contest the next one of the same challenger, or series, is due';
COMMENT ON COLUMN model_setting.series_by_value IS 'So many series of the greatest value are tried with a model of their own, beside those that are pinned';
COMMENT ON COLUMN model_setting.budget_s IS 'Processor time of fitting them in one run';

CREATE TABLE series_choice (
    choice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id   text NOT NULL REFERENCES site,
    item_id   bigint NOT NULL REFERENCES item,
    choice    text NOT NULL CHECK (choice IN ('pinned', 'left_out', 'by_value')),
    note      text NOT NULL,
    chosen_by text NOT NULL,
    chosen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE series_choice IS 'The latest row of a site and item counts; by_value takes a choice back';
CREATE INDEX series_choice_latest ON series_choice (site_id, item_id, choice_id DESC);

CREATE TABLE series_model (
    series_model_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text NOT NULL REFERENCES site,
    item_id       bigint NOT NULL REFERENCES item,
    run_id        bigint REFERENCES planning_run,
    name          text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,63}$'),
    standing      text NOT NULL CHECK (standing IN ('in_force', 'not_better', 'not_fitted', 'not_chosen')),
    why           text NOT NULL,
    fits          jsonb NOT NULL CHECK (jsonb_typeof(fits) = 'array'),
    evidence      jsonb NOT NULL CHECK (jsonb_typeof(evidence) = 'object'),
    judged_until  date NOT NULL,
    inputs_sha256 text NOT NULL CHECK (inputs_sha256 ~ '^[0-9a-f]{64}$'),
    code_version  text NOT NULL,
    decided_by    text NOT NULL,
    decided_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE series_model IS 'The latest row of a site and item counts; rows before it are its lineage';
COMMENT ON COLUMN series_model.fits IS 'Parameters by the last day they were fitted to: past origins are forecast by those of their time';
CREATE INDEX series_model_latest ON series_model (site_id, item_id, series_model_id DESC);

ALTER TABLE model_event DROP CONSTRAINT model_event_kind_check;
ALTER TABLE model_event ADD CONSTRAINT model_event_kind_check CHECK (kind IN (
    'trained', 'retrain_skipped', 'challenged', 'promoted', 'kept', 'withdrawn', 'not_held', 'fell_back', 'series_judged', 'ablated'));

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON series_choice FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON series_model FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON series_choice FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON series_model FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT, UPDATE ON model_setting TO dockledger_app;
GRANT SELECT, INSERT ON series_choice, series_model TO dockledger_app;
GRANT SELECT ON model_setting, series_choice, series_model TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['model_setting', 'series_choice', 'series_model'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
