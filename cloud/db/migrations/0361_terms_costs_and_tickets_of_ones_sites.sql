-- A session sees the terms, costs and tickets of its sites, and those of the network; what is the network's only
-- whoever sees every site changes.
ALTER TABLE supplier_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON supplier_item TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY of_the_network ON supplier_item FOR SELECT TO dockledger_app USING (site_id IS NULL);
CREATE POLICY everywhere ON supplier_item TO dockledger_auditor, dockledger_planner USING (true);

ALTER TABLE item_cost ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON item_cost TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON item_cost TO dockledger_auditor, dockledger_planner USING (true);

ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON ticket TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY of_the_network ON ticket FOR SELECT TO dockledger_app USING (site_id IS NULL);
CREATE POLICY everywhere ON ticket TO dockledger_ingest, dockledger_auditor, dockledger_planner
    USING (true) WITH CHECK (true);

ALTER TABLE ticket_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY as_its_ticket ON ticket_step TO dockledger_app
    USING (EXISTS (SELECT FROM ticket AS t WHERE t.ticket_id = ticket_step.ticket_id));
CREATE POLICY everywhere ON ticket_step TO dockledger_auditor, dockledger_planner USING (true);
