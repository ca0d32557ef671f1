-- Whose goods a receipt's line says they are (consignment); what lies, and its value, follow from the movements' cells.
ALTER TABLE receipt_line ADD COLUMN owner text;
COMMENT ON COLUMN receipt_line.owner IS 'Whose they are, as stated; NULL: our own, or nobody said';
CREATE INDEX cell_of_owner ON cell (owner) WHERE owner IS NOT NULL;
