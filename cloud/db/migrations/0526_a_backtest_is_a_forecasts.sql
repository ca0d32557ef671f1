-- A line of a backtest belongs to a forecast, which names its run, site and item: one look instead of three for each line.
ALTER TABLE forecast_backtest
    DROP CONSTRAINT forecast_backtest_run_id_fkey,
    DROP CONSTRAINT forecast_backtest_site_id_fkey,
    DROP CONSTRAINT forecast_backtest_item_id_fkey,
    ADD CONSTRAINT forecast_backtest_forecast_fkey FOREIGN KEY (run_id, site_id, item_id) REFERENCES forecast;
