-- What movements do not say is resolved behind the watermark (DOMAIN D6, PROTOCOL P5).
ALTER TABLE item ADD COLUMN lot_rule text CHECK (lot_rule IN ('fefo', 'fifo'));
COMMENT ON COLUMN item.lot_rule IS 'In which order its lots are taken to be used where nothing tells; NULL: nobody knows';
CREATE INDEX cell_owner ON cell (item_id) WHERE owner IS NOT NULL;

CREATE TABLE resolver_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    papers_until timestamptz NOT NULL
);
COMMENT ON TABLE resolver_head IS 'How far in the ledger''s order, and in the documents, it has been looked for what must be resolved';
INSERT INTO resolver_head SELECT true, 0, '1970-01-01T00:00:00Z';

-- From when on the movements of an item at a site must be looked at again.
CREATE TABLE resolver_due (
    item_id bigint NOT NULL REFERENCES item,
    site_id text NOT NULL REFERENCES site,
    from_at timestamptz NOT NULL,
    PRIMARY KEY (item_id, site_id)
);

-- Up to when each site has been whole, as far as was ever known: a gateway that begins anew takes nothing back.
CREATE TABLE resolver_reach (
    site_id  text PRIMARY KEY REFERENCES site,
    until_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON resolver_due TO dockledger_app;
GRANT SELECT, UPDATE ON resolver_head TO dockledger_app;
GRANT SELECT ON resolver_reach TO dockledger_app;
GRANT SELECT ON resolver_due, resolver_head, resolver_reach TO dockledger_auditor, dockledger_planner;
