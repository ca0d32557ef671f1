-- Cells of goods whose condition was stated as sellable: what was posted to them before both were one is found at once.
CREATE INDEX cell_stated_sellable ON cell (cell_id) WHERE disposition = 'sellable';
