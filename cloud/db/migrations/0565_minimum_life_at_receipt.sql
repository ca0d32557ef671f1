-- How long goods of an item must keep when they are received (DOMAIN D8), as people said it and when; the latest holds.
CREATE TABLE item_life (
    life_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id      bigint NOT NULL REFERENCES item,
    minimum_days integer CHECK (minimum_days BETWEEN 0 AND 36500),
    set_by       text NOT NULL,
    set_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN item_life.minimum_days IS 'Whole days for which they are good after the day of receipt; NULL: whatever comes is taken in';
CREATE INDEX item_life_of ON item_life (item_id, life_id DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON item_life FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON item_life FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
GRANT SELECT, INSERT ON item_life TO dockledger_app;
GRANT SELECT ON item_life TO dockledger_auditor, dockledger_planner;

ALTER TABLE receipt_line ADD COLUMN days_left integer;
COMMENT ON COLUMN receipt_line.days_left IS 'From the day of receipt until its lot expires, where that is less than its item asks for; NULL: it is not';
