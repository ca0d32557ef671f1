-- What a packaging level holds: so many of another level, or of the base unit. Ratios in `identifier` follow from these
-- and hold from an instant on; what was stated is never rewritten.
CREATE TABLE packaging_level (
    gtin        text NOT NULL CHECK (gtin ~ '^[0-9]{14}$'),
    valid_from  timestamptz NOT NULL,
    item_id     bigint NOT NULL REFERENCES item,
    numerator   bigint NOT NULL CHECK (numerator > 0),
    denominator bigint NOT NULL CHECK (denominator > 0),
    of_gtin     text CHECK (of_gtin <> gtin),
    stated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    stated_by   text NOT NULL,
    PRIMARY KEY (gtin, valid_from)
);
COMMENT ON COLUMN packaging_level.of_gtin IS 'NULL: of the base unit';
CREATE INDEX packaging_level_item ON packaging_level (item_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON packaging_level FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON packaging_level
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
GRANT SELECT, INSERT ON packaging_level TO dockledger_app;
GRANT SELECT ON packaging_level TO dockledger_auditor, dockledger_planner;

-- Writers remember what an item is measured in, and forget it when that changes.
CREATE TRIGGER measured_anew AFTER UPDATE OF base_unit, is_integer_only ON item
    FOR EACH ROW WHEN (OLD.base_unit <> NEW.base_unit OR OLD.is_integer_only <> NEW.is_integer_only)
    EXECUTE FUNCTION bump_master_revision();
