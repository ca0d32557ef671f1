-- Where a lot is and has been is looked up by its cells.
CREATE INDEX cell_lot ON cell (item_id, lot) WHERE lot IS NOT NULL;
