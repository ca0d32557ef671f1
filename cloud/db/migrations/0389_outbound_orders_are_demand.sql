-- Outbound orders that are registered here can be a source of demand themselves: what they ask for counts as requested,
-- whether or not it left.
ALTER TABLE demand_source DROP CONSTRAINT demand_source_kind_check, DROP CONSTRAINT demand_source_check;
ALTER TABLE demand_source
    ADD CONSTRAINT demand_source_kind_check CHECK (kind IN ('rest', 'drop', 'push', 'orders')),
    ADD CONSTRAINT demand_source_place_check CHECK ((kind IN ('push', 'orders')) = (address IS NULL));
CREATE INDEX document_outbound ON document (site_id, created_at, id) WHERE type = 'outbound_order';
