-- What a planning run read, with what parameters and code, and what came of it. Every result row names its run.
CREATE TABLE planning_run (
    run_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,63}$'),
    site_id        text REFERENCES site,
    slot           timestamptz,
    started_by     text NOT NULL,
    inputs_sha256  text NOT NULL CHECK (inputs_sha256 ~ '^[0-9a-f]{64}$'),
    inputs         jsonb NOT NULL CHECK (jsonb_typeof(inputs) = 'object'),
    parameters     jsonb NOT NULL CHECK (jsonb_typeof(parameters) = 'object'),
    code_version   text NOT NULL,
    as_of_position bigint NOT NULL,
    completeness   jsonb NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at    timestamptz CHECK (finished_at >= started_at),
    outcome        jsonb,
    error          text,
    state          text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    CHECK ((state = 'running') = (finished_at IS NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL))
);
COMMENT ON COLUMN planning_run.site_id IS 'NULL: the whole network';
COMMENT ON COLUMN planning_run.slot IS 'NULL: a person asked for it';

-- Whatever the number of schedulers and however often one of them was killed: one effective run per slot.
CREATE UNIQUE INDEX planning_run_slot ON planning_run (kind, coalesce(site_id, ''), slot)
    WHERE state = 'done' AND slot IS NOT NULL;
CREATE INDEX planning_run_latest ON planning_run (kind, site_id, run_id) WHERE state = 'done';
CREATE INDEX planning_run_running ON planning_run (kind, slot) WHERE state = 'running';

GRANT SELECT, INSERT ON planning_run TO dockledger_app, dockledger_planner;
GRANT UPDATE (finished_at, outcome, error, state) ON planning_run TO dockledger_app, dockledger_planner;
GRANT SELECT ON planning_run TO dockledger_auditor;

ALTER TABLE planning_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON planning_run TO dockledger_app
    USING (site_id IS NULL OR sees_site(site_id)) WITH CHECK (site_id IS NULL OR sees_site(site_id));
CREATE POLICY everywhere ON planning_run TO dockledger_planner, dockledger_auditor USING (true) WITH CHECK (true);

-- A run that is over stays as it is: results rest on it.
CREATE FUNCTION finished_run_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'run % is % and stays as it is', OLD.run_id, OLD.state USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER finished_run_is_fixed BEFORE UPDATE ON planning_run
    FOR EACH ROW WHEN (OLD.state <> 'running') EXECUTE FUNCTION finished_run_is_fixed();
