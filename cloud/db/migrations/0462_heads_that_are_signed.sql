-- What the order's head was, once an hour, under a signature whose key the database does not hold: whoever keeps an
-- exported head can tell whether the history up to it has been rewritten since, by whomever.
CREATE TABLE signed_head (
    position    bigint PRIMARY KEY REFERENCES ledger_entry,
    recorded_at timestamptz NOT NULL,
    chain       bytea NOT NULL,
    signed_at   timestamptz NOT NULL,
    public_key  bytea NOT NULL CHECK (octet_length(public_key) = 32),
    signature   bytea NOT NULL CHECK (octet_length(signature) = 64)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON signed_head FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON signed_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
GRANT SELECT, INSERT ON signed_head TO dockledger_app;
GRANT SELECT ON signed_head TO dockledger_auditor;
