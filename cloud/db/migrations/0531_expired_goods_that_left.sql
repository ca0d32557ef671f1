-- How far in the ledger's order it has been looked for expired goods that handhelds shipped; what left before is not told.
CREATE TABLE left_expired_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO left_expired_head SELECT true, coalesce((SELECT h.position FROM ledger_head h WHERE h.shard = 0), 0);
GRANT SELECT ON left_expired_head TO dockledger_app, dockledger_auditor, dockledger_planner;
