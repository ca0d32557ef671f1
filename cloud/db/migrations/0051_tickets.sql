-- What a person should know: one open ticket per thing that is wrong, however often it is noticed.
CREATE TABLE ticket (
    ticket_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dedup_key   text NOT NULL,
    kind        text NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    site_id     text,
    summary     text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}',
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    occurrences bigint NOT NULL DEFAULT 1,
    resolved_at timestamptz
);
CREATE UNIQUE INDEX ticket_open ON ticket (dedup_key) WHERE resolved_at IS NULL;
CREATE INDEX ticket_site ON ticket (site_id, ticket_id);

GRANT SELECT, INSERT, UPDATE ON ticket TO dockledger_ingest, dockledger_app;
GRANT SELECT ON ticket TO dockledger_auditor, dockledger_planner;
