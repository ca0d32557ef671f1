-- What customers send back loose through a door waits until it is graded (DOMAIN D4).
ALTER TABLE scanned_hold DROP CONSTRAINT scanned_hold_reason_check,
    ADD CONSTRAINT scanned_hold_reason_check CHECK (reason IN ('over', 'unexpected', 'inspection', 'returned'));
ALTER TABLE loose_due ADD COLUMN is_news boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN loose_due.is_news IS 'Whether something of it became known since returns of the visit were looked for, which wait for no watermark';
