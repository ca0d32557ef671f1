-- The period that an item is forecast in is a planning parameter (DOMAIN D10): replenishment writes it from what forecasting
-- proved to cost least in stock, and names the proof; a forecast run reads the last one approved.
ALTER TABLE planning_parameters DROP CONSTRAINT planning_parameters_bucket_check;
ALTER TABLE planning_parameters ADD CONSTRAINT planning_parameters_bucket_check
    CHECK (bucket IN ('day', 'week', 'four_weeks', 'reconciled'));
ALTER TABLE planning_parameters ADD COLUMN bucket_choice_id bigint REFERENCES forecast_bucket;
COMMENT ON COLUMN planning_parameters.bucket IS 'Period that demand is forecast in; weeks until another is proven to cost less';
COMMENT ON COLUMN planning_parameters.bucket_choice_id IS 'By what evidence; NULL: nothing was decided for items of its kind';
