-- A session sees the subscriptions of its sites, with their secrets and what was sent; those of the network only whoever
-- sees every site.
ALTER TABLE webhook_subscription ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON webhook_subscription TO dockledger_app
    USING (current_setting('dockledger.sites', true) = '*' OR (site_id IS NOT NULL AND sees_site(site_id)))
    WITH CHECK (current_setting('dockledger.sites', true) = '*' OR (site_id IS NOT NULL AND sees_site(site_id)));
CREATE POLICY everywhere ON webhook_subscription TO dockledger_auditor USING (true);

ALTER TABLE webhook_delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY as_its_subscription ON webhook_delivery TO dockledger_app
    USING (current_setting('dockledger.sites', true) = '*' OR EXISTS (
        SELECT FROM webhook_subscription AS s WHERE s.subscription_id = webhook_delivery.subscription_id));
CREATE POLICY everywhere ON webhook_delivery TO dockledger_auditor USING (true);

ALTER TABLE webhook_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY as_its_deliveries ON webhook_event TO dockledger_app
    USING (current_setting('dockledger.sites', true) = '*' OR EXISTS (
        SELECT FROM webhook_delivery AS d WHERE d.event_id = webhook_event.event_id));
CREATE POLICY everywhere ON webhook_event TO dockledger_auditor USING (true);
