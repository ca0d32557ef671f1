-- Which model forecast, learned from what, and why it is that one: versions with their parents, and every decision on them.
CREATE TABLE model_version (
    version_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text NOT NULL REFERENCES site,
    name          text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,63}$'),
    role          text NOT NULL CHECK (role IN ('champion', 'challenger', 'retired')),
    parent_id     bigint REFERENCES model_version,
    run_id        bigint REFERENCES planning_run,
    trained_from  date NOT NULL,
    trained_until date NOT NULL CHECK (trained_until >= trained_from),
    series        integer NOT NULL CHECK (series >= 0),
    because       text NOT NULL CHECK (because IN ('first', 'schedule', 'drift', 'code', 'asked', 'challenge')),
    parameters    jsonb NOT NULL CHECK (jsonb_typeof(parameters) = 'object'),
    weights       jsonb NOT NULL CHECK (jsonb_typeof(weights) = 'object'),
    state         bytea,
    state_sha256  text NOT NULL CHECK (state_sha256 ~ '^[0-9a-f]{64}$'),
    state_bytes   bigint NOT NULL CHECK (state_bytes >= 0),
    inputs_sha256 text NOT NULL CHECK (inputs_sha256 ~ '^[0-9a-f]{64}$'),
    code_version  text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at    timestamptz,
    CHECK ((role = 'retired') = (retired_at IS NOT NULL))
);
COMMENT ON COLUMN model_version.parent_id IS 'What it followed, or challenges';
COMMENT ON COLUMN model_version.weights IS 'Mean weight by member, for people; those of each series are in the state';
COMMENT ON COLUMN model_version.state IS 'As the engine writes it; NULL once it is too old to be needed: its hash stays';
CREATE UNIQUE INDEX model_champion ON model_version (site_id) WHERE role = 'champion';
CREATE INDEX model_listed ON model_version (site_id, version_id DESC);

CREATE TABLE model_event (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL REFERENCES site,
    version_id  bigint REFERENCES model_version,
    run_id      bigint REFERENCES planning_run,
    kind        text NOT NULL CHECK (kind IN ('trained', 'retrain_skipped', 'challenged', 'promoted', 'kept', 'withdrawn')),
    because     text NOT NULL,
    evidence    jsonb NOT NULL CHECK (jsonb_typeof(evidence) = 'object'),
    actor       text NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX model_event_listed ON model_event (site_id, event_id DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON model_event
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON model_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_deleted BEFORE DELETE ON model_version FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON model_version FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT ON model_version, model_event TO dockledger_app;
GRANT UPDATE (role, state, retired_at) ON model_version TO dockledger_app;
GRANT SELECT ON model_version, model_event TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['model_version', 'model_event'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
