-- Of goods of variable measure a movement says both how many and how heavy; one of them is the item's base unit, the
-- other is summed from these rows.
CREATE INDEX movement_weighed_from ON movement (from_cell) WHERE detail ? 'weight_kg';
CREATE INDEX movement_weighed_to ON movement (to_cell) WHERE detail ? 'weight_kg';
