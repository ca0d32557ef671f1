-- Positions that would put a unit into itself (DOMAIN D5): of a circle the one that occurred last is kept as it was stated
-- and not followed, whichever arrived first. Derived in the posting that makes it so, or makes it so no more.
CREATE TABLE unfollowed_position (
    gateway_id    integer NOT NULL,
    epoch         bigint NOT NULL,
    seq           bigint NOT NULL,
    occurred_at   timestamptz NOT NULL,
    site_id       text NOT NULL REFERENCES site,
    unit_id       bigint NOT NULL,
    units         bigint[] NOT NULL,
    since_posting bigint NOT NULL,
    until_posting bigint,
    PRIMARY KEY (gateway_id, epoch, seq, since_posting)
);
COMMENT ON COLUMN unfollowed_position.units IS 'All that ever stood in one another and round again: what is told of them tells of this';
CREATE INDEX unfollowed_position_now ON unfollowed_position (unit_id) WHERE until_posting IS NULL;
GRANT SELECT ON unfollowed_position TO dockledger_auditor;
ALTER TABLE unfollowed_position ENABLE ROW LEVEL SECURITY;
CREATE POLICY everywhere ON unfollowed_position TO dockledger_auditor USING (true);
