-- A slot of a job is claimed once: by a lease, which is taken over when its scheduler is gone, and with a claim that
-- finishing must name, so that who was taken for dead cannot finish what another took over.
ALTER TABLE job_run
    ADD COLUMN state text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'retrying', 'done', 'failed', 'missed')),
    ADD COLUMN scheduler text,
    ADD COLUMN claim uuid,
    ADD COLUMN lease_until timestamptz,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    ADD COLUMN error text,
    ADD COLUMN asked_by text,
    ADD CONSTRAINT job_run_is_over CHECK ((state IN ('running', 'retrying')) = (finished_at IS NULL)),
    ADD CONSTRAINT job_run_is_claimed CHECK (state <> 'running' OR claim IS NOT NULL);
COMMENT ON COLUMN job_run.asked_by IS 'NULL: the clock did';
CREATE INDEX job_run_started ON job_run (started_at, job, slot);
CREATE INDEX job_run_open ON job_run (job, slot) WHERE finished_at IS NULL;

-- What schedulers run, and how the loops among them fare. A loop is held by one scheduler at a time.
CREATE TABLE job (
    job           text PRIMARY KEY,
    trigger       text NOT NULL,
    is_slotted    boolean NOT NULL,
    next_at       timestamptz,
    known_since   timestamptz NOT NULL,
    holder        text,
    lease_until   timestamptz,
    runs          bigint NOT NULL DEFAULT 0,
    failures      bigint NOT NULL DEFAULT 0,
    last_at       timestamptz,
    last_s        real,
    last_outcome  jsonb,
    last_error    text,
    failing_since timestamptz,
    retired_at    timestamptz
);
COMMENT ON COLUMN job.known_since IS 'slots before it are nobody''s';
COMMENT ON COLUMN job.retired_at IS 'set while no site and no release asks for it';

GRANT SELECT, INSERT, UPDATE ON job TO dockledger_app;
GRANT SELECT ON job TO dockledger_auditor, dockledger_planner;
GRANT SELECT ON job_run TO dockledger_planner;
