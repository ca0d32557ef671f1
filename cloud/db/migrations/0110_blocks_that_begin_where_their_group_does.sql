-- Blocks of the folded past are cut anew (decision 0003): from now on the fold job writes those of each level
-- that begin where their group of four begins, so that a question reads one block per level. What it derives
-- from stays; until it has caught up, answers are as right as ever, from single changes.
ALTER TABLE cell_bucket DISABLE TRIGGER append_only_whole;
TRUNCATE cell_bucket;
ALTER TABLE cell_bucket ENABLE TRIGGER append_only_whole;
UPDATE cell_fold SET blocked = 0 WHERE blocked <> 0;
-- A question also reads up to 63 changes that are in no block; with their values in the key's own pages that is
-- one or two of them, and not one of the table's for each.
ALTER TABLE cell_delta DROP CONSTRAINT cell_delta_pkey;
ALTER TABLE cell_delta ADD PRIMARY KEY (cell_id, ordinal) INCLUDE (occurred_at, delta);
