-- How far gateways were told what is open of their visits' loose lines. What was posted or said while a visit was registered
-- may have stayed unseen by both, so each stretch is looked at twice: it begins where the one before the last ended.
CREATE TABLE visits_head (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position      bigint,
    since         timestamptz,
    revision      bigint,
    last_position bigint,
    last_since    timestamptz,
    last_revision bigint
);
COMMENT ON COLUMN visits_head.position IS 'In the ledger''s order, from which it is looked next; NULL: everything is looked at';
COMMENT ON COLUMN visits_head.since IS 'From when it is looked next at what was said of lines';
COMMENT ON COLUMN visits_head.revision IS 'That of names, as it was known then';
INSERT INTO visits_head VALUES (true);
GRANT SELECT ON visits_head TO dockledger_app, dockledger_auditor, dockledger_planner;
CREATE INDEX document_line_end_at ON document_line_end (ended_at);
CREATE INDEX document_line_reopening_at ON document_line_reopening (reopened_at);
CREATE INDEX purchase_order_terms_since ON purchase_order_terms (since);
