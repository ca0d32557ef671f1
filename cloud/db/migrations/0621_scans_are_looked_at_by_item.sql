-- Of which items of a number something must be looked at: of one item's scans no other's bear on, so that a receipt of many scans is
-- not derived whole at every scan (DOMAIN D4).
ALTER TABLE scanned_due ADD COLUMN items bigint[];
COMMENT ON COLUMN scanned_due.items IS 'NULL: of all';
