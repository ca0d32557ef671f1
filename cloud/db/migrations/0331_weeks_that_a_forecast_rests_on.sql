-- The weeks a forecast was made from, so that it is shown with what was known then.
ALTER TABLE forecast ADD COLUMN history real[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN forecast.history IS 'Demand by week, the last ending with history_until; NULL: out of stock, not known';
