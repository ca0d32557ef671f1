-- What handhelds receive of goods that a rule has inspected waits in inspection, as what people receive does (DOMAIN D4). What was
-- known before this migration came in sellable, and stays so.
ALTER TABLE scanned_head ADD COLUMN inspects_since timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE scanned_head ALTER COLUMN inspects_since DROP DEFAULT;
ALTER TABLE scanned_hold DROP CONSTRAINT scanned_hold_reason_check,
    ADD CONSTRAINT scanned_hold_reason_check CHECK (reason IN ('over', 'unexpected', 'inspection'));
COMMENT ON COLUMN scanned_hold.id IS 'The number that was scanned: of the ASN, else of the order, else of no paper';
COMMENT ON COLUMN scanned_hold.of_type IS 'receipt: of no paper';
