-- What a broker of one's own reads from files that the cloud writes: passwords of gateways, and revoked certificates.
ALTER TABLE gateway_secret ADD COLUMN broker_hash text CHECK (broker_hash ~ '^[$]7[$][0-9]+[$][A-Za-z0-9+/=]+[$][A-Za-z0-9+/=]+$');
COMMENT ON COLUMN gateway_secret.broker_hash IS
    'as Mosquitto''s password file has it; null: the secret is older than this column, or the embedded broker''s';
GRANT SELECT (broker_hash) ON gateway_secret TO dockledger_app;

-- The list of revoked certificates that was written last, by the scheduler or by a person's command.
CREATE TABLE revoked_list (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    made_at     timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at > made_at),
    serials     integer NOT NULL CHECK (serials >= 0),
    is_laid_out boolean NOT NULL
);
COMMENT ON COLUMN revoked_list.is_laid_out IS 'the scheduler lays it where the broker reads it; false: a person does';
GRANT SELECT, INSERT, UPDATE ON revoked_list TO dockledger_app;
GRANT SELECT ON revoked_list TO dockledger_auditor;
