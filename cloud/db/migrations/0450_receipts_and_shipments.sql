-- Documents of a dock whole (DOMAIN D4): what is expected of whom, what people said came and left, and who judged it.
-- What of a line is open is derived from the movements that name it; here stands what was said beside them.
ALTER TABLE document DROP CONSTRAINT document_type_check;
ALTER TABLE document ADD CONSTRAINT document_type_check CHECK (type IN
    ('asn', 'outbound_order', 'purchase_order', 'customer_return', 'supplier_return', 'transfer'));
ALTER TABLE document ADD COLUMN due_on date;
COMMENT ON COLUMN document.due_on IS 'By the site''s days: when it is needed, or expected; NULL: nobody said';
ALTER TABLE document_line ADD COLUMN order_id text, ADD COLUMN order_line text,
    ADD CONSTRAINT document_line_order_check CHECK ((order_id IS NULL) = (order_line IS NULL));
COMMENT ON COLUMN document_line.order_id IS 'The purchase order whose line an ASN''s line delivers, or a supplier''s return takes back';

-- Movements by the lines of documents they name; those that name none are not in it.
CREATE INDEX movement_of_line ON movement USING gin ((detail -> 'documents') jsonb_path_ops)
    WITH (gin_pending_list_limit = 512) WHERE detail @? '$.documents[*].line';

-- What is expected of a line ends here: it was closed short, by a person or within the tolerance.
CREATE TABLE document_line_end (
    site_id  text NOT NULL,
    type     text NOT NULL,
    id       text NOT NULL,
    line     text NOT NULL,
    reason   text NOT NULL,
    short    numeric(26, 6) NOT NULL CHECK (short >= 0),
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_by text NOT NULL,
    PRIMARY KEY (site_id, type, id, line),
    FOREIGN KEY (site_id, type, id, line) REFERENCES document_line
);
COMMENT ON COLUMN document_line_end.short IS 'What was open then, in base units';

-- What is too much or too little, and what is inspected: of a supplier, an item, both or neither; the latest row of the
-- same names counts, the more special one goes before, and what it leaves NULL the more general one says.
CREATE TABLE receiving_rule (
    rule_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text NOT NULL REFERENCES site,
    supplier      text REFERENCES supplier,
    item_id       bigint REFERENCES item,
    over_percent  numeric(9, 3) CHECK (over_percent BETWEEN 0 AND 1000),
    short_percent numeric(9, 3) CHECK (short_percent BETWEEN 0 AND 100),
    inspects      boolean,
    set_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_by        text NOT NULL
);
CREATE INDEX receiving_rule_latest ON receiving_rule (site_id, supplier, item_id, rule_id DESC);

-- One delivery, or what came back, as a person said it; its movements name it.
CREATE TABLE receipt (
    site_id       text NOT NULL REFERENCES site,
    id            text NOT NULL,
    origin        text NOT NULL CHECK (origin IN ('supplier', 'customer', 'transfer')),
    partner       text,
    delivery_note text,
    visit         text,
    location      text NOT NULL,
    is_blind      boolean NOT NULL,
    occurred_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    posting_id    bigint,
    received_by   text NOT NULL,
    PRIMARY KEY (site_id, id),
    FOREIGN KEY (site_id, visit) REFERENCES visit
);
COMMENT ON COLUMN receipt.posting_id IS 'NULL: all of it was rejected, nothing moved';
CREATE INDEX receipt_latest ON receipt (site_id, recorded_at DESC, id);

CREATE TABLE receipt_line (
    site_id     text NOT NULL,
    id          text NOT NULL,
    line        text NOT NULL,
    ordinal     integer NOT NULL,
    of_type     text,
    of_id       text,
    of_line     text,
    item_id     bigint REFERENCES item,
    identifier_scheme text NOT NULL,
    identifier  text NOT NULL,
    unit_seen   text NOT NULL,
    expected    numeric(26, 6),
    declared    numeric(26, 6),
    open_before numeric(26, 6),
    received    numeric(26, 6) NOT NULL CHECK (received >= 0),
    damaged     numeric(26, 6) NOT NULL CHECK (damaged >= 0),
    rejected    numeric(26, 6) NOT NULL CHECK (rejected >= 0),
    held        numeric(26, 6) NOT NULL CHECK (held BETWEEN 0 AND received),
    over        numeric(26, 6) NOT NULL CHECK (over >= 0),
    short       numeric(26, 6) NOT NULL CHECK (short >= 0),
    condition   text NOT NULL CHECK (condition IN ('sellable', 'inspection', 'returned', 'hold')),
    is_unexpected boolean NOT NULL,
    reason      text,
    lot         text,
    unit        text,
    location    text NOT NULL,
    PRIMARY KEY (site_id, id, line),
    FOREIGN KEY (site_id, id) REFERENCES receipt,
    FOREIGN KEY (site_id, of_type, of_id, of_line) REFERENCES document_line,
    CHECK ((of_type IS NULL) = (of_line IS NULL) AND (of_type IS NULL) = (of_id IS NULL))
);
COMMENT ON COLUMN receipt_line.expected IS 'What the order behind the line asked for then; declared: what an ASN, return or transfer said';
COMMENT ON COLUMN receipt_line.received IS 'Sound, in base units; damaged came beside it; rejected was not taken in';
COMMENT ON COLUMN receipt_line.held IS 'Of what was received, put on hold: unexpected, or beyond the tolerance';
CREATE INDEX receipt_line_of ON receipt_line (site_id, of_type, of_id, of_line) WHERE of_type IS NOT NULL;

