-- Which ingest process is alive and which sites it serves. Correctness never depends on it.
CREATE TABLE ingest_worker (
    worker     text PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    metrics    jsonb NOT NULL DEFAULT '[]'
) WITH (fillfactor = 50);

CREATE TABLE ingest_lease (
    site_id text PRIMARY KEY,
    worker  text NOT NULL
);

-- What a process was working on when it died, and how often each batch was there (FAULTS F11).
CREATE TABLE ingest_in_flight (
    worker text PRIMARY KEY,
    sha256 text[] NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE ingest_suspect (
    sha256  text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    deaths  integer NOT NULL,
    last_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A publish that went to quarantine whole stands there once, however often it is sent.
CREATE UNIQUE INDEX quarantine_once ON quarantine (sha256, reason, topic) WHERE posting_id IS NULL;

CREATE VIEW pub_ingest_metric AS
SELECT w.worker, m.name, m.kind, m.labels, m.value
FROM ingest_worker AS w
CROSS JOIN LATERAL jsonb_to_recordset(w.metrics) AS m(name text, kind text, labels jsonb, value double precision);

GRANT SELECT, INSERT, UPDATE, DELETE ON ingest_worker, ingest_lease, ingest_in_flight, ingest_suspect
    TO dockledger_ingest;
GRANT SELECT ON ingest_worker, ingest_lease, ingest_suspect, pub_ingest_metric TO dockledger_app, dockledger_auditor;
