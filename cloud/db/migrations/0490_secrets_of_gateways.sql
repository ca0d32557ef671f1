-- With what a gateway shows over HTTPS who it is. Only the hash of a secret of 192 random bits is kept.
CREATE TABLE gateway_secret (
    gateway_id    integer NOT NULL REFERENCES gateway,
    kept_by       text NOT NULL CHECK (kept_by IN ('registry', 'broker')),
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    made_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (gateway_id, kept_by)
);
COMMENT ON COLUMN gateway_secret.kept_by IS
    'registry: told when the gateway was registered; broker: that of its account at the embedded broker';

GRANT SELECT ON gateway_secret TO dockledger_ingest;
GRANT SELECT (gateway_id, kept_by, made_at), INSERT, UPDATE ON gateway_secret TO dockledger_app;
GRANT SELECT (gateway_id, kept_by, made_at) ON gateway_secret TO dockledger_auditor;
