-- Goods that a handheld receives count for the order's line that their ASN's line delivers.
CREATE INDEX document_line_of_order ON document_line (site_id, order_id) WHERE order_id IS NOT NULL;
