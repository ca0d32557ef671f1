-- Goods that handhelds received beyond what is tolerated, or that no line names, are put on hold once (DOMAIN D4).

-- How far in the ledger's order it has been looked for them. What was known before this migration was told, and stays so.
CREATE TABLE scanned_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    since    timestamptz NOT NULL
);
INSERT INTO scanned_head SELECT true, h.position, clock_timestamp() FROM ledger_head h WHERE h.shard = 0;
INSERT INTO scanned_head VALUES (true, 0, clock_timestamp()) ON CONFLICT DO NOTHING;

-- Numbers under which something was scanned, or of which something was said since: looked at once a site is whole up to then.
CREATE TABLE scanned_due (
    site_id text NOT NULL REFERENCES site,
    id      text NOT NULL,
    from_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, id)
);

-- Documents of which something was said that may make goods expected, or no longer expected.
CREATE TABLE scanned_note (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text NOT NULL,
    id      text NOT NULL
);

-- What was decided of a scan, once: what came beyond, and how much of it still lay there to be put on hold.
CREATE TABLE scanned_hold (
    hold_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id    text NOT NULL REFERENCES site,
    id         text NOT NULL,
    gateway_id integer NOT NULL REFERENCES gateway,
    epoch      bigint NOT NULL,
    seq        bigint NOT NULL,
    item_id    bigint NOT NULL REFERENCES item,
    of_type    text NOT NULL,
    of_line    text,
    reason     text NOT NULL CHECK (reason IN ('over', 'unexpected')),
    asked      numeric(26, 6) NOT NULL CHECK (asked > 0),
    held       numeric(26, 6) NOT NULL CHECK (held BETWEEN 0 AND asked),
    receipt    text,
    line       text,
    held_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (site_id, receipt, line) REFERENCES receipt_line,
    CHECK ((held > 0) = (receipt IS NOT NULL) AND (receipt IS NULL) = (line IS NULL))
);
COMMENT ON COLUMN scanned_hold.id IS 'The number that was scanned: of the ASN, else of the order';
COMMENT ON COLUMN scanned_hold.asked IS 'In base units; what of it is not held lay there no longer';
COMMENT ON COLUMN scanned_hold.receipt IS 'Under which it waits for somebody to judge it; NULL: nothing of it is held';
CREATE INDEX scanned_hold_of ON scanned_hold (site_id, id);
CREATE INDEX scanned_hold_receipt ON scanned_hold (site_id, receipt, line) WHERE receipt IS NOT NULL;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON scanned_hold FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON scanned_hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
ALTER TABLE scanned_hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON scanned_hold TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON scanned_hold TO dockledger_auditor, dockledger_planner USING (true);
GRANT SELECT, INSERT ON scanned_hold TO dockledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON scanned_due TO dockledger_app;
GRANT SELECT ON scanned_head, scanned_note TO dockledger_app;
GRANT SELECT ON scanned_head, scanned_due, scanned_note, scanned_hold TO dockledger_auditor, dockledger_planner;
