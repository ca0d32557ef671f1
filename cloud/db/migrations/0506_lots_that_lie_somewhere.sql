-- Dated lots of which anything lies anywhere: what expires is found among these, however many lots ever expired. Kept by the
-- resolver's job in the ledger's order; what moved since its position is looked at beside.
CREATE TABLE lot_on_hand (
    item_id    bigint NOT NULL REFERENCES item,
    lot        text NOT NULL,
    expires_on date NOT NULL,
    is_checked boolean NOT NULL DEFAULT false,
    PRIMARY KEY (item_id, lot)
);
COMMENT ON COLUMN lot_on_hand.is_checked IS 'Whether the job has seen that it lies somewhere; until then it may';
CREATE INDEX lot_on_hand_expires ON lot_on_hand (expires_on, item_id, lot);
CREATE INDEX lot_on_hand_unchecked ON lot_on_hand (item_id, lot) WHERE NOT is_checked;

CREATE TABLE lot_on_hand_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO lot_on_hand_head SELECT true, h.position FROM ledger_head h WHERE h.shard = 0;
INSERT INTO lot_on_hand (item_id, lot, expires_on) SELECT l.item_id, l.lot, l.expires_on FROM lot l WHERE l.expires_on IS NOT NULL;
GRANT SELECT ON lot_on_hand, lot_on_hand_head TO dockledger_auditor, dockledger_planner;
