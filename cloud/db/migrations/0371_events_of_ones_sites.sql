-- What holds at every site is stated only by whoever sees every site, whatever the SQL; and two sites' sources may call
-- their events alike.
DROP POLICY by_site ON event;
CREATE POLICY by_site ON event TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY of_the_network ON event FOR SELECT TO dockledger_app USING (site_id IS NULL);
ALTER TABLE event DROP CONSTRAINT event_source_reference_revision_key;
ALTER TABLE event ADD CONSTRAINT event_named_once UNIQUE NULLS NOT DISTINCT (site_id, source, reference, revision);
