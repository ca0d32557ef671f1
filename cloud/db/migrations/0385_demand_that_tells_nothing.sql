-- Days whose demand was as it was for a reason that will not come again (a flood, a customer's mistake, a strike). It
-- stays where it is; forecasts take these days for unknown. Never deleted: a mask that was wrong is withdrawn.
CREATE TABLE demand_mask (
    mask_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id      text NOT NULL REFERENCES site,
    item_id      bigint REFERENCES item,
    from_day     date NOT NULL,
    until_day    date NOT NULL CHECK (until_day >= from_day),
    kind         text NOT NULL CHECK (kind IN ('outlier', 'disruption', 'data_error', 'one_off')),
    reason       text NOT NULL CHECK (reason <> ''),
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by  text NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text,
    withdrawn_because text,
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL)),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_because IS NULL))
);
COMMENT ON COLUMN demand_mask.item_id IS 'NULL: of every item of the site';
COMMENT ON COLUMN demand_mask.until_day IS 'The last site day, itself included';
CREATE INDEX demand_mask_site ON demand_mask (site_id, mask_id);

CREATE TRIGGER not_deleted BEFORE DELETE ON demand_mask FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON demand_mask FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT ON demand_mask TO dockledger_app;
GRANT UPDATE (withdrawn_at, withdrawn_by, withdrawn_because) ON demand_mask TO dockledger_app;
GRANT SELECT ON demand_mask TO dockledger_auditor, dockledger_planner;
ALTER TABLE demand_mask ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON demand_mask TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON demand_mask TO dockledger_auditor, dockledger_planner USING (true);
