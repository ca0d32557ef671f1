-- One item takes another's place at a site: what was asked for of the one is history of the other, times a factor.
-- The lines of demand stay as they are; this is read over them. Nothing of it without an approved decision.
CREATE TABLE supersession (
    supersession_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL REFERENCES site,
    from_item   bigint NOT NULL REFERENCES item,
    to_item     bigint NOT NULL REFERENCES item CHECK (to_item <> from_item),
    from_day    date NOT NULL,
    factor      numeric(20, 6) NOT NULL CHECK (factor > 0),
    decision_id bigint NOT NULL UNIQUE REFERENCES decision,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by  text NOT NULL,
    ended_at    timestamptz,
    ended_by    text,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
COMMENT ON COLUMN supersession.factor IS 'Base units of to_item that are asked for in place of one of from_item';
CREATE UNIQUE INDEX supersession_in_force ON supersession (site_id, from_item) WHERE ended_at IS NULL;

CREATE TRIGGER not_deleted BEFORE DELETE ON supersession FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON supersession FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT ON supersession TO dockledger_app;
GRANT UPDATE (ended_at, ended_by) ON supersession TO dockledger_app;
GRANT SELECT ON supersession TO dockledger_auditor, dockledger_planner;
ALTER TABLE supersession ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON supersession TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON supersession TO dockledger_auditor, dockledger_planner USING (true);
