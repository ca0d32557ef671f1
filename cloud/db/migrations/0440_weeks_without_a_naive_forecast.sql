-- The naive forecast repeats a week; where that week is not known there is none, and it is not counted as nothing.
ALTER TABLE forecast_override_outcome ALTER COLUMN naive DROP NOT NULL;
COMMENT ON COLUMN forecast_override_outcome.naive IS 'NULL: a day of the week that it repeats is not known';
COMMENT ON COLUMN forecast_override_effect.naive IS
    'Demand of the seven days before first_day, NULL where not known: the yardstick repeats them';
