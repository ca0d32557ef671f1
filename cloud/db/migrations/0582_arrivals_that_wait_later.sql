-- Goods that people received, or whose receipt was confirmed for a vehicle's visit, and that wait later: since a lot's date says so,
-- or since they were loose when they crossed their door (DOMAIN D4, D8).

-- Lots whose date was stated or changed, of items that ask how long they must keep, until a job has looked at what came of them.
CREATE TABLE lot_dated (
    item_id  bigint NOT NULL REFERENCES item,
    lot      text NOT NULL,
    is_noted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (item_id, lot)
);
COMMENT ON COLUMN lot_dated.is_noted IS 'Whether the numbers under which handhelds received it are noted';
CREATE INDEX lot_dated_new ON lot_dated (item_id, lot) WHERE NOT is_noted;

-- Visits whose loose goods crossed their door, or were received: looked at once the site is whole up to then.
CREATE TABLE loose_due (
    site_id text NOT NULL,
    visit   text NOT NULL,
    from_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, visit),
    FOREIGN KEY (site_id, visit) REFERENCES visit
);

CREATE INDEX scanned_hold_scan ON scanned_hold (gateway_id, epoch, seq);
COMMENT ON COLUMN scanned_hold.id IS 'The number that was scanned: of the ASN, else of the order, else of no paper; or the receipt''s or visit''s';
COMMENT ON COLUMN scanned_hold.of_type IS 'receipt: of no paper; paper: received by people; visit: of a vehicle';
GRANT SELECT, UPDATE, DELETE ON lot_dated TO dockledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON loose_due TO dockledger_app;
GRANT SELECT ON lot_dated, loose_due TO dockledger_auditor, dockledger_planner;
