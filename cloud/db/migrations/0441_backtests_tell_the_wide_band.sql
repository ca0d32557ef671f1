-- Coverage is told of both bands: whether what came lay within the 95 % band that was drawn then.
ALTER TABLE forecast_backtest ADD COLUMN is_in_wide boolean;
COMMENT ON COLUMN forecast_backtest.is_in_wide IS 'Within the 95 % band; NULL: what came is not known, or the run is of an earlier release';
