-- A supplier may be a site of ours; what a site is going to draw from it is that site's dependent demand (DOMAIN D10).
ALTER TABLE supplier ADD COLUMN own_site text UNIQUE REFERENCES site;
COMMENT ON COLUMN supplier.own_site IS 'The site of ours that it is: it delivers by transfers; NULL: somebody else';

CREATE TABLE planned_transfer (
    run_id    bigint NOT NULL REFERENCES planning_run,
    site_id   text NOT NULL REFERENCES site,
    item_id   bigint NOT NULL REFERENCES item,
    from_site text NOT NULL REFERENCES site,
    leaves_on date NOT NULL,
    quantity  numeric(20, 6) NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (site_id, item_id, leaves_on),
    CHECK (from_site <> site_id)
);
COMMENT ON TABLE planned_transfer IS 'What the last replenishment run of a site plans to draw from sites of ours, in base units';
CREATE INDEX planned_transfer_sending ON planned_transfer (from_site, item_id);

GRANT SELECT, INSERT, DELETE ON planned_transfer TO dockledger_app;
GRANT SELECT ON planned_transfer TO dockledger_auditor, dockledger_planner;
ALTER TABLE planned_transfer ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON planned_transfer TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON planned_transfer TO dockledger_auditor, dockledger_planner USING (true);
