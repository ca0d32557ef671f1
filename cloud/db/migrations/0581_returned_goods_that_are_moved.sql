-- Returned goods that handhelds carry away as sellable follow as those on hold and in inspection do (DOMAIN D4).
DROP INDEX cell_that_waits;
CREATE INDEX cell_that_waits ON cell (location_id) WHERE disposition IN ('hold', 'inspection', 'returned');
