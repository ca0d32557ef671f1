-- How much of an item lies in a condition in which it waits for a person (DOMAIN D4).
CREATE INDEX cell_of_item_that_waits ON cell (item_id) WHERE disposition IN ('inspection', 'returned', 'hold');
