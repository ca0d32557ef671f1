-- Goods between two sites are their sender's until they are received or given up: a close keeps what of each cell was
-- the site's own, and how it split its figure, so that neither later rules nor later master data change it (DOMAIN D7).
ALTER TABLE period_close ADD transit_owner text CHECK (transit_owner = 'sender');
COMMENT ON COLUMN period_close.transit_owner IS
    'Whose value goods between sites are; NULL: made before that was decided, by the site''s own account of transit';
ALTER TABLE period_balance
    ADD valued   numeric(26, 6),
    ADD category text,
    ADD zone     text;
COMMENT ON COLUMN period_balance.valued IS
    'How much is in the site''s value; NULL: as its place and owner say, for a close made before this was kept';
COMMENT ON COLUMN period_balance.category IS 'Of the item, as it was when the period was closed';
COMMENT ON COLUMN period_balance.zone IS 'Where the place belonged when the period was closed';

-- What came of transfers, and was given up of them, is looked up by the site it came to.
CREATE INDEX movement_of_transfer ON movement (site_id, occurred_at)
    WHERE detail -> 'documents' @> '[{"type": "transfer"}]';
