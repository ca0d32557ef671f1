-- Serials of certificates that are called back although this ledger knows no such certificate: it was restored to a day
-- before they were signed.
CREATE TABLE called_back_serial (
    serial     text PRIMARY KEY CHECK (serial ~ '^[0-9a-f]{1,40}$'),
    revoked_at timestamptz NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    added_by   text NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON called_back_serial
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON called_back_serial
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
GRANT SELECT, INSERT ON called_back_serial TO dockledger_app;
GRANT SELECT ON called_back_serial TO dockledger_auditor;
