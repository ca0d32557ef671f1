-- How far in the ledger's order it has been looked for goods that handhelds marked damaged; what was before is not told.
CREATE TABLE damaged_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO damaged_head SELECT true, coalesce((SELECT h.position FROM ledger_head h WHERE h.shard = 0), 0);
GRANT SELECT ON damaged_head TO dockledger_app, dockledger_auditor, dockledger_planner;
