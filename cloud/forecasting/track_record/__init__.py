"""How near past forecasts came: by class, volume, place and horizon, from backtests that runs kept."""
