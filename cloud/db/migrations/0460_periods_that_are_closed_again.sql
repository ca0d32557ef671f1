-- A period is closed as the books were known at a position, and closed again with another one if what came late
-- must be in its figures (DOMAIN D7): a close itself never changes.
ALTER TABLE site ADD period_calendar text NOT NULL DEFAULT 'month'
    CHECK (period_calendar IN ('month', '4-4-5', '4-5-4', '5-4-4'));

ALTER TABLE period_close
    DROP CONSTRAINT period_close_site_id_ends_at_key,
    ADD period      text NOT NULL DEFAULT '',
    ADD starts_at   timestamptz,
    ADD revision    integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    ADD opens_from  bigint REFERENCES period_close,
    ADD asked_by    text,
    ADD reason      text,
    ADD note        text NOT NULL DEFAULT '',
    ADD open_points jsonb NOT NULL DEFAULT '[]',
    ADD currency    text,
    ADD decision_id bigint REFERENCES decision,
    ADD CONSTRAINT period_close_once UNIQUE (site_id, ends_at, revision);
COMMENT ON COLUMN period_close.opens_from IS 'The close that this one''s opening stock and costs come from';
COMMENT ON COLUMN period_close.reason IS 'Why it was closed with open points, or again';
ALTER TABLE period_balance ADD place_id bigint;
COMMENT ON COLUMN period_balance.place_id IS 'Where it lay: the cell''s place, or where its unit stood';

-- What a base unit cost at a close: kept, so that its values are the same for ever. No row: value unknown.
CREATE TABLE period_cost (
    close_id   bigint NOT NULL REFERENCES period_close,
    item_id    bigint NOT NULL REFERENCES item,
    basis      text NOT NULL CHECK (basis IN ('standard', 'average')),
    cost       numeric(20, 6) NOT NULL CHECK (cost >= 0),
    detail     jsonb NOT NULL DEFAULT '{}',
    posting_id bigint NOT NULL,
    PRIMARY KEY (close_id, item_id)
);
CREATE INDEX period_cost_posting ON period_cost (posting_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON period_cost FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON period_cost
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

-- Movements that occurred in a period closed before the ledger learnt of them; derived by the fold, by position.
CREATE TABLE prior_period_fact (
    site_id     text NOT NULL,
    position    bigint NOT NULL,
    gateway_id  integer NOT NULL,
    epoch       bigint NOT NULL,
    seq         bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, position, gateway_id, epoch, seq)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON prior_period_fact
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON prior_period_fact
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

-- Of closes the application sees those of its sites; what they hold it reads through functions (PROTOCOL P9).
REVOKE SELECT, INSERT ON period_balance FROM dockledger_app;
REVOKE INSERT ON period_close FROM dockledger_app;
GRANT SELECT ON period_cost, prior_period_fact TO dockledger_auditor;
ALTER TABLE period_close ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON period_close TO dockledger_app USING (sees_site(site_id));
CREATE POLICY everywhere ON period_close TO dockledger_auditor USING (true);