-- A posted line that was taken back: its movements are reversed, its rejected goods were not.
CREATE TABLE receipt_line_reversal (
    site_id     text NOT NULL,
    id          text NOT NULL,
    line        text NOT NULL,
    reason      text NOT NULL,
    posting_id  bigint,
    reversed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reversed_by text NOT NULL,
    PRIMARY KEY (site_id, id, line),
    FOREIGN KEY (site_id, id, line) REFERENCES receipt_line
);

-- What left against an order, a return to a supplier or a transfer, as a person said it.
CREATE TABLE shipment (
    site_id     text NOT NULL REFERENCES site,
    id          text NOT NULL,
    destination text NOT NULL CHECK (destination IN ('customer', 'supplier', 'transfer')),
    partner     text,
    carrier     text,
    visit       text,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    posting_id  bigint NOT NULL,
    shipped_by  text NOT NULL,
    PRIMARY KEY (site_id, id),
    FOREIGN KEY (site_id, visit) REFERENCES visit
);
CREATE INDEX shipment_latest ON shipment (site_id, recorded_at DESC, id);

CREATE TABLE shipment_line (
    site_id     text NOT NULL,
    id          text NOT NULL,
    line        text NOT NULL,
    ordinal     integer NOT NULL,
    of_type     text NOT NULL,
    of_id       text NOT NULL,
    of_line     text NOT NULL,
    item_id     bigint NOT NULL REFERENCES item,
    unit_seen   text NOT NULL,
    open_before numeric(26, 6) NOT NULL,
    quantity    numeric(26, 6) NOT NULL CHECK (quantity > 0),
    lot         text,
    unit        text,
    location    text,
    disposition text,
    PRIMARY KEY (site_id, id, line),
    FOREIGN KEY (site_id, id) REFERENCES shipment,
    FOREIGN KEY (site_id, of_type, of_id, of_line) REFERENCES document_line,
    CHECK ((unit IS NULL) <> (location IS NULL))
);
COMMENT ON COLUMN shipment_line.quantity IS 'In base units';
CREATE INDEX shipment_line_of ON shipment_line (site_id, of_type, of_id, of_line);

CREATE TABLE shipment_line_reversal (
    site_id     text NOT NULL,
    id          text NOT NULL,
    line        text NOT NULL,
    reason      text NOT NULL,
    posting_id  bigint NOT NULL,
    reversed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reversed_by text NOT NULL,
    PRIMARY KEY (site_id, id, line),
    FOREIGN KEY (site_id, id, line) REFERENCES shipment_line
);

-- What a person decided about goods of a receipt that wait: in inspection, returned, or on hold.
CREATE TABLE judgement (
    judgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL,
    id          text NOT NULL,
    line        text NOT NULL,
    waited_as   text NOT NULL CHECK (waited_as IN ('inspection', 'returned', 'hold')),
    verdict     text NOT NULL CHECK (verdict IN ('sellable', 'damaged', 'hold')),
    quantity    numeric(26, 6) NOT NULL CHECK (quantity > 0),
    grade       text,
    reason      text NOT NULL,
    location    text NOT NULL,
    posting_id  bigint NOT NULL,
    judged_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    judged_by   text NOT NULL,
    FOREIGN KEY (site_id, id, line) REFERENCES receipt_line,
    CHECK (waited_as <> verdict)
);
CREATE INDEX judgement_line ON judgement (site_id, id, line);

-- Goods on their way from one site to another; the document stands at both, so that each names its own lines.
CREATE TABLE transfer (
    from_site    text NOT NULL REFERENCES site,
    id           text NOT NULL,
    to_site      text NOT NULL REFERENCES site,
    carrier      text,
    departed_at  timestamptz,
    departed_by  text,
    cancelled_at timestamptz,
    cancelled_by text,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by   text NOT NULL,
    PRIMARY KEY (from_site, id),
    UNIQUE (to_site, id),
    CHECK (from_site <> to_site),
    CHECK (departed_at IS NULL OR cancelled_at IS NULL)
);

