-- What people ask to be replayed; ingest carries it out and deletes the row in the posting's own transaction.
CREATE TABLE replay_request (
    quarantine_id bigint PRIMARY KEY REFERENCES quarantine,
    asked_by      text NOT NULL,
    asked_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts      integer NOT NULL DEFAULT 0,
    refused_at    timestamptz,
    refusal       text,
    CHECK ((refused_at IS NULL) = (refusal IS NULL))
);
COMMENT ON COLUMN replay_request.refusal IS 'Why it could not be posted; the entry stays held and may be asked for again';
CREATE INDEX replay_request_due ON replay_request (asked_at) WHERE refused_at IS NULL;

GRANT SELECT, INSERT, UPDATE ON replay_request TO dockledger_app;
GRANT SELECT, UPDATE, DELETE ON replay_request TO dockledger_ingest;
GRANT SELECT ON replay_request TO dockledger_auditor;

ALTER TABLE replay_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY as_its_entry ON replay_request TO dockledger_app
    USING (EXISTS (SELECT FROM quarantine AS q WHERE q.quarantine_id = replay_request.quarantine_id));
CREATE POLICY everywhere ON replay_request TO dockledger_ingest, dockledger_auditor USING (true) WITH CHECK (true);
