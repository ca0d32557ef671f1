-- One serial at two sites sooner than anything travels (DOMAIN D3): two tags with one EPC, until somebody knows better. Each
-- pair of facts is told once; a pair that was taken back has ended.
CREATE TABLE serial_doubt (
    doubt_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    serial        text NOT NULL,
    site_id       text NOT NULL REFERENCES site,
    earlier       jsonb NOT NULL,
    later         jsonb NOT NULL,
    earlier_row   text NOT NULL,
    later_row     text NOT NULL,
    found_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at      timestamptz,
    UNIQUE (serial, earlier_row, later_row)
);
COMMENT ON COLUMN serial_doubt.site_id IS 'Where it was seen later';
CREATE INDEX serial_doubt_open ON serial_doubt (serial) WHERE ended_at IS NULL;
CREATE TRIGGER not_deleted BEFORE DELETE ON serial_doubt FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON serial_doubt FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

CREATE TABLE serial_doubt_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
COMMENT ON TABLE serial_doubt_head IS 'Up to which position facts have been held against each other';
INSERT INTO serial_doubt_head SELECT true, h.position FROM ledger_head h WHERE h.shard = 0;

ALTER TABLE unfollowed_position ADD told_at timestamptz;
COMMENT ON COLUMN unfollowed_position.told_at IS 'When people got a ticket for it';

GRANT SELECT ON serial_doubt, serial_doubt_head TO dockledger_auditor;
ALTER TABLE serial_doubt ENABLE ROW LEVEL SECURITY;
CREATE POLICY everywhere ON serial_doubt TO dockledger_auditor USING (true);