-- Serial references of SSCCs, each given out once; a block of them for printing offline is a longer step of the same.
CREATE TABLE sscc_series (
    site_id         text PRIMARY KEY REFERENCES site,
    company_prefix  text NOT NULL CHECK (company_prefix ~ '^[0-9]{4,12}$'),
    extension_digit smallint NOT NULL CHECK (extension_digit BETWEEN 0 AND 9),
    next_serial     bigint NOT NULL DEFAULT 1 CHECK (next_serial >= 0),
    set_by          text NOT NULL,
    set_at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE issued_sscc (
    sscc      text PRIMARY KEY CHECK (sscc ~ '^[0-9]{18}$'),
    site_id   text NOT NULL REFERENCES site,
    receipt   text,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    issued_by text NOT NULL
);
CREATE INDEX issued_sscc_site ON issued_sscc (site_id, issued_at);

-- When a vehicle came, beside the window it was given.
ALTER TABLE visit ADD COLUMN arrived_at timestamptz, ADD COLUMN carrier text;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['document_line_end', 'receiving_rule', 'receipt', 'receipt_line',
        'receipt_line_reversal', 'shipment', 'shipment_line', 'shipment_line_reversal', 'judgement', 'issued_sscc'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', guarded);
        EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', guarded);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO dockledger_app', guarded);
    END LOOP;
    FOREACH guarded IN ARRAY ARRAY['document_line_end', 'receiving_rule', 'receipt', 'receipt_line',
        'receipt_line_reversal', 'shipment', 'shipment_line', 'shipment_line_reversal', 'judgement', 'issued_sscc',
        'sscc_series'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
    END LOOP;
    FOREACH guarded IN ARRAY ARRAY['document_line_end', 'receiving_rule', 'receipt', 'receipt_line',
        'receipt_line_reversal', 'shipment', 'shipment_line', 'shipment_line_reversal', 'judgement', 'issued_sscc',
        'sscc_series', 'transfer'] LOOP
        EXECUTE format('GRANT SELECT ON %I TO dockledger_auditor, dockledger_planner', guarded);
        EXECUTE format('CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
ALTER TABLE transfer ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_either_site ON transfer TO dockledger_app
    USING (sees_site(from_site) OR sees_site(to_site)) WITH CHECK (sees_site(from_site) OR sees_site(to_site));
CREATE POLICY of_the_network ON issued_sscc FOR SELECT TO dockledger_app USING (true);
GRANT SELECT, INSERT ON transfer, sscc_series TO dockledger_app;
GRANT UPDATE (carrier, departed_at, departed_by, cancelled_at, cancelled_by) ON transfer TO dockledger_app;
GRANT UPDATE (next_serial, company_prefix, extension_digit, set_by, set_at) ON sscc_series TO dockledger_app;

-- Deliveries that were received against purchase orders before.
INSERT INTO receipt (site_id, id, origin, partner, delivery_note, location, is_blind, occurred_at, recorded_at, posting_id,
    received_by)
SELECT DISTINCT ON (r.site_id, r.id, r.receipt) r.site_id,
    CASE WHEN dense_rank() OVER (PARTITION BY r.site_id, r.receipt ORDER BY r.id) = 1 THEN r.receipt
        ELSE r.receipt || '~' || r.id END,
    'supplier', o.supplier, r.receipt, r.location, false, r.occurred_at, e.recorded_at, r.posting_id, r.received_by
FROM purchase_receipt r
JOIN purchase_order o ON (o.site_id, o.id) = (r.site_id, r.id)
JOIN ledger_entry e ON e.posting_id = r.posting_id
ORDER BY r.site_id, r.id, r.receipt;

INSERT INTO receipt_line (site_id, id, line, ordinal, of_type, of_id, of_line, item_id, identifier_scheme, identifier,
    unit_seen, expected, open_before, received, damaged, rejected, held, over, short, condition, is_unexpected, location)
SELECT r.site_id, n.id, r.line, row_number() OVER (PARTITION BY r.site_id, n.id ORDER BY r.line), 'purchase_order', r.id,
    r.line, l.item_id, 'sku', i.code, 'base', l.quantity, r.open_before, r.received, r.damaged, 0, 0, r.over, r.short, 'sellable', false,
    r.location
FROM purchase_receipt r
JOIN receipt n ON (n.site_id, n.posting_id) = (r.site_id, r.posting_id)
JOIN purchase_order_line l ON (l.site_id, l.id, l.line) = (r.site_id, r.id, r.line)
JOIN item i ON i.item_id = l.item_id;
